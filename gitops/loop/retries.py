"""What of the cloud is taken for unavailable, and when a change that failed is tried again: off the ledger alone. Pure.

So it survives restarts, and every machine sees the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.apply.shortages import span_of
from gitops.loop.ledger import time_of
from gitops.loop.records import Event
from planner.pending import rfc3339
from renderer.text import count, short_digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from gitops.apply.shortages import Shortage
    from gitops.loop.ledger import Ledger
    from gitops.loop.records import Record

OF_LATE = timedelta(hours=24)
"""So long a shortage is remembered as one that was met before."""
_MET = (Event.FAILED, Event.EMERGENCY)
"""The events whose records may hold what was lacking."""
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)
"""Between two tries of what failed for another reason: the first few at once, then twice as long each time."""
FREE = 3
"""So often it is tried again at once: many failures are of the moment, or a person sees to them and tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A change of main that was tried ``attempts`` times and failed, last because of ``reason``.

    It is not tried again before ``at`` by itself; ``shortages`` are what the cloud lacked last.
    """

    commit: str
    digest: str
    attempts: int
    at: datetime
    failed: datetime
    reason: str
    shortages: tuple[Shortage, ...] = ()

    def waits(self, now: datetime) -> str:
        """Why it is not tried now, a sentence; empty where it is."""
        if now >= self.at:
            return ""
        return (
            f"{short_digest(self.digest)} was tried {count(self.attempts, 'time')} and failed ({self.reason}); the "
            f"next try is not before {rfc3339(self.at)}, poolplan apply --retry tries at once"
        )


def with_span(shortages: Iterable[Shortage], ledger: Ledger, now: datetime) -> tuple[Shortage, ...]:
    """The shortages, each with the time until which it is taken for true: longer, where it was met before of late."""
    failed = ledger.since(now - OF_LATE, *_MET)
    before = [{one.key for one in record.shortages} for record in failed]
    return tuple(
        replace(one, until=rfc3339(now + span_of(one, sum(one.key in keys for keys in before)))) for one in shortages
    )


def unavailable(ledger: Ledger, now: datetime) -> tuple[Shortage, ...]:
    """What is taken for lacking now, each lack once with the latest end. What was applied since is there again."""
    latest: dict[tuple[str, str, str], Shortage] = {}
    done = {(one.commit, one.digest): one.number for one in ledger.records if one.event is Event.APPLIED}
    for record in ledger.since(now - OF_LATE, *_MET):
        if done.get((record.commit, record.digest), 0) > record.number:
            continue
        for one in record.shortages:
            known = latest.get(one.key)
            if time_of(one.until) > now and (known is None or known.until < one.until):
                latest[one.key] = one
    return tuple(latest[key] for key in sorted(latest))


def next_try(ledger: Ledger, commit: str) -> Retry | None:
    """How the change that ends with this commit of main was tried; None where it was not, or has been applied since."""
    failed = _failures(ledger, commit)
    if not failed:
        return None
    last = failed[-1]
    at = time_of(last.at)
    if last.shortages:
        wait = max(time_of(one.until) for one in last.shortages) - at
    else:
        tries = len(failed) - FREE - 1
        wait = min(LONGEST, SHORTEST * (1 << min(tries, 10))) if tries >= 0 else timedelta(0)
    return Retry(
        commit=commit, digest=last.digest, attempts=len(failed), at=at + wait, failed=at, reason=last.reason,
        shortages=last.shortages,
    )  # fmt: skip


def _failures(ledger: Ledger, commit: str) -> list[Record]:
    found: list[Record] = []
    for one in ledger.records:
        if one.commit == commit and one.event in (Event.APPLIED, Event.FAILED):
            found = [] if one.event is Event.APPLIED else [*found, one]
    return found
