"""A live cluster read as kubectl would read it: every kind in pages, decoded by the same readers as files are.

It decides what a refusal means: without pods, nodes or daemonsets there is no plan; without the rest there is one, with
a warning that says what it cannot know. A failed read is never an empty list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from gitops.cluster.inputs import Inputs, file_items, make_inputs
from gitops.cluster.items import Item
from gitops.cluster.kinds import CLUSTER_KINDS, POLICY_LISTS, Kind
from gitops.errors import Place, PoolplanError, Stalled, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from gitops.decoding import Step

T = TypeVar("T")
PAGE = 500
_GONE = 410
_LIVE = -1  # before every path of the user, so that a what-if file replaces what is live


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said: its status, and the bytes of the body."""

    status: int
    body: bytes = b""


class Api(Protocol):
    """A cluster's API server. An implementation must answer with the status as it is, and raise Waiting or Stalled
    where no answer came; it must not retry and must not cache."""

    @property
    def address(self) -> str: ...
    def list(self, kind: Kind, *, limit: int, token: str) -> Answer: ...


@dataclass(frozen=True, slots=True)
class LiveBody:
    """An object as the API server sent it. It has no line: its name says where to look."""

    raw: msgspec.Raw
    address: str

    def decode(self, kind: type[T]) -> T:
        return msgspec.json.decode(self.raw, type=kind)

    def plain(self) -> object:
        return msgspec.json.decode(self.raw)

    def place(self, path: tuple[Step, ...]) -> Place:  # noqa: ARG002 - the same for every field
        return Place(self.address)


class _ListMetadata(msgspec.Struct, frozen=True):
    token: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct, frozen=True):
    items: list[msgspec.Raw] | None = None
    metadata: _ListMetadata = _ListMetadata()


def read_cluster(
    api: Api, *, environment: Mapping[str, str], what_if: Sequence[Path] = (), policy_paths: Sequence[Path] = ()
) -> Inputs:  # fmt: skip
    """The cluster's snapshot and policy, with what-if files on top. Raises Stalled, Waiting or InputError."""
    items, warnings = live_items(api)
    inputs = make_inputs(
        (*items, *file_items(what_if)), environment=environment,
        policy_items=file_items(policy_paths) if policy_paths else None,
    )  # fmt: skip
    return replace(inputs, warnings=(*warnings, *inputs.warnings))


def live_items(api: Api) -> tuple[list[Item], tuple[str, ...]]:
    """Every object of the kinds a plan needs, and warnings about kinds that could not be read."""
    items: list[Item] = []
    warnings: list[str] = []
    for kind in (*CLUSTER_KINDS, *POLICY_LISTS):
        try:
            items += _of_kind(api, kind)
        except _Lost as lost:
            warnings.append(str(lost))
    return items, tuple(warnings)


class _Lost(Exception):
    """A kind that a plan can do without could not be read."""


def _of_kind(api: Api, kind: Kind) -> list[Item]:
    try:
        return list(_pages(api, kind, PAGE))
    except _Expired:
        return list(_pages(api, kind, 0))


class _Expired(Exception):
    """The list was too old to go on with: the API server keeps a list's pages for some minutes."""


def _pages(api: Api, kind: Kind, limit: int) -> Iterator[Item]:
    token = ""
    while True:
        answer = api.list(kind, limit=limit, token=token)
        if answer.status == _GONE and token:
            raise _Expired
        if answer.status == 404 and kind.optional_api:
            return
        page = _page(api, kind, answer)
        for raw in page.items or ():
            yield Item(kind.api_version, kind.kind, LiveBody(raw, api.address), _LIVE)
        token = page.metadata.token
        if not token:
            return


def _page(api: Api, kind: Kind, answer: Answer) -> _Page:
    if answer.status != 200:
        raise _refusal(api, kind, answer)
    try:
        return msgspec.json.decode(answer.body, type=_Page)
    except msgspec.DecodeError as error:
        raise Stalled(f"{api.address} answered for {kind.plural} with something that is no Kubernetes list") from error


def _refusal(api: Api, kind: Kind, answer: Answer) -> PoolplanError | _Lost:
    said = _message(answer.body)
    match answer.status:
        case 401:
            return Stalled(f"{api.address} does not accept these credentials; log in again, or name another context")
        case 403 if kind.lost:
            return _Lost(f"no right to list {kind.plural}{_group(kind)}: {kind.lost}")
        case 403:
            return Stalled(
                f"no right to list {kind.plural}{_group(kind)} in all namespaces at {api.address}; "
                "grant the verb list to poolplan in a ClusterRole"
            )
        case 429 | 500 | 502 | 503 | 504:
            return Waiting(f"{api.address} cannot list {kind.plural} now ({answer.status}{said})")
    return Stalled(f"{api.address} answered {answer.status} when asked to list {kind.plural}{_group(kind)}{said}")


def _group(kind: Kind) -> str:
    group, slash, _ = kind.api_version.partition("/")
    return f".{group}" if slash else ""


def _message(body: bytes) -> str:
    """The message of a Kubernetes Status, on one line and not too long; anything else is not repeated."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    text = said.get("message") if isinstance(said, dict) else None
    return f": {ascii(text[:200])[1:-1]}" if isinstance(text, str) and text else ""
