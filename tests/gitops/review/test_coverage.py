"""An approval survives shrinking, and nothing else: laws, and every way to slip something past it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.review.coverage import covers
from planner.canonical import digest_of
from planner.plan import Change, Plan, Price
from planner.pools import Pool, PoolSet, ProviderState
from planner.taints import Taint
from tests.gitops.plans import plan_of, pool
from tests.gitops.review.changes import NODE, costed, written_plan

NAMES = st.sampled_from(["a", "b", "c"])
VICTIMS = st.lists(st.sampled_from(["n1", "n2"]), max_size=2, unique=True).map(sorted)
ONE = st.fixed_dictionaries(
    {},
    optional={
        "from": st.integers(0, 3), "to": st.integers(0, 3), "victims": VICTIMS,
        "label": st.sampled_from(["x", "y"]), "flavor": st.sampled_from(["b3-8", "b3-16"]), "id": st.sampled_from("12"),
    },
)  # fmt: skip
PLANS = st.dictionaries(NAMES, ONE, max_size=3).map(written_plan)


def without(plan: Plan, name: str) -> Plan:
    """The plan less what it does to one pool."""
    changes = tuple(change for change in plan.changes if change.pool != name)
    before = plan.declared.get(name)
    desired = [one for one in plan.desired if one.name != name]
    return replace(plan, changes=changes, desired=PoolSet.of([*desired, before] if before else desired))


def spends(plan: Plan) -> int:
    return sum(change.cost_after.hourly - change.cost_before.hourly for change in plan.changes)


def changed(plan: Plan, **fields: object) -> Plan:
    """The plan with other fields of its first change."""
    first, *others = plan.changes
    return replace(plan, changes=(replace(first, **fields), *others))  # type: ignore[arg-type]


@given(plan=PLANS)
def test_a_plan_covers_itself(plan: Plan) -> None:
    assert covers(plan, plan) == ()


def test_taking_over_covers_no_change_and_a_change_no_taking_over() -> None:
    change = plan_of((pool("a", 2),), (pool("a", 3),))
    takes = replace(change, adopts=True)
    assert covers(takes, takes) == ()
    assert covers(takes, change) == ("it was approved that Git takes over what is there",)
    assert covers(change, takes) == ("it takes over what is there",)
    assert takes.digest != change.digest


@given(first=PLANS, second=PLANS, third=PLANS)
def test_what_covers_what_covers_a_plan_covers_it(first: Plan, second: Plan, third: Plan) -> None:
    if not covers(first, second) and not covers(second, third):
        assert covers(first, third) == ()


@given(plan=PLANS, data=st.data())
def test_transitive_where_plans_shrink_step_by_step(plan: Plan, data: st.DataObject) -> None:
    """Random plans seldom cover one another; these do."""
    second = _smaller(plan, data)
    third = _smaller(second, data)
    assert covers(plan, second) == ()
    assert covers(second, third) == ()
    assert covers(plan, third) == ()


def _smaller(plan: Plan, data: st.DataObject) -> Plan:
    changes = []
    for change in plan.changes:
        before, after = change.before, change.after
        if before is not None and after is not None and after.desired > before.desired and not change.forces_replace:
            more = data.draw(st.integers(before.desired, after.desired))
            changes.append(replace(change, after=after.resized(more)))
        elif before is None and after is not None:
            changes.append(replace(change, after=after.resized(data.draw(st.integers(0, after.desired)))))
        else:
            changes.append(change)
    return costed(replace(plan, changes=tuple(changes)))


@given(plan=PLANS, name=NAMES)
def test_dropping_a_change_keeps_coverage_unless_it_paid_for_another(plan: Plan, name: str) -> None:
    rest = without(plan, name)
    if spends(rest) <= max(0, spends(plan)):
        assert covers(plan, rest) == ()
    else:
        assert covers(plan, rest) == (
            "it adds more cost per hour than was approved", "it adds more cost per month than was approved",
        )  # fmt: skip


@given(plan=PLANS, name=NAMES)
def test_adding_a_change_breaks_it(plan: Plan, name: str) -> None:
    less = without(plan, name)
    if plan.changes != less.changes:
        assert any(text.startswith(f"{name}: ") for text in covers(less, plan))


@given(approved=PLANS, plan=PLANS)
def test_a_covered_plan_does_no_more(approved: Plan, plan: Plan) -> None:
    """What people agreed to bounds what is done: pools, nodes after, nodes removed, and cost."""
    if covers(approved, plan) or not plan.changes:
        return
    known = {change.pool: change for change in approved.changes}
    for change in plan.changes:
        one = known[change.pool]
        assert set(change.victims) <= set(one.victims)
        assert _nodes(change.after) <= max(_nodes(one.after), _nodes(one.before))
        assert _nodes(change.after) >= min(_nodes(one.after), _nodes(one.before))
        assert (change.after is None) is (one.after is None)
    assert spends(plan) <= max(0, spends(approved))


def _nodes(one: Pool | None) -> int:
    return one.desired if one else 0


GROW = costed(plan_of((pool("a", 1, state=ProviderState(id="7")),), (pool("a", 4),)))
SHRINK = costed(plan_of((pool("a", 4),), (pool("a", 2),), victims={"a": ("n1", "n2")}))
LABEL = costed(plan_of((pool("a", 2),), (pool("a", 2, labels=(("tier", "x"),)),)))
REPLACE = costed(plan_of((pool("a", 2),), (pool("a", 2, flavor="b3-16"),)))


def grown(before: int, after: int, **fields: object) -> Plan:
    return costed(plan_of((pool("a", before, state=ProviderState(id="7")),), (pool("a", after, **fields),)))


@pytest.mark.parametrize("plan", [grown(1, 2), grown(1, 3), grown(1, 4), grown(2, 4), grown(3, 4), plan_of()])
def test_less_of_the_same_is_covered(plan: Plan) -> None:
    assert covers(GROW, plan) == ()


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (grown(1, 5), "a: 1 → 5 nodes is not within 1 → 4, which was approved"),
        (grown(2, 5), "a: 2 → 5 nodes is not within 1 → 4, which was approved"),
        (grown(0, 3), "a: 0 → 3 nodes is not within 1 → 4, which was approved"),
        (grown(3, 2), "a: 3 → 2 nodes is not within 1 → 4, which was approved"),
        (grown(1, 4, maximum=5), "a: it becomes a pool of other maxNodes than approved"),
        (grown(1, 4, labels=(("a", "b"),)), "a: it becomes a pool of other labels than approved"),
        (grown(1, 4, taints=(Taint("a", "b"),)), "a: it becomes a pool of other taints than approved"),
        (grown(1, 4, autoscale=True), "a: it becomes a pool of other autoscale than approved"),
        (grown(1, 4, flavor="b3-16"), "a: update was approved, not replace"),
        (grown(1, 4, zones=("eu-west-par-b",)), "a: update was approved, not replace"),
        (costed(plan_of((), (pool("a", 3),))), "a: update was approved, not create"),
        (costed(plan_of((pool("a", 1),), (pool("a", 4),))), "a: it is another pool than the one approved"),
        (costed(plan_of((), (pool("b", 1),))), "b: create was not approved"),
        (changed(GROW, victims=("n9",)), "a: it removes n9, which was not approved"),
        (
            replace(GROW, evidence=replace(GROW.evidence, policy=digest_of("another"))),
            "the policy is another one than the one approved",
        ),
        (replace(grown(1, 3), cost=replace(GROW.cost, currency="USD")), "costs are in USD, those approved in EUR"),
    ],
)
def test_anything_else_needs_a_new_word(plan: Plan, told: str) -> None:
    assert told in covers(GROW, plan)


def test_a_pool_that_was_another_before_is_not_the_one_approved() -> None:
    other = costed(plan_of(
        (pool("a", 1, labels=(("x", "y"),), state=ProviderState(id="7")),), (pool("a", 4, labels=(("x", "y"),)),)
    ))  # fmt: skip
    assert covers(GROW, other) == (
        "a: it is now a pool of other labels than approved", "a: it becomes a pool of other labels than approved",
    )  # fmt: skip


def test_who_leaves_is_approved_by_name() -> None:
    one = costed(plan_of((pool("a", 4),), (pool("a", 3),), victims={"a": ("n1",)}))
    assert covers(SHRINK, one) == ()
    assert covers(SHRINK, changed(one, victims=("n3",))) == ("a: it removes n3, which was not approved",)
    assert covers(SHRINK, changed(one, victims=())) == ("a: it removes more nodes without naming them",)
    assert covers(one, SHRINK) == (
        "a: 4 → 2 nodes is not within 4 → 3, which was approved", "a: it removes n2, which was not approved",
    )  # fmt: skip


def test_a_replacement_is_approved_whole() -> None:
    assert covers(REPLACE, REPLACE) == ()
    for before, after in ((2, 1), (1, 2), (2, 3), (1, 1)):
        other = costed(plan_of((pool("a", before),), (pool("a", after, flavor="b3-16"),)))
        assert covers(REPLACE, other)[0] == f"a: {before} → {after} nodes is not within 2 → 2, which was approved"


def test_a_replacement_that_leaves_more_or_fewer_nodes_is_another_one() -> None:
    approved = costed(plan_of((pool("a", 4),), (pool("a", 2, flavor="b3-16"),)))
    for before, after in ((4, 3), (3, 3), (3, 2), (2, 2)):
        other = costed(plan_of((pool("a", before),), (pool("a", after, flavor="b3-16"),)))
        told = f"a: {before} → {after} nodes is not within 4 → 2, which was approved"
        assert covers(approved, other)[0] == told


def test_a_change_of_policy_is_for_the_nodes_that_were_there() -> None:
    larger = costed(plan_of((pool("a", 3),), (pool("a", 3, labels=(("tier", "x"),)),)))
    assert covers(LABEL, larger) == ("a: 3 → 3 nodes is not within 2 → 2, which was approved",)


def test_an_approved_deletion_that_fails_away_may_leave_more_cost_than_approved() -> None:
    """Swapping dear pools for cheap ones was approved, not paying for both."""
    swap = written_plan({"a": {"to": 3}, "b": {"from": 3}})
    assert covers(swap, written_plan({"a": {"to": 3}})) != ()
    assert covers(swap, written_plan({"b": {"from": 3}})) == ()


def test_higher_prices_need_a_new_word_unless_the_plan_is_the_same() -> None:
    dearer = costed(grown(1, 3), node=2 * NODE)
    assert covers(GROW, dearer) == (
        "it adds more cost per hour than was approved", "it adds more cost per month than was approved",
    )  # fmt: skip
    assert covers(GROW, costed(GROW, node=9 * NODE)) == ()


def test_a_price_by_the_month_counts_of_its_own() -> None:
    def at(plan: Plan, monthly: int) -> Plan:
        changes: tuple[Change, ...] = tuple(replace(one, cost_after=Price(NODE, monthly)) for one in plan.changes)
        return replace(plan, changes=changes)

    assert covers(at(GROW, NODE * 900), at(grown(1, 2), NODE * 901)) == (
        "it adds more cost per month than was approved",
    )
