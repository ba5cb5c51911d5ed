"""A real kube-apiserver keeps the contract of API servers, and what only a real one does: refuse, and go away."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from benchmarks import live as benchmark
from gitops.clock import SystemClock
from gitops.cluster.connection import connect
from gitops.cluster.live import LiveCluster
from gitops.errors import Stalled
from tests.commands.waiting import until
from tests.contracts.apiservers import Server, node, pod, server_at
from tests.contracts.test_api_server import *  # noqa: F403 - the same suite, over the fixture below
from tests.contracts.test_api_server import same_as_read_anew
from tests.real.controlplane import SCHEDULER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.conftest import FindPart
    from tests.real.controlplane import ControlPlane

LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
APISERVER = "kube-apiserver"


def stop(plane: ControlPlane) -> list[str]:
    """Stop the API server; its arguments."""
    arguments = plane.running[APISERVER].process.args
    assert isinstance(arguments, list)
    plane.stop(APISERVER)
    plane.hang_up(plane.port)
    return [str(one) for one in arguments[1:]]


def start(plane: ControlPlane, arguments: list[str]) -> None:
    """Start it again; it knows nothing of changes before its start."""
    plane._start(APISERVER, *arguments)
    plane.wait(APISERVER, plane._is_ready)


@pytest.fixture
def server(plane: ControlPlane) -> Iterator[Server]:
    plane.call("DELETE", LEASE)
    with ExitStack() as stack:

        def forget() -> str:
            start(plane, stop(plane))
            return "1"

        yield server_at(plane.kubeconfig, stack, forget)


def test_without_rights_there_is_no_snapshot(plane: ControlPlane) -> None:
    api = connect({}, kubeconfig=plane.folder / f"{SCHEDULER}.kubeconfig")
    with LiveCluster(api, environment={}, clock=SystemClock()) as live:
        until("the refusals are there", lambda: all(one.age is not None or one.problem for one in live.health()))
        with pytest.raises(Stalled, match=r"no right to list daemonsets\.apps in all namespaces .* grant the verb list"):
            live.snapshot_inputs()
        remarks = {one.kind: one.remark for one in live.health() if one.remark}
    assert remarks["limitranges"].startswith("no right to list limitranges: daemon sets")


def test_it_goes_on_when_the_server_comes_back(server: Server, plane: ControlPlane) -> None:
    clock = SystemClock()
    server.core.create_node(node("a"))
    with LiveCluster(server.api, environment={}, clock=clock) as live:
        assert live.wait_for_change(clock.now() + timedelta(seconds=60))
        arguments = stop(plane)
        until("the followers notice", lambda: any(one.problem for one in live.health()))
        assert [one.name for one in live.snapshot_inputs().snapshot.nodes] == ["a"]
        start(plane, arguments)
        server.core.create_namespaced_pod("default", pod("web"))
        until("the pod is seen", lambda: bool(live.snapshot_inputs().snapshot.pods))
        until("all is well", lambda: not any(one.problem for one in live.health()))
        until("nothing is missing", lambda: same_as_read_anew(live, server))


def test_the_benchmark_runs(find_part: FindPart, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("etcd", APISERVER):
        find_part(name)
    given = ["live", "--nodes", "3", "--running", "40", "--pending", "6", "--idle", "0.1"]
    monkeypatch.setattr(sys, "argv", [*given, "--json"])
    benchmark.main()
    told = json.loads(capsys.readouterr().out)
    assert (told["faults"], told["pending"]) == ([], 6)
    assert told["peak_rss_bytes"] >= told["rss_bytes"] > 0
    table = benchmark.table(benchmark.Measured(**{key: told[key] for key in benchmark.Measured.__dataclass_fields__}))
    assert len({line.count(" | ") for line in table.splitlines() if line.startswith("|")}) == 1
