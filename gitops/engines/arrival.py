"""Waits for what a delegate was told to reach the provider, and tells of each pool how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gitops.engines.base import Progress, Stage
from gitops.engines.ovh_calls import LEAVING, patiently, pauses, status_of
from planner.diff import changed_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gitops.clock import Clock
    from gitops.engines.base import EngineChange
    from gitops.errors import PoolplanError
    from gitops.ovh.client import OvhClient
    from planner.pools import Pool, PoolSet

PATIENCE: Final = timedelta(minutes=20)
"""How long a delegate may take to look at Git and to apply: Argo CD asks every three minutes, the shipped Flux each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A pool as it is to be at the provider; ``wanted`` None: gone."""

    name: str
    action: str
    wanted: Pool | None

    @classmethod
    def of(cls, change: EngineChange, wanted: PoolSet) -> Awaited:
        """What a change leads to."""
        return cls(name=change.pool_name, action=change.actions[0], wanted=wanted.get(change.pool_name))

    def missing(self, observed: PoolSet) -> str:
        """In what the provider still differs, as a clause; empty once it has arrived."""
        there = observed.get(self.name)
        if self.wanted is None:
            return f"{self.name} is still there" if there is not None else ""
        if there is None or status_of(there) in LEAVING:
            return f"{self.name} is not there"
        fields = changed_fields(there, self.wanted)
        return f"{self.name} has another {', '.join(fields)}" if fields else ""

    def progress(self, stage: Stage, seconds: int) -> Progress:
        """How far it is, for people."""
        return Progress(
            pool_name=self.name, address=f"pool {self.name}", action=self.action, stage=stage, elapsed_seconds=seconds
        )


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How to wait. ``hopeless`` is asked at each look and gives the error where waiting is in vain; ``late`` gives the
    one at the end, from what is still missing."""

    client: OvhClient
    clock: Clock
    report: Callable[[Progress], None]
    hopeless: Callable[[], PoolplanError | None]
    late: Callable[[Sequence[str]], PoolplanError]


def wait_for_arrival(awaited: Sequence[Awaited], watch: Watch) -> tuple[Progress, ...]:
    """What arrived, in the order it did. Raises what ``hopeless`` and ``late`` give."""
    begun = watch.clock.now()
    for one in awaited:
        watch.report(one.progress(Stage.STARTED, 0))
    left, completed, missing = list(awaited), list[Progress](), list[str]()
    for pause in pauses(watch.clock, PATIENCE):
        if not left:
            return tuple(completed)
        observed = patiently(watch.client.pools, watch.clock)
        missing = [text for one in left if (text := one.missing(observed))]
        for one in tuple(left):
            arrived = not one.missing(observed)
            progress = one.progress(Stage.COMPLETE if arrived else Stage.RUNNING, _since(begun, watch.clock.now()))
            watch.report(progress)
            if arrived:
                left.remove(one)
                completed.append(progress)
        if left:
            if (error := watch.hopeless()) is not None:
                raise error
            watch.clock.sleep(pause)
    if left:
        raise watch.late(missing)
    return tuple(completed)


def _since(begun: datetime, now: datetime) -> int:
    return int((now - begun).total_seconds())
