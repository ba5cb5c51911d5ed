"""A live cluster that is followed all the time, so that a plan can be made of it at any moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from gitops.clock import Bell, monotonic
from gitops.cluster.inputs import Inputs, make_inputs
from gitops.cluster.live.batching import Window
from gitops.cluster.live.following import Follower
from gitops.cluster.live.listing import READ_KINDS
from gitops.cluster.live.state import STALE_AFTER, ClusterState
from gitops.cluster.readings import Readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    from gitops.clock import Clock
    from gitops.cluster.items import Item
    from gitops.cluster.live.api import Api
    from gitops.cluster.live.state import KindHealth

WATCHED, APART = 300, 20
"""Seconds of the shortest watch, and how much longer each kind's is than the one before: they end one by one."""
_FAREWELL = 5.0


class LiveCluster:
    """One cluster, followed by one thread for each kind from ``start`` to ``stop``.

    A thread a kind, because the ``kubernetes`` package reads from sockets that block; one that waits for an event costs
    nothing but its stack. A caller does, for ever: ``snapshot_inputs`` → plan → ``wait_for_change``. It is
    level-triggered: whatever happened since the last snapshot is in the next one, and nothing is queued. A snapshot is
    equal to what ``read_cluster`` would read, and to what a file of the same objects gives.
    """

    def __init__(
        self, api: Api, *, environment: Mapping[str, str], clock: Clock, seconds: Callable[[], float] = monotonic,
        window: Window = Window(), stale_after: float = STALE_AFTER,  # noqa: B008 - an immutable value
    ) -> None:  # fmt: skip
        """``seconds`` is a steady clock; the state counts as too old after ``stale_after`` seconds of silence."""
        self._environment, self._clock, self._seconds, self._window = environment, clock, seconds, window
        self._bell, self._nudged, self._stopping = Bell(), Event(), Event()
        self._state = ClusterState(
            api.address, READ_KINDS, seconds=seconds, bell=self._bell, stale_after=stale_after
        )  # fmt: skip
        self._followers = [
            Follower(api, kind, self._state, seconds=seconds, watched=WATCHED + APART * number)
            for number, kind in enumerate(READ_KINDS)
        ]
        self._threads: list[Thread] = []
        self._reading = Lock()
        self._readings = Readings()

    def start(self) -> None:
        """Begin to follow; returns at once. A cluster is started once."""
        for follower, kind in zip(self._followers, READ_KINDS, strict=True):
            thread = Thread(target=follower.run, name=f"follow-{kind.plural}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End all watches and every wait; returns when the threads have ended, or after some seconds. May repeat."""
        self._stopping.set()
        self._bell.ring()
        for follower in self._followers:
            follower.stop()
        deadline = self._seconds() + _FAREWELL
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._seconds()))

    def snapshot_inputs(self, *, policy_items: Iterable[Item] | None = None) -> Inputs:
        """The cluster as it is now; the policy is the cluster's own, or that of ``policy_items``.

        Raises Waiting while something has not been read yet or nothing was heard of it for too long, Stalled where the
        server refuses or cannot be trusted, and InputError for an object that is wrong. Any thread may ask; a change
        that is in a snapshot already may still end the next ``wait_for_change``.
        """
        with self._reading:
            items, warnings = self._state.everything()
            inputs = make_inputs(
                items, environment=self._environment, policy_items=policy_items, readings=self._readings
            )  # fmt: skip
        return replace(inputs, warnings=(*warnings, *inputs.warnings))

    def wait_for_change(self, until: datetime) -> bool:
        """Wait for a batch of changes (True), or until it is ``until`` by the clock or ``stop`` is called (False).

        A batch is closed when no further change has come for a second, or after ten, and is told once; before
        everything has been read for the first time, there is none. What could not be planned on and can be again is a
        change too. Only one caller may wait at a time.
        """
        while not self._stopping.is_set():
            if self._nudged.is_set():
                self._nudged.clear()
                return True
            due = self._window.next_wakeup(self._state.batch, self._seconds())
            if due == 0:
                self._state.close_batch()  # told once, whether or not a snapshot follows: nobody is to spin
                return True
            left = (until - self._clock.now()).total_seconds()
            if left <= 0:
                return False
            self._bell.wait(timedelta(seconds=left if due is None else min(left, due)))
        return False

    def nudge(self) -> None:
        """Let ``wait_for_change`` end as if there were a change, from any thread: something else wants a pass."""
        self._nudged.set()
        self._bell.ring()

    @property
    def synced(self) -> bool:
        """Whether ``snapshot_inputs`` would give a snapshot now."""
        return self._state.synced

    def health(self) -> tuple[KindHealth, ...]:
        """How well each kind is known: for /readyz, metrics and logs."""
        return self._state.health()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
