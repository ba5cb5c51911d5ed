"""Objects → a ``v1 List`` that plans as the cluster itself does, and holds nothing that does not decide a plan.

Exactly the fields of ``gitops.cluster.wire`` are written, so environment variables, arguments, images, managed fields
and annotations that decide nothing stay behind. One object a line, sorted, so that two snapshots can be compared.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import msgspec

from gitops.cluster import wire
from gitops.cluster.fields import telling
from gitops.cluster.kinds import BY_NAME, is_policy
from gitops.cluster.objects import CLASS_ANNOTATIONS
from gitops.errors import InputError, Place
from gitops.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gitops.cluster.items import Item

#: Kind, namespace ("" for none) and name.
Key = tuple[str, str, str]
_POLICY_METADATA = ("name", "labels", "uid", "generation")


def save_snapshot(items: Iterable[Item], path: Path) -> int:
    """Write the file whole or not at all, and say how many objects it holds. Raises InputError."""
    lines = sorted(_lines(items))
    try:
        with replacing(path) as stream:
            stream.write(b'{"apiVersion":"v1","kind":"List","items":[\n')
            stream.write(b",\n".join(line for _, line in lines))
            stream.write(b"\n]}\n")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", place=Place(str(path))) from None
    return len(lines)


def _lines(items: Iterable[Item]) -> Iterator[tuple[Key, bytes]]:
    for item in items:
        if is_policy(item.api_version, item.kind) or (item.api_version, item.kind) in BY_NAME:
            yield essence(item)


def essence(item: Item) -> tuple[Key, bytes]:
    """An object of a kind that is read, and nothing of it that does not decide a plan, as JSON. Raises InputError."""
    if is_policy(item.api_version, item.kind):
        return _policy_line(item)
    return item.read(BY_NAME[item.api_version, item.kind].wire, partial(_line, item))


def _line(item: Item, one: wire.Wire) -> tuple[Key, bytes]:
    metadata = cast("wire.Metadata", one.metadata)  # type: ignore[attr-defined] # every kind that is read has it
    metadata.annotations = _kept(metadata.annotations)
    if isinstance(one, wire.Workload) and one.spec.template.metadata:
        one.spec.template.metadata.annotations = _kept(one.spec.template.metadata.annotations)
    head = msgspec.json.encode({"apiVersion": item.api_version, "kind": item.kind})
    body = msgspec.json.encode(one, order="deterministic")
    return (item.kind, metadata.namespace or "", metadata.name), head[:-1] + b"," + body[1:]


def _policy_line(item: Item) -> tuple[Key, bytes]:
    """The whole spec: a policy holds no secrets, and a field that is not known must still be warned of."""
    plain = cast("dict[str, object]", item.body.plain())
    metadata = plain.get("metadata")
    known = {key: metadata[key] for key in _POLICY_METADATA if key in metadata} if isinstance(metadata, dict) else {}
    kept = {"apiVersion": item.api_version, "kind": item.kind, "metadata": known, "spec": plain.get("spec")}
    return (item.kind, "", str(known.get("name", ""))), msgspec.json.encode(kept, order="deterministic")


def _kept(annotations: dict[str, str] | None) -> dict[str, str] | None:
    classes = {key: value for key, value in (annotations or {}).items() if key in CLASS_ANNOTATIONS}
    return {**dict(telling(annotations)), **classes} or None
