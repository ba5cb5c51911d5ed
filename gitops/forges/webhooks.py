"""Webhooks: a forge says that something happened, and poolplan looks now instead of a little later.

Nothing of what a hook says is believed: a delivery that is signed leads to "look again at this repository", and the
look asks the forge itself. So a lost hook, a repeated one or one out of order changes nothing; polling finds it all.

Where the signatures are documented: GitHub, "Validating webhook deliveries"; Gitea and Forgejo, "Webhooks"; GitLab,
"Webhooks", whose signing tokens follow the Standard Webhooks specification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from gitops.decoding import decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from gitops.clock import Clock

LARGEST = 5 * 1024 * 1024
"""Bytes. GitHub's own limit is 25 MiB; the events that poolplan asks for have some tens of KiB."""
REMEMBERED = 4096
"""How many deliveries are known again; an older one that is sent again is one look too many, and no harm."""
PATIENCE = timedelta(minutes=5)
"""How far from now the time of a signature may be, where it has one."""
SHORTEST_SECRET = 16
EVENTS = frozenset({
    "push", "pull_request", "pull_request_review", "pull_request_approved", "pull_request_rejected",
    "pull_request_review_approved", "pull_request_review_rejected", "status", "branch_protection_rule",
    "Push Hook", "Merge Request Hook",
})  # fmt: skip
"""What leads to a look, by the names of all the forges; every other event is thanked for and left."""
_EVENT_HEADERS = ("x-github-event", "x-gitlab-event", "x-forgejo-event", "x-gitea-event")
_DELIVERY_HEADERS = ("x-github-delivery", "webhook-id", "x-gitlab-event-uuid", "x-forgejo-delivery", "x-gitea-delivery")
_DIGEST_HEADERS = (("x-hub-signature-256", "sha256="), ("x-forgejo-signature", ""), ("x-gitea-signature", ""))
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The whole outcome of a delivery. ``repository`` is as the forge names it, a hint which one to look at."""

    repository: str


class Deliveries:
    """Judges deliveries against one secret, and knows those that came before.

    ``secret`` gives what was entered at the forge, anew for each delivery. A ``whsec_`` one is GitLab's signing token.
    """

    def __init__(self, secret: Callable[[], str], clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._known: OrderedDict[str, None] = OrderedDict()

    def signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the sender knows the secret. ``headers`` have lower-case names. False where nothing is signed."""
        secret = self._secret()
        if len(secret) < SHORTEST_SECRET:
            return False
        if "webhook-signature" in headers:
            return self._standard(secret, headers, body)
        if secret.startswith("whsec_"):
            return False  # what is configured to be signed is never taken unsigned
        for name, prefix in _DIGEST_HEADERS:
            if name in headers:
                return _same_digest(secret, headers[name], prefix, body)
        return "x-gitlab-token" in headers and _equal(headers["x-gitlab-token"], secret)

    def fresh(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether it is the first delivery of this id; one without an id is known by its content."""
        named = next((headers[name] for name in _DELIVERY_HEADERS if name in headers), "")
        key = named[:200] or hashlib.sha256(body).hexdigest()
        if key in self._known:
            return False
        self._known[key] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return True

    def _standard(self, secret: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Standard Webhooks: HMAC-SHA256 of id, time and body; the header may hold several, while keys change."""
        sent = headers.get("webhook-timestamp", "")
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
            late = abs(self._clock.now().timestamp() - int(sent))
        except (binascii.Error, ValueError):
            return False
        if late > PATIENCE.total_seconds():
            return False
        text = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body
        right = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        given = [one.removeprefix("v1,") for one in headers["webhook-signature"].split() if one.startswith("v1,")]
        return any([_equal(one, right) for one in given])  # noqa: C419 - every one is compared, whichever is right


def webhook_app(
    secret: Callable[[], str], on_event: Callable[[LookAgain], None], clock: Clock, *, path: str = "/"
) -> Starlette:
    """A web application that takes deliveries at ``path`` and calls ``on_event`` for those that count.

    Answers: 202 taken, or known or of no concern; 401 not signed by the secret; 405 no POST; 413 too large. The body of
    an answer says nothing. ``on_event`` must come back at once: a forge waits for ten seconds only.
    """
    from starlette.applications import Starlette  # noqa: PLC0415 - only where hooks are served
    from starlette.responses import Response  # noqa: PLC0415 - likewise
    from starlette.routing import Route  # noqa: PLC0415 - likewise

    deliveries = Deliveries(secret, clock)

    async def take(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not deliveries.signed(headers, body):
            return Response(status_code=401)
        event = next((headers[name] for name in _EVENT_HEADERS if name in headers), "")
        if event in EVENTS and deliveries.fresh(headers, body):
            on_event(LookAgain(_repository(body)))
        return Response(status_code=202)

    return Starlette(routes=[Route(path, take, methods=["POST"])])


async def _body(request: Request) -> bytes | None:
    """The body; None for one that is too large, whatever its header says of its length."""
    taken = bytearray()
    async for piece in request.stream():
        taken += piece
        if len(taken) > LARGEST:
            return None
    return bytes(taken)


class _Repository(msgspec.Struct):
    full_name: str = ""


class _Project(msgspec.Struct):
    path_with_namespace: str = ""


class _Payload(msgspec.Struct):
    repository: _Repository = msgspec.field(default_factory=_Repository)
    project: _Project = msgspec.field(default_factory=_Project)


def _repository(body: bytes) -> str:
    """Which repository it is about; empty where that cannot be told, and then each is looked at."""
    try:
        said = decoder(_Payload).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    name = said.project.path_with_namespace or said.repository.full_name
    return name if len(name) <= 400 and name.isprintable() else ""


def _same_digest(secret: str, given: str, prefix: str, body: bytes) -> bool:
    digest = given.removeprefix(prefix)
    if not given.startswith(prefix) or not _HEX.fullmatch(digest):
        return False
    return _equal(digest, hmac.new(secret.encode(), body, hashlib.sha256).hexdigest())


def _equal(one: str, other: str) -> bool:
    """In the same time, wherever they differ. Header values are Latin-1, so bytes are compared."""
    return hmac.compare_digest(one.encode(), other.encode())
