"""How a cluster stands as a document of kind ``Status``: docs/reference/status.md describes each field."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from renderer.planwire import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from renderer.status import Ask, Offer, Status


def status_json(status: Status) -> str:
    """The document as JSON, with a newline at the end: equal values are equal bytes."""
    return json.dumps(status_document(status), indent=2, ensure_ascii=False) + "\n"


def statuses_json(statuses: Sequence[Status]) -> str:
    """Those of several clusters as one document, a list."""
    items = [status_document(one) for one in statuses]
    document = {"apiVersion": API_VERSION, "kind": "StatusList", "items": items}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def status_document(status: Status) -> dict[str, Any]:
    """Every field is always there; null where it is not known, or does not apply."""
    return {
        "apiVersion": API_VERSION, "kind": "Status", "cluster": status.cluster, "now": status.now,
        "main": status.main, "applied": status.applied or None, "frozen": status.freeze or None,
        "changes": [_ask(one) for one in status.asks],
        "claim": asdict(status.claim) if status.claim else None,
        "step": asdict(status.step) if status.step else None,
        "unavailable": [asdict(one) for one in status.missing],
        "proposals": [_offer(one) for one in status.offers],
        "drift": status.drift, "driftUnknown": status.unasked or None,
    }  # fmt: skip


def _ask(one: Ask) -> dict[str, Any]:
    return {
        "commit": one.commit, "digest": one.digest, "kind": one.kind, "request": one.request or None,
        "state": one.state.value, "nodesAdded": one.added, "nodesRemoved": one.removed, "reasons": list(one.reasons),
        "attempts": one.attempts, "nextTry": one.again or None,
    }  # fmt: skip


def _offer(one: Offer) -> dict[str, Any]:
    return {
        "kind": one.kind, "branch": one.branch, "digest": one.digest, "request": one.request or None,
        "url": one.url or None, "nodesAdded": one.added, "nodesRemoved": one.removed, "needs": list(one.needs),
    }  # fmt: skip
