"""A proposal that takes nodes says what becomes of the pods on them, and says it again when that changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitops.loop.previews import departures_of
from gitops.loop.steps import Step
from planner.catalog import Region
from planner.labels import OVH_POOL
from planner.nodes import Node
from planner.plan import Plan
from planner.pods import Needs, Owner, Phase, Pod
from planner.policy import NodeClass, NodePool, Policy
from planner.portion import Kind
from planner.requirements import Requirements
from planner.resources import Resources
from planner.snapshot import Budget, Snapshot
from tests.gitops.loop.town import Town, nodes
from tests.gitops.plans import pool

POOL = "karpenter-b3-8-a"
ROOM = Resources.of({"cpu": 4000, "memory": 2**33, "pods": 110})
NODES = tuple(Node(name=f"n{number}", labels=((OVH_POOL, POOL),), allocatable=ROOM) for number in range(3))
BUDGET = Budget(namespace="shop", name="web", selector=Requirements.from_labels({"app": "web"}), allowed=1)


def web(name: str, on: str) -> Pod:
    return Pod(
        namespace="shop", name=name, node_name=on, phase=Phase.RUNNING, labels=(("app", "web"),),
        owner=Owner("Deployment", "shop", "web"), controller=("ReplicaSet", "web-1"),
    )  # fmt: skip


TOOL = Pod(
    namespace="shop", name="tool", node_name="n1", phase=Phase.RUNNING, needs=Needs(requests=Resources.of({"cpu": 5000})),
)  # fmt: skip
SNAPSHOT = Snapshot(nodes=NODES, pods=(TOOL, web("web-1", "n1"), web("web-2", "n0")), budgets=(BUDGET,))


@pytest.fixture
def town() -> Town:
    made = Town(snapshot=SNAPSHOT)
    made.edit_pools(nodes(3))
    return made


def smaller(town: Town) -> Plan:
    return town.plan(nodes(2), victims={POOL: ("n1",)})


def test_a_removal_names_the_pods_their_budget_and_who_says_no(town: Town) -> None:
    assert town.propose(smaller(town))[Kind.DOWN].step is Step.PROPOSE
    body = town.request(Kind.DOWN).body
    assert f"- `n1` of pool `{POOL}`: 2 pods are evicted\n" in body
    assert "`shop/tool` finds no room, and would wait; **not now:** no controller would start it again\n" in body
    assert (
        "`shop/web-1` of `Deployment shop/web` finds room on `n0`; its PodDisruptionBudget lets 1 pod go now\n"
    ) in body


def test_pods_that_come_and_go_change_the_text_and_no_commit(town: Town) -> None:
    plan = smaller(town)
    town.propose(plan)
    before = town.tip(Kind.DOWN)
    town.snapshot = replace(SNAPSHOT, pods=(web("web-9", "n1"),))
    assert town.propose(plan)[Kind.DOWN].step is Step.RETELL
    assert "web-9" in town.request(Kind.DOWN).body
    assert town.tip(Kind.DOWN) == before
    assert town.propose(plan)[Kind.DOWN].step is Step.AWAIT


def test_a_pool_that_is_replaced_loses_every_node(town: Town) -> None:
    plan = town.plan(pool(POOL, desired=3, flavor="b3-16"))
    found = departures_of(plan, town.inputs(), town.clock.now())
    assert [(one.node, one.pool, [each.pod for each in one.evictions]) for one in found] == [
        ("n0", POOL, ["shop/web-2"]), ("n1", POOL, ["shop/tool", "shop/web-1"]), ("n2", POOL, []),
    ]  # fmt: skip


def test_a_node_pools_time_is_told(town: Town) -> None:
    policy = Policy(
        node_pools=(NodePool(name="general", node_class="default", termination_grace_period=1800),),
        node_classes=(NodeClass(name="default", region="EU-WEST-PAR"),),
    )  # fmt: skip
    inputs = replace(town.inputs(), policy=policy)
    assert isinstance(inputs.catalog.region("EU-WEST-PAR"), Region)
    (found,) = departures_of(smaller(town), inputs, town.clock.now())
    assert found.forced_after == 1800


def test_what_takes_nothing_away_is_not_looked_at(town: Town) -> None:
    assert departures_of(town.plan(nodes(5)), town.inputs(), town.clock.now()) == ()


def test_where_nobody_knows_the_region_nobody_promises_a_time(town: Town) -> None:
    inputs = replace(town.inputs(), region="")
    (found,) = departures_of(smaller(town), inputs, town.clock.now())
    assert found.forced_after is None
    assert {one.onto for one in found.evictions} == {None}
