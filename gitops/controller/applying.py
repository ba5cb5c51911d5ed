"""The applying half of a controller: what is merged and approved reaches the cloud, one change after the other.

It runs beside the planning half, so that new pods are planned for while a pool is still being made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.apply.journal import FileJournal
from gitops.controller.view import Applying
from gitops.delivery import JOURNAL, Tell, deliver, work_of
from gitops.errors import PoolplanError
from gitops.fleet import read_fleet

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gitops.apply.journal import Entry
    from gitops.controller.keys import Keys
    from gitops.engine_states import EngineStates
    from gitops.engines.base import Progress
    from gitops.fleet import Fleet
    from gitops.gather import Sources, Surroundings
    from gitops.git.base import Repository
    from gitops.loop.delivering import Delivery
    from gitops.settings import Settings


@dataclass(kw_only=True)
class Deliveries:
    """Applies for one cluster. ``may`` raises Waiting where this process may have no effect; each step asks it."""

    name: str
    repository: Repository
    sources: Callable[[Settings], Sources]
    around: Surroundings
    states: EngineStates
    may: Callable[[], None]
    keys: Keys
    report: Callable[[Progress], None]
    freeze: str | None = None
    _last: Applying | None = None

    def turn(self) -> Applying:
        """Apply what is approved now. Whatever goes wrong is in the answer: nothing is raised."""
        now = self.around.clock.now()
        before = self._last.succeeded if self._last else None
        fleet: Fleet | None = None
        try:
            self.may()
            self.repository.refresh()
            fleet = read_fleet(self.repository, self.name, self.around)
            tell = Tell(report=self.report, say=self.around.remark, freeze=self.freeze, may=self.may)
            around = self.keys.within(self.around, fleet.policy)
            delivery = deliver(fleet, self.sources(fleet.settings), around, self.states.place, tell)
            if delivery.withheld is None and not delivery.waits:
                self.states.look(fleet, around)
            self._last = self._after(delivery, fleet, now, before)
        except PoolplanError as error:
            self._last = Applying(
                at=now, succeeded=before, problem=str(error), reasons=error.reasons, entry=self._entry(fleet)
            )
        return self._last

    def _after(self, delivery: Delivery, fleet: Fleet, now: datetime, before: datetime | None) -> Applying:
        withheld = delivery.withheld
        return Applying(
            at=now, succeeded=before if withheld or delivery.waits else now, applied=len(delivery.applied),
            problem="what main asks for is not approved" if withheld else delivery.waits,
            reasons=withheld.reasons if withheld else (), entry=self._entry(fleet),
        )  # fmt: skip

    def _entry(self, fleet: Fleet | None) -> Entry | None:
        if fleet is None:
            return None
        entries = FileJournal(work_of(self.states.place.work, fleet.settings) / JOURNAL).entries()
        return entries[-1] if entries else None
