"""The account of what may still be ordered, alone and in whole plans at OVHcloud's limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.candidates import Candidate, candidates
from planner.decide import decide, find_region
from planner.errors import ValueRefused
from planner.ledger import Ledger
from planner.pools import Pool, PoolName, PoolSet
from planner.resources import Resources
from planner.taints import Taint
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod

if TYPE_CHECKING:
    from planner.decide import Inputs

CORDON = (Taint("someone-elses", "", "NoSchedule"),)


def candidate(**options: object) -> Candidate:
    """The b3-8 in zone a of a policy."""
    anti_affinity = bool(options.pop("anti_affinity", False))
    inputs = inputs_of([node_class(antiAffinity=anti_affinity), node_pool(flavors=["b3-8"], **options)])
    region = find_region(inputs)
    return candidates(inputs.policy, inputs.catalog, region, nodes=(), daemonsets=())[0]


def test_pools_and_nodes_bound_what_may_be_ordered() -> None:
    one = candidate()
    assert Ledger(nodes_left=500, pools_left=2).affordable(one) == 200
    assert Ledger(nodes_left=3, pools_left=2).affordable(one) == 3
    assert Ledger(nodes_left=500, pools_left=0).affordable(one) == 0
    assert Ledger(nodes_left=-5, pools_left=2).affordable(one) == 0


def test_a_pool_with_anti_affinity_holds_five() -> None:
    assert Ledger(nodes_left=500, pools_left=2).affordable(candidate(anti_affinity=True)) == 10


@pytest.mark.parametrize(
    ("limits", "count"),
    [({}, 500), ({"cpu": "5"}, 2), ({"cpu": "0"}, 0), ({"memory": "24G"}, 3), ({"nodes": "4"}, 4), ({"nvidia.com/gpu": "0"}, 500),
     ({"cpu": "100", "memory": "16G"}, 2)],
)  # fmt: skip
def test_a_node_pool_s_limits_count_capacity(limits: dict[str, str], count: int) -> None:
    assert Ledger(nodes_left=500, pools_left=100).affordable(candidate(limits=limits)) == count


def test_what_exists_counts() -> None:
    ledger = Ledger(nodes_left=500, pools_left=100)
    ledger.charge("default", Resources.of({"cpu": 3000}))
    assert ledger.affordable(candidate(limits={"cpu": "6"})) == 1
    assert ledger.affordable(candidate(limits={"cpu": "2"})) == 0
    assert ledger.affordable(candidate(limits={"nodes": "3"})) == 2


@given(st.lists(st.integers(1, 7), max_size=20), st.integers(0, 60), st.integers(0, 4), st.booleans())
def test_an_order_leaves_as_much_less_as_was_ordered(orders: list[int], nodes: int, pools: int, anti: bool) -> None:
    one = candidate(limits={"cpu": "60"}, anti_affinity=anti)
    ledger = Ledger(nodes_left=nodes, pools_left=pools)
    for wanted in orders:
        before = ledger.affordable(one)
        count = min(wanted, before)
        ledger.order(one, count)
        assert ledger.affordable(one) == before - count
        assert (ledger.refusal(one) is None) == (before > count)


@given(st.integers(1, 30), st.integers(1, 30))
def test_what_is_given_back_may_be_ordered_again(count: int, back: int) -> None:
    one = candidate(limits={"cpu": "60"})
    ledger = Ledger(nodes_left=30, pools_left=1)
    before = ledger.affordable(one)
    ledger.order(one, count)
    ledger.order(one, -min(back, count))
    assert ledger.affordable(one) == max(0, before - count + min(back, count))


def test_a_copy_is_an_account_of_its_own() -> None:
    one = candidate(limits={"cpu": "60"})
    ledger = Ledger(nodes_left=30, pools_left=1)
    ledger.copy().order(one, 5)
    assert ledger.affordable(one) == 30


# Whole plans


def cluster(others: int, *, plan: str = "standard", waiting: int = 2, size: int = 0) -> Inputs:
    """A cluster with so many pools of other people, and pods that want a node each."""
    pods = [pod(f"web-{i}", "1500m") for i in range(waiting)]
    inputs = inputs_of([node_class(), node_pool(flavors=["b3-8"]), node("n", taints=[{"key": "own", "effect": "NoSchedule"}]), *pods])
    observed = PoolSet.of(
        Pool(name=PoolName(f"other-{i:03}"), flavor="b3-8", zones=("eu-west-par-a",), desired=size, taints=CORDON)
        for i in range(others)
    )
    return replace(inputs, observed=observed, cluster_plan=plan)


def test_the_hundredth_pool_is_made_and_the_hundred_and_first_is_not() -> None:
    assert [change.pool for change in decide(cluster(99), now=NOW).changes] == ["karpenter-b3-8-eu-west-par-a"]
    full = decide(cluster(100), now=NOW)
    assert full.changes == ()
    assert [(len(lost.pods), lost.reasons[0].filter) for lost in full.unplaced] == [(1, "ClusterPools")] * 2


def test_a_pool_that_is_there_may_grow_in_a_full_cluster() -> None:
    inputs = cluster(99)
    own = Pool(name=PoolName("karpenter-b3-8-eu-west-par-a"), flavor="b3-8", zones=("eu-west-par-a",))
    inputs = replace(inputs, declared=PoolSet.of([own]), observed=PoolSet.of([*inputs.observed, own]))
    plan = decide(inputs, now=NOW)
    assert plan.unplaced == ()
    assert [change.after and change.after.desired for change in plan.changes] == [2]


@pytest.mark.parametrize(("plan", "size", "placed"), [("free", 49, 1), ("free", 50, 0), ("standard", 249, 1), ("standard", 250, 0)])
def test_nodes_per_cluster_by_plan(plan: str, size: int, placed: int) -> None:
    found = decide(cluster(2, plan=plan, size=size), now=NOW)
    assert sum(len(each.pods) for each in found.placements) == placed
    assert {reason.filter for each in found.unplaced for reason in each.reasons} == {"ClusterNodes"}


def test_a_plan_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueRefused, match="free, standard"):
        decide(cluster(0, plan="premium"), now=NOW)
