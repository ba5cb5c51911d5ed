"""Which plans break which limits, and how it is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.accounts import Account, accounts, repriced
from planner.decide import find_region
from planner.guardrails import (
    EACH,
    Guardrails,
    LastDay,
    PerDay,
    PerNodePool,
    Violation,
    check,
    done_by,
    hourly_added,
    nodes_added,
    nodes_removed,
)
from planner.plan import Plan, Price
from planner.pools import Pool, PoolName
from tests.gitops.plans import MICRO, plan_of, pool
from tests.gitops.review.changes import NODE, costed, written_plan
from tests.planner.cluster import inputs_of, node_class, node_pool

A, B = "karpenter-b3-8-a", "karpenter-b3-8-b"
sizes = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), max_size=4)


def pools_of(counts: dict[str, int]) -> tuple[Pool, ...]:
    return tuple(pool(f"karpenter-b3-8-{name}", count) for name, count in counts.items())


def test_without_limits_nothing_is_broken() -> None:
    assert check(plan_of((), (pool(A, 100),), hourly=(0, 10**9)), Guardrails()) == ()


@pytest.mark.parametrize(
    ("before", "after", "added", "removed"),
    [
        ((), (pool(A, 3),), 3, 0),
        ((pool(A, 3),), (), 0, 3),
        ((pool(A, 3),), (pool(A, 5),), 2, 0),
        ((pool(A, 5),), (pool(A, 3),), 0, 2),
        ((pool(A, 5),), (pool(A, 5, maximum=9),), 0, 0),
        ((pool(A, 5),), (pool(A, 4, flavor="b3-16"),), 4, 5),
    ],
    ids=["create", "delete", "grow", "shrink", "other field", "replace"],
)
def test_nodes_are_counted_by_what_happens_to_the_pool(
    before: tuple[Pool, ...], after: tuple[Pool, ...], added: int, removed: int
) -> None:
    (change,) = plan_of(before, after).changes
    assert (nodes_added(change), nodes_removed(change)) == (added, removed)


def test_named_victims_count_even_where_the_size_says_less() -> None:
    (change,) = plan_of((pool(A, 2),), (pool(A, 2, maximum=9),), victims={A: ("x", "y", "z")}).changes
    assert nodes_removed(change) == 3


def test_every_broken_limit_is_named_in_order() -> None:
    plan = plan_of((pool(A, 1),), (pool(B, 9),), hourly=(MICRO, 3 * MICRO))
    limits = Guardrails(max_nodes_added=8, max_nodes_removed=0, max_pools=0, max_nodes=8, max_hourly=MICRO)
    assert check(plan, limits) == (
        Violation("maxNodesAdded", "the plan adds 9 nodes, at most 8 may be added"),
        Violation("maxNodesRemoved", "the plan removes 1 node, at most 0 may be removed"),
        Violation("maxNodes", "the plan leads to 9 nodes, at most 8 are allowed"),
        Violation("maxHourly", "the plan leads to 3.00 EUR per hour, at most 1.00 are allowed"),
    )


def test_what_git_takes_over_breaks_limits_on_the_whole_alone() -> None:
    takes = replace(plan_of((pool("a", 2),), (pool("a", 9),)), adopts=True)
    steps = Guardrails(max_nodes_added=1, max_growth_percent=1, per_day=PerDay(nodes_added=1))
    assert check(takes, steps) == ()
    assert [one.rule for one in check(takes, Guardrails(max_nodes=5))] == ["maxNodes"]
    assert done_by([takes]) == LastDay()


def test_the_number_of_pools_is_limited() -> None:
    found = check(plan_of((pool(A),), (pool(A), pool(B))), Guardrails(max_pools=1))
    assert found == (Violation("maxPools", "the plan leads to 2 pools, at most 1 are allowed"),)


def test_a_limit_that_is_met_exactly_holds() -> None:
    plan = plan_of((pool(A, 2),), (pool(A, 1), pool(B, 4)), hourly=(0, MICRO))
    limits = Guardrails(max_nodes_added=4, max_nodes_removed=1, max_pools=2, max_nodes=5, max_hourly=MICRO)
    assert check(plan, limits) == ()


def test_a_cluster_over_its_limits_may_be_made_smaller() -> None:
    smaller = plan_of((pool(A, 9), pool(B, 9)), (pool(A, 8), pool(B, 9)), hourly=(9 * MICRO, 8 * MICRO))
    limits = Guardrails(max_pools=1, max_nodes=2, max_hourly=MICRO)
    assert check(smaller, limits) == ()


@given(before=sizes, after=sizes, limit=st.integers(0, 20))
def test_nodes_never_pass_a_limit_unseen(before: dict[str, int], after: dict[str, int], limit: int) -> None:
    """What a plan adds, less what it removes, is the growth; growth past a limit is always found."""
    plan = plan_of(pools_of(before), pools_of(after))
    added, removed = sum(map(nodes_added, plan.changes)), sum(map(nodes_removed, plan.changes))
    assert added - removed == sum(after.values()) - sum(before.values())
    found = {violation.rule for violation in check(plan, Guardrails(max_nodes_added=limit, max_nodes=limit))}
    assert ("maxNodesAdded" in found) == (added > limit)
    assert ("maxNodes" in found) == (limit < sum(after.values()) > sum(before.values()))


def rules(plan: Plan, limits: Guardrails, **given: object) -> list[str]:
    return [violation.rule for violation in check(plan, limits, **given)]  # type: ignore[arg-type]


def test_what_a_plan_adds_in_cost_is_not_paid_for_by_what_it_saves() -> None:
    plan = written_plan({"a": {"to": 3}, "b": {"from": 3}})
    assert hourly_added(plan) == 3 * NODE
    assert check(plan, Guardrails(max_hourly_added=3 * NODE)) == ()
    assert check(plan, Guardrails(max_hourly_added=3 * NODE - 1)) == (
        Violation("maxHourlyAdded", "the plan adds 0.30 EUR per hour, at most 0.299999 may be added"),
    )


def test_cost_that_no_change_tells_of_is_added_all_the_same() -> None:
    plan = plan_of((pool(A),), (pool(A, 2),), hourly=(MICRO, 3 * MICRO))
    assert hourly_added(plan) == 2 * MICRO
    assert rules(plan, Guardrails(max_hourly_added=MICRO)) == ["maxHourlyAdded"]


def test_deleted_pools_are_counted_replaced_ones_too() -> None:
    plan = plan_of((pool(A), pool(B)), (pool(A, flavor="b3-16"),))
    assert check(plan, Guardrails(max_pools_deleted=2)) == ()
    assert check(plan, Guardrails(max_pools_deleted=1)) == (
        Violation("maxPoolsDeleted", "the plan deletes or replaces 2 pools, at most 1 may be"),
    )
    assert check(plan_of((pool(A),)), Guardrails(max_pools_deleted=0)) == (
        Violation("maxPoolsDeleted", "the plan deletes or replaces 1 pool, at most 0 may be"),
    )


@pytest.mark.parametrize(
    ("before", "after", "limit", "broken"),
    [
        (10, 15, 50, False), (10, 16, 50, True), (1, 2, 100, False), (1, 2, 99, True), (3, 4, 33, True), (3, 4, 34, False),
        (0, 1, 1000, True), (0, 0, 0, False), (10, 9, 0, False),
    ],
)  # fmt: skip
def test_growth_is_limited_in_percent_from_the_first_pool_on(before: int, after: int, limit: int, broken: bool) -> None:
    plan = plan_of((pool(A, before),), (pool(A, after),))
    assert rules(plan, Guardrails(max_growth_percent=limit)) == (["maxGrowthPercent"] if broken else [])


def test_of_no_node_any_growth_is_too_much() -> None:
    assert check(plan_of((), (pool(A, 1),)), Guardrails(max_growth_percent=100)) == (
        Violation("maxGrowthPercent", "the plan adds 1 node to 0, at most 100 % may be added"),
    )


def test_shrinking_is_limited_in_percent() -> None:
    plan = plan_of((pool(A, 4), pool(B, 1)), (pool(A, 3),))
    assert check(plan, Guardrails(max_shrink_percent=40)) == ()
    assert check(plan, Guardrails(max_shrink_percent=39)) == (
        Violation("maxShrinkPercent", "the plan removes 2 nodes of 5, at most 39 % may be removed"),
    )


DAY = Guardrails(per_day=PerDay(nodes_added=5, nodes_removed=3, hourly_added=5 * NODE))


def test_a_day_counts_what_was_applied_before() -> None:
    plan = written_plan({"a": {"from": 1, "to": 3}})
    assert rules(plan, DAY, last_day=LastDay(nodes_added=3, nodes_removed=99, hourly_added=3 * NODE)) == []
    assert check(plan, DAY, last_day=LastDay(nodes_added=4, hourly_added=4 * NODE)) == (
        Violation("perDay.nodesAdded", "the plan and the last 24 hours make 6 added nodes, at most 5 are allowed"),
        Violation(
            "perDay.hourlyAdded",
            "the plan and the last 24 hours make 0.60 EUR per hour added, at most 0.50 are allowed",
        ),
    )
    gone = written_plan({"a": {"from": 2, "to": 1}})
    assert rules(gone, DAY, last_day=LastDay(nodes_added=9, nodes_removed=2)) == []
    assert rules(gone, DAY, last_day=LastDay(nodes_removed=3)) == ["perDay.nodesRemoved"]


def test_without_knowing_the_day_its_limits_are_closed() -> None:
    assert check(written_plan({"a": {"from": 2, "to": 1}}), DAY) == (
        Violation(
            "perDay.nodesRemoved", "what was applied in the last 24 hours is not known, so this day's limit is closed"
        ),
    )
    assert rules(written_plan({"a": {"to": 1}}), DAY) == ["perDay.nodesAdded", "perDay.hourlyAdded"]
    assert rules(plan_of((pool(A),), (pool(A, maximum=9),)), DAY) == []
    assert rules(written_plan({"a": {"to": 9}}), Guardrails(per_day=PerDay())) == []


@given(parts=st.lists(st.integers(1, 4), min_size=1, max_size=6), limit=st.integers(0, 12))
def test_nothing_is_gained_by_cutting_growth_into_plans(parts: list[int], limit: int) -> None:
    """However a growth is cut, no more nodes than a day's limit are applied in a day."""
    limits, size = Guardrails(per_day=PerDay(nodes_added=limit)), 0
    applied: list[Plan] = []
    for part in parts:
        plan = written_plan({"a": {"from": size, "to": size + part}})
        refused = bool(check(plan, limits, last_day=done_by(applied)))
        assert refused is (size + part > limit)
        if not refused:
            applied.append(plan)
            size += part
    assert size <= limit


def own(name: str, nodes: int, node_pool: str = "", **fields: object) -> Pool:
    return pool(name, nodes, labels=(("karpenter.sh/nodepool", node_pool),) if node_pool else (), **fields)


def per_node(one: Pool) -> Account:
    """Each node costs as ``NODE`` says; the label tells whose it is, and what has none is web's."""
    name = dict(one.labels).get("karpenter.sh/nodepool", "web")
    return Account(node_pools=tuple(name.split("-")), hourly=None if one.flavor == "x" else one.desired * NODE)


BY_NAME = Guardrails(node_pools=((EACH, PerNodePool(max_nodes=4)), ("gpu", PerNodePool(max_nodes=2)),
                                 ("web", PerNodePool(max_hourly=3 * NODE))))  # fmt: skip


def test_each_node_pool_has_its_own_limits() -> None:
    plan = plan_of(
        (own(A, 2, "gpu"),), (own(A, 3, "gpu"), own(B, 5, "batch"), own("c", 4, "web"), own("d", 4, "other"))
    )
    assert check(plan, BY_NAME, account=per_node) == (
        Violation("nodePools.batch.maxNodes", "the plan leads to 5 nodes of NodePool batch, at most 4 are allowed"),
        Violation("nodePools.gpu.maxNodes", "the plan leads to 3 nodes of NodePool gpu, at most 2 are allowed"),
        Violation(
            "nodePools.web.maxHourly", "the plan leads to 0.40 EUR per hour of NodePool web, at most 0.30 are allowed"
        ),
    )


def test_the_pools_of_a_node_pool_are_counted_together_untouched_ones_too() -> None:
    plan = plan_of((own(A, 2, "batch"),), (own(A, 2, "batch"), own(B, 3, "batch")))
    assert rules(plan, BY_NAME, account=per_node) == ["nodePools.batch.maxNodes"]
    moved = plan_of((own(A, 4, "batch"),), (own(B, 4, "batch"),))
    assert rules(moved, BY_NAME, account=per_node) == []


def test_a_pool_of_several_node_pools_counts_against_each() -> None:
    plan = plan_of((), (own(A, 3, "gpu-batch"),))
    assert rules(plan, BY_NAME, account=per_node) == ["nodePools.gpu.maxNodes"]


def test_a_node_pool_over_its_limit_may_be_made_smaller() -> None:
    plan = plan_of((own(A, 9, "gpu"), own(B, 9, "web")), (own(A, 8, "gpu"), own(B, 8, "web")))
    assert rules(plan, BY_NAME, account=per_node) == []


def test_a_limit_that_cannot_be_judged_is_closed() -> None:
    unlabelled = plan_of((), (pool(A, 1),))
    assert check(unlabelled, BY_NAME) == (
        Violation("nodePools", f"it is not known which NodePool {A} belongs to, so the limits of NodePools are closed"),
    )
    unpriced = plan_of((own(A, 1, "web", flavor="x"),), (own(A, 2, "web", flavor="x"),))
    told = Violation("nodePools.web.maxHourly", "a price of NodePool web is not known, so its limit is closed")
    assert check(unpriced, BY_NAME, account=per_node) == (told,)
    assert check(unpriced, BY_NAME) == (told,)
    smaller = plan_of((own(A, 2, "web", flavor="x"),), (own(A, 1, "web", flavor="x"),))
    assert check(smaller, BY_NAME, account=per_node) == ()
    assert check(unlabelled, Guardrails()) == ()


def test_whose_a_pool_is_and_what_it_costs_follow_from_policy_and_catalog() -> None:
    inputs = inputs_of([node_class(), node_pool("blue", labels={"team": "blue"}), node_pool("plain")])
    account = accounts(inputs.policy, inputs.catalog, find_region(inputs))
    flavor = inputs.catalog.flavor("b3-8")
    assert flavor is not None
    assert account(own(A, 3, "gone")) == Account(node_pools=("gone",), hourly=3 * flavor.hourly)
    assert account(pool(A, 2, labels=(("team", "blue"),))).node_pools == ("blue", "plain")
    assert account(pool(A, 2)).node_pools == ("plain",)
    assert account(pool(A, 2, flavor="s1-2")) == Account(node_pools=None, hourly=None)
    assert account(Pool(name=PoolName("x"), flavor="b3-8", taints=pool().taints, anti_affinity=True)).node_pools == ()


@given(before=sizes, after=sizes, percent=st.integers(0, 300))
def test_percentages_are_exact(before: dict[str, int], after: dict[str, int], percent: int) -> None:
    plan = costed(plan_of(pools_of(before), pools_of(after)))
    total = sum(before.values())
    found = rules(plan, Guardrails(max_growth_percent=percent, max_shrink_percent=percent))
    added, removed = sum(map(nodes_added, plan.changes)), sum(map(nodes_removed, plan.changes))
    assert ("maxGrowthPercent" in found) == (added > total * percent / 100)
    assert ("maxShrinkPercent" in found) == (removed > total * percent / 100)


def test_what_a_plan_costs_is_worked_out_anew_whatever_it_says() -> None:
    """Prices are not in the digest: a plan whose file says that it is free is not."""
    inputs = inputs_of([node_class(), node_pool("plain")])
    flavor = inputs.catalog.flavor("b3-8")
    assert flavor is not None
    honest = costed(plan_of((pool(A, 1),), (pool(A, 3), pool(B, 2, flavor="s1-2"))), node=flavor.hourly)
    others = 7 * flavor.hourly
    honest = replace(honest, cost=replace(honest.cost, after=Price(5 * flavor.hourly + others)))
    free = costed(honest, node=0)
    found = repriced(free, inputs.catalog)
    assert found.digest == honest.digest
    assert [one.cost_after.hourly for one in found.changes] == [3 * flavor.hourly, 0]
    assert hourly_added(found) == 2 * flavor.hourly
    assert (found.cost.before.hourly, found.cost.after.hourly) == (flavor.hourly, 3 * flavor.hourly)
    hidden = replace(free, cost=replace(free.cost, before=Price(10**12), after=Price(0)))
    assert rules(repriced(hidden, inputs.catalog), Guardrails(max_hourly=2 * flavor.hourly)) == ["maxHourly"]
    kept = repriced(honest, inputs.catalog).cost
    assert kept.after.hourly - kept.before.hourly == 2 * flavor.hourly
    assert kept.after.hourly == 5 * flavor.hourly + others
