"""What GitHub's and GitLab's APIs have in common: answers, pages, and what a failed call means for the user.

An SDK carries the calls (``exchange`` of each adapter); what came back is judged here, so that a message is of one kind
whatever the forge, names the right that is missing, and holds no secret.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from gitops.decoding import decoder
from gitops.errors import PoolplanError, Stalled, Waiting
from gitops.redact import redact
from gitops.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from gitops.clock import Clock

T = TypeVar("T")
TIMEOUT = 30
"""Seconds to connect, and between two bytes of an answer."""
PAGE = 100
"""How many items a page has; the most that either API gives."""
MOST_PAGES = 200
"""A list that goes on for longer is taken to have no end, and is an error."""
LONGEST_MESSAGE = 300
RATE_DELAY = 60.0
"""Seconds, where a forge limits the rate of calls without a word on how long: what GitHub asks for then."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, success or not. ``call`` is method and path without the query; header names are lower-case."""

    call: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> str:
        """The server's own words on a failure, in one line; not yet redacted."""
        try:
            words = _words(msgspec.json.decode(self.body))
        except (msgspec.DecodeError, UnicodeDecodeError):
            words = ""  # a page of some proxy: nothing a person needs to read
        return " ".join(words.split())

    @property
    def limited(self) -> bool:
        """Whether the rate of calls is the trouble. GitHub says so with a 403 too, and then in one of these ways."""
        if self.status == 429:
            return True
        spent = self.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in self.headers
        return self.status == 403 and (spent or "rate limit" in self.message.lower())

    def delay(self, now: datetime) -> float | None:
        """Seconds after which to try again, where the server says: Retry-After, or when its limit is reset."""
        wait = self.headers.get("retry-after", "")
        if wait.isdecimal():
            return float(wait)
        reset = self.headers.get("x-ratelimit-reset", "") or self.headers.get("ratelimit-reset", "")
        return max(1.0, float(reset) - now.timestamp()) if reset.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Right:
    """What a token must be allowed; ``name`` is the forge's own word for it, ``without`` what is lost."""

    name: str
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where an API is: its address, what to call the repository in messages, and whose certificates are trusted.

    ``ca_file`` empty: those that every program trusts. ``tally`` counts the calls.
    """

    url: str
    name: str
    ca_file: str = ""
    tally: Tally = field(default_factory=Tally, compare=False)


class SignIn(Protocol):
    """Who poolplan is to a forge."""

    def current(self) -> str:
        """The token for the next call. Raises Stalled or Waiting where none can be had."""

    def secrets(self) -> tuple[str, ...]:
        """Everything so far that no message may hold."""


class RestApi(ABC):
    """A forge's API, on one server, for one repository."""

    def __init__(self, server: Server, sign_in: SignIn, clock: Clock) -> None:
        self.name = server.name
        self._tally = server.tally
        self._sign_in = sign_in
        self._clock = clock

    @abstractmethod
    def exchange(self, verb: str, path: str, query: Mapping[str, object], body: object) -> Reply:
        """One call, one answer, whatever its status; the SDK's own retries are off. Raises Waiting or Stalled where
        no answer came."""

    @abstractmethod
    def next_page(self, reply: Reply, query: Mapping[str, object]) -> Mapping[str, object] | None:
        """The query for the page after this one; None after the last."""

    def call(
        self, verb: str, path: str, *, query: Mapping[str, object] | None = None, body: object = None,
        allow: tuple[int, ...] = (), right: Right,
    ) -> Reply:  # fmt: skip
        """One call that succeeded, or failed with a status of ``allow``. Raises Waiting or Stalled for the rest."""
        try:
            reply = self.exchange(verb, path, query or {}, body)
        except PoolplanError:
            self._tally.count("forge", verb, "no answer")
            raise
        self._tally.count("forge", verb, str(reply.status))
        if reply.status // 100 == 2 or reply.status in allow:
            return reply
        raise self.error(reply, right)

    def read(
        self, kind: type[T], path: str, *, query: Mapping[str, object] | None = None, right: Right,
    ) -> T:  # fmt: skip
        """What stands at a path."""
        return self.decode(self.call("GET", path, query=query, right=right), kind)

    def pages(
        self, kind: type[T], path: str, *, query: Mapping[str, object] | None = None, allow: tuple[int, ...] = (),
        right: Right,
    ) -> Iterator[T]:  # fmt: skip
        """Every item of a list, page by page. Nothing where the status is one of ``allow``. A list that was read in
        part ends in an error, never early."""
        asked: Mapping[str, object] | None = {"per_page": PAGE, **(query or {})}
        for _ in range(MOST_PAGES):
            assert asked is not None  # noqa: S101 - the loop ends where it would be
            reply = self.call("GET", path, query=asked, allow=allow, right=right)
            if reply.status in allow:
                return
            yield from self.decode(reply, list[kind])  # type: ignore[valid-type] # a type made from a value
            asked = self.next_page(reply, asked)
            if asked is None:
                return
        raise Stalled(f"{self.name}: the list at {path} has more than {MOST_PAGES * PAGE} items; poolplan stops there")

    def decode(self, reply: Reply, kind: type[T]) -> T:
        """The answer as a value. Raises Waiting where it is no JSON, Stalled where it is another shape."""
        try:
            return decoder(kind).decode(reply.body)
        except msgspec.ValidationError as error:
            fault = str(error)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Waiting(f"{self.name}: the answer to {reply.call} is no JSON; a proxy may have given it") from None
        told = redact(fault, self._sign_in.secrets())
        raise Stalled(f"{self.name}: the answer to {reply.call} is not what the API's documentation says ({told})")

    def hide(self, text: str) -> str:
        """The text in one line, without any secret: not even the half of one that a cut would leave."""
        return redact(" ".join(text.split()), self._sign_in.secrets())[:LONGEST_MESSAGE]

    def said(self, reply: Reply) -> str:
        """What the server said, to be put behind our own words."""
        return f": {self.hide(reply.message)}" if reply.message else ""

    def error(self, reply: Reply, right: Right) -> PoolplanError:
        """What a failure means for the user."""
        status, said = reply.status, self.said(reply)
        if reply.limited:
            delay = reply.delay(self._clock.now()) or RATE_DELAY
            again = f"try again in {delay:.0f} s"
            return Waiting(f"{self.name} limits how often it is called ({reply.call}); {again}", retry_after=delay)
        if status >= 500:
            return Waiting(
                f"{self.name} failed at {reply.call} ({status}){said}; try again later",
                retry_after=reply.delay(self._clock.now()) or 10.0,
            )
        if status == 401:
            return Stalled(
                f"{self.name} refuses the token ({reply.call}){said}; it is wrong, revoked or expired: "
                "give another one (spec.forge in cluster.yaml says where it is read from)"
            )
        if status == 403:
            return Stalled(f"{self.name}: no right to {reply.call}{said}; the token needs {right.name}")
        if status == 404:
            return Stalled(
                f"{self.name} knows nothing at {reply.call}{said}; check spec.forge.repository and that the token has "
                f"{right.name}: what a token may not see looks missing"
            )
        if status // 100 == 3:
            return Stalled(f"{self.name} sends {reply.call} elsewhere ({status}); correct spec.forge.url or repository")
        return Stalled(f"{self.name} refuses {reply.call} ({status}){said}")


def utc(at: datetime) -> datetime:
    """The same moment in UTC. A time without a zone is taken to be UTC, as both forges document theirs."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _words(value: object) -> str:
    """The words of an error body: ``message`` and ``errors`` of GitHub; ``message`` or ``error`` of GitLab, where they
    may be a list, or lists by field."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(filter(None, map(_words, value)))
    if not isinstance(value, dict):
        return ""
    known = [value[key] for key in ("message", "error", "errors", "error_description") if key in value]
    return ": ".join(filter(None, map(_words, known or list(value.values()))))


class OverRest:
    """What forges that are called over an API have alike: they know reviews, and who poolplan is is asked once."""

    def __init__(self, name: str, body_limit: int, ask: Callable[[], str]) -> None:
        self._name = name
        self._body_limit = body_limit
        self._who_am_i = ask
        self._me = ""

    @property
    def name(self) -> str:
        return self._name

    @property
    def body_limit(self) -> int:
        return self._body_limit

    @property
    def reviews(self) -> bool:
        return True

    def me(self) -> str:
        if not self._me:
            self._me = self._who_am_i()
        return self._me
