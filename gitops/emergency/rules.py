"""What an emergency may do, and what of a plan it does; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gitops.apply.steps import lessens
from gitops.loop.ledger import time_of
from planner.between import adoption
from planner.plan import Pending
from planner.pools import PoolSet
from planner.portion import Kind, portion_of, portions
from renderer.text import short_digest

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from gitops.loop.ledger import Ledger
    from gitops.settings_emergency import Automatic
    from planner.guardrails import Violation
    from planner.plan import Plan


def what_is_there(declared: PoolSet, observed: PoolSet, *, made: Collection[str]) -> PoolSet:
    """The pools that an emergency starts from: Git's as the provider has them, and those that earlier ones ``made``."""
    adopted = adoption(declared, observed)
    names = adopted.names()
    return PoolSet.of([*adopted, *(pool for pool in observed if pool.name in made and pool.name not in names)])


def growth(plan: Plan) -> Plan | None:
    """The part of a plan that adds nodes; None where it adds none."""
    return dict(portions(plan)).get(Kind.UP)


def urgent(plan: Plan, automatic: Automatic) -> Plan | None:
    """The part of growth for pods of the priority from which poolplan acts by itself; None where there is none."""
    grown = growth(plan)
    changes = tuple(one for one in grown.changes if one.priority >= automatic.priority) if grown else ()
    if grown is None or not changes:
        return None
    if changes == grown.changes:
        return grown
    return replace(portion_of(grown, changes), pending=Pending())


def overdue(ledger: Ledger, automatic: Automatic, now: datetime) -> str:
    """Why poolplan acts by itself: a proposal for such pods has waited for people too long. Empty: none has."""
    newest, first = ledger.latest(Kind.UP.value), ledger.standing_since(Kind.UP.value, priority=automatic.priority)
    if first is None or newest is None:
        return ""
    waited = now - time_of(first.at)
    if waited < automatic.after:
        return ""
    what = f"#{newest.request}" if newest.request else f"plan {short_digest(newest.digest)}"
    minutes = int(waited.total_seconds()) // 60
    return f"pods of priority {newest.figures.priority} wait, and nobody has reviewed {what} in {minutes} min"


def refusals(plan: Plan, violations: Collection[Violation], freeze: str, *, force: bool) -> tuple[str, ...]:
    """Why an emergency must not do this, a sentence each. ``force`` allows removals and acts in a freeze, no more."""
    reasons = [f"{one.text} (spec.emergency.guardrails.{one.rule})" for one in violations]
    if not force:
        removed = sorted(str(change.pool) for change in plan.changes if lessens(change))
        reasons += [f"{name} would lose nodes, and an emergency only adds them: --force allows it" for name in removed]
        reasons += [f"nothing is to be applied: {freeze}; --force does it all the same"] if freeze else []
    return tuple(reasons)
