"""Which of several equal processes leads: the one that holds a Lease, and renews it.

The rules are client-go's (``tools/leaderelection``). Nobody compares clocks: a Lease counts as expired when this
process has seen the same record for its whole duration, by its own steady clock. A leader steps down by itself when it
could not renew for ``deadline`` seconds, counted from before its last successful write; others take over ``duration``
seconds after they have seen that write. So two never lead at once, as long as their clocks run about equally fast.
Whatever changes Git is fenced by the ref it writes as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock, Thread
from typing import TYPE_CHECKING

from gitops.clock import Bell, monotonic
from gitops.cluster.lease import Held, Record
from gitops.errors import Interrupted, PoolplanError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gitops.clock import Clock
    from gitops.cluster.lease import Lease

_FAREWELL = 10.0


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


class Leadership:
    """Takes part in the election from ``start`` to ``stop``, in a thread of its own.

    ``identity`` must be unique among the processes that run at one time; a pod's name is. ``on_change`` is called from
    that thread with whether this process leads, whenever that changes.
    """

    def __init__(
        self, lease: Lease, identity: str, *, clock: Clock, seconds: Callable[[], float] = monotonic,
        terms: Terms = Terms(), on_change: Callable[[bool], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._lease, self._me, self._clock, self._seconds, self._terms = lease, identity, clock, seconds, terms
        self._on_change = on_change
        self._bell = Bell()
        self._lock = Lock()
        self._belief = Belief()
        self._problem: PoolplanError | None = None
        self._stopping = False
        self._told = False
        self._thread = Thread(target=self._run, name="leadership", daemon=True)

    def start(self) -> None:
        """Begin to take part; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End it, and release the Lease if this process leads: call it once all work of a leader has ended."""
        self._stopping = True
        self._bell.ring()
        if self._thread.ident is not None:
            self._thread.join(_FAREWELL)

    def leads(self) -> bool:
        """Whether this process may act as the leader now. True only while the Lease was renewed just before."""
        with self._lock:
            return leads(self._belief, self._terms, self._seconds())

    def must_lead(self) -> None:
        """Raises Interrupted unless this process leads: to be asked before every effect of a leader."""
        if not self.leads():
            raise Interrupted(f"this process does not lead: {self._lease} was last held by {self.holder or 'nobody'}")

    @property
    def holder(self) -> str:
        """Who holds the Lease as far as is known; empty for nobody."""
        with self._lock:
            return self._belief.holder

    @property
    def problem(self) -> PoolplanError | None:
        """Why the last try failed; None where it did not."""
        with self._lock:
            return self._problem

    def turn(self) -> float:
        """One try to lead, or to go on leading; returns the seconds until the next."""
        with self._lock:
            belief = self._belief
        problem: PoolplanError | None = None
        try:
            belief = self._try(belief)
        except PoolplanError as error:
            problem, belief = error, replace(belief, sure=False)  # a write may have arrived without its answer
        now = self._seconds()
        belief = replace(belief, asked=now)
        with self._lock:
            self._belief, self._problem = belief, problem
        self._tell(leads(belief, self._terms, now))
        return next_wakeup(belief, self._me, self._terms, now)

    def _try(self, belief: Belief) -> Belief:
        if not (belief.sure and belief.holder == self._me):
            held = self._lease.read()
            belief = belief.observing(held, self._seconds())
        began = self._seconds()
        record = next_record(belief, self._me, self._terms, now=began, wall=self._clock.now())
        if record is None:
            return replace(belief, renewed=None)
        written = self._lease.write(record, belief.held)
        if written is None:
            return replace(belief, sure=False)
        return Belief(held=written, seen=self._seconds(), sure=True, renewed=began)

    def release(self) -> None:
        """Let somebody else lead at once, where this process holds the Lease; what fails expires by itself."""
        with self._lock:
            belief = self._belief
            self._belief = replace(belief, renewed=None)
        if belief.held is not None and belief.renewed is not None and belief.holder == self._me:
            try:
                self._lease.write(released(belief, wall=self._clock.now()), belief.held)
            except PoolplanError as error:
                self._problem = error
        self._tell(False)

    def _run(self) -> None:
        while not self._stopping:
            wait = self.turn()
            self._bell.wait(timedelta(seconds=wait))
            self._tell(self.leads())
        self.release()

    def _tell(self, leading: bool) -> None:
        if leading != self._told:
            self._told = leading
            self._on_change(leading)
