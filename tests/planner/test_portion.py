"""A plan by kinds of proposal: nothing is lost, nothing is said twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from planner.coming import takes_back
from planner.diff import action_for
from planner.plan import Change, Pending, Plan, Price
from planner.pools import Pool, PoolName, PoolSet
from planner.portion import Kind, kind_of, portions
from tests.renderer.cases import load_case
from tests.renderer.strategies import few_examples, plans

POOL = Pool(name=PoolName("a"), flavor="b3-8", desired=3)


def _change(before: Pool | None, after: Pool | None) -> Change:
    return Change(pool=POOL.name, action=action_for(before, after)[0], before=before, after=after)


@pytest.mark.parametrize(("before", "after", "kind"), [
    (None, POOL, Kind.UP),
    (POOL, POOL.resized(4), Kind.UP),
    (POOL, POOL.resized(2), Kind.DOWN),
    (POOL, None, Kind.DOWN),
    (POOL, replace(POOL, maximum=9), Kind.POLICY),
    (POOL, replace(POOL, maximum=9, desired=4), Kind.POLICY),
    (POOL, replace(POOL, flavor="b3-16"), Kind.POLICY),
])  # fmt: skip
def test_each_change_has_one_kind(before: Pool | None, after: Pool | None, kind: Kind) -> None:
    assert kind_of(_change(before, after)) is kind


@few_examples
@given(plans())
def test_the_portions_share_out_the_changes(plan: Plan) -> None:
    parts = portions(plan)

    shared = sorted((change for _, part in parts for change in part.changes), key=lambda change: change.pool)
    assert shared == sorted(plan.changes, key=lambda change: change.pool)
    for kind, part in parts:
        assert all(kind_of(one) is kind or (kind is Kind.UP and takes_back(one)) for one in part.changes)
    assert [kind for kind, _ in parts] == [kind for kind in Kind if kind in dict(parts)]
    assert all(part.changes for _, part in parts)


@few_examples
@given(plans())
def test_one_after_the_other_they_lead_where_the_plan_leads(plan: Plan) -> None:
    pools = plan.declared
    for _, part in portions(plan):
        assert part.declared == plan.declared
        changed = {change.pool for change in part.changes}
        pools = PoolSet.of([
            *(pool for pool in pools if pool.name not in changed),
            *(pool for pool in part.desired if pool.name in changed),
        ])  # fmt: skip
        untouched = [pool for pool in plan.declared if pool.name not in changed]
        assert [pool for pool in part.desired if pool.name not in changed] == untouched

    assert pools == plan.desired


@few_examples
@given(plans())
def test_nothing_of_the_demand_is_lost_or_said_twice(plan: Plan) -> None:
    parts = [part for _, part in portions(plan)]
    if not parts:
        return

    assert sorted((one for part in parts for one in part.placements), key=lambda one: one.name) == sorted(
        plan.placements, key=lambda one: one.name
    )
    assert tuple(one for part in parts for one in part.unplaced) == plan.unplaced
    assert [part.pending for part in parts] == [plan.pending, *(Pending() for _ in parts[1:])]
    assert [part.certificate for part in parts] == [plan.certificate, *(None for _ in parts[1:])]
    assert all((part.warnings, part.evidence) == (plan.warnings, plan.evidence) for part in parts)


@few_examples
@given(plans())
def test_a_plan_of_one_kind_is_its_only_portion(plan: Plan) -> None:
    for kind, part in portions(plan):
        assert portions(part) == ((kind, part),)


def test_each_portion_costs_what_its_changes_do() -> None:
    plan = load_case("mixed")

    up, down, policy = (part for _, part in portions(plan))

    assert [change.pool for change in up.changes] == ["karpenter-r3-16-eu-west-par-a"]
    assert up.cost.after.hourly == plan.cost.before.hourly + 66_300
    assert down.cost.after.hourly == plan.cost.before.hourly - 548_571
    assert down.cost.lower_bound_hourly == down.cost.after.hourly
    assert up.cost.after.hourly - up.cost.lower_bound_hourly == plan.cost.after.hourly - plan.cost.lower_bound_hourly
    assert [node.pool for node in up.placements] == ["untouched"]
    assert {node.pool for node in policy.placements} == {"karpenter-b3-8-eu-west-par-b"}


def test_the_portions_together_cost_what_the_plan_does() -> None:
    plan = load_case("mixed")

    added = Price()
    for _, part in portions(plan):
        added = added.plus(Price(
            part.cost.after.hourly - part.cost.before.hourly, part.cost.after.monthly - part.cost.before.monthly,
        ))  # fmt: skip

    deltas = sum(change.cost_after.hourly - change.cost_before.hourly for change in plan.changes)
    assert (added.hourly, added.monthly) == (deltas, deltas * 730)


def test_a_plan_without_changes_has_no_portion() -> None:
    assert portions(load_case("nothing-to-do")) == ()
