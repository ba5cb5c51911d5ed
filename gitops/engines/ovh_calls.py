"""Changes of one pool through the OVH API, sent again only where that can do no harm.

A call that was answered 429 or that met a busy pool was not carried out. One that broke off, or that the server failed
at, may have been: then the pool is looked at before anything is sent again. Quotas, rights and conflicts are told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from gitops.clock import looks
from gitops.errors import Refused, Waiting
from gitops.ovh.failures import Busy, Conflict, NotFound, TooManyRequests
from planner.diff import changed_fields
from planner.pools import FAILED_STATES, LEAVING_STATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.clock import Clock
    from gitops.ovh.client import OvhClient
    from planner.pools import Pool

T = TypeVar("T")
PAUSES = (2.0, 5.0, 15.0, 30.0)
"""Seconds between tries, where the server does not ask for more."""
LONGEST_PAUSE = 300.0
"""A server that asks for more is left alone: the next apply goes on."""
APPEARANCE = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between looks for a pool whose creation broke off: a new one may be hidden for two minutes (ovh.md 4.3)."""
AT_REST = FAILED_STATES - LEAVING_STATES - {"SUSPENDING"} | {"READY"}
PATIENCE = timedelta(hours=1)
"""terraform-provider-ovh waits an hour too."""


def status_of(pool: Pool) -> str:
    """What the provider says of it; empty for a pool that it does not have."""
    return pool.state.status if pool.state else ""


def id_of(pool: Pool) -> str:
    """The provider's id; empty for a pool that it does not have."""
    return pool.state.id if pool.state else ""


def patiently(ask: Callable[[], T], clock: Clock) -> T:
    """What a call that changes nothing answers, tried again while the API is away. Raises what the last try did."""
    for pause in PAUSES:
        try:
            return ask()
        except Waiting as error:
            _pause(clock, error, pause)
    return ask()


def create_pool(client: OvhClient, wanted: Pool, clock: Clock) -> Pool:
    """Order a pool, once. Raises Conflict for a pool of that name that was not ordered here."""
    uncertain = False
    for pause in (*PAUSES, None):
        try:
            return client.create_pool(wanted)
        except (TooManyRequests, Busy) as error:
            _pause(clock, error, pause)
        except Waiting as error:
            uncertain = True
            if (found := _appeared(client, wanted, clock)) is not None:
                return found
            _pause(clock, error, pause)
        except Conflict:
            found = patiently(client.pools, clock).get(wanted.name) if uncertain else None
            if found is None:
                raise
            return found
    raise AssertionError("the last try returns or raises")


def update_pool(client: OvhClient, before: Pool, after: Pool, clock: Clock) -> None:
    """Change a pool in place. Raises Refused where somebody else changed it between two tries."""
    for pause in (*PAUSES, None):
        try:
            client.update_pool(before, after)
        except Waiting as error:
            _pause(clock, error, pause)
        else:
            return
        there = _at_rest(client, id_of(before), clock)
        if not changed_fields(there, after):
            return
        if changed_fields(there, before):
            raise Refused(f"pool {before.name} was changed by somebody else meanwhile; plan again")


def delete_pool(client: OvhClient, pool: Pool, clock: Clock) -> None:
    """Order the deletion of a pool. One that is gone or leaving already is deleted."""
    for pause in (*PAUSES, None):
        try:
            status = status_of(client.pool(id_of(pool)))
            if status in LEAVING_STATES:
                return
            if status not in AT_REST:
                _at_rest(client, id_of(pool), clock)
            client.delete_pool(id_of(pool))
        except NotFound:
            return
        except Waiting as error:
            _pause(clock, error, pause)
        else:
            return


def _appeared(client: OvhClient, wanted: Pool, clock: Clock) -> Pool | None:
    """The pool of that name, looked for as long as a new one may be hidden."""
    for pause in APPEARANCE:
        clock.sleep(timedelta(seconds=pause))
        found = patiently(client.pools, clock).get(wanted.name)
        if found is not None:
            return found
    return None


def _at_rest(client: OvhClient, pool_id: str, clock: Clock) -> Pool:
    """The pool once it takes orders again. Raises Waiting after an hour."""
    for _ in looks(clock, PATIENCE):
        pool = patiently(lambda: client.pool(pool_id), clock)
        if status_of(pool) in AT_REST:
            return pool
    raise Waiting(f"pool {pool_id} is still busy after an hour")


def _pause(clock: Clock, error: Waiting, pause: float | None) -> None:
    """Wait as long as the server asks for, and no less than ``pause``. Raises the error where that is too long."""
    if pause is None or error.retry_after > LONGEST_PAUSE:
        raise error
    clock.sleep(timedelta(seconds=max(pause, error.retry_after)))
