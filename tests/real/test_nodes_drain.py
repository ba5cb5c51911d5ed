"""Nodes drained on a real API server: the Eviction API, its budgets and its preconditions are Kubernetes' own.

There are no kubelets and no controllers: the test stops pods that were asked to, and says of each budget what the
disruption controller would. One test lets that controller run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gitops.clock import SystemClock
from gitops.cluster.connection import connect
from gitops.cluster.node_hands import DrainLimits
from tests.contracts.nodes import Object, World, budget, node, own, pod
from tests.contracts.test_nodes import *  # noqa: F403 - the same suite, over the fixture below
from tests.gitops.cluster.fakecluster import SLOW, TickingClock
from tests.real.controlplane import ControlPlane, path_of

if TYPE_CHECKING:
    from gitops.cluster.node_calls import NodeApi

PODS, NODES, BUDGETS = path_of("Pod", "default"), path_of("Node"), path_of("PodDisruptionBudget", "default")


@dataclass
class Planed:
    """A control plane as the suite wants it."""

    plane: ControlPlane
    api: NodeApi
    clock: TickingClock
    counts: bool = True

    def put(self, *objects: Object) -> None:
        for one in objects:
            self.plane.create([one])
            if one["kind"] == "Pod":
                path = f"{PODS}/{one['metadata']['name']}/status"
                self.plane.call("PATCH", path, {"status": one["status"]})
        self.count()

    def note(self, node: str, **annotations: str | None) -> None:
        self.plane.call("PATCH", f"{NODES}/{node}", {"metadata": {"annotations": own(annotations)}})

    def open(self, node: str) -> None:
        self.plane.call("PATCH", f"{NODES}/{node}", {"spec": {"unschedulable": None}})

    def node(self, name: str) -> Object:
        return self.plane.call("GET", f"{NODES}/{name}")

    def remove_node(self, name: str) -> None:
        self.plane.call("DELETE", f"{NODES}/{name}")

    def pods(self) -> list[str]:
        return [one["metadata"]["name"] for one in self.plane.listed("Pod")]

    def let_go(self, name: str) -> None:
        self.plane.call("PATCH", f"{PODS}/{name}", {"metadata": {"annotations": {SLOW: None}}})
        self.stop_pods()

    def stop_pods(self) -> None:
        """What kubelet does, and then the disruption controller."""
        for one in self.plane.listed("Pod"):
            meta = one["metadata"]
            if "deletionTimestamp" in meta and SLOW not in meta.get("annotations", {}):
                self.plane.call("DELETE", f"{PODS}/{meta['name']}", {"gracePeriodSeconds": 0})
        self.count()

    def count(self) -> None:
        """Say of each budget how many pods may go."""
        if not self.counts:
            return
        running = [one for one in self.plane.listed("Pod") if is_healthy(one)]
        for one in self.plane.listed("PodDisruptionBudget"):
            wanted = one["spec"]["selector"]["matchLabels"].items()
            healthy = sum(wanted <= each["metadata"]["labels"].items() for each in running)
            least = one["spec"]["minAvailable"]
            status = {
                "disruptionsAllowed": max(0, healthy - least), "currentHealthy": healthy, "desiredHealthy": least,
                "expectedPods": healthy, "observedGeneration": one["metadata"]["generation"], "disruptedPods": None,
            }  # fmt: skip
            self.plane.call("PATCH", f"{BUDGETS}/{one['metadata']['name']}/status", {"status": status})


def is_healthy(pod: Object) -> bool:
    ready = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}.get("Ready")
    return ready == "True" and "deletionTimestamp" not in pod["metadata"]


def made(plane: ControlPlane, *, counts: bool = True) -> Planed:
    clock = TickingClock(start=SystemClock().now)
    cluster = Planed(plane, connect({}, kubeconfig=plane.kubeconfig), clock, counts)
    clock.ticks.append(cluster.stop_pods)
    return cluster


@pytest.fixture
def world(plane: ControlPlane) -> World:
    return World(made(plane))


def test_the_disruption_controller_lets_one_pod_go_after_the_other(plane: ControlPlane) -> None:
    cluster = made(plane, counts=False)
    world = World(cluster)
    plane.start_controllers()
    bare = {"owner": ""}  # owners that do not exist would be garbage
    cluster.put(node("n1"), node("n2"), budget("web", least=2))
    cluster.put(*(pod(f"web-{number}", "n1", **bare) for number in range(1, 4)))  # type: ignore[arg-type]
    plane.wait("the budget's status", lambda: _allowed(plane) == 1)
    moved = iter(range(4, 7))

    def replace() -> None:
        """A pod that has gone comes again on the other node, as its workload would have it."""
        if len(cluster.pods()) < 3:
            cluster.put(pod(f"web-{next(moved)}", "n2", **bare))  # type: ignore[arg-type]
            plane.wait("the budget's status", lambda: _allowed(plane) == 1)

    cluster.clock.ticks.append(replace)
    found = world.drain("n1", limits=DrainLimits(bare=True))

    assert (found.emptied, cluster.pods()) == (("n1",), ["web-4", "web-5", "web-6"])
    assert any("the PodDisruptionBudget default/web says no" in text for text in world.said)


def _allowed(plane: ControlPlane) -> int:
    (one,) = plane.listed("PodDisruptionBudget")
    allowed: int = one.get("status", {}).get("disruptionsAllowed", -1)
    return allowed
