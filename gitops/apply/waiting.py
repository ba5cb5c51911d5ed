"""Waits for a pool to come to rest, by the injected clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.clock import looks
from gitops.engines.ovh_calls import PATIENCE, status_of
from gitops.errors import Stalled, Waiting
from planner.pools import FAILED_STATES

if TYPE_CHECKING:
    from gitops.clock import Clock
    from gitops.ovh.client import OvhClient


def wait_until_ready(client: OvhClient, pool_id: str, clock: Clock) -> None:
    """Return when the pool is READY. Raises Stalled in a failed state, Waiting when it takes longer than an hour."""
    for _ in looks(clock, PATIENCE):
        pool = client.pool(pool_id)
        if status_of(pool) == "READY":
            return
        if status_of(pool) in FAILED_STATES:
            raise Stalled(f"pool {pool.name} is in state {status_of(pool)}; look at it in the OVHcloud console")
    raise Waiting(f"pool {pool_id} is not READY after an hour")
