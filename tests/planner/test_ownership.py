"""Which NodePool a pool belongs to, and how the pools of a plan come about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.decide import decide, find_region
from planner.ownership import is_managed, owners
from planner.pools import Pool, PoolName, PoolSet
from planner.taints import Taint
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod

OWN = {"key": "own", "value": "x", "effect": "NoSchedule"}
POLICY = [
    node_class(), node_class("monthly", monthlyBilled=True), node_class("apart", antiAffinity=True),
    node_class("tagged", tags={"cost": "42"}),
    node_pool("blue", labels={"team": "blue"}), node_pool("plain"), node_pool("apart", nodeClass="apart"),
    node_pool("monthly", ["b2-7", "b3-8"], nodeClass="monthly"), node_pool("tainted", taints=[OWN]),
    node_pool("tagged", nodeClass="tagged"),
    node_pool("zoned", requirements=[{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-west-par-b"]}]),
]  # fmt: skip


def pool(**fields: object) -> Pool:
    return Pool(**{"name": PoolName("karpenter-b3-8-x"), "flavor": "b3-8", "zones": ("eu-west-par-a",), **fields})  # type: ignore[arg-type]


OWNERS = {
    "of no template": (pool(), ["monthly", "plain"]),
    "in a zone that one is bound to": (pool(zones=("eu-west-par-b",)), ["monthly", "plain", "zoned"]),
    "with a label": (pool(labels=(("team", "blue"),)), ["blue", "monthly", "plain"]),
    "that says whose it is": (pool(labels=(("karpenter.sh/nodepool", "plain"),)), ["plain"]),
    "with a taint": (pool(taints=(Taint("own", "x"),)), ["tainted"]),
    "with anti-affinity": (pool(anti_affinity=True), ["apart"]),
    "with a tag": (pool(labels=(("cost", "42"),)), ["monthly", "plain", "tagged"]),
    "by the month": (pool(flavor="b2-7", monthly_billed=True), ["monthly"]),
    "by the hour though there is a monthly plan": (pool(flavor="b2-7"), []),
    "of a flavor that none allows": (pool(flavor="b3-64"), []),
    "of a flavor that nobody knows": (pool(flavor="s1-2"), []),
}


@pytest.mark.parametrize("kind", OWNERS)
def test_a_pool_belongs_to_every_node_pool_that_could_have_made_it(kind: str) -> None:
    one, expected = OWNERS[kind]
    inputs = inputs_of(POLICY)
    assert [each.name for each in owners(one, inputs.policy, inputs.catalog, find_region(inputs))] == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pool(), True), (pool(autoscale=True), False), (pool(name=PoolName("base")), False),
        (pool(name=PoolName("base"), labels=(("karpenter.sh/nodepool", "default"),)), True),
    ],
)  # fmt: skip
def test_pools_are_known_by_name_or_label_where_no_repository_says(one: Pool, expected: bool) -> None:
    assert is_managed(one) is expected


def test_expected_nodes_take_no_name_that_a_node_has() -> None:
    own = "karpenter-b3-8-eu-west-par-a"
    objects = [node_class(), node_pool(flavors=["b3-8"]), node(f"{own}-node-000001", pool=own), pod("old", "1500m", on=f"{own}-node-000001")]
    inputs = inputs_of([*objects, pod("a", "1500m"), pod("b", "1500m")])
    on_order = replace(pool(name=PoolName(own), desired=2))
    inputs = replace(inputs, declared=PoolSet.of([on_order]), observed=PoolSet.of([on_order]))
    plan = decide(inputs, now=NOW)
    assert [each.name for each in plan.placements] == [f"{own}-node-000002", f"{own}-node-000003"]


def test_a_pool_that_only_the_provider_has_is_not_grown() -> None:
    inputs = inputs_of([node_class(), node_pool(flavors=["b3-8"]), node("n", taints=[OWN]), pod("a", "1500m")])
    stranger = pool(name=PoolName("karpenter-b3-8-eu-west-par-a"))
    plan = decide(replace(inputs, declared=PoolSet(), observed=PoolSet.of([stranger])), now=NOW)
    (change,) = plan.changes
    assert change.before is None
    assert change.pool.startswith("karpenter-b3-8-eu-west-par-a-")


def test_a_declared_pool_of_any_name_is_poolplan_s_own() -> None:
    inputs = inputs_of([node_class(), node_pool(flavors=["b3-8"]), node("n", taints=[OWN]), pod("a", "1500m")])
    mine = pool(name=PoolName("workers"))
    plan = decide(replace(inputs, declared=PoolSet.of([mine]), observed=PoolSet.of([mine])), now=NOW)
    assert [(change.pool, change.after and change.after.desired) for change in plan.changes] == [("workers", 1)]
