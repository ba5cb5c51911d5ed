"""What becomes of drift: for each pool that differs at the provider, Git takes it over, or the provider is put back.

Both are proposals. Until one of them is settled nothing else changes the pool: a plan that was made from what Git says
would be refused where it is applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gitops.loop.asked import asked_for, asked_pools
from gitops.loop.emergencies import held, pools_of, refused, unsettled
from gitops.loop.waits import declined
from planner.between import DRIFTED, Given, adoption, plan_between, without_victims
from planner.diff import changed_fields
from planner.drift import OF_POOLS, DriftKind, Treatment, find_drift, listed, treatments
from planner.handover import import_plan, import_problem
from planner.leaving import name_victims, side_by_side
from planner.plan import Action, Reason
from planner.pools import LEAVING_STATES, PoolSet
from planner.portion import Kind
from renderer.drift import drift_text
from renderer.layout import POOLS, released_names
from renderer.terraform import import_id
from renderer.tree import imported_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from gitops.loop.passes import Pass
    from planner.drift import Drift
    from planner.plan import Change, Plan

_TAKEN = Reason(DRIFTED, "somebody changed the pool at the provider; this takes it into Git")
_PUT_BACK = Reason(DRIFTED, "somebody changed the pool at the provider; this puts it back to what Git says")
_FOUND = Reason(DRIFTED, "the provider has a pool named or labelled like poolplan's own; this takes it into Git")
_UNKNOWN = Reason(DRIFTED, "the engine's state does not know the pool, and would make it again; this takes it up there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """``plans`` settle the drift there is; ``waits`` says of a kind why there is none, though there should be.

    ``asked`` are, by the kind of proposal that takes them into Git, the pools for which closing it asks for the other
    way. ``drifted`` are the differences of each pool that nothing else may change now.
    """

    plans: Mapping[Kind, Plan] = field(default_factory=dict)
    waits: Mapping[Kind, str] = field(default_factory=dict)
    asked: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    drifted: Mapping[str, tuple[Drift, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Git's word before the changes that wait to be applied and after them, and what the provider has.

    ``unsettled`` are the pools of emergencies that nobody has reviewed yet.
    """

    seen: Pass
    applied: PoolSet
    main: PoolSet
    there: PoolSet
    given: Given
    unsettled: frozenset[str]


def settle(seen: Pass, plan: Plan, named: Collection[Kind] = ()) -> Settling:
    """What is to be proposed about drift; nothing before anything was applied, and where the provider was not asked.

    Of the ``named`` kinds nothing: a person asks for one of these right now.
    """
    main, applied, there = seen.main, seen.chain.applied, listed(seen.inputs.observed)
    if main.pools is None or main.policy is None or applied is None or applied.pools is None or not there.pools:
        return Settling()
    given = Given(
        catalog=seen.inputs.catalog, policy=main.policy, now=plan.evidence.now, observed=seen.inputs.observed,
    )  # fmt: skip
    scene = _Scene(
        seen=seen, applied=applied.pools, main=main.pools, there=there, given=given,
        unsettled=pools_of(seen.trees, unsettled(seen.ledger)),
    )  # fmt: skip
    drifted, stuck = _drifted(scene), _stuck(scene)
    wanted = _wanted(scene, drifted)
    taken = [name for name, one in wanted.items() if one is not Treatment.RESTORE]
    plans = {Kind.DRIFT: _adopted(scene, taken), Kind.IMPORT: _imported(scene, taken, wanted)}
    there_are = {kind: one for kind, one in plans.items() if one is not None and kind not in named}
    asked = {kind: _asked(one, wanted) for kind, one in there_are.items()}
    closed = [kind for kind, one in there_are.items()
              if declined(kind, one, seen.ledger, seen.settings.proposals)]  # fmt: skip
    back = [name for name, one in wanted.items() if one is Treatment.RESTORE]
    restored, unnamed = _restored(scene, [*back, *(name for kind in closed for name in asked[kind]), *stuck])
    if restored is not None:
        there_are[Kind.RESTORE] = restored
    waits = {Kind.RESTORE: f"too few nodes of {', '.join(unnamed)} are known to let them go by name"} if unnamed else {}
    return Settling(plans=there_are, waits=waits, asked=asked, drifted=drifted)


def _asked(plan: Plan, wanted: Mapping[str, Treatment]) -> tuple[str, ...]:
    """The pools of a plan to take them into Git, of which people are asked which way."""
    names = [str(change.pool) for change in plan.changes]
    return tuple(name for name in names if wanted.get(name) is Treatment.ASK)


def unhindered(
    parts: Mapping[Kind, Plan], settling: Settling
) -> tuple[dict[Kind, Plan | None], dict[Kind, str]]:  # fmt: skip
    """The portions of a plan, and why those are not proposed now that would change a pool that has drifted."""
    found: dict[Kind, Plan | None] = {}
    waits: dict[Kind, str] = {}
    for kind, portion in parts.items():
        hindered = [change.pool for change in portion.changes if _hinders(change, settling)]
        found[kind] = None if hindered else portion
        if hindered:
            first = drift_text(settling.drifted[hindered[0]][0])
            waits[kind] = f"what somebody changed at the provider is settled first: {first}"
    return found, waits


def _hinders(change: Change, settling: Settling) -> bool:
    """Whether the pool's drift is to be settled first; taking the pool in is one way to do that."""
    return change.pool in settling.drifted and change.action is not Action.IMPORT


def _wanted(scene: _Scene, drifted: Mapping[str, tuple[Drift, ...]]) -> dict[str, Treatment]:
    """What becomes of each pool: what an emergency did waits for its own review, and goes where people refused it."""
    seen = scene.seen
    found = treatments((one for each in drifted.values() for one in each), seen.settings.drift)
    wanted = {one.pool: treatment for one, treatment in found.items()}
    waiting = held(seen.trees, seen.ledger, seen.now)
    undone = {name: Treatment.RESTORE for name in sorted(pools_of(seen.trees, refused(seen.ledger)))
              if name in wanted or (name in scene.there.names() and name not in scene.main.names())}  # fmt: skip
    return {name: one for name, one in sorted({**wanted, **undone}.items()) if name not in waiting}


def _drifted(scene: _Scene) -> dict[str, tuple[Drift, ...]]:
    """The differences of each pool, without those that main is about to change, and those that are being put back."""
    others = {*_moved(scene), *_under_way(scene)}
    released = released_names(scene.seen.main.files.inside(POOLS).paths())
    found: dict[str, tuple[Drift, ...]] = {}
    for one in find_drift(scene.main, scene.there, released=released):
        if one.kind in OF_POOLS and one.pool not in others and not _passes(scene, one):
            found[one.pool] = (*found.get(one.pool, ()), one)
    return found


def _passes(scene: _Scene, one: Drift) -> bool:
    """Whether a pool that Git does not declare needs nobody: it goes already, or the review of an emergency has it."""
    pool = scene.there.get(one.pool)
    if one.kind is not DriftKind.UNDECLARED or pool is None or pool.state is None:
        return False
    return pool.state.status in LEAVING_STATES or one.pool in scene.unsettled


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


def _adopted(scene: _Scene, names: Iterable[str]) -> Plan | None:
    """The plan by which Git says of these pools what the provider has."""
    adopted = adoption(scene.main, scene.there, names)
    if adopted == scene.main:
        return None
    return plan_between(scene.main, adopted, replace(scene.given, reason=_TAKEN, adopts=True))


def _imported(scene: _Scene, names: Iterable[str], wanted: Mapping[str, Treatment]) -> Plan | None:
    """The plan by which Git declares those of these pools that it does not, and those that people asked for; where
    there are none, the one by which the engine takes up what its state does not know.
    """
    seen, main = scene.seen, scene.main
    found = [pool for name in names if main.get(name) is None and (pool := scene.there.get(name)) is not None]
    taken = [pool for pool in found if not import_problem(pool)]
    if not taken:
        return _taken_up(scene)
    people = [pool for pool in asked_pools(seen.trees, Kind.IMPORT, seen.inputs) if pool.name not in wanted]
    return import_plan(main, [*people, *taken], scene.given, reasons={str(pool.name): _FOUND for pool in taken})


def _taken_up(scene: _Scene) -> Plan | None:
    """To the engine these pools are new, so the plan leads from main without them to main.

    What the files import already is taken up by the next apply, without a further word. Where nobody looked at the
    engine's state, or somebody is at it right now, what was proposed stands.
    """
    seen, main = scene.seen, scene.main
    looked = seen.world.engine.get(seen.settings.name)
    if looked is None or seen.ledger.claim(seen.now) is not None:
        unknown = {str(change.pool) for change in asked_for(seen.trees, Kind.IMPORT)}
    else:
        unknown = {one.pool for one in treatments(looked, seen.settings.drift)} - {*_moved(scene)}
    imported, ovh = imported_ids(seen.main.files.inside(POOLS)), seen.settings.ovh
    pools = [
        pool for pool in scene.there if pool.name in unknown and _stands(scene.there, pool.name, main)
        and imported.get(str(pool.name)) != import_id(pool, ovh.service_name, ovh.kube_id)
    ]  # fmt: skip
    if not pools:
        return None
    known = PoolSet.of(pool for pool in main if pool.name not in {one.name for one in pools})
    plan = import_plan(known, pools, scene.given, reasons={str(pool.name): _UNKNOWN for pool in pools})
    return None if _waits(scene, plan) else plan


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
