"""A cluster's history as a document of kind ``History``: docs/reference/history.md describes each field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planner.pending import rfc3339
from planner.quantity import format_money
from renderer.planwire import API_VERSION

if TYPE_CHECKING:
    from datetime import datetime

    from renderer.history import Entry, History


def history_json(history: History) -> str:
    """The document as JSON, with a newline at the end: equal histories are equal bytes."""
    return json.dumps(history_document(history), indent=2, ensure_ascii=False) + "\n"


def history_document(history: History) -> dict[str, Any]:
    """Every field is always there; null where it is not known, or does not apply."""
    return {
        "apiVersion": API_VERSION, "kind": "History", "cluster": history.cluster,
        "now": _stamp(history.now), "since": _stamp(history.since),
        "entries": [_entry(entry, history.now) for entry in history.entries],
        "applied": {
            "changes": history.applied, "since": _stamp(history.begun),
            "cost": [{"currency": one, "amount": format_money(amount)} for one, amount in history.cost],
        },
    }  # fmt: skip


def _entry(entry: Entry, now: datetime) -> dict[str, Any]:
    cost = entry.cost(now)
    return {
        "number": entry.number, "kind": entry.kind, "outcome": entry.outcome.value, "proposal": entry.proposal,
        "request": entry.request or None, "digest": entry.digest, "commit": entry.commit or None,
        "nodesAdded": entry.added, "nodesRemoved": entry.removed, "currency": entry.currency,
        "hourly": format_money(entry.hourly), "monthly": format_money(entry.monthly),
        "demand": [{"workload": workload, "pods": pods} for workload, pods in entry.demand],
        "pending": entry.pending, "pendingSince": entry.since or None,
        "revisions": entry.revisions, "proposed": _stamp(entry.proposed), "merged": _stamp(entry.merged),
        "claimed": _stamp(entry.claimed), "applied": _stamp(entry.applied), "recorded": _stamp(entry.last),
        "approvedBy": list(entry.approved_by), "endedBy": list(entry.ended_by), "reason": entry.reason or None,
        "holder": entry.holder or None,
        "failures": [{"at": _stamp(when), "reason": why} for when, why in entry.failures],
        "waitedSeconds": {
            "forPeople": entry.for_people, "toStart": entry.to_start, "forCloud": entry.for_cloud,
        },
        "costSince": None if cost is None else format_money(cost),
    }  # fmt: skip


def _stamp(time: datetime | None) -> str | None:
    return None if time is None else rfc3339(time)
