"""Takes part in the election of a leader (``gitops.election``) for as long as a controller runs.

Whatever a leader changes in Git is fenced by the ref that it writes as well.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from threading import Lock, Thread
from typing import TYPE_CHECKING

from gitops.clock import Bell, monotonic
from gitops.election import Belief, Terms, leads, next_record, next_wakeup, released
from gitops.errors import Interrupted, PoolplanError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.clock import Clock
    from gitops.cluster.lease import Lease

_FAREWELL = 10.0


def identity_at(name: str, unique: str, address: str) -> str:
    """Who a replica is in the election: its name, something unique, and where others reach it (``IP:PORT``)."""
    return "_".join(filter(None, (name, unique, address)))


def address_in(identity: str) -> str:
    """The address in an identity; empty where there is none. It must be an IP: nobody is sent to a name."""
    host, _, port = identity.rpartition("_")[2].rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        return ""
    good = bracketed == (address.version == 6) and port.isascii() and port.isdecimal()
    return f"{host}:{port}" if good else ""


class Leadership:
    """Takes part in the election from ``start`` to ``stop``, in a thread of its own.

    ``identity`` must be unique among the processes that run at one time; a pod's name is. ``on_change`` is called from
    that thread with whether this process leads, whenever that changes.
    """

    def __init__(
        self, lease: Lease, identity: str, *, clock: Clock, seconds: Callable[[], float] = monotonic,
        terms: Terms = Terms(), on_change: Callable[[bool], None] = lambda _: None,  # noqa: B008 - an immutable value
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
