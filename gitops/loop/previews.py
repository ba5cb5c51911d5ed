"""What becomes of the pods on nodes that a plan takes away, looked up in the snapshot of this pass.

It is no part of the plan, and nothing decides on it: pods come and go, and an approval does not end with each of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.departing import departures, grace_periods
from planner.errors import ValueRefused
from planner.plan import Action

if TYPE_CHECKING:
    from datetime import datetime

    from planner.decide import Inputs
    from planner.departing import Departure
    from planner.plan import Plan


def departures_of(plan: Plan, inputs: Inputs, now: datetime, *, bare: bool = False) -> tuple[Departure, ...]:
    """For each victim, and each node of a pool that is replaced: whom it evicts, where they go, who forbids it now.

    ``bare``: pods without a controller may be evicted.
    """
    victims = {name for change in plan.changes for name in change.victims}
    replaced = {change.pool for change in plan.changes if change.action is Action.REPLACE}
    leaving = [node for node in inputs.snapshot.nodes if node.name in victims or node.pool in replaced]
    if not leaving:
        return ()
    forced = _forced(plan, inputs)
    found = departures(leaving, inputs.snapshot.pods, inputs.snapshot.budgets, now=now, forced=forced, bare=bare)
    return _resettled(found, plan, inputs, now) if any(one.evictions for one in found) else found


def _resettled(
    found: tuple[Departure, ...], plan: Plan, inputs: Inputs, now: datetime
) -> tuple[Departure, ...]:  # fmt: skip
    from planner.resettling import resettle  # noqa: PLC0415 - loads numpy and HiGHS

    try:
        onto = resettle(inputs, plan.desired, {one.node for one in found}, now=now)
    except ValueRefused:  # the text is without it, as it is where nobody looks
        return found
    return tuple(
        replace(one, evictions=tuple(replace(each, onto=onto.get(each.pod, "")) for each in one.evictions))
        for one in found
    )


def _forced(plan: Plan, inputs: Inputs) -> dict[str, int]:
    from planner.decide import find_region  # noqa: PLC0415 - loads numpy and HiGHS

    try:
        region = find_region(inputs)
    except ValueRefused:  # nobody knows which NodePools these are, so nobody is promised that pods are deleted
        return {}
    return grace_periods(plan.declared, inputs.policy, inputs.catalog, region)
