"""Waits for what a delegate was told to reach the provider, and tells of each pool how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gitops.clock import looks
from gitops.engines.base import Stage
from gitops.engines.ovh_calls import patiently, status_of
from planner.diff import changed_fields
from planner.pools import LEAVING_STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitops.clock import Clock
    from gitops.engines.base import Progress
    from gitops.engines.ovh_waiting import Sent
    from gitops.errors import PoolplanError
    from gitops.ovh.client import OvhClient
    from planner.pools import PoolSet

PATIENCE: Final = timedelta(minutes=20)
"""How long a delegate may take to look at Git and to apply: Argo CD asks every three minutes, the shipped Flux each."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How to wait. ``hopeless`` is asked at each look and gives the error where waiting is in vain; ``late`` gives the
    one at the end, from what is still missing."""

    client: OvhClient
    clock: Clock
    report: Callable[[Progress], None]
    hopeless: Callable[[], PoolplanError | None]
    late: Callable[[Sequence[str]], PoolplanError]


def wait_for_arrival(awaited: Sequence[Sent], watch: Watch) -> None:
    """Return once the provider has every change, though not yet all nodes. Raises ``hopeless`` and ``late``."""
    for one in awaited:
        watch.report(one.progress(Stage.STARTED))
    left, missing = list(awaited), list[str]()
    for _ in looks(watch.clock, PATIENCE):
        observed = patiently(watch.client.pools, watch.clock)
        left = [one for one in left if _missing(one, observed)]
        missing = [_missing(one, observed) for one in left]
        if not left:
            return
        for one in left:
            watch.report(one.progress(Stage.RUNNING, watch.clock.now()))
        if (error := watch.hopeless()) is not None:
            raise error
    raise watch.late(missing)


def _missing(one: Sent, observed: PoolSet) -> str:
    """In what the provider still differs, as a clause; empty once it has the change."""
    there = observed.get(one.name)
    if one.wanted is None:
        return f"{one.name} is still there" if there is not None and status_of(there) not in LEAVING_STATES else ""
    if there is None or status_of(there) in LEAVING_STATES:
        return f"{one.name} is not there"
    fields = changed_fields(there, one.wanted)
    return f"{one.name} has another {', '.join(fields)}" if fields else ""
