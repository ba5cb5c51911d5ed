"""Which of several equal processes leads: the one that holds a Lease, and renews it. Pure.

The rules are client-go's (``tools/leaderelection``). Nobody compares clocks: a Lease counts as expired when this
process has seen the same record for its whole duration, by its own steady clock. A leader steps down by itself when it
could not renew for ``deadline`` seconds, counted from before its last successful write; others take over ``duration``
seconds after they have seen that write. So two never lead at once, as long as their clocks run about equally fast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.cluster.lease import Held, Record

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds: how long a record holds off others, when a leader that cannot renew steps down, and between two tries.

    A leader that is killed is followed within ``duration`` + ``retry`` seconds, one that stops in order within
    ``retry``.
    """

    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0


@dataclass(frozen=True, slots=True)
class Belief:
    """What a process knows of the Lease, by its own steady clock in seconds.

    ``held`` is the Lease as last read or written, ``seen`` when its record was first seen, ``sure`` whether nobody is
    known to have written since. ``renewed`` is when the last write of one's own that succeeded began, ``asked`` when
    the last try ended.
    """

    held: Held | None = None
    seen: float = 0.0
    sure: bool = False
    renewed: float | None = None
    asked: float | None = None

    @property
    def holder(self) -> str:
        """Who holds the Lease, as far as is known; empty for nobody."""
        return (self.held.record.holder or "") if self.held else ""

    def observing(self, held: Held | None, now: float) -> Belief:
        """The Lease was read. Only another record is news: whoever merely labels a Lease does not prolong it."""
        is_news = held is None or self.held is None or held.record != self.held.record
        return replace(self, held=held, seen=now if is_news else self.seen, sure=True)


def leads(belief: Belief, terms: Terms, now: float) -> bool:
    """Whether this process may act as the leader at ``now``."""
    return belief.renewed is not None and now - belief.renewed < terms.deadline


def next_record(belief: Belief, me: str, terms: Terms, *, now: float, wall: datetime) -> Record | None:
    """What to write to become or to stay the leader; None while somebody else holds the Lease. ``wall`` is for people.
    """
    before = belief.held.record if belief.held else Record()
    if before.holder and before.holder != me and now - belief.seen < _duration(before, terms):
        return None
    stamp = _stamp(wall)
    goes_on = before.holder == me
    transitions = before.lease_transitions or 0
    return Record(
        holder=me, lease_duration_seconds=round(terms.duration), renew_time=stamp,
        acquire_time=before.acquire_time if goes_on else stamp,
        lease_transitions=transitions if goes_on or belief.held is None else transitions + 1,
    )  # fmt: skip


def released(belief: Belief, *, wall: datetime) -> Record:
    """The record that lets somebody else lead at once."""
    before = belief.held.record if belief.held else Record()
    stamp = _stamp(wall)
    return Record(
        holder="", lease_duration_seconds=1, acquire_time=stamp, renew_time=stamp,
        lease_transitions=before.lease_transitions or 0,
    )  # fmt: skip


def next_wakeup(belief: Belief, me: str, terms: Terms, now: float) -> float:
    """Seconds until there is something to do: the next try, another's expiry, or one's own end as the leader."""
    if belief.asked is None:
        return 0.0
    due = [belief.asked + terms.retry]
    if belief.held is not None and belief.holder not in ("", me):
        due.append(belief.seen + _duration(belief.held.record, terms))
    if belief.renewed is not None:
        due.append(belief.renewed + terms.deadline)
    return min((one - now for one in due if one > now), default=0.0) if due[0] > now else 0.0


def _duration(record: Record, terms: Terms) -> float:
    """The holder's own word on how long its record holds, as client-go takes it."""
    return float(record.lease_duration_seconds or terms.duration)


def _stamp(wall: datetime) -> str:
    return wall.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
