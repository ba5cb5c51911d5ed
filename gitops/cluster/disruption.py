"""The ``disruption`` block of a NodePool: when nodes may go, and how many at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.cluster.fields import at
from gitops.decoding import Misfit
from planner.policy import Consolidation, DisruptionBudget, DisruptionReason
from planner.quantity import parse_duration
from planner.schedule import parse_cron

if TYPE_CHECKING:
    from gitops.cluster import policy_wire as wire
    from gitops.cluster.policy import Findings
    from gitops.decoding import Step

_NODES = re.compile(r"(?P<percent>100|\d{1,2})%|(?P<nodes>\d{1,9})")
_PATH: tuple[Step, ...] = ("spec", "disruption")
_BALANCED = "Balanced"  # Karpenter's newest policy, in alpha: between the two others


@dataclass(frozen=True, slots=True, kw_only=True)
class Disruption:
    consolidation: Consolidation = Consolidation.WHEN_EMPTY_OR_UNDERUTILIZED
    consolidate_after: int | None = 0
    budgets: tuple[DisruptionBudget, ...] | None = None


def read_disruption(written: wire.Disruption | None, findings: Findings) -> Disruption:
    """With Karpenter's defaults where nothing is written."""
    if written is None:
        return Disruption()
    return Disruption(
        consolidation=findings.attempt(
            lambda: _consolidation(written.consolidation_policy, findings), Consolidation.WHEN_EMPTY
        ),
        consolidate_after=findings.attempt(
            lambda: seconds_or_never(written.consolidate_after or "0s", (*_PATH, "consolidateAfter")), None
        ),
        budgets=findings.attempt(lambda: _budgets(written.budgets), None),
    )


def seconds_or_never(text: str, path: tuple[Step, ...]) -> int | None:
    """A duration in seconds; None for ``Never``. Raises Misfit."""
    with at(*path):
        return None if text == "Never" else parse_duration(text)


def _consolidation(text: str | None, findings: Findings) -> Consolidation:
    path = (*_PATH, "consolidationPolicy")
    if text is None:
        return Consolidation.WHEN_EMPTY_OR_UNDERUTILIZED
    if text == _BALANCED:
        findings.warn(path, "Balanced is taken as WhenEmpty, the more careful one")
        return Consolidation.WHEN_EMPTY
    allowed = [one.value for one in Consolidation]
    if text not in allowed:
        raise Misfit(f"{text!a} is unknown; it is {' or '.join(allowed)}", path)
    return Consolidation(text)


def _budgets(written: list[wire.Budget] | None) -> tuple[DisruptionBudget, ...] | None:
    if written is None:
        return None
    made: list[DisruptionBudget] = []
    for number, one in enumerate(written):
        with at(*_PATH, "budgets", number):
            made.append(_budget(one))
    return tuple(made)


def _budget(budget: wire.Budget) -> DisruptionBudget:
    match = _NODES.fullmatch(str(budget.nodes))
    if match is None:
        raise Misfit(f"{budget.nodes!a} is neither a number of nodes nor a percentage up to 100%", ("nodes",))
    if (budget.schedule is None) is not (budget.duration is None):
        missing = "duration" if budget.duration is None else "schedule"
        raise Misfit(f"{missing} is missing: a schedule and a duration go together")
    with at("schedule"):
        if budget.schedule is not None:
            parse_cron(budget.schedule)
    with at("duration"):
        duration = parse_duration(budget.duration) if budget.duration is not None else 0
        if budget.duration is not None and (duration == 0 or duration % 60):
            raise Misfit(f"{budget.duration!a} is no whole number of minutes above zero")
    return DisruptionBudget(
        nodes=int(match["nodes"]) if match["nodes"] else None,
        percent=int(match["percent"]) if match["percent"] else None,
        schedule=budget.schedule or "",
        duration=duration,
        reasons=_reasons(budget.reasons),
    )


def _reasons(written: list[str] | None) -> tuple[DisruptionReason, ...]:
    """In the enum's order; none written means all of them."""
    allowed = [one.value for one in DisruptionReason]
    for number, text in enumerate(written or ()):
        if text not in allowed:
            raise Misfit(f"{text!a} is unknown; it is one of {', '.join(allowed)}", ("reasons", number))
    return tuple(one for one in DisruptionReason if not written or one.value in written)
