"""A real Gitea keeps the contract of every forge, over Git remotes that are called with a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.clock import SystemClock
from gitops.forges.gitea import GiteaForge
from gitops.forges.gitea_api import GiteaApi
from gitops.forges.rest import Server
from gitops.git.opening import open_repository
from tests.contracts.forges import BOT, Maker, World, begin
from tests.contracts.test_forge import *  # noqa: F403 - the same suite, over the fixtures below
from tests.gitops.git.tools import isolate
from tests.real.conftest import PAGE
from tests.real.giteaserver import Gitea, GiteaPeople

if TYPE_CHECKING:
    from pathlib import Path

    from gitops.git.plain import PlainRepository


class Token:
    """A token that does not change."""

    def __init__(self, value: str) -> None:
        self.value = value

    def current(self) -> str:
        return self.value

    def secrets(self) -> tuple[str, ...]:
        return (self.value,)


def api_of(gitea: Gitea, repository: str, *, who: str = BOT) -> GiteaApi:
    name = f"{gitea.url.partition('://')[2]}/{repository}"
    return GiteaApi(Server(url=gitea.url, name=name), Token(gitea.tokens[who]), SystemClock())


def repository_of(gitea: Gitea, repository: str, folder: Path, *, who: str = BOT) -> PlainRepository:
    return open_repository(gitea.clone_url(repository), cache=folder / "mirror", token=lambda: gitea.tokens[who])


@pytest.fixture
def maker() -> Maker:
    return Maker(name="gitea", make=lambda *_: pytest.fail("made by the fixture world"), page=PAGE)


@pytest.fixture
def world(gitea: Gitea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    isolate(tmp_path / "home", monkeypatch)
    name = gitea.new_repository()
    repository = repository_of(gitea, name, tmp_path)
    repository.refresh()
    begin(repository)
    repository.refresh()
    forge = GiteaForge(api_of(gitea, name), name)
    return World(forge=forge, repository=repository, people=GiteaPeople(gitea, name))
