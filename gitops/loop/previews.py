"""What becomes of the pods on nodes that a plan takes away, looked up in the snapshot of this pass.

It is no part of the plan, and nothing decides on it: pods come and go, and an approval does not end with each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.departing import departures, grace_periods
from planner.errors import ValueRefused
from planner.plan import Action

if TYPE_CHECKING:
    from datetime import datetime

    from planner.decide import Inputs
    from planner.departing import Departure
    from planner.plan import Plan


def departures_of(plan: Plan, inputs: Inputs, now: datetime) -> tuple[Departure, ...]:
    """For each victim, and each node of a pool that is replaced: whom it evicts, and what forbids that now."""
    victims = {name for change in plan.changes for name in change.victims}
    replaced = {change.pool for change in plan.changes if change.action is Action.REPLACE}
    leaving = [node for node in inputs.snapshot.nodes if node.name in victims or node.pool in replaced]
    if not leaving:
        return ()
    forced = _forced(plan, inputs)
    return departures(leaving, inputs.snapshot.pods, inputs.snapshot.budgets, now=now, forced=forced)


def _forced(plan: Plan, inputs: Inputs) -> dict[str, int]:
    from planner.decide import find_region  # noqa: PLC0415 - loads numpy and HiGHS

    try:
        region = find_region(inputs)
    except ValueRefused:  # nobody knows which NodePools these are, so nobody is promised that pods are deleted
        return {}
    return grace_periods(plan.declared, inputs.policy, inputs.catalog, region)
