"""Waits for pools whose changes were ordered, all of them by one look, and tells how far each one is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.clock import looks
from gitops.engines.base import Progress, Stage
from gitops.engines.ovh_calls import PATIENCE, patiently, status_of
from gitops.errors import PoolplanError, Stalled, Waiting
from planner.diff import changed_fields
from planner.pools import FAILED_STATES, LEAVING_STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gitops.clock import Clock
    from gitops.ovh.client import OvhClient
    from planner.pools import Pool, PoolSet

HIDDEN_FOR = timedelta(minutes=2)
"""So long a new pool may not be seen, and one that is being deleted may look as before (ovh.md 4.3 and 9)."""
FAILED = FAILED_STATES - LEAVING_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A change that was ordered: the pool as it is wanted, None where it is to be gone; ``at`` is when."""

    name: str
    action: str
    wanted: Pool | None
    at: datetime

    def progress(self, stage: Stage, now: datetime | None = None) -> Progress:
        """How far it is, for people."""
        seconds = int(((now or self.at) - self.at).total_seconds())
        return Progress(pool_name=self.name, address=f"pool {self.name}", action=self.action, stage=stage,
                        elapsed_seconds=seconds)  # fmt: skip

    def stage(self, there: Pool | None, now: datetime) -> Stage:
        """How far it is, by what the provider shows."""
        fresh = now < self.at + HIDDEN_FOR
        if there is None:
            early = self.wanted is not None and fresh
            return Stage.RUNNING if early else Stage.FAILED if self.wanted else Stage.COMPLETE
        if status_of(there) in FAILED:
            return Stage.RUNNING if self.wanted is None and fresh else Stage.FAILED
        if self.wanted is None or status_of(there) != "READY":
            return Stage.RUNNING
        return Stage.RUNNING if changed_fields(there, self.wanted) and fresh else Stage.COMPLETE


def wait_for(
    sent: Sequence[Sent], client: OvhClient, clock: Clock, report: Callable[[Progress], None]
) -> tuple[tuple[Progress, ...], PoolplanError | None]:
    """What came to a good end, in the order it did, and the first failure once nothing is under way any more."""
    completed: list[Progress] = []
    failures: list[PoolplanError] = []
    left = list(sent)
    for _ in looks(clock, PATIENCE) if left else ():
        try:
            observed = patiently(client.pools, clock)
        except PoolplanError as error:
            return tuple(completed), error
        for one in tuple(left):
            there, now = observed.get(one.name), clock.now()
            progress = one.progress(one.stage(there, now), now)
            report(progress)
            if progress.stage is not Stage.RUNNING:
                left.remove(one)
            if progress.stage is Stage.COMPLETE:
                completed.append(progress)
            elif progress.stage is Stage.FAILED:
                failures.append(_failure(one, there))
        if not left:
            break
    if left:
        names = ", ".join(one.name for one in left)
        failures.append(Waiting(f"pools are not at rest after an hour: {names}; apply again to go on waiting"))
    return tuple(completed), failures[0] if failures else None


def gone(client: OvhClient, name: str, clock: Clock) -> None:
    """Return once the provider has no pool of that name. Raises Waiting after an hour."""
    for _ in looks(clock, PATIENCE):
        observed: PoolSet = patiently(client.pools, clock)
        if observed.get(name) is None:
            return
    raise Waiting(f"pool {name} is still being deleted after an hour")


def _failure(one: Sent, there: Pool | None) -> Stalled:
    if there is None:
        return Stalled(f"pool {one.name} was ordered, and OVH does not show it; plan again")
    remedy = "raise the project's quota, or plan smaller" if "QUOTA" in status_of(there) else (
        "see what OVHcloud says of it in its console"
    )
    return Stalled(f"OVH put pool {one.name} into {status_of(there)} while it was awaited; {remedy}")
