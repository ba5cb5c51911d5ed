"""Makes a plan again from its saved inputs, and says in what it differs from the one that is to be checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from planner.between import EDITED, NOTHING, Given, adoption, plan_between
from planner.decide import decide
from planner.diff import changed_fields
from planner.leaving import name_victims, side_by_side
from planner.pools import PoolSet
from planner.portion import kind_of, portions
from renderer.document import FIELDS, plan_document
from renderer.text import short_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from gitops.evidence.files import Saved
    from planner.decide import Inputs
    from planner.plan import Change, Plan
    from planner.pools import PoolName

_INPUTS = {"snapshot": "snapshot", "policy": "policy", "catalog": "catalog", "pools": "declared or observed pools"}


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a replay found. No ``differences``: the same actions from the same inputs.

    ``differences`` are sentences without a full stop; ``others`` names parts of the document that differ although no
    digest covers them, as they would where somebody changed a reason or an amount by hand. ``version`` is that of the
    poolplan that planned again.
    """

    differences: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    version: str = field(default_factory=lambda: version("poolplan"))


def replay(saved: Saved, plan: Plan) -> Replayed:
    """Plan again, and compare with a plan or one portion of it. Raises ValueRefused where nothing can be planned."""
    again = decide(saved.inputs, now=saved.now)
    if plan.evidence.snapshot == NOTHING:
        candidates = tuple(_between(saved.inputs, plan, again, saved.now))
    else:
        candidates = (again, *(portion for _, portion in portions(again)))
    same = [one for one in candidates if one.digest == plan.digest and not tuple(_other_inputs(plan, one))]
    if not same:
        nearest = _nearest(plan, candidates)
        return Replayed(differences=(*_other_inputs(plan, nearest), *_other_changes(plan, nearest)))
    return Replayed(others=min((_other_parts(plan, one) for one in same), key=len))


def _between(inputs: Inputs, plan: Plan, again: Plan, now: datetime) -> Iterator[Plan]:
    """The plans without a demand that these inputs give.

    What was changed at the provider is taken into Git; or what Git declares is confirmed, whatever was applied before.
    """
    reasons = plan.changes[0].reasons if plan.changes else ()
    given = Given(
        catalog=inputs.catalog, policy=again.evidence.policy, now=again.evidence.now, observed=inputs.observed,
        reason=reasons[0] if reasons else EDITED,
    )  # fmt: skip
    adopted = adoption(inputs.declared, inputs.observed, {change.pool for change in plan.changes})
    yield plan_between(inputs.declared, adopted, replace(given, adopts=True))
    before = PoolSet.of(replace(pool, state=None) for pool in plan.declared)
    after = side_by_side(before, inputs.declared, taken=inputs.observed.names())
    bare = plan_between(before, after, given)
    victims = name_victims(bare, inputs.snapshot.nodes, inputs.snapshot.pods, now=now)
    yield plan_between(before, after, replace(given, victims=victims))


def _other_inputs(plan: Plan, again: Plan) -> Iterator[str]:
    ours, theirs = plan.evidence, again.evidence
    for name, noun in _INPUTS.items():
        one, other = getattr(ours, name), getattr(theirs, name)
        if one != other:
            told, held = short_digest(one), short_digest(other)
            yield f"the plan was made from another {noun} ({told}) than the evidence holds ({held})"
    if ours.now != theirs.now:
        yield f"the plan was made for {ours.now}, the evidence is of {theirs.now}"


def _nearest(plan: Plan, candidates: Sequence[Plan]) -> Plan:
    """The one with the same actions, else the one with changes of the same kinds, else the first."""
    kinds = {kind_of(change) for change in plan.changes}
    acting = [one for one in candidates if one.digest == plan.digest]
    alike = [one for one in candidates if {kind_of(change) for change in one.changes} == kinds]
    return (*acting, *alike, *candidates)[0]


def _other_changes(plan: Plan, again: Plan) -> Iterator[str]:
    ours = {change.pool: change for change in plan.changes}
    theirs = {change.pool: change for change in again.changes}
    for pool in sorted(ours.keys() | theirs.keys()):
        yield from _other_change(pool, ours.get(pool), theirs.get(pool))


def _other_change(pool: PoolName, one: Change | None, other: Change | None) -> Iterator[str]:
    """In what two changes of a pool differ, as far as approvals bind to it."""
    said, meant = (change.action.value if change else "nothing" for change in (one, other))
    if said != meant:
        yield f"pool {pool}: the plan says {said}, the replay says {meant}"
    if one is None or other is None:
        return
    for side in ("before", "after"):
        ours, theirs = getattr(one, side), getattr(other, side)
        if ours is not None and theirs is not None and (names := changed_fields(ours, theirs)):
            sizes = f" ({ours.desired} in the plan, {theirs.desired} in the replay)" if "desired" in names else ""
            yield f"pool {pool}: not the same {side} the change: {', '.join(FIELDS[name] for name in names)}{sizes}"
    if one.victims != other.victims:
        leaving, meant = (", ".join(victims) or "none" for victims in (one.victims, other.victims))
        yield f"pool {pool}: the nodes {leaving} leave in the plan, {meant} in the replay"
    if _id(one) != _id(other):
        yield f"pool {pool}: its id is {_id(one) or 'not known'} in the plan, {_id(other) or 'not known'} in the replay"


def _id(change: Change) -> str:
    return change.before.state.id if change.before and change.before.state else ""


def _other_parts(plan: Plan, again: Plan) -> tuple[str, ...]:
    ours, theirs = plan_document(plan), plan_document(again)
    names = sorted(ours.keys() | theirs.keys())
    return tuple(name for name in names if ours.get(name) != theirs.get(name))
