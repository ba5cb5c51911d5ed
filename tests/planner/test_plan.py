"""What the action digest covers, and what a change of a pool is."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from planner.canonical import digest_of
from planner.diff import FORCE_NEW, IN_PLACE, action_for, changed_fields
from planner.plan import Action, Change, Cost, Evidence, Pending, PlacedNode, Plan, Price, Reason, Unplaced
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.taints import Taint

POOL = Pool(name=PoolName("karpenter-b3-8-nova"), flavor="b3-8", desired=1, state=ProviderState(id="1"))
OTHER = {
    "flavor": "b3-16", "zones": ("eu-west-par-a",), "desired": 2, "minimum": 1, "maximum": 50, "monthly_billed": True,
    "anti_affinity": True, "autoscale": True, "labels": (("team", "red"),), "annotations": (("note", "x"),),
    "taints": (Taint("team", "red"),), "finalizers": ("wait",), "unschedulable": True,
}  # fmt: skip
EVIDENCE = Evidence(
    snapshot=digest_of(1), policy=digest_of(2), catalog=digest_of(3), pools=digest_of(4), now="2026-03-01T12:00:00Z"
)
CHANGE = Change(pool=POOL.name, action=Action.UPDATE, before=POOL, after=POOL.resized(2), victims=())
PLAN = Plan(
    declared=PoolSet.of([POOL]), desired=PoolSet.of([POOL.resized(2)]), changes=(CHANGE,), cost=Cost(currency="EUR"),
    evidence=EVIDENCE,
)


def with_change(**parts: object) -> Plan:
    return replace(PLAN, changes=(replace(CHANGE, **parts),))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OTHER)
def test_every_field_of_a_pool_counts_before_and_after(name: str) -> None:
    for side in ("before", "after"):
        pool: Pool = getattr(CHANGE, side)
        assert with_change(**{side: replace(pool, **{name: 77 if name == "desired" else OTHER[name]})}).digest != PLAN.digest  # type: ignore[arg-type]


def test_no_field_of_a_pool_was_forgotten() -> None:
    assert {one.name for one in fields(Pool)} - {"name", "state"} == set(OTHER) == {*FORCE_NEW, *IN_PLACE}


COVERED = {
    "another pool": with_change(pool=PoolName("other")),
    "another action": with_change(action=Action.REPLACE),
    "a victim": with_change(victims=("n1",)),
    "another pool of the same name": with_change(before=replace(POOL, state=ProviderState(id="2"))),
    "no pool before": with_change(before=None),
    "no pool after": with_change(after=None),
    "another policy": replace(PLAN, evidence=replace(EVIDENCE, policy=digest_of("other"))),
    "one change more": replace(PLAN, changes=(CHANGE, replace(CHANGE, pool=PoolName("other")))),
}
NOT_COVERED = {
    "prices": with_change(cost_before=Price(1, 2), cost_after=Price(3, 4)),
    "reasons": with_change(reasons=(Reason("cheapest", "because"),)),
    "the time": replace(PLAN, evidence=replace(EVIDENCE, now="2027-01-01T00:00:00Z")),
    "the snapshot": replace(PLAN, evidence=replace(EVIDENCE, snapshot=digest_of("other"))),
    "the catalog": replace(PLAN, evidence=replace(EVIDENCE, catalog=digest_of("other"), prices="another list")),
    "the observed pools": replace(PLAN, evidence=replace(EVIDENCE, pools=digest_of("other"))),
    "the cost": replace(PLAN, cost=Cost(currency="USD", after=Price(9, 9), lower_bound_hourly=1)),
    "warnings": replace(PLAN, warnings=("beware",)),
    "pending pods": replace(PLAN, pending=Pending(pods=3, since="2026-03-01T12:00:00Z")),
    "urgency": with_change(priority=1000),
    "unplaced pods": replace(PLAN, unplaced=(Unplaced(pods=("default/web",)),)),
    "placements": replace(PLAN, placements=(PlacedNode(name="n1", pool="p", pods=("default/web",)),)),
    "the state of a pool": with_change(before=replace(POOL, state=ProviderState(id="1", status="RESIZING", current_nodes=3))),
}


@pytest.mark.parametrize("what", COVERED)
def test_an_approval_binds_to(what: str) -> None:
    assert COVERED[what].digest != PLAN.digest


@pytest.mark.parametrize("what", NOT_COVERED)
def test_an_approval_does_not_bind_to(what: str) -> None:
    assert NOT_COVERED[what].digest == PLAN.digest


# Changes


def test_a_pool_that_is_not_there_is_created_and_one_that_is_not_wanted_deleted() -> None:
    assert action_for(None, POOL) == (Action.CREATE, ())
    assert action_for(POOL, None) == (Action.DELETE, ())
    assert action_for(None, None) == (Action.NOOP, ())
    assert action_for(POOL, POOL) == (Action.NOOP, ())


@pytest.mark.parametrize("name", OTHER)
def test_what_terraform_would_make_anew_is_a_replacement(name: str) -> None:
    after = replace(POOL, **{name: OTHER[name]})  # type: ignore[arg-type]
    forced = name in ("flavor", "zones", "monthly_billed", "anti_affinity")
    assert changed_fields(POOL, after) == (name,)
    assert action_for(POOL, after) == ((Action.REPLACE, (name,)) if forced else (Action.UPDATE, ()))


def test_what_the_provider_says_of_a_pool_is_no_change() -> None:
    assert action_for(POOL, replace(POOL, state=None)) == (Action.NOOP, ())
