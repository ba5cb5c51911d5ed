"""The ledger's records folded into entries: each proposal with what it led to. Pure.

Records of one proposal follow each other by kind, for a kind has one proposal at a time. An application belongs to the
pull request that it names or, in plain Git, to the newest proposal with its digest that was not applied yet; one that
belongs to none is a change that a person made.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gitops.loop.ledger import OPEN, time_of
from gitops.loop.records import Event, Figures
from renderer.history import Entry, History, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from gitops.loop.ledger import Ledger
    from gitops.loop.records import Record

_ENDS = {
    Event.DECLINED: Outcome.DECLINED, Event.MERGED: Outcome.MERGED, Event.WITHDRAWN: Outcome.WITHDRAWN,
    Event.CLAIMED: Outcome.CLAIMED, Event.APPLIED: Outcome.APPLIED, Event.FAILED: Outcome.FAILED,
}  # fmt: skip
_APPLYING = (Event.CLAIMED, Event.APPLIED, Event.FAILED)


def history_of(ledger: Ledger, *, cluster: str, now: datetime, since: datetime | None = None) -> History:
    """The history as of ``now``; ``since``: only entries of which anything was recorded from then on.

    Raises Stalled for a record whose time cannot be read.
    """
    entries = fold(ledger.records)
    applied = [entry for entry in entries if entry.applied is not None]
    cost: dict[str, int] = {}
    for entry in applied:
        cost[entry.currency] = cost.get(entry.currency, 0) + (entry.cost(now) or 0)
    return History(
        cluster=cluster, now=now, since=since, applied=len(applied), cost=tuple(sorted(cost.items())),
        begun=min((entry.applied for entry in applied if entry.applied), default=None),
        entries=tuple(entry for entry in reversed(entries) if since is None or entry.last >= since),
    )  # fmt: skip


def fold(records: Iterable[Record]) -> tuple[Entry, ...]:
    """The entries of these records, in the order of their first records."""
    folding = _Folding()
    for record in records:
        folding.take(record)
    return folding.settled()


@dataclass
class _Folding:
    """``standing`` is the place of each kind's proposal that has not ended."""

    entries: list[Entry] = field(default_factory=list)
    standing: dict[str, int] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        if record.event is Event.SUPERSEDED:
            return  # only keeps an approved commit; what took its place is recorded as revised
        place = self._applied_as(record) if record.event in _APPLYING else self._proposed_as(record)
        if place is None:
            self.entries.append(_begin(record))
            place = len(self.entries) - 1
        if record.event in OPEN:
            self.standing[record.kind] = place
        elif self.standing.get(self.entries[place].kind) == place:
            del self.standing[self.entries[place].kind]
        self.entries[place] = _with(self.entries[place], record)

    def _proposed_as(self, record: Record) -> int | None:
        """The proposal of the kind that stands, unless the record is of another request."""
        place = self.standing.get(record.kind)
        if place is None:
            return self._merged_already(record)
        if record.event is Event.OPENED or _another(self.entries[place], record):
            self.entries[place] = replace(self.entries[place], outcome=Outcome.SUPERSEDED)
            del self.standing[record.kind]
            return None
        return place

    def _merged_already(self, record: Record) -> int | None:
        """A proposal may be applied before its merge is recorded."""
        found = (place for place, one in enumerate(self.entries) if one.proposal and one.kind == record.kind)
        place = max(found, default=None)
        if place is None or record.event is not Event.MERGED or self.entries[place].claimed is None:
            return None
        one = self.entries[place]
        return place if (one.request or one.digest) == (record.request or record.digest) else None

    def _applied_as(self, record: Record) -> int | None:
        for place in range(len(self.entries) - 1, -1, -1):
            one = self.entries[place]
            if one.applied is None and _belongs(one, record):
                return place
        return None

    def settled(self) -> tuple[Entry, ...]:
        """What was merged and never applied by itself is covered by what was merged and applied after it: that starts
        where it ends, or was applied together with it where it failed."""
        later = [(one.applied, one.merged) for one in self.entries if one.applied and one.merged]
        return tuple(
            replace(one, outcome=Outcome.COVERED)
            if one.outcome in (Outcome.MERGED, Outcome.FAILED) and any(
                applied >= one.last and merged >= (one.merged or one.last) for applied, merged in later
            ) else one
            for one in self.entries
        )  # fmt: skip


def _another(entry: Entry, record: Record) -> bool:
    return bool(entry.request and record.request and entry.request != record.request)


def _belongs(entry: Entry, record: Record) -> bool:
    if entry.claimed is not None:
        return entry.commit == record.commit
    if record.request or entry.request:
        return entry.request == record.request
    return entry.proposal and entry.digest == record.digest  # kinds may differ: a merge commit does not name it


def _begin(record: Record) -> Entry:
    """An entry of which this is the first record."""
    return Entry(
        number=record.number, kind=record.kind, digest=record.digest, outcome=Outcome.OPEN, last=time_of(record.at),
        proposal=record.event not in _APPLYING,
    )  # fmt: skip


def _with(entry: Entry, record: Record) -> Entry:
    """The entry, and what this record says of it."""
    at = time_of(record.at)
    told = _figured(replace(
        entry, outcome=_ENDS.get(record.event, Outcome.OPEN), last=at, digest=record.digest or entry.digest,
        commit=record.commit or entry.commit, request=record.request or entry.request,
        proposed=entry.proposed or _time(record.proposed) or (at if record.event is Event.OPENED else None),
    ), record.figures)  # fmt: skip
    if record.event is Event.REVISED:
        return replace(told, revisions=entry.revisions + 1)
    if record.event in _APPLYING:
        return _applying(entry, told, record, at)
    if record.event is Event.MERGED:
        known = entry if entry.claimed else replace(told, outcome=Outcome.MERGED)  # what was applied is what counts
        noticed = None if entry.claimed else at
        return replace(known, ended_by=record.by, merged=entry.merged or _time(record.merged) or noticed)
    return replace(told, ended_by=record.by, reason=record.reason)


def _applying(entry: Entry, told: Entry, record: Record, at: datetime) -> Entry:
    failed = ((at, record.reason),) if record.event is Event.FAILED else ()
    # A fast-forward in plain Git is the proposal's own commit, whose time says nothing of the merge.
    forward = entry.claimed is None and not record.request and record.commit == entry.commit
    merged = entry.merged if forward or entry.claimed else _time(record.merged) or entry.merged
    return replace(
        told, claimed=entry.claimed or at, applied=at if record.event is Event.APPLIED else None,
        merged=merged, approved_by=record.by, holder=record.holder, reason="",
        failures=(*entry.failures, *failed),
    )  # fmt: skip


def _figured(entry: Entry, figures: Figures) -> Entry:
    """What the plan is about, by the newest record that says so."""
    if figures == Figures():
        return entry
    return replace(
        entry, added=figures.added, removed=figures.removed, hourly=figures.hourly, monthly=figures.monthly,
        currency=figures.currency, demand=figures.demand, pending=figures.pending, since=figures.since,
    )  # fmt: skip


def _time(text: str) -> datetime | None:
    return time_of(text) if text else None
