"""What becomes of drift: for each pool that differs at the provider, Git takes it over, or the provider is put back.

Both are proposals. Until one of them is settled nothing else changes the pool: a plan that was made from what Git says
would be refused where it is applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gitops.loop.emergencies import held, pools_of, refused
from gitops.loop.waits import declined
from planner.between import DRIFTED, Given, adoption, plan_between, without_victims
from planner.diff import changed_fields
from planner.drift import SETTLED, Treatment, find_drift, listed, treatments
from planner.leaving import name_victims, side_by_side
from planner.plan import Reason
from planner.pools import PoolSet
from planner.portion import Kind
from renderer.drift import drift_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gitops.loop.passes import Pass
    from planner.drift import Drift
    from planner.plan import Plan

_TAKEN = Reason(DRIFTED, "somebody changed the pool at the provider; this takes it into Git")
_PUT_BACK = Reason(DRIFTED, "somebody changed the pool at the provider; this puts it back to what Git says")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """``plans`` settle the drift there is; ``waits`` says of a kind why there is none, though there should be.

    ``asked`` are the pools for which closing the proposal to take them into Git asks for the other way. ``drifted``
    are the differences of each pool that nothing else may change now.
    """

    plans: Mapping[Kind, Plan] = field(default_factory=dict)
    waits: Mapping[Kind, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    drifted: Mapping[str, tuple[Drift, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Git's word before the changes that wait to be applied and after them, and what the provider has."""

    seen: Pass
    applied: PoolSet
    main: PoolSet
    there: PoolSet
    given: Given


def settle(seen: Pass, plan: Plan) -> Settling:
    """What is to be proposed about drift; nothing before anything was applied, and where the provider was not asked."""
    main, applied, there = seen.main, seen.chain.applied, listed(seen.inputs.observed)
    if main.pools is None or main.policy is None or applied is None or applied.pools is None or not there.pools:
        return Settling()
    given = Given(
        catalog=seen.inputs.catalog, policy=main.policy, now=plan.evidence.now, observed=seen.inputs.observed,
    )  # fmt: skip
    scene = _Scene(seen=seen, applied=applied.pools, main=main.pools, there=there, given=given)
    drifted, stuck = _drifted(scene), _stuck(scene)
    wanted = _wanted(scene, drifted)
    plans = _adopted(scene, [name for name, one in wanted.items() if one is not Treatment.RESTORE])
    asked = tuple(name for name, one in wanted.items() if one is Treatment.ASK)
    closed = Kind.DRIFT in plans and declined(Kind.DRIFT, plans[Kind.DRIFT], seen.ledger, seen.settings.proposals)
    back = [name for name, one in wanted.items() if one is Treatment.RESTORE or (closed and one is Treatment.ASK)]
    named, unnamed = _restored(scene, [*back, *stuck])
    if named is not None:
        plans[Kind.RESTORE] = named
    waits = {Kind.RESTORE: f"too few nodes of {', '.join(unnamed)} are known to let them go by name"} if unnamed else {}
    return Settling(plans=plans, waits=waits, asked=asked, drifted=drifted)


def unhindered(
    parts: Mapping[Kind, Plan], settling: Settling
) -> tuple[dict[Kind, Plan | None], dict[Kind, str]]:  # fmt: skip
    """The portions of a plan, and why those are not proposed now that would change a pool that has drifted."""
    found: dict[Kind, Plan | None] = {}
    waits: dict[Kind, str] = {}
    for kind, portion in parts.items():
        hindered = [change.pool for change in portion.changes if change.pool in settling.drifted]
        found[kind] = None if hindered else portion
        if hindered:
            first = drift_text(settling.drifted[hindered[0]][0])
            waits[kind] = f"what somebody changed at the provider is settled first: {first}"
    return found, waits


def _wanted(scene: _Scene, drifted: Mapping[str, tuple[Drift, ...]]) -> dict[str, Treatment]:
    """What becomes of each pool: what an emergency did waits for its own review, and goes where people refused it."""
    seen = scene.seen
    wanted = treatments((one for each in drifted.values() for one in each), seen.settings.drift)
    waiting = held(seen.trees, seen.ledger, seen.now)
    undone = {name: Treatment.RESTORE for name in sorted(pools_of(seen.trees, refused(seen.ledger)))
              if name in wanted or (name in scene.there.names() and name not in scene.main.names())}  # fmt: skip
    return {name: one for name, one in {**wanted, **undone}.items() if name not in waiting}


def _drifted(scene: _Scene) -> dict[str, tuple[Drift, ...]]:
    """The differences of each pool, without those that main is about to change, and those that are being put back."""
    others = {*_moved(scene), *_under_way(scene)}
    found: dict[str, tuple[Drift, ...]] = {}
    for one in find_drift(scene.main, scene.there):
        if one.kind in SETTLED and one.pool not in others:
            found[one.pool] = (*found.get(one.pool, ()), one)
    return found


def _stuck(scene: _Scene) -> list[str]:
    """All pools that main asks to change, where one of them is no more as the change found it, and nobody is at it.

    A pool that stands as before, or as main wants it already, is in nobody's way.
    """
    if scene.seen.ledger.claim(scene.seen.now) is not None:
        return []
    moved = _moved(scene)
    stuck = [name for name in moved if not any(_stands(scene.there, name, one) for one in (scene.applied, scene.main))]
    return moved if stuck else []


def _moved(scene: _Scene) -> list[str]:
    """The pools that main asks to change."""
    names = sorted(scene.applied.names() | scene.main.names())
    return [name for name in names if scene.applied.get(name) != scene.main.get(name)]


def _under_way(scene: _Scene) -> set[str]:
    """The pools that somebody is putting back right now."""
    chain, held = scene.seen.chain, scene.seen.ledger.claim(scene.seen.now)
    plan = chain.links[-1].step.plan if chain.putting_back else None
    return {str(one.pool) for one in plan.changes} if plan and held and held.digest == plan.digest else set()


def _stands(there: PoolSet, name: str, wanted: PoolSet) -> bool:
    one, other = there.get(name), wanted.get(name)
    return one is other if one is None or other is None else not changed_fields(one, other)


def _adopted(scene: _Scene, names: Iterable[str]) -> dict[Kind, Plan]:
    adopted = adoption(scene.main, scene.there, names)
    if adopted == scene.main:
        return {}
    given = replace(scene.given, reason=_TAKEN, adopts=True)
    return {Kind.DRIFT: plan_between(scene.main, adopted, given)}


def _restored(scene: _Scene, names: Iterable[str]) -> tuple[Plan | None, tuple[str, ...]]:
    """The plan from what these pools are to what main declares, without those whose nodes cannot be named.

    Those that main does not declare go.
    """
    snapshot, given = scene.seen.inputs.snapshot, replace(scene.given, reason=_PUT_BACK)
    left, unnamed = set(names), set[str]()
    while left:
        others = [pool for pool in scene.there if pool.name in left and scene.main.get(pool.name) is None]
        before = PoolSet.of([*adoption(scene.main, scene.there, left), *others])
        after = side_by_side(before, scene.main, taken=scene.there.names())
        bare = plan_between(before, after, given)
        victims = name_victims(bare, snapshot.nodes, snapshot.pods, now=scene.seen.now)
        plan = plan_between(before, after, replace(given, victims=victims))
        lacking = set(map(str, without_victims(plan)))
        if not lacking:
            return (plan if plan.changes and not _waits(scene, plan) else None), tuple(sorted(unnamed))
        left, unnamed = left - lacking, unnamed | lacking
    return None, tuple(sorted(unnamed))


def _waits(scene: _Scene, plan: Plan) -> bool:
    """Whether main has this very plan, approved, and only its application is to come."""
    pending = [link.step.plan for link in scene.seen.chain.links if link.step.plan is not None]
    return not scene.seen.back_unapproved and any(one.digest == plan.digest for one in pending)
