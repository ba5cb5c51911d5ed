"""State on a server that speaks Terraform's ``http`` backend: kept, locked, and unlocked when its holder is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.clock import SystemClock
from gitops.errors import Stalled
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions
from renderer.terraform_settings import Backend
from tests.gitops.engines.backends import Remote
from tests.gitops.engines.statehouse import PASSWORD, USER, Statehouse, statehouse
from tests.gitops.engines.story import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = {"ID": "6a1f", "Operation": "OperationTypeApply", "Who": "ci@runner", "Version": "1.11.4", "Info": "", "Path": "",
        "Created": "2026-01-02T10:00:00Z"}  # fmt: skip


@pytest.fixture(scope="module")
def house() -> Iterator[Statehouse]:
    with statehouse() as running:
        yield running


@pytest.fixture(scope="module")
def remote(
    house: Statehouse, terraform: str, cli_config: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Remote]:
    backend = Backend("http", (("address", house.url), ("lock_address", house.url), ("unlock_address", house.url)))
    with start_sandbox(SandboxOptions(timing=AT_ONCE), SystemClock()) as sandbox:
        yield Remote(
            backend, {"TF_HTTP_USERNAME": USER, "TF_HTTP_PASSWORD": PASSWORD}, sandbox.url, terraform, cli_config,
            tmp_path_factory.mktemp("remote"), secrets=(PASSWORD,), knows_locks=False,
        )  # fmt: skip


def test_what_one_machine_applies_another_knows(remote: Remote, house: Statehouse) -> None:
    remote.must_keep_the_state()
    assert house.asked.count("LOCK") == house.asked.count("UNLOCK") >= 2
    assert house.lock is None


def test_a_held_lock_is_told_with_a_way_out(remote: Remote, house: Statehouse) -> None:
    house.lock = LOCK
    remote.must_lock("6a1f")
    assert house.lock is None


def test_a_password_that_is_missing_is_told(remote: Remote) -> None:
    assert isinstance(remote.must_refuse_without("TF_HTTP_PASSWORD"), Stalled)
