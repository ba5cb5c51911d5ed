"""What is asked of a cluster's API server, and what each of its refusals means.

Without pods, nodes or daemonsets there is no plan; without the rest there is one, with a warning that says what it
cannot know. A failed read is never an empty list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from gitops.decoding import decoder
from gitops.errors import Place, PoolplanError, Stalled, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.cluster.kinds import Kind
    from gitops.decoding import Step

T = TypeVar("T")
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said: its status, and the bytes of the body."""

    status: int
    body: bytes = b""


class Stream(Protocol):
    """A watch that the API server has begun to answer."""

    def lines(self) -> Iterator[bytes]:
        """One event a line, until the server ends the watch or ``close`` does. Raises Waiting where it breaks off."""
        ...

    def close(self) -> None:
        """End it from any thread; harmless when repeated."""
        ...


class Api(Protocol):
    """A cluster's API server. An implementation must answer with the status as it is, and raise Waiting or Stalled
    where no answer came; it must not retry and must not cache."""

    @property
    def address(self) -> str: ...

    def list(self, kind: Kind, *, limit: int, token: str) -> Answer:
        """One page of ``limit`` objects, 0 for all."""
        ...

    def watch(self, kind: Kind, *, version: str, seconds: int, silence: float) -> Stream | Answer:
        """What changes after ``version``, with bookmarks, for so many seconds; an Answer where the server refuses.

        The stream breaks off where nothing is heard for ``silence`` seconds.
        """
        ...


@dataclass(frozen=True, slots=True)
class LiveBody:
    """An object as the API server sent it. It has no line: its name says where to look."""

    raw: msgspec.Raw
    address: str

    def decode(self, kind: type[T]) -> T:
        return decoder(kind).decode(self.raw)

    def plain(self) -> object:
        return msgspec.json.decode(self.raw)

    def place(self, path: tuple[Step, ...]) -> Place:  # noqa: ARG002 - the same for every field
        return Place(self.address)


class Lost(Exception):
    """A kind that a plan can do without could not be read; says what is lost."""


class Absent(Exception):
    """The API server does not serve the kind, and need not."""


def refusal(address: str, kind: Kind, verb: str, answer: Answer) -> PoolplanError | Lost | Absent:
    """What an answer other than 200 to ``verb`` (list or watch) means."""
    said = _message(answer.body)
    named = kind.resource
    match answer.status:
        case 401:
            return Stalled(f"{address} does not accept these credentials; log in again, or name another context")
        case 403 if kind.lost and verb == "list":  # what may be listed and not watched is a slip in the role
            return Lost(f"no right to {verb} {named}: {kind.lost}")
        case 403:
            return Stalled(
                f"no right to {verb} {named} in all namespaces at {address}; "
                f"grant the verb {verb} to poolplan in a ClusterRole"
            )
        case 404 if kind.optional_api:
            return Absent(f"{address} serves no {named}")
        case 429 | 500 | 502 | 503 | 504:
            return Waiting(f"{address} cannot {verb} {kind.plural} now ({answer.status}{said})")
    return Stalled(f"{address} answered {answer.status} when asked to {verb} {named}{said}")


def _message(body: bytes) -> str:
    """The message of a Kubernetes Status, on one line and not too long; anything else is not repeated."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    text = said.get("message") if isinstance(said, dict) else None
    return f": {ascii(text[:200])[1:-1]}" if isinstance(text, str) and text else ""
