"""Where pods go and what is said of those that go nowhere, case by case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gitops.sandbox.cluster.made import cases, ending, node, pod

if TYPE_CHECKING:
    from gitops.sandbox.cluster.cluster import SandboxCluster
    from tests.gitops.sandbox.conftest import HandClock


@pytest.mark.parametrize("case", cases("scheduling"), ids=lambda case: case["name"])
def test_every_pod_ends_where_the_case_says(case: dict[str, Any], cluster: SandboxCluster) -> None:
    cluster.seed([node(**one) for one in case["nodes"]] + [pod(**one) for one in case["pods"]])
    found: list[Any] = cluster.listing("pods")
    pods = {item["metadata"]["name"]: item for item in found}
    assert {name: ending(pods[name]) for name in case["expect"]} == case["expect"]


def test_an_equal_pod_that_is_older_goes_first(cluster: SandboxCluster, clock: HandClock) -> None:
    cluster.create("pods", "default", pod("z", cpu="2"))
    clock.advance(1)
    cluster.create("pods", "default", pod("a", cpu="2"))
    cluster.join(node("one", cpu="2"))
    first, second = cluster.listing("pods")
    assert [ending(first), ending(second)] == ["0/1 nodes are available: 1 Insufficient cpu.", "one"]


def test_a_placed_pod_runs_and_a_refused_one_says_since_when(cluster: SandboxCluster, clock: HandClock) -> None:
    cluster.create("pods", "default", pod("web"))
    clock.advance(60)
    cluster.create("pods", "default", pod("other", cpu="99"))
    waiting: Any = cluster.listing("pods")[1]
    assert waiting["status"]["conditions"] == [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "no nodes available to schedule pods", "lastTransitionTime": "2026-03-01T12:00:00Z",
    }]  # fmt: skip
    cluster.join(node("one"))
    running: Any = cluster.listing("pods")[1]
    assert running["status"]["phase"] == "Running"
    assert {one["type"]: one["status"] for one in running["status"]["conditions"]} == {
        "ContainersReady": "True", "Initialized": "True", "PodScheduled": "True", "Ready": "True",
    }


def test_a_pod_waits_on_a_node_that_is_not_ready(cluster: SandboxCluster) -> None:
    down = node("one")
    down["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    cluster.seed([down, pod("web")])
    waiting: Any = cluster.listing("pods")[0]
    assert (ending(waiting), waiting["status"]["phase"]) == ("one", "Pending")


def test_a_gated_pod_is_left_alone(cluster: SandboxCluster) -> None:
    cluster.seed([node("one"), pod("web", spec={"schedulingGates": [{"name": "wait"}]})])
    (gated,) = cluster.listing("pods")
    assert ending(gated) == ""
