"""How the provider's pools differ from what Git declares, as the last pass saw it; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.rounds import Planned
from planner.drift import differences, find_drift, in_order, listed
from renderer.layout import POOLS, released_names

if TYPE_CHECKING:
    from gitops.rounds import Observed
    from planner.drift import Drift


def differences_of(planned: Observed | None) -> tuple[Drift, ...] | None:
    """Each difference; None where the provider's own list was not read, or Git declares nothing.

    What is approved and on its way is among them until the provider has it.
    """
    if not isinstance(planned, Planned):
        return None
    inputs = planned.inputs
    there = listed(inputs.observed)
    if not there and (inputs.declared or inputs.observed):
        return None
    released = released_names(planned.fleet.files.inside(POOLS).paths())
    return in_order((*differences(find_drift(inputs.declared, there, released=released)), *(planned.engine or ())))
