"""Why a plan is not proposed yet, or not again: waves of pods, limits on proposals, and what people declined. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.loop.ledger import time_of
from gitops.loop.records import Event, figures_of
from planner.portion import HANDOVERS, Kind
from renderer.text import short_digest

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.loop.ledger import Ledger
    from gitops.loop.records import Figures, Record
    from gitops.settings_proposals import Proposals
    from planner.plan import Plan

HOUR = timedelta(hours=1)
_AS_IT_IS = (Kind.POLICY, Kind.DRIFT, Kind.RESTORE, *HANDOVERS.values())
"""Kinds that follow from how things are, not from how much is asked for: another plan is another question."""


def unripe(kind: Kind, plan: Plan, proposals: Proposals, now: datetime) -> str:
    """Why growth waits for more pods to come, a sentence; empty where it does not, or where no times are known."""
    pending = plan.pending
    if kind is not Kind.UP or not pending.pods:
        return ""
    if pending.pods < proposals.min_pending_pods:
        return f"{pending.pods} of at least {proposals.min_pending_pods} pods wait (spec.proposals.minPendingPods)"
    oldest = now - time_of(pending.since) if pending.since else None
    if oldest is not None and oldest < proposals.min_pending_age:
        return f"no pod waits for {_span(proposals.min_pending_age)} yet (spec.proposals.minPendingAge)"
    quiet = now - time_of(pending.newest) if pending.newest else None
    if quiet is None or oldest is None or quiet >= proposals.batch_idle or oldest >= proposals.batch_max:
        return ""
    return f"pods still come: the last one less than {_span(proposals.batch_idle)} ago (spec.proposals.batch)"


def over_limit(ledger: Ledger, proposals: Proposals, *, standing: int, now: datetime) -> str:
    """Why no further proposal may be opened, a sentence; empty where one may. ``standing`` are open now."""
    if standing >= proposals.max_open:
        return f"{standing} proposals of the cluster are open already (spec.proposals.maxOpen)"
    opened = len(ledger.since(now - HOUR, Event.OPENED))
    if opened >= proposals.per_hour:
        return f"{opened} proposals were opened within an hour (spec.proposals.perHour)"
    return ""


def declined(kind: Kind, plan: Plan, ledger: Ledger, proposals: Proposals, *, asked: bool = False) -> str:
    """Why what a person declined is not proposed again, a sentence; empty where it may be.

    ``asked``: it is wanted only because a person asked for it.
    """
    record = ledger.latest(kind.value)
    if record is None or record.event is not Event.DECLINED:
        return ""
    if _changed(kind, plan, record, proposals.margin, asked=asked):
        return ""
    who = ", ".join(record.by) or "somebody"
    request = f"#{record.request}" if record.request else f"plan {short_digest(record.digest)}"
    until = comes_again(kind, proposals, asked=asked)
    return f"{who} declined {request} on {record.at[:10]}; it comes again when {until}"


def _changed(kind: Kind, plan: Plan, record: Record, margin: int, *, asked: bool) -> bool:
    """Whether the inputs have moved by the margin, or it became more urgent."""
    now, then = figures_of(plan), record.figures
    if now.priority > then.priority:
        return True
    if asked:
        return False
    if kind in _AS_IT_IS:
        return plan.digest != record.digest
    return _grown(*_amounts(kind, now, then), margin)


def _amounts(kind: Kind, now: Figures, then: Figures) -> tuple[int, int]:
    """What a decision was about: the pods that wait, or what is paid for empty nodes."""
    return (now.pending, then.pending) if kind is Kind.UP else (-now.hourly, -then.hourly)


def _grown(now: int, then: int, margin: int) -> bool:
    return now > then and now * 100 >= then * (100 + margin)


def comes_again(kind: Kind, proposals: Proposals, *, asked: bool = False) -> str:
    """What must happen before a declined proposal is made again; ``asked`` as in ``declined``."""
    if asked:
        return "somebody asks for it"
    if kind in _AS_IT_IS:
        return "the plan is another one"
    what, urgent = ("pods wait", ", or more urgent ones") if kind is Kind.UP else ("is saved", "")
    return f"{proposals.margin} % more {what}{urgent} (spec.proposals.againAfterPercent)"


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 60} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"
