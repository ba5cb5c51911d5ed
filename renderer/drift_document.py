"""Drift as a document: the JSON that ``poolplan drift --output json`` prints; equal differences are equal bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from planner.drift import DriftKind, differences
from planner.pools import Pool
from renderer import driftwire as wire
from renderer.document import pool_entry
from renderer.drift import field_name, sentence
from renderer.wire import TaintEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planner.drift import Drift, Treatment

_MAPS = ("labels", "annotations")


def drift_document(
    found: Sequence[Drift], policy: Mapping[Drift, Treatment], *, cluster: str, commit: str
) -> dict[str, Any]:  # fmt: skip
    """The document as plain values. ``commit`` is the one whose pools were compared; see ``drift_table``."""
    document: dict[str, Any] = msgspec.to_builtins(wire.DriftEntry(
        api_version=wire.API_VERSION, kind=wire.KIND, cluster=cluster, commit=commit, drifted=bool(differences(found)),
        differences=[_difference(one, policy) for one in found],
    ))  # fmt: skip
    return document


def document_text(document: dict[str, Any]) -> str:
    """Two spaces of indentation and a newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _difference(one: Drift, policy: Mapping[Drift, Treatment]) -> wire.DifferenceEntry:
    state = one.observed.state if one.kind is DriftKind.STATE and isinstance(one.observed, Pool) else None
    return wire.DifferenceEntry(
        pool=one.pool, kind=one.kind.value, text=sentence(one),
        field=field_name(one) or UNSET, declared=_value(one.field, one.declared),
        observed=_value(one.field, one.observed), status=state.status if state else UNSET,
        policy=policy[one].value if one in policy else UNSET,
    )


def _value(field: str, value: object) -> object:
    """As the plan document writes it."""
    if isinstance(value, Pool):
        return pool_entry(value, with_id=True)
    if not isinstance(value, tuple):
        return value
    if field in _MAPS:
        return dict(value)
    return [TaintEntry(one.key, one.value, one.effect) for one in value] if field == "taints" else list(value)
