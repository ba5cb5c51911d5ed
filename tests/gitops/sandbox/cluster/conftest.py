"""A cluster by a clock that tests move, the sandbox that serves it, and the clients that people use."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Protocol

import kubernetes.client
import kubernetes.config
import pytest

from gitops import process
from gitops.environment import inherited
from gitops.sandbox.cluster.cluster import SandboxCluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.sandbox.server import RunningSandbox
    from tests.gitops.sandbox.conftest import HandClock, Starter


class Kubectl(Protocol):
    """Runs kubectl against the cluster and gives what it printed; ``fails`` tells it to expect the opposite."""

    def __call__(self, *arguments: str, stdin: str = ..., fails: bool = ...) -> str: ...


@pytest.fixture
def cluster(clock: HandClock) -> SandboxCluster:
    return SandboxCluster(clock)


@pytest.fixture
def served(cluster: SandboxCluster, start: Starter) -> RunningSandbox:
    sandbox: RunningSandbox = start(cluster=cluster)
    return sandbox


@pytest.fixture
def kubeconfig(served: RunningSandbox, tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    file.write_text(served.model.kubeconfig, "utf-8")
    return file


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[Any]:
    """The real ``kubernetes`` package, set up by the kubeconfig."""
    with kubernetes.config.new_client_from_config(config_file=str(kubeconfig)) as client:  # type: ignore[no-untyped-call]
        yield client


@pytest.fixture
def kubectl(kubeconfig: Path, tmp_path: Path) -> Kubectl:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH: install it to see the cluster through it")
    fixed = ["kubectl", f"--kubeconfig={kubeconfig}", f"--cache-dir={tmp_path / 'cache'}"]

    def run(*arguments: str, stdin: str = "", fails: bool = False) -> str:
        done = process.run([*fixed, *arguments], env=inherited({}), stdin=stdin.encode(), timeout=60)
        assert (done.code != 0) is fails, f"{arguments}: {done.out}{done.err}"
        return done.err if fails else done.out

    return run
