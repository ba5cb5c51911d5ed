"""Hands the real programs to the tests, and skips those whose program is missing, with the command that gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.controlplane import CONTROLLERS, SCHEDULER, ControlPlane, control_plane
from tests.real.giteaserver import Gitea, gitea_server
from tests.real.parts import cache_folder, find_mirror, find_program, part_named

FindPart = Callable[[str], Path]
PAGE = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, so that ``-m 'not real'`` leaves it out."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def find_part() -> FindPart:
    """Finds a program by name, or skips."""

    def find(name: str) -> Path:
        found = find_program(name)
        if found:
            return found
        part = part_named(name)
        remedy = f"`{part.command}` builds it" if part else "install it"
        pytest.skip(f"{name} is neither in {cache_folder() / 'bin'} nor on PATH: {remedy}")

    return find


@pytest.fixture(scope="session")
def find_provider() -> FindPart:
    """Finds the folder of Terraform providers that holds the real OVH one for `terraform` or `tofu`, or skips."""

    def find(program: str) -> Path:
        found = find_mirror(program)
        if found:
            return found
        mirror = cache_folder() / "mirror"
        remedy = f"run `{program} providers mirror {mirror}` in a folder whose configuration requires ovh/ovh"
        pytest.skip(f"the OVH provider for {program} is not in {mirror}: {remedy}")

    return find


@pytest.fixture(scope="session")
def running_plane(find_part: FindPart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for all tests of a run: it takes seconds to start."""
    programs = {name: find_part(name) for name in ("etcd", "kube-apiserver", SCHEDULER, CONTROLLERS)}
    with control_plane(programs, tmp_path_factory.mktemp("plane")) as plane:
        yield plane


@pytest.fixture
def plane(running_plane: ControlPlane) -> Iterator[ControlPlane]:
    """An empty cluster: an API server, with the scheduler and the controllers off until a test starts them."""
    yield running_plane
    running_plane.clear()


@pytest.fixture(scope="session")
def gitea(find_part: FindPart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """One Gitea for all tests of a run: it takes seconds to start. Its pages are short, so that lists have several."""
    with gitea_server(find_part("gitea"), tmp_path_factory.mktemp("gitea") / "server", page=PAGE) as server:
        yield server
