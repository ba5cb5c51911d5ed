"""One cluster under control: followed all the time, planned for after each batch of changes, applied beside that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock, Thread
from typing import TYPE_CHECKING

from gitops.clock import Bell
from gitops.controller.logs import log_pass
from gitops.controller.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitops.clock import Clock
    from gitops.cluster.live.cluster import LiveCluster
    from gitops.controller.applying import Deliveries
    from gitops.controller.logs import Log
    from gitops.controller.observing import Observing
    from gitops.controller.planning import Planning
    from gitops.controller.stopping import Stop


@dataclass(kw_only=True)
class Controller:
    """Controls one cluster from ``start`` to ``stop``, in two threads of its own.

    ``every`` is how long it waits at most between two passes. ``leads`` says whether this process may act; one that
    does not goes on following the cluster, so that it can take over at once. ``observers`` are told of every view, in
    the thread of the pass that made it; they must not raise, and not take long.
    """

    live: LiveCluster
    planning: Planning | Observing
    deliveries: Deliveries | None
    clock: Clock
    log: Log
    stop_sign: Stop
    leads: Callable[[], bool]
    every: timedelta = timedelta(minutes=1)
    observers: Sequence[Callable[[View], None]] = ()
    _view: View | None = None
    _lock: Lock = field(default_factory=Lock)
    _bell: Bell = field(default_factory=Bell)
    _threads: list[Thread] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.planning.name

    @property
    def view(self) -> View:
        """What is known after the last pass."""
        with self._lock:
            known = self._view or View(cluster=self.name)
        return replace(known, leads=self.leads(), health=self.live.health())

    def start(self) -> None:
        """Begin; returns at once."""
        self.live.start()
        loops = {"plan": self._plan_for_ever, **({"apply": self._apply_for_ever} if self.deliveries else {})}
        for what, loop in loops.items():
            thread = Thread(target=loop, name=f"{what}-{self.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def look_now(self) -> None:
        """Let a pass begin, from any thread: a forge says that something happened, or this process leads now."""
        self.live.nudge()
        self._bell.ring()

    def stop(self) -> None:
        """End in order: no further step begins, what runs in the engine is waited for. Set ``stop_sign`` first."""
        self.live.stop()
        self._bell.ring()
        for thread in self._threads:
            thread.join()

    def _plan_for_ever(self) -> None:
        while not self.stop_sign:
            changed = self.live.wait_for_change(self.clock.now() + self.every)
            if self.stop_sign:
                return
            if self.leads() and (changed or self.live.synced):
                self.pass_once()

    def pass_once(self) -> View:
        """One pass: plan, propose, tell the observers; then the applying half looks too."""
        found = self.planning.turn(self.view)
        if self.stop_sign and found.problem:  # it was cut short, which is no failure
            return found
        self._become(found)
        log_pass(self.log, found)
        self._bell.ring()
        if found.moved:  # what was done may ask for the next step already
            self.live.nudge()
        return found

    def _apply_for_ever(self) -> None:
        while not self.stop_sign:
            self._bell.wait(self.every)
            if not self.stop_sign and self.leads():
                self.apply_once()

    def apply_once(self) -> None:
        """Apply what is approved; where something was, the next pass begins at once."""
        assert self.deliveries is not None, "only with it is there such a thread"  # noqa: S101 - for the type checker
        before = self.view.applying
        done = self.deliveries.turn()
        with self._lock:
            self._view = replace(self._view or View(cluster=self.name), applying=done)
        if done.applied:
            self.log.say("applied", cluster=self.name, changes=done.applied)
            self.live.nudge()
        if done.problem and (before is None or before.problem != done.problem):
            self.log.say("not applied", level="warning", cluster=self.name, problem=done.problem, reasons=done.reasons)
        self._observe()

    def _become(self, found: View) -> None:
        with self._lock:
            applying = self._view.applying if self._view else None
            self._view = replace(found, applying=applying)
        self._observe()

    def _observe(self) -> None:
        for observer in self.observers:
            observer(self.view)
