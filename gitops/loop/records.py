"""What a ledger holds: one record for each thing that happened to a proposal or was applied, as values and as JSON.

The texts are for people too: a record is a file that ``git show`` prints. Unknown fields are kept out of decisions but
never refused, so that an older poolplan can go on beside a newer one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from gitops.apply.shortages import Shortage
from gitops.decoding import decoder
from planner.errors import ValueRefused
from planner.guardrails import done_by
from planner.quantity import format_money, parse_money

if TYPE_CHECKING:
    from planner.plan import Plan

API_VERSION = "poolplan.dev/v1alpha1"
KIND = "Record"


class Event(Enum):
    """What happened."""

    OPENED = "opened"
    REVISED = "revised"
    SUPERSEDED = "superseded"
    DECLINED = "declined"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    CLAIMED = "claimed"
    APPLIED = "applied"
    FAILED = "failed"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a plan was about: nodes, cost per hour in micro-units, and the demand behind it.

    ``demand`` are (workload, pods); ``pending`` pods waited since ``since`` (RFC 3339), ``priority`` is their highest,
    ``least`` the lowest that a change is for. ``hourly_added`` is the growth alone, without what removals save.
    """

    added: int = 0
    removed: int = 0
    hourly: int = 0
    hourly_added: int = 0
    monthly: int = 0
    currency: str = ""
    demand: tuple[tuple[str, int], ...] = ()
    pending: int = 0
    since: str = ""
    priority: int = 0
    least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One entry. ``number`` counts from 1; times are RFC 3339 in UTC.

    ``commit`` is the commit on the main branch of what is claimed or applied, else the proposal's own. ``request`` is
    a pull request's number, 0 where there is none. ``by`` are the people whose word it was: approvers, or who declined.
    ``proposed`` and ``merged`` are when the request was opened and merged, where that is known. ``holder`` is the
    process that claims. ``shortages`` are what the cloud lacked, where that let it fail.
    """

    number: int = 0
    event: Event
    at: str
    kind: str
    digest: str
    commit: str = ""
    request: int = 0
    by: tuple[str, ...] = ()
    reason: str = ""
    proposed: str = ""
    merged: str = ""
    holder: str = ""
    figures: Figures = Figures()
    shortages: tuple[Shortage, ...] = ()

    def numbered(self, number: int) -> Record:
        return replace(self, number=number)


def figures_of(plan: Plan) -> Figures:
    """A plan's figures."""
    demand: dict[str, int] = {}
    for change in plan.changes:
        for owner, count in change.pods:
            demand[str(owner)] = demand.get(str(owner), 0) + count
    done = done_by([plan])
    return Figures(
        added=done.nodes_added, removed=done.nodes_removed,
        hourly=plan.cost.after.hourly - plan.cost.before.hourly, hourly_added=done.hourly_added,
        monthly=plan.cost.after.monthly - plan.cost.before.monthly, currency=plan.cost.currency,
        demand=tuple(sorted(demand.items())), pending=plan.pending.pods, since=plan.pending.since,
        priority=max((one.priority for one in plan.changes), default=0),
        least=min((one.priority for one in plan.changes), default=0),
    )  # fmt: skip


class _Demand(msgspec.Struct, frozen=True):
    workload: str
    pods: int


class _Figures(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    nodes_added: int = 0
    nodes_removed: int = 0
    hourly: str = "0"
    hourly_added: str = "0"
    monthly: str = "0"
    currency: str = ""
    demand: tuple[_Demand, ...] = ()
    pending: int = 0
    pending_since: str = ""
    priority: int = 0
    least_priority: int = 0


class _Shortage(msgspec.Struct, frozen=True, omit_defaults=True):
    pool: str
    lack: str
    until: str
    flavor: str = ""
    zone: str = ""
    what: str = ""


class _Entry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    api_version: str
    kind: str
    number: int
    event: str
    at: str
    proposal: str
    digest: str
    commit: str = ""
    request: int = 0
    by: tuple[str, ...] = ()
    reason: str = ""
    proposed: str = ""
    merged: str = ""
    holder: str = ""
    figures: _Figures | None = None
    shortages: tuple[_Shortage, ...] = ()


def record_text(record: Record) -> str:
    """The record as JSON, with a newline at the end: equal records are equal bytes."""
    return json.dumps(record_document(record), indent=2, ensure_ascii=False) + "\n"


def record_document(record: Record) -> dict[str, Any]:
    """The record as plain values, in a fixed order."""
    found = record.figures
    figures = _Figures(
        nodes_added=found.added, nodes_removed=found.removed, hourly=format_money(found.hourly),
        hourly_added=format_money(found.hourly_added), monthly=format_money(found.monthly), currency=found.currency,
        demand=tuple(_Demand(*pair) for pair in found.demand), pending=found.pending, pending_since=found.since,
        priority=found.priority, least_priority=found.least,
    )  # fmt: skip
    document: dict[str, Any] = msgspec.to_builtins(_Entry(
        api_version=API_VERSION, kind=KIND, number=record.number, event=record.event.value, at=record.at,
        proposal=record.kind, digest=record.digest, commit=record.commit, request=record.request, by=record.by,
        reason=record.reason, proposed=record.proposed, merged=record.merged, holder=record.holder,
        figures=None if found == Figures() else figures,
        shortages=tuple(_Shortage(**asdict(one)) for one in record.shortages),
    ))  # fmt: skip
    return document


def read_record(text: str, *, file: str) -> Record:
    """A record from its JSON. Raises ValueRefused, naming the file, for anything else."""
    try:
        entry = decoder(_Entry).decode(text.encode())
        found = entry.figures or _Figures()
        figures = Figures(
            added=found.nodes_added, removed=found.nodes_removed, hourly=_money(found.hourly),
            hourly_added=_money(found.hourly_added), monthly=_money(found.monthly), currency=found.currency,
            demand=tuple((one.workload, one.pods) for one in found.demand), pending=found.pending,
            since=found.pending_since, priority=found.priority, least=found.least_priority,
        )  # fmt: skip
        if (entry.api_version, entry.kind) != (API_VERSION, KIND):
            raise ValueError(f"it is no {KIND} of {API_VERSION}")  # noqa: TRY301 - told like any other fault
        return Record(
            number=entry.number, event=Event(entry.event), at=entry.at, kind=entry.proposal, digest=entry.digest,
            commit=entry.commit, request=entry.request, by=entry.by, reason=entry.reason, proposed=entry.proposed,
            merged=entry.merged, holder=entry.holder, figures=figures,
            shortages=tuple(Shortage(**msgspec.structs.asdict(one)) for one in entry.shortages),
        )  # fmt: skip
    except (msgspec.MsgspecError, ValueError, ValueRefused) as error:
        raise ValueRefused(f"{file} is no record of a ledger: {error}") from error


def _money(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    return sign * parse_money(text.removeprefix("-"))
