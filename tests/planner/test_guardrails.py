"""Which plans break which limits, and how it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.guardrails import Guardrails, Violation, check, nodes_added, nodes_removed
from planner.pools import Pool
from tests.gitops.plans import MICRO, plan_of, pool

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
