"""Who may call: signatures checked as OVH checks them, over the raw target and the raw body as they came.

Nothing is decoded or written anew before it is hashed: clients sign what they send, percent-escapes and all.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.sandbox.refusals import ApiError
from gitops.sandbox.settings import APPLICATION_KEY, APPLICATION_SECRET, CONSUMER_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

TOLERANCE_SECONDS = 300
"""How far a client's clock may be off. Both known clients ask /auth/time first, so a wide figure hides nothing."""
UNSIGNED = ("/auth/time", "/order/catalog/")
BEARER_TOKENS = ("sandbox", "OpenStack/sandbox")
"""The second form is cluster-autoscaler's, which puts a keystone token there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it came in: ``url`` as the client must have spelt it, header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def needs_signature(path: str) -> bool:
    """False for the paths (below /1.0) that everybody may read."""
    return not path.startswith(UNSIGNED)


def authenticate(call: Call, now: datetime) -> None:
    """Raises ApiError 403, with the API's errorCode, unless the caller is the sandbox's own."""
    bearer = call.headers.get("authorization", "")
    if bearer.startswith("Bearer "):
        if bearer.removeprefix("Bearer ") not in BEARER_TOKENS:
            raise _rejected("INVALID_CREDENTIAL", "This credential is not valid")
        return
    _check_keys(call)
    _check_time(call.headers.get("x-ovh-timestamp", ""), now)
    expected = sign(call)
    if not hmac.compare_digest(expected.encode(), call.headers.get("x-ovh-signature", "").encode()):
        raise _rejected("INVALID_SIGNATURE", "Invalid signature")


def sign(call: Call) -> str:
    """``$1$`` and the SHA-1 over secret, consumer key, method, URL, body and timestamp, joined by ``+``."""
    parts = (APPLICATION_SECRET, CONSUMER_KEY, call.method.upper(), call.url)
    head = "+".join(parts).encode()
    tail = call.headers.get("x-ovh-timestamp", "").encode()
    return "$1$" + hashlib.sha1(head + b"+" + call.body + b"+" + tail, usedforsecurity=False).hexdigest()


def _check_keys(call: Call) -> None:
    application = call.headers.get("x-ovh-application", "")
    if application and application != APPLICATION_KEY:
        raise _rejected("INVALID_KEY", "This application key is invalid")
    needed = ("x-ovh-application", "x-ovh-consumer", "x-ovh-timestamp", "x-ovh-signature")
    if not all(call.headers.get(name) for name in needed):
        raise _rejected("NOT_CREDENTIAL", "You must login first")
    if call.headers["x-ovh-consumer"] != CONSUMER_KEY:
        raise _rejected("INVALID_CREDENTIAL", "This credential is not valid")


def _check_time(timestamp: str, now: datetime) -> None:
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(int(timestamp) - now.timestamp()) > TOLERANCE_SECONDS:
        raise _rejected("QUERY_TIME_OUT", "Query out of time")


def _rejected(code: str, message: str) -> ApiError:
    return ApiError(403, message, error_code=code)
