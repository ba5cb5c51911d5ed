"""A live cluster read once, as kubectl would read it: every kind in pages, decoded by the same readers as files are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from gitops.cluster.inputs import Inputs, file_items, make_inputs
from gitops.cluster.items import Item
from gitops.cluster.kinds import CLUSTER_KINDS, POLICY_LISTS, Kind
from gitops.cluster.live.api import GONE, Absent, Api, LiveBody, Lost, refusal
from gitops.decoding import decoder
from gitops.errors import Stalled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from gitops.cluster.live.api import Answer

PAGE = 500
READ_KINDS = (*CLUSTER_KINDS, *POLICY_LISTS)
_LIVE = -1  # before every path of the user, so that a what-if file replaces what is live


class _ListMetadata(msgspec.Struct, frozen=True, rename="camel"):
    token: str = msgspec.field(default="", name="continue")
    resource_version: str = ""


class Page(msgspec.Struct, frozen=True):
    """Some objects of a kind."""

    items: list[msgspec.Raw] | None = None
    metadata: _ListMetadata = _ListMetadata()


class Expired(Exception):
    """The list was too old to go on with: the API server keeps a list's pages for some minutes."""


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
    for kind in READ_KINDS:
        try:
            items += _of_kind(api, kind)
        except Absent:
            continue
        except Lost as lost:
            warnings.append(str(lost))
    return items, tuple(warnings)


def _of_kind(api: Api, kind: Kind) -> list[Item]:
    try:
        return _listed(api, kind, PAGE)
    except Expired:
        return _listed(api, kind, 0)


def _listed(api: Api, kind: Kind, limit: int) -> list[Item]:
    return [item_of(api, kind, raw) for page in pages(api, kind, limit) for raw in page.items or ()]


def item_of(api: Api, kind: Kind, raw: msgspec.Raw) -> Item:
    """One object of a kind; those in lists do not say themselves what they are."""
    return Item(kind.api_version, kind.kind, LiveBody(raw, api.address), _LIVE)


def pages(api: Api, kind: Kind, limit: int) -> Iterator[Page]:
    """All pages of a kind, of one instant. Raises Expired, Absent, Lost, Stalled or Waiting."""
    token = ""
    while True:
        answer = api.list(kind, limit=limit, token=token)
        if answer.status == GONE and token:
            raise Expired
        page = _page(api, kind, answer)
        yield page
        token = page.metadata.token
        if not token:
            return


def _page(api: Api, kind: Kind, answer: Answer) -> Page:
    if answer.status != 200:
        raise refusal(api.address, kind, "list", answer)
    try:
        return decoder(Page).decode(answer.body)
    except msgspec.DecodeError as error:
        raise Stalled(f"{api.address} answered for {kind.plural} with something that is no Kubernetes list") from error
