"""Makes a plan again from its saved inputs, and says in what it differs from the one that is to be checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from planner.decide import decide
from planner.diff import changed_fields
from planner.portion import kind_of, portions
from renderer.document import FIELDS, plan_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.evidence.files import Saved
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
    inputs = tuple(_other_inputs(plan, again))
    candidates = (again, *(portion for _, portion in portions(again)))
    same = [one for one in candidates if one.digest == plan.digest]
    if inputs or not same:
        nearest = same[0] if same else _nearest(plan, again)
        return Replayed(differences=(*inputs, *_other_changes(plan, nearest)))
    return Replayed(others=min((_other_parts(plan, one) for one in same), key=len))


def _other_inputs(plan: Plan, again: Plan) -> Iterator[str]:
    ours, theirs = plan.evidence, again.evidence
    for name, noun in _INPUTS.items():
        one, other = getattr(ours, name), getattr(theirs, name)
        if one != other:
            yield f"the plan was made from another {noun} ({_short(one)}) than the evidence holds ({_short(other)})"
    if ours.now != theirs.now:
        yield f"the plan was made for {ours.now}, the evidence is of {theirs.now}"


def _nearest(plan: Plan, again: Plan) -> Plan:
    """The portion with changes of the plan's kind, where it has one kind only; else the whole plan."""
    kinds = {kind_of(change) for change in plan.changes}
    return next((portion for kind, portion in portions(again) if kinds == {kind}), again)


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


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
