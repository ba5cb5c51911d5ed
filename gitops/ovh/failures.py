"""What a failed call to the OVH API means for the user: one line with the remedy, of the kind that fits."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.errors import PoolplanError, Stalled, Waiting
from gitops.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.ovh.credentials import Credentials

LONGEST_MESSAGE = 300
CREDENTIAL_CODES = frozenset({
    "INVALID_KEY", "INVALID_CREDENTIAL", "INVALID_SIGNATURE", "NOT_CREDENTIAL", "QUERY_TIME_OUT",
})  # fmt: skip
#: Keys in square brackets that open a 412's message, and what is used up.
QUOTAS = {
    "InsufficientVCPUsQuota": "vCPUs",
    "InsufficientRAMQuota": "memory",
    "InsufficientInstancesQuota": "instances",
    "InsufficientPortsQuota": "network ports",
}
_BUSY = re.compile(r"status is (\w+)")
_QUOTA = re.compile(r"\[(Insufficient\w*Quota)\]")


class CredentialsRefused(Stalled):
    """The keys are wrong, expired, or belong to another endpoint."""


class RightMissing(Stalled):
    """The keys are good but may not make this call."""


class NotFound(Stalled):
    """The project, cluster, pool or path does not exist."""


class Conflict(Stalled):
    """The API has something of that name already, or in another state."""


class QuotaLacking(Stalled):
    """The project's quota in the region does not allow it."""


class TooManyRequests(Waiting):
    """Calls come too fast (429). The call was not carried out."""


class Busy(Waiting):
    """The pool or cluster is in another operation. The call was not carried out."""


class CallRefused(Stalled):
    """The API refuses what was asked for (400), or poolplan did not understand its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An answer that is not a success: ``message`` and ``code`` as the body had them, ``delay`` from Retry-After."""

    method: str
    path: str
    status: int
    message: str = ""
    code: str = ""
    query_id: str = ""
    delay: float | None = None

    @property
    def call(self) -> str:
        """Method and path, without the query."""
        return f"{self.method} {self.path.partition('?')[0]}"

    @property
    def of_credentials(self) -> bool:
        """True where the caller was not recognised; a wrong signature has been reported with a 400 and no code."""
        unsigned = self.status in (400, 403) and "signature" in self.message.lower()
        return self.status == 401 or self.code in CREDENTIAL_CODES or unsigned

    @property
    def said(self) -> str:
        """What the server said, and the id by which OVHcloud's support finds the call."""
        query = f" (query {self.query_id})" if self.query_id else ""
        return f": {self.message}{query}" if self.message else query


def failure_of(call: tuple[str, str], status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """From what came over the wire; ``body`` is the parsed JSON, or the text of an answer that is none."""
    fields = body if isinstance(body, dict) else {"message": body}
    message, code = fields.get("message"), fields.get("errorCode")
    delay = headers.get("Retry-After", "")
    return Failure(
        method=call[0], path=call[1], status=status, message=_plain(message) if isinstance(message, str) else "",
        code=_plain(code) if isinstance(code, str) else "", query_id=_plain(headers.get("X-OVH-QUERYID", "")),
        delay=float(delay) if delay.isdecimal() else None,
    )  # fmt: skip


def error_for(failure: Failure, credentials: Credentials) -> PoolplanError:
    """The error a user sees. Nothing in it is secret, whatever the server said."""
    hidden = redact(failure.message, credentials.secrets)
    return _error(replace(failure, message=hidden), credentials)


def _error(failure: Failure, credentials: Credentials) -> PoolplanError:
    status = failure.status
    if status == 429 or status >= 500:
        return _later(failure, credentials)
    if failure.of_credentials:
        return _wrong_keys(failure, credentials)
    if status == 403:
        return _no_right(failure)
    if status == 412:
        return _no_quota(failure)
    if busy := _BUSY.search(failure.message):
        remedy = f"the pool is {busy[1]}; try again when it is READY"
        return Busy(f"OVH cannot do {failure.call} now: {remedy}", retry_after=15)
    if status == 404:
        return NotFound(
            f"OVH knows nothing at {failure.call}{failure.said}; "
            f"check OVH_SERVICE_NAME, OVH_KUBE_ID and the endpoint {credentials.endpoint}"
        )
    if status == 409:
        return Conflict(f"OVH reports a conflict for {failure.call}{failure.said}; plan again from the present state")
    return CallRefused(f"OVH refused {failure.call} ({status}){failure.said}")


def _later(failure: Failure, credentials: Credentials) -> Waiting:
    delay = failure.delay if failure.delay is not None else 10.0
    if failure.status == 429:
        return TooManyRequests(
            f"OVH answers too many requests to {failure.call}; try again in {delay:g} s", retry_after=delay
        )
    return Waiting(
        f"the OVH API at {credentials.url} failed at {failure.call} ({failure.status}){failure.said}; try again later",
        retry_after=delay,
    )


def _wrong_keys(failure: Failure, credentials: Credentials) -> CredentialsRefused:
    if failure.code == "QUERY_TIME_OUT":
        remedy = "set this machine's clock"
    else:
        remedy = (
            "check OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and OVH_CONSUMER_KEY, and that they were made for "
            f"{credentials.endpoint}"
        )
    return CredentialsRefused(
        f"OVH refused the credentials at {failure.call} ({failure.code or failure.status}{failure.said}); {remedy}"
    )


def _no_right(failure: Failure) -> RightMissing:
    return RightMissing(
        f"the OVH credentials lack the right {failure.call} ({failure.code or 403}{failure.said}); "
        "make a consumer key with that right, or grant it in the account's IAM policy"
    )


def _no_quota(failure: Failure) -> QuotaLacking:
    key = _QUOTA.search(failure.message)
    used_up = QUOTAS.get(key[1], key[1]) if key else "something"
    return QuotaLacking(
        f"the project's quota of {used_up} is too small for {failure.call}{failure.said}; "
        "raise it in the OVHcloud console (Public Cloud, Quota and regions) or plan smaller"
    )


def _plain(text: str) -> str:
    """One line of printable text, cut where it goes on for too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST_MESSAGE else line[:LONGEST_MESSAGE] + "…"
