"""A pool made smaller by hand while all its nodes are in use: proposed with the node's name, drained, removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gitops.sandbox.cluster.store import Key
from tests.commands.test_main_path import POOL, TF, apply, approve, clear, nodes, sizes
from tests.commands.tools import Desk, FleetRepository, new_repository, policy
from tests.commands.waiting import until

if TYPE_CHECKING:

    from tests.commands.world import World

#: Two of these do not fit on one b3-8.
WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: default}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: main, image: pause, resources: {{requests: {{cpu: 1500m, memory: 1Gi}}}}}}]}}
"""
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {name}, namespace: default}}
spec: {{minAvailable: 1, selector: {{matchLabels: {{app: {name}}}}}}}
"""


@pytest.fixture
def running(world: World, desk: Desk, terraform: str) -> FleetRepository:
    """Two workloads on two nodes of one pool, by the approved plan."""
    clear(world)
    fleet = new_repository(desk.folder / "fleet.git")
    fleet.commit({"cluster.yaml": world.settings(), "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    for name in ("api", "web"):
        world.seed(WORKLOAD.format(name=name))
    approve(desk, fleet)
    applied = apply(desk, world, terraform)
    assert applied.code == 0, applied
    until("both pods run", lambda: all(homes(world).values()))
    return fleet


def homes(world: World) -> dict[str, str]:
    """The node of each workload's pod."""
    pods = world.cluster.listing("pods")
    return {one["metadata"]["labels"]["app"]: one["spec"].get("nodeName", "") for one in pods}  # type: ignore[index, call-overload, union-attr, misc]


def is_cordoned(world: World, name: str) -> bool:
    return bool(world.cluster.read(Key("nodes", "", name))["spec"].get("unschedulable"))  # type: ignore[union-attr, call-overload, index]


def shrink(desk: Desk, fleet: FleetRepository) -> str:
    """Somebody wants one node less, and that is approved; the node that is to be drained for it."""
    text = fleet.read(TF)
    fleet.commit({TF: text.replace("desired_nodes = 2", "desired_nodes = 1")}, "One node is enough")
    approve(desk, fleet)
    (change,) = json.loads(fleet.read("plan.json"))["changes"]
    assert change["drains"] is True
    (victim,) = change["victims"]
    return str(victim)


def test_a_node_in_use_leaves_once_its_budget_agrees(
    world: World, desk: Desk, running: FleetRepository, terraform: str
) -> None:
    victim = shrink(desk, running)
    (app,) = [name for name, node in homes(world).items() if node == victim]

    world.seed(BUDGET.format(name=app))
    refused = apply(desk, world, terraform)
    assert refused.code == 3, refused
    assert f"poolplan: cordoned {victim}\n" in refused.err
    assert f"the PodDisruptionBudget default/{app} says no: it needs 1 healthy pods and has 1 currently" in refused.err
    assert refused.err.splitlines()[-1].endswith("; given up after 15 minutes")
    assert (sizes(world), is_cordoned(world, victim)) == ({POOL: 2}, False)

    world.cluster.delete(Key("poddisruptionbudgets.policy", "default", app), {})
    applied = apply(desk, world, terraform)
    assert applied.code == 0, applied
    assert f"poolplan: {victim}: empty\n" in applied.err
    assert sizes(world) == {POOL: 1}
    until("the node is gone", lambda: len(nodes(world)) == 1)
    assert homes(world)[app] == ""


def test_nodes_of_a_plan_that_nobody_asks_for_any_more_take_pods_again(
    world: World, desk: Desk, running: FleetRepository, terraform: str
) -> None:
    text = running.read(TF)
    victim = shrink(desk, running)
    world.fail(method="PUT", path="*/nodepool/*", status=503, times=None)
    waiting = apply(desk, world, terraform)
    assert waiting.code != 0, waiting
    assert is_cordoned(world, victim), "the next try goes on with it"
    world.heal()

    running.commit({TF: text}, "Two nodes, after all")
    approve(desk, running)
    given_up = apply(desk, world, terraform)
    assert not is_cordoned(world, victim), given_up
    assert f"opened {victim} again: the plan that they were cordoned for is no more asked for" in given_up.err
    again = apply(desk, world, terraform)
    assert "opened" not in again.err, again
