"""How far each proposal that stands is: it waits for people, or is applied, or that failed; pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from gitops.loop.records import Event
from gitops.loop.steps import Step

if TYPE_CHECKING:
    from gitops.controller.view import View
    from gitops.loop.acting import Done
    from gitops.loop.records import Record


class State(Enum):
    """As ``kubectl get scaleplans`` shows it."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    APPLYING = "applying"
    FAILED = "failed"


def state_of(view: View, done: Done) -> tuple[State, str]:
    """The state of a standing proposal, and since when (RFC 3339; empty where that is not known)."""
    digest = done.plan.digest if done.plan is not None else ""
    records = view.proposed.ledger.records if view.proposed else ()
    newest = next((one for one in reversed(records) if one.digest == digest), None)
    if newest is not None and newest.event is Event.CLAIMED:
        return State.APPLYING, newest.at
    if newest is not None and newest.event is Event.FAILED:
        return State.FAILED, newest.at
    opened = _opened(records, digest)
    state = State.APPROVED if done.step is Step.MERGE else State.PROPOSED
    return state, opened.at if opened is not None else ""


def _opened(records: tuple[Record, ...], digest: str) -> Record | None:
    events = (Event.OPENED, Event.REVISED)
    return next((one for one in reversed(records) if one.digest == digest and one.event in events), None)
