"""Whether a plan is no more than what was approved: an approval survives shrinking (design.md, rule 3). Pure.

A plan is covered when each action that is left was approved: on the same pool, to the same pool, no further in size,
with no other victim, under the same policy; and when it adds no more cost than was approved. So a plan that leaves out
an approved deletion can cost more than what was approved, and then needs a new word. Prices that rose do not: a plan
with the same digest is always covered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.diff import changed_fields
from planner.guardrails import nodes_removed
from planner.plan import Action
from renderer.document import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.plan import Change, Plan
    from planner.pools import Pool


def covers(approved: Plan, plan: Plan) -> tuple[str, ...]:
    """What of ``plan`` was not approved with ``approved``, a sentence each; nothing: it is covered."""
    if approved.digest == plan.digest or not plan.changes:
        return ()
    return tuple(_beyond(approved, plan))


def _beyond(approved: Plan, plan: Plan) -> Iterator[str]:
    if approved.evidence.policy != plan.evidence.policy:
        yield "the policy is another one than the one approved"
    if approved.adopts is not plan.adopts:
        yield "it was approved that Git takes over what is there" if approved.adopts else "it takes over what is there"
    if approved.cost.currency != plan.cost.currency:
        yield f"costs are in {plan.cost.currency}, those approved in {approved.cost.currency}"
    known = {change.pool: change for change in approved.changes}
    for change in plan.changes:
        one = known.get(change.pool)
        if one is None:
            yield f"{change.pool}: {change.action.value} was not approved"
        elif one.action is not change.action:
            yield f"{change.pool}: {one.action.value} was approved, not {change.action.value}"
        else:
            yield from (f"{change.pool}: {text}" for text in _further(one, change))
    for unit, more, most in zip(("hour", "month"), _added(plan), _added(approved), strict=True):
        if more > max(0, most):
            yield f"it adds more cost per {unit} than was approved"


def _further(approved: Change, change: Change) -> Iterator[str]:
    """In what a change goes further than the approved one of the same pool and action."""
    if _id(approved) != _id(change):
        yield "it is another pool than the one approved"
    yield from _other_fields("it is now", approved.before, change.before)
    yield from _other_fields("it becomes", approved.after, change.after)
    if not _inside(change, approved):
        yield f"{_sizes(change)} nodes is not within {_sizes(approved)}, which was approved"
    others = sorted(set(change.victims) - set(approved.victims))
    if others:
        yield f"it removes {', '.join(others)}, which was not approved"
    if _unnamed(change) > _unnamed(approved):
        yield "it removes more nodes without naming them"


def _other_fields(when: str, approved: Pool | None, pool: Pool | None) -> Iterator[str]:
    if approved is None or pool is None:
        if approved is not pool:
            yield f"{when} a pool or none, other than approved"
        return
    for name in changed_fields(approved, pool):
        if name != "desired":
            yield f"{when} a pool of other {FIELDS[name]} than approved"


def _inside(change: Change, approved: Change) -> bool:
    """Whether the pool goes a part of the approved way, in the same direction. A replacement goes all of it or none."""
    (start, end), (first, last) = _span(change), _span(approved)
    if change.action is Action.REPLACE:
        return (start, end) == (first, last)
    return first <= start <= end <= last or first >= start >= end >= last


def _span(change: Change) -> tuple[int, int]:
    """Nodes before and after; none where there is no pool."""
    before = change.before.desired if change.before else 0
    return before, change.after.desired if change.after else 0


def _sizes(change: Change) -> str:
    return "{} → {}".format(*_span(change))


def _unnamed(change: Change) -> int:
    return nodes_removed(change) - len(change.victims)


def _added(plan: Plan) -> tuple[int, int]:
    """Micro-units per hour and per month by which the plan's changes move the cost, less than zero where they save."""
    pairs = [(change.cost_before, change.cost_after) for change in plan.changes]
    return (
        sum(after.hourly - before.hourly for before, after in pairs),
        sum(after.monthly - before.monthly for before, after in pairs),
    )  # fmt: skip


def _id(change: Change) -> str:
    return change.before.state.id if change.before and change.before.state else ""
