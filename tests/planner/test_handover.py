"""Taking pools under management and letting go of them: what such a plan says, and that it counts as no change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.catalogs.bundle import bundled
from gitops.review.classes import Class, measure
from gitops.review.coverage import covers
from planner.accounts import repriced
from planner.between import Given
from planner.canonical import digest_of
from planner.guardrails import Guardrails, LastDay, check, done_by, hourly_added
from planner.handover import import_plan, import_problem, importable, release_plan
from planner.plan import Action, Plan
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.portion import Kind, portions

GIVEN = Given(catalog=bundled(), policy=digest_of("policy"), now="2026-03-01T12:00:00Z")


def known(name: str, desired: int = 2, **fields: object) -> Pool:
    made = Pool(name=PoolName(name), flavor="b3-8", desired=desired, state=ProviderState(id=f"id-{name}"))
    return replace(made, **fields)  # type: ignore[arg-type]


A, B, C = known("a"), known("b", 3), known("c", 1)
OBSERVED = PoolSet.of([A, B, C])
sets = st.sets(st.sampled_from([A, B, C])).map(PoolSet.of)


def test_what_git_does_not_declare_can_be_imported() -> None:
    assert importable(PoolSet.of([B]), OBSERVED) == PoolSet.of([A, C])


@pytest.mark.parametrize(("pool", "says"), [
    (A, ""),
    (known("a", autoscale=True), "OVHcloud's autoscaler sizes it"),
    (replace(A, state=None), "its id is not known"),
    (replace(A, state=ProviderState()), "its id is not known"),
    (replace(A, state=ProviderState(id="x", status="DELETING")), "it is in state DELETING"),
    (replace(A, state=ProviderState(id="x", status="USER_QUOTA_ERROR")), ""),
])  # fmt: skip
def test_why_a_pool_cannot_be_imported(pool: Pool, says: str) -> None:
    assert import_problem(pool).startswith(says)
    assert bool(import_problem(pool)) is bool(says)


@given(sets, sets)
def test_an_import_declares_what_was_not_declared(declared: PoolSet, asked: PoolSet) -> None:
    plan = import_plan(declared, asked, GIVEN)
    assert plan.desired == PoolSet.of({*declared, *asked})
    assert {change.pool for change in plan.changes} == asked.names() - declared.names()
    check_neutral(plan, Action.IMPORT)


@given(sets, sets)
def test_a_release_declares_them_no_more(declared: PoolSet, asked: PoolSet) -> None:
    plan = release_plan(declared, asked, GIVEN)
    assert plan.desired == PoolSet.of({*declared} - {*asked})
    assert {change.pool for change in plan.changes} == asked.names() & declared.names()
    check_neutral(plan, Action.RELEASE)


def check_neutral(plan: Plan, action: Action) -> None:
    """No node, no pool, no cent and no NodePool is touched, whatever limits there are."""
    tight = Guardrails(
        max_nodes_added=0, max_nodes_removed=0, max_hourly_added=0, max_pools_deleted=0, max_growth_percent=0,
        max_shrink_percent=0, max_pools=0, max_nodes=0, max_hourly=0,
    )  # fmt: skip
    for one in (plan, repriced(plan, bundled())):
        assert check(one, tight, last_day=LastDay()) == ()
        assert (done_by([one]), hourly_added(one)) == (LastDay(), 0)
        assert one.cost.before == one.cost.after
    assert {(change.action, change.before == change.after) for change in plan.changes} <= {(action, True)}
    assert plan.pools_before == plan.pools_after
    kinds = {kind for kind, part in portions(plan) if part.changes}
    assert kinds == ({Kind(action.value)} if plan.changes else set())


def test_another_pool_of_the_name_is_another_plan() -> None:
    plan = import_plan(PoolSet(), [A], GIVEN)
    other = import_plan(PoolSet(), [replace(A, state=ProviderState(id="other"))], GIVEN)
    assert plan.digest != other.digest
    assert covers(plan, other) == ("a: it is another pool than the one approved",)


def test_a_release_shows_the_pool_as_git_has_it_and_names_it_by_the_provider_s_id() -> None:
    (change,) = release_plan(PoolSet.of([replace(A, state=None)]), [A.resized(9)], GIVEN).changes
    assert change.before == change.after == A
    assert change.before is not None
    assert change.before.state == A.state


def test_fewer_pools_than_approved_are_covered_and_more_are_not() -> None:
    both, one = import_plan(PoolSet(), [A, B], GIVEN), import_plan(PoolSet(), [A], GIVEN)
    assert covers(both, one) == ()
    assert covers(one, both) == ("b: import was not approved",)
    assert covers(one, release_plan(PoolSet.of([A]), [A], GIVEN)) == ("a: import was approved, not release",)


@pytest.mark.parametrize(("plan", "kind"), [
    (import_plan(PoolSet.of([C]), [A, B], GIVEN), Class.IMPORT), (release_plan(OBSERVED, [A, B], GIVEN), Class.RELEASE),
])  # fmt: skip
def test_rules_measure_it_by_the_nodes_of_the_pools(plan: Plan, kind: Class) -> None:
    (measured,) = measure(plan)
    assert (measured.kind, measured.pools, measured.nodes, measured.hourly) == (kind, ("a", "b"), 5, 0)
    assert measured.priced
