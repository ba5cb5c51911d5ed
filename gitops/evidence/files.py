"""A plan's inputs ↔ a file: compressed JSON of everything the planner looks at, and of nothing else.

The values hold only what decides a plan (``gitops.cluster.wire``), so environment variables, images, arguments and
annotations without a meaning were never in them. Equal inputs are equal bytes.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import textwrap
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from gitops.decoding import MEGABYTE, Misfit, json_place, parse_json, path_text
from gitops.errors import InputError, Place
from gitops.evidence.values import from_plain, to_plain
from planner.decide import Inputs
from renderer.files import FileSet

if TYPE_CHECKING:
    from pathlib import Path

API_VERSION: Final = "poolplan.dev/v1alpha1"
KIND: Final = "Evidence"
LIMIT = 2**20
"""Bytes, compressed: more is not stored beside a plan."""
LARGEST_FILE = 64 * MEGABYTE
LARGEST_TEXT = 1000 * MEGABYTE
"""Bytes, decompressed: what a cluster of 5,000 nodes with 100,000 pods has, several times over."""
TEXT: Final = PurePosixPath("evidence/inputs.json.gz.b64")
ATTRIBUTES: Final = PurePosixPath("evidence/.gitattributes")
_ATTRIBUTES = "* -diff linguist-generated gitlab-generated\n"
"""Git and the forges then fold the file away: reviewers see that it changed, and not its lines."""
_GZIP = b"\x1f\x8b"
_RATIO = 200
"""Honest evidence gets a third as much smaller; a decompression bomb, a thousand times."""
_SMALL = 16 * MEGABYTE
"""Bytes, decompressed, that are never too many."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a file holds; ``version`` is that of the poolplan that wrote it."""

    inputs: Inputs
    now: datetime
    version: str


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What a commit does with the evidence of its plan: paths are relative to the cluster's folder.

    ``note`` is a sentence for the proposal where nothing is stored; the evidence of an older plan then goes.
    """

    files: FileSet = field(default_factory=FileSet)
    removed: tuple[PurePosixPath, ...] = ()
    note: str = ""


def save(inputs: Inputs, *, now: datetime) -> bytes:
    """The inputs as gzip of JSON in one line, its keys sorted."""
    document = {
        "apiVersion": API_VERSION, "kind": KIND, "version": version("poolplan"), "now": to_plain(now),
        "inputs": to_plain(inputs),
    }  # fmt: skip
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    return gzip.compress(text.encode(), 9, mtime=0)


def beside_plan(inputs: Inputs, *, now: datetime, limit: int = LIMIT) -> Beside:
    """The files that keep the evidence beside ``plan.json``, or why there are none."""
    data = save(inputs, now=now)
    if len(data) > limit:
        size, most = (f"{-(-amount * 10 // 2**20) / 10:.1f} MiB" for amount in (len(data), limit))
        return Beside(removed=(TEXT, ATTRIBUTES), note=f"the evidence is not stored: it has {size}, more than {most}")
    return Beside(files=FileSet.of({TEXT: as_text(data), ATTRIBUTES: _ATTRIBUTES}))


def as_text(data: bytes) -> str:
    """Compressed evidence in lines of base64, for repositories that hold text."""
    return "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 76)) + "\n"


def write_evidence(path: Path, inputs: Inputs, *, now: datetime) -> None:
    """Write evidence of any size, as gzip. Raises InputError when the file cannot be written."""
    try:
        path.write_bytes(save(inputs, now=now))
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", place=Place(str(path))) from None


def read_evidence(path: Path) -> Saved:
    """The evidence in a file. Raises InputError when it cannot be read, and as ``load``."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            message = f"evidence is at most {LARGEST_FILE // MEGABYTE} MB, compressed"
            raise InputError(message, place=Place(str(path)))
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=Place(str(path))) from None
    return load(data, str(path))


def load(data: bytes, file: str) -> Saved:
    """Evidence as gzip, as base64 of it, or as the JSON itself; ``file`` is what to call it. Raises InputError."""
    text = _text(data, file)
    plain = parse_json(text, file)
    try:
        return _saved(plain)
    except Misfit as misfit:
        place = json_place(text, file, misfit.path)
        raise InputError(misfit.message, place=place, path=path_text(misfit.path)) from None
    except RecursionError:
        raise InputError("nested too deeply", place=Place(file)) from None


def _saved(plain: object) -> Saved:
    if not isinstance(plain, dict):
        raise Misfit(f"must be a map with apiVersion, kind, now and inputs: the evidence of a plan ({KIND})")
    for name, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if plain.get(name) != wanted:
            raise Misfit(f"must be {wanted}", (name,) if name in plain else ())
    written = plain.get("version")
    return Saved(
        inputs=_member(plain, "inputs", Inputs), now=_member(plain, "now", datetime),
        version=written if isinstance(written, str) else "",
    )  # fmt: skip


def _member(plain: dict[str, Any], name: str, kind: type[Any]) -> Any:
    if name not in plain:
        raise Misfit(f"{name} is missing")
    try:
        return from_plain(kind, plain[name])
    except Misfit as misfit:
        raise Misfit(misfit.message, (name, *misfit.path)) from None


def _text(data: bytes, file: str) -> str:
    """The JSON in a file, whichever of its three forms it has."""
    if data.lstrip()[:1] == b"{":
        unpacked = data
    elif data.startswith(_GZIP):
        unpacked = _decompressed(data, file)
    else:
        try:
            packed = base64.b64decode(b"".join(data.split()), validate=True)
        except binascii.Error:
            raise InputError("is no evidence: neither gzip nor base64 nor JSON", place=Place(file)) from None
        unpacked = _decompressed(packed, file)
    try:
        return unpacked.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", place=Place(file)) from None


def _decompressed(data: bytes, file: str) -> bytes:
    """All of it, and never more than evidence can be."""
    most = min(LARGEST_TEXT, _SMALL + _RATIO * len(data))
    unpack = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpack.decompress(data, most + 1)
    except zlib.error:
        raise InputError("is damaged: it cannot be decompressed", place=Place(file)) from None
    if len(unpacked) > most:
        raise InputError(f"decompresses to more than {most // MEGABYTE} MB: no evidence does", place=Place(file))
    if not unpack.eof or unpack.unused_data:
        raise InputError("is damaged: it ends too early, or too late", place=Place(file))
    return unpacked
