"""Brings emergencies from the outbox into Git: a commit with the files as they were applied, and a ledger's record.

From the record on, the loop proposes it like any other change. Doing it again changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gitops.emergency.outbox import DONE
from gitops.errors import Stalled, Waiting
from gitops.git.base import BranchName
from gitops.loop.drafting import draft_of
from gitops.loop.emergencies import emergency_text
from gitops.loop.ledger import append, read_ledger, time_of
from gitops.loop.records import Event, Record, figures_of
from gitops.loop.retries import with_span
from planner.between import EMERGENCY
from planner.plan import Reason
from planner.portion import Kind

if TYPE_CHECKING:
    from gitops.emergency.outbox import Entry, Outbox
    from gitops.loop.ledger import Ledger
    from gitops.loop.trees import Trees
    from gitops.loop.world import World
    from planner.plan import Plan

TRIES = 8


def flush(world: World, trees: Trees, outbox: Outbox) -> int:
    """Record everything that waits; how many there were. Raises Waiting or Stalled where Git does not take it."""
    entries = outbox.entries()
    for entry in entries:
        _record(world, trees, entry)
        outbox.drop(entry)
    return len(entries)


def _record(world: World, trees: Trees, entry: Entry) -> None:
    for left in range(TRIES, 0, -1):
        ledger = read_ledger(world.repository, trees.settings)
        if _is_known(ledger, entry):
            return
        try:
            _append(world, trees, ledger, entry)
        except Waiting:
            if left == 1:
                raise
            world.repository.refresh()
        else:
            return


def _append(world: World, trees: Trees, ledger: Ledger, entry: Entry) -> None:
    settings, repository = trees.settings, world.repository
    main = repository.head(BranchName(settings.git.branch))
    if main is None:
        raise Stalled(f"{repository.name} has no branch {settings.git.branch}")
    draft = draft_of(with_reason(entry), Kind.EMERGENCY, trees.at(main), settings, limit=world.forge.body_limit)
    commit = repository.commit(draft, parent=main, signer=world.signer)
    ending = "" if entry.state == DONE else f" (it {'failed' if entry.text else 'was interrupted'}"
    ending += f": {entry.text})" if entry.text and ending else ")" if ending else ""
    record = Record(
        event=Event.EMERGENCY, at=entry.at, kind=Kind.EMERGENCY.value, digest=entry.plan.digest, commit=commit,
        by=(entry.by,), reason=f"{entry.reason}{ending}", figures=figures_of(entry.plan),
        shortages=with_span(entry.shortages, ledger, time_of(entry.at)),
    )  # fmt: skip
    append(repository, settings, ledger, record, keep=(commit,), signer=world.signer)


def with_reason(entry: Entry) -> Plan:
    """The plan, each of its changes with the emergency as its first reason: reasons are in no digest."""
    first = Reason(EMERGENCY, emergency_text(entry.reason, by=entry.by, at=entry.at))
    return replace(entry.plan, changes=tuple(
        replace(change, reasons=(first, *change.reasons)) for change in entry.plan.changes
    ))  # fmt: skip


def _is_known(ledger: Ledger, entry: Entry) -> bool:
    return any(
        one.event is Event.EMERGENCY and (one.at, one.digest) == (entry.at, entry.plan.digest)
        for one in ledger.records
    )  # fmt: skip
