"""Failures on demand: what a test, or a person who wants to see, tells the sandbox to get wrong.

``POST /sandbox/failures`` (unsigned) takes one JSON object. Plain failures answer requests in the API's place:

    {"method": "GET", "path": "*/nodepool", "status": 409, "class": "Client::Conflict", "message": "…", "times": 2}

``path`` is a glob over the path below ``/1.0`` without the query; ``method`` may be ``*``. ``body`` is sent as raw text
in place of the error object. ``delay`` is in seconds; without ``status`` the request is answered as usual after it.
``times`` says how often (default once); null means until taken back. Scenarios have names, and some take other fields:

    not-found-after-create   reads of the next new pool answer 404 for ``seconds`` (default 30)
    pool-quota-error         the next pool that is created or grows ends in USER_QUOTA_ERROR
    pool-error               the next pool that is created or grows ends in ERROR
    pool-maintenance         the next pool that is created or grows ends in MAINTENANCE, its nodes INSTALLING
    pool-stuck               the next pool that is created or grows never comes to an end
    pool-suspended           the next pool that is created or grows ends in USER_NODE_SUSPENDED_SERVICE
    node-lost                the next pool that is created or grows ends in USER_NODE_NOT_FOUND_ERROR
    node-out-of-stock        the next nodes end in FLAVOR_OUT_OF_STOCK_ERROR, their pool READY and UNDER_CAPACITY
    ready-after-delete       the next pool that is deleted still says READY for ``seconds`` (default 30)
    flavor-unavailable       ``flavor`` is sold out until the failure is taken back
    rate-limited             429
    server-error             500 with a text body
    slow                     answered after ``delay`` seconds (default 5)

``GET /sandbox/failures`` lists what is still to come, ``DELETE /sandbox/failures`` takes everything back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from gitops.sandbox.bodies import decode_body
from gitops.sandbox.lifecycle import Fate
from gitops.sandbox.records import NodeStatus, PoolStatus
from gitops.sandbox.refusals import CLASSES, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

UNTIL_TAKEN_BACK = None
CLASS_OF_500 = "Server::InternalServerError"


class Scenario(StrEnum):
    """Failures with a name."""

    NOT_FOUND_AFTER_CREATE = "not-found-after-create"
    POOL_QUOTA_ERROR = "pool-quota-error"
    POOL_ERROR = "pool-error"
    POOL_MAINTENANCE = "pool-maintenance"
    POOL_STUCK = "pool-stuck"
    POOL_SUSPENDED = "pool-suspended"
    NODE_LOST = "node-lost"
    NODE_OUT_OF_STOCK = "node-out-of-stock"
    READY_AFTER_DELETE = "ready-after-delete"
    FLAVOR_UNAVAILABLE = "flavor-unavailable"
    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    SLOW = "slow"


#: Scenario → the status in which the growth of a pool ends.
ENDS = {
    Scenario.POOL_QUOTA_ERROR: PoolStatus.USER_QUOTA_ERROR, Scenario.POOL_ERROR: PoolStatus.ERROR,
    Scenario.POOL_MAINTENANCE: PoolStatus.MAINTENANCE, Scenario.POOL_STUCK: PoolStatus.INSTALLING,
    Scenario.POOL_SUSPENDED: PoolStatus.USER_NODE_SUSPENDED_SERVICE,
    Scenario.NODE_LOST: PoolStatus.USER_NODE_NOT_FOUND_ERROR,
}  # fmt: skip


class Failure(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One failure as it is ordered and listed; see the module's text for the fields."""

    scenario: Scenario | None = None
    method: str = "*"
    path: str = "*"
    status: int | None = None
    error_class: str = msgspec.field(default="", name="class")
    message: str = ""
    body: str | None = None
    times: int | msgspec.UnsetType | None = msgspec.UNSET
    delay: float = 0.0
    seconds: float = 30.0
    flavor: str = ""

    @property
    def of_requests(self) -> bool:
        """True where the failure is an answer, False where it changes what becomes of a pool."""
        return self.scenario in {None, Scenario.RATE_LIMITED, Scenario.SERVER_ERROR, Scenario.SLOW}

    def hits(self, method: str, path: str) -> bool:
        """True where this request is to fail."""
        return self.of_requests and self.method in {"*", method} and fnmatchcase(path, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interference:
    """What happens to a request before it is answered: a wait in seconds, then perhaps an answer as (status, body)."""

    delay: float
    status: int | None
    raw_body: str | None
    error: ApiError | None


class Failures:
    """The failures still to come, in the order they were ordered. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: list[Failure] = []

    def add(self, raw: bytes) -> Failure:
        """Takes an order as JSON; ApiError 400 where it makes no sense."""
        failure = _completed(decode_body(raw, Failure))
        with self._lock:
            self._pending.append(failure)
        return failure

    def listing(self) -> list[Failure]:
        """What is still to come."""
        with self._lock:
            return list(self._pending)

    def clear(self) -> None:
        """Takes everything back."""
        with self._lock:
            self._pending.clear()

    def interfere(self, method: str, path: str) -> Interference | None:
        """What is to go wrong with this request, counted as done."""
        failure = self._take(lambda candidate: candidate.hits(method, path))
        if failure is None:
            return None
        error = None
        if failure.status is not None:
            error = ApiError(failure.status, failure.message, error_class=failure.error_class)
        return Interference(delay=failure.delay, status=failure.status, raw_body=failure.body, error=error)

    def fate_of_growth(self, *, new_pool: bool) -> Fate:
        """How the change that is about to be made ends. ``new_pool``: a pool is created, not only made larger."""
        fate = Fate(pool=self._end_of_growth())
        if self._take_scenario(Scenario.NODE_OUT_OF_STOCK):
            fate = replace(fate, node=NodeStatus.FLAVOR_OUT_OF_STOCK_ERROR)
        if new_pool and (hiding := self._take_scenario(Scenario.NOT_FOUND_AFTER_CREATE)):
            fate = replace(fate, hidden_for=timedelta(seconds=hiding.seconds))
        return fate

    def _end_of_growth(self) -> PoolStatus:
        return next((end for scenario, end in ENDS.items() if self._take_scenario(scenario)), PoolStatus.READY)

    def fate_of_deletion(self) -> Fate:
        """How the deletion that is about to be made looks."""
        denial = self._take_scenario(Scenario.READY_AFTER_DELETE)
        return Fate(denied_for=timedelta(seconds=denial.seconds)) if denial else Fate()

    def sold_out(self) -> frozenset[str]:
        """Flavors that cannot be had for now."""
        return frozenset(f.flavor for f in self.listing() if f.scenario == Scenario.FLAVOR_UNAVAILABLE)

    def _take_scenario(self, scenario: Scenario) -> Failure | None:
        return self._take(lambda candidate: candidate.scenario == scenario)

    def _take(self, wanted: Callable[[Failure], bool]) -> Failure | None:
        with self._lock:
            index = next((i for i, failure in enumerate(self._pending) if wanted(failure)), None)
            if index is None:
                return None
            failure = self._pending[index]
            if isinstance(failure.times, int):
                self._pending[index : index + 1] = [_once_less(failure)] if failure.times > 1 else []
            return failure


def _once_less(failure: Failure) -> Failure:
    left = failure.times - 1 if isinstance(failure.times, int) else failure.times
    return msgspec.structs.replace(failure, times=left)


def _completed(failure: Failure) -> Failure:
    """The order with its scenario's defaults filled in."""
    if failure.times is msgspec.UNSET:
        lasting = failure.scenario == Scenario.FLAVOR_UNAVAILABLE
        failure = msgspec.structs.replace(failure, times=UNTIL_TAKEN_BACK if lasting else 1)
    if failure.scenario == Scenario.SLOW and not failure.delay:
        failure = msgspec.structs.replace(failure, delay=5.0)
    if failure.scenario == Scenario.RATE_LIMITED:
        failure = msgspec.structs.replace(failure, status=429, message=failure.message or "Too many requests")
    if failure.scenario == Scenario.SERVER_ERROR:
        failure = msgspec.structs.replace(failure, status=500, body=failure.body or "Internal Server Error")
    _check(failure)
    if failure.status is not None and not failure.error_class:
        failure = msgspec.structs.replace(failure, error_class=CLASSES.get(failure.status, CLASS_OF_500))
    return failure


def _check(failure: Failure) -> None:
    if failure.scenario == Scenario.FLAVOR_UNAVAILABLE and not failure.flavor:
        raise ApiError(400, "[flavor] Property is mandatory for flavor-unavailable")
    if failure.scenario is None and failure.status is None and not failure.delay:
        raise ApiError(400, "A failure needs a scenario, a status or a delay")
    if failure.status is not None and not 200 <= failure.status <= 599:
        raise ApiError(400, f"[status] Given data ({failure.status}) is not between 200 and 599")
    for field, seconds in (("delay", failure.delay), ("seconds", failure.seconds)):
        if seconds < 0:
            raise ApiError(400, f"[{field}] Given data ({seconds:g}) is negative")
    if isinstance(failure.times, int) and failure.times < 1:
        raise ApiError(400, "[times] A failure happens at least once")
