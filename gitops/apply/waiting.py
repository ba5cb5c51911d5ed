"""Waits for a pool to come to rest, by the injected clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.errors import Stalled, Waiting
from planner.pools import FAILED_STATES

if TYPE_CHECKING:
    from gitops.clock import Clock
    from gitops.ovh.client import OvhClient

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(seconds=15)
"""Between two looks: a pool takes minutes, and each look is a call."""
PATIENCE = timedelta(hours=1)
"""terraform-provider-ovh waits an hour too."""


def wait_until_ready(client: OvhClient, pool_id: str, clock: Clock) -> None:
    """Return when the pool is READY. Raises Stalled in a failed state, Waiting when it takes longer than an hour."""
    end, pause = clock.now() + PATIENCE, SHORTEST
    while clock.now() < end:
        pool = client.pool(pool_id)
        status = pool.state.status if pool.state else ""
        if status == "READY":
            return
        if status in FAILED_STATES:
            raise Stalled(f"pool {pool.name} is in state {status}; look at it in the OVHcloud console")
        clock.sleep(pause)
        pause = min(LONGEST, pause * 3 / 2)
    raise Waiting(f"pool {pool_id} is not READY after an hour")
