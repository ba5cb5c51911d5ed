"""A desk to work at, and a sandbox with a small cluster that all tests of a module share."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.engines.program import has_embedded
from gitops.process import find_program
from gitops.sandbox.cluster.api import kubeconfig
from gitops.sandbox.cluster.cluster import SandboxCluster
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from tests.commands.tools import Desk, QuickClock
from tests.commands.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT_ONCE = Timing(join_after=timedelta(0), settle_after=timedelta(0))


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    """An empty folder and an empty home; a test that has a world reaches that from here."""
    if "world" in request.fixturenames:
        world: World = request.getfixturevalue("world")
        return world.desk(tmp_path)
    for name in ("desk", "home"):
        (tmp_path / name).mkdir()
    return Desk(folder=tmp_path / "desk", home=tmp_path / "home")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox with its small cluster, one for all tests of a module."""
    with living(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="session")
def terraform() -> str:
    """The name of the program to give to apply."""
    found = find_program("terraform") or find_program("tofu")
    if found is None and not has_embedded():
        pytest.skip("neither terraform nor tofu is on PATH, and the embedded extra is not installed")
    return found or "embedded"


@contextmanager
def living(folder: Path) -> Iterator[World]:
    clock = QuickClock()
    cluster = SandboxCluster(clock)
    with start_sandbox(SandboxOptions(timing=AT_ONCE), clock, cluster=cluster) as sandbox:
        (folder / "kubeconfig").write_text(kubeconfig(sandbox.url.removesuffix("/1.0")), encoding="utf-8")
        yield World(
            folder=folder, sandbox=sandbox, cluster=cluster, clock=clock, cli_config=install_mirror(folder / "mirror"),
            environment={
                "OVH_ENDPOINT": sandbox.url, "OVH_APPLICATION_KEY": "sandbox", "OVH_APPLICATION_SECRET": "sandbox",
                "OVH_CONSUMER_KEY": "sandbox", "OVH_SERVICE_NAME": PROJECT, "OVH_KUBE_ID": CLUSTER,
            },
        )  # fmt: skip
