"""Files → single Kubernetes objects, each with its kind and the place it came from; lists are taken apart here.

It decides what counts as an object. What an object's fields mean is decided by the reader of its kind, which decodes
it with ``Item.decode`` and speaks of wrong fields with ``Misfit``: ``Item.read`` turns that into a located InputError.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import msgspec

from gitops.cluster.files import LARGEST_THOROUGH, LARGEST_YAML, QUICK_FROM, Source
from gitops.cluster.quickyaml import NotPlainError, available, quick_documents
from gitops.decoding import Misfit, convert, convert_plain, decoder, json_place, path_text
from gitops.errors import InputError, Place
from gitops.yamlfile import decode_text, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gitops.decoding import Step

T = TypeVar("T")
W = TypeVar("W")
_NOTHING = msgspec.Raw(b"")
#: How kubectl, the API server and poolplan begin an object: its kind is known without reading on to its end.
_OPENING = re.compile(rb'\s*\{\s*"apiVersion"\s*:\s*"([a-zA-Z0-9./-]+)"\s*,\s*"kind"\s*:\s*"([a-zA-Z0-9]+)"\s*,')


class Body(Protocol):
    """Where an object's fields stand: in JSON bytes, in a YAML document, or in a cluster's answer."""

    def decode(self, kind: type[T]) -> T: ...
    def plain(self) -> object: ...
    def place(self, path: tuple[Step, ...]) -> Place: ...


class Item(msgspec.Struct, frozen=True):  # a struct, because there may be hundreds of thousands
    """One Kubernetes object. ``argument`` is the position of the user's path that it came from."""

    api_version: str
    kind: str
    body: Body
    argument: int = 0

    @property
    def full_kind(self) -> str:
        """As kubectl names it: ``Pod``, ``NodePool.karpenter.sh``."""
        group, slash, _ = self.api_version.partition("/")
        return ascii(f"{self.kind}.{group}" if slash else self.kind)[1:-1]

    def read(self, wire: type[W], make: Callable[[W], T]) -> T:
        """Decode and convert. Raises InputError with the place of the field that is wrong."""
        try:
            return make(self.decode(wire))
        except Misfit as misfit:
            raise self.refused(misfit) from None

    def decode(self, wire: type[W]) -> W:
        """The fields that ``wire`` has; others are ignored. Raises Misfit."""
        try:
            return self.body.decode(wire)
        except msgspec.ValidationError:
            pass
        return precisely(self.body.plain(), wire)

    def refused(self, misfit: Misfit) -> InputError:
        """The error to raise: ``file:line:column: spec.nodeName: message (in Pod default/web)``."""
        place = self.body.place(misfit.path)
        return InputError(f"{misfit.message} (in {self.name})", place=place, path=path_text(misfit.path))

    @property
    def name(self) -> str:
        """Kind, namespace and name, for messages."""
        plain = self.body.plain()
        metadata = plain.get("metadata") if isinstance(plain, dict) else None
        parts = metadata if isinstance(metadata, dict) else {}
        known = [str(parts[key]) for key in ("namespace", "name") if isinstance(parts.get(key), str)]
        kind = ascii(self.kind)[1:-1]
        named = isinstance(parts.get("name"), str)
        return f"{kind} {ascii('/'.join(known))[1:-1]}" if named else f"a {kind} without a name"


def precisely(plain: object, wire: type[W]) -> W:
    """A plain value as a ``wire``. Raises Misfit that leads to the very field."""
    try:
        return convert(plain, wire)
    except Misfit as misfit:
        raise _precise(misfit, plain) from None


class Head(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What tells objects and lists apart."""

    api_version: str = ""
    kind: str = ""
    items: msgspec.Raw = _NOTHING


class JsonBody(msgspec.Struct, frozen=True):
    """An object within JSON bytes; nothing is copied until it is decoded.

    ``around`` is the list it is the ``number``-th part of, with all parts of that list.
    """

    source: Source
    raw: msgspec.Raw
    around: tuple[JsonBody, Sequence[msgspec.Raw]] | None = None
    number: int = 0

    def decode(self, kind: type[T]) -> T:
        """Raises msgspec's ValidationError, or InputError for what no reader could take."""
        try:
            decoded: T = decoder(kind).decode(self.raw)
        except RecursionError:
            raise InputError("is nested too deeply", place=Place(self.source.file)) from None
        except UnicodeDecodeError:
            raise self._not_utf8() from None
        return decoded

    def plain(self) -> object:
        return self.decode(object)

    def _not_utf8(self) -> InputError:
        raw = bytes(self.raw)
        at = self.start()
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            at += error.start
        return InputError("is not UTF-8 text", place=_place_of_byte(self.source, at))

    def place(self, path: tuple[Step, ...]) -> Place:
        """Found by looking again: only errors ask for it."""
        raw = bytes(self.raw)
        start = _place_of_byte(self.source, self.start())
        inner = json_place(raw.decode(errors="replace"), self.source.file, _existing(path, self.plain()))
        column = inner.column if inner.line > 1 else start.column + inner.column - 1
        return Place(self.source.file, start.line + inner.line - 1, column)

    def start(self) -> int:
        """The byte at which the object begins: what looks like it may stand earlier in the file."""
        data = self.source.data
        if self.around is None:
            return max(0, data.find(self.raw))
        whole, parts = self.around
        at = data.find(b"[", data.find(decoder(Head).decode(whole.raw).items, whole.start()))
        end = 1 + at
        for part in parts[: self.number]:
            end = data.find(part, end) + len(memoryview(part))
        return data.find(self.raw, end)


class Document(Protocol):
    """A YAML document, however it was read."""

    @property
    def value(self) -> object: ...
    def place(self, path: tuple[Step, ...] = ()) -> Place: ...


@dataclass(frozen=True, slots=True)
class YamlBody:
    """An object within a YAML document; ``within`` leads to it from the document's root."""

    document: Document
    value: object = field(compare=False)
    within: tuple[Step, ...] = ()

    def decode(self, kind: type[T]) -> T:
        return convert_plain(self.value, kind)

    def plain(self) -> object:
        return self.value

    def place(self, path: tuple[Step, ...]) -> Place:
        return self.document.place((*self.within, *path))


def items_of(source: Source) -> Iterator[Item]:
    """Every object of a file, lists taken apart. Raises InputError where the text is broken or is no object."""
    if source.is_json:
        if (listed := _json_list(source)) is not None:
            yield from _json_parts(JsonBody(source, msgspec.Raw(source.data)), listed.items, _item_kind(listed))
            return
        if (whole := _json_text(source)) is not None:
            yield from _json_items(JsonBody(source, whole), ("", ""))
            return
    for document in _yaml_documents(source):
        yield from _yaml_items(document, document.value, source.argument)


def _yaml_documents(source: Source) -> Iterable[Document]:
    """Small files by the thorough reader; large ones by the quick one, where it can."""
    size = len(source.data)
    if size > LARGEST_YAML:
        raise _too_much_yaml(source, LARGEST_YAML)
    text = decode_text(bytes(source.data), source.file)
    if size > QUICK_FROM and available():
        try:
            return list(quick_documents(text, source.file))
        except NotPlainError:
            pass
        except InputError:  # YAML 1.2 takes some text that libyaml does not: the thorough reader has the last word
            if size > LARGEST_THOROUGH:
                raise
    if size > LARGEST_THOROUGH:
        raise _too_much_yaml(source, LARGEST_THOROUGH)
    return parse_yaml(text, source.file)


def _too_much_yaml(source: Source, limit: int) -> InputError:
    text = f"is YAML of more than {limit // 1024**2} MiB, which takes too long to read; export it with -o json"
    return InputError(text, place=Place(source.file))


class _List(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    api_version: str
    kind: str
    items: list[msgspec.Raw]


def _json_list(source: Source) -> _List | None:
    """The file as a list of objects, in one pass; None where it is anything else, or broken."""
    try:
        whole = decoder(_List).decode(source.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return whole if whole.api_version and whole.kind.endswith("List") else None


def _json_text(source: Source) -> msgspec.Raw | None:
    """The whole as JSON, checked; None where a file named as YAML is no JSON."""
    try:
        return msgspec.json.decode(source.data, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        if source.is_named_yaml:
            return None
        raise _not_json(source, str(error)) from None
    except RecursionError:
        raise InputError("is nested too deeply", place=Place(source.file)) from None


def _json_items(body: JsonBody, default: tuple[str, str]) -> Iterator[Item]:
    opening = _OPENING.match(memoryview(body.raw))
    if opening is not None and not opening[2].endswith(b"List"):
        yield Item(_text(opening[1]), _text(opening[2]), body, body.source.argument)
        return
    head = _head(body, default)
    if head.items == _NOTHING or not head.kind.endswith("List"):
        yield Item(head.api_version, head.kind, body, body.source.argument)
        return
    try:
        parts = msgspec.json.decode(head.items, type=list[msgspec.Raw] | None) or []
    except msgspec.ValidationError:
        raise InputError("must be a list", place=body.place(("items",)), path="items") from None
    yield from _json_parts(body, parts, _item_kind(head))


def _json_parts(body: JsonBody, parts: Sequence[msgspec.Raw], default: tuple[str, str]) -> Iterator[Item]:
    around = (body, parts)
    for number, part in enumerate(parts):
        yield from _json_items(JsonBody(body.source, part, around, number), default)


@lru_cache(maxsize=1000)
def _text(ascii_bytes: bytes) -> str:
    return ascii_bytes.decode("ascii")


def _yaml_items(
    document: Document, value: object, argument: int, *, within: tuple[Step, ...] = (),
    default: tuple[str, str] = ("", ""),
) -> Iterator[Item]:  # fmt: skip
    body = YamlBody(document, value, within)
    head = _head(body, default)
    items = cast("dict[str, object]", value).get("items")
    if not isinstance(items, list) or not head.kind.endswith("List"):
        yield Item(head.api_version, head.kind, body, argument)
        return
    for number, part in enumerate(items):
        yield from _yaml_items(
            document, part, argument, within=(*within, "items", number), default=_item_kind(head)
        )  # fmt: skip


class _YamlHead(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    api_version: str = ""
    kind: str = ""
    items: object = None


def _head(body: JsonBody | YamlBody, default: tuple[str, str]) -> Head:
    """Kind and version, which the parts of a ``PodList`` take from the list."""
    try:
        read = body.decode(Head) if isinstance(body, JsonBody) else body.decode(_YamlHead)
    except msgspec.ValidationError:
        raise _not_an_object(body) from None
    api_version, kind = read.api_version or default[0], read.kind or default[1]
    if not api_version or not kind:
        missing = "kind" if not kind else "apiVersion"
        raise InputError(f"{missing} is missing: this is not a Kubernetes object", place=body.place(()))
    return Head(api_version, kind, read.items if isinstance(read.items, msgspec.Raw) else _NOTHING)


def _not_an_object(body: JsonBody | YamlBody) -> InputError:
    text = "is not a Kubernetes object, which is a map with apiVersion and kind"
    path: tuple[Step, ...] = ()
    try:
        convert(body.plain(), _YamlHead)
    except Misfit as misfit:
        if misfit.path:
            text, path = misfit.message, misfit.path
    return InputError(text, place=body.place(path), path=path_text(path))


def _item_kind(head: Head | _List) -> tuple[str, str]:
    return ("", "") if head.kind == "List" else (head.api_version, head.kind.removesuffix("List"))


def _not_json(source: Source, complaint: str) -> InputError:
    text, _, byte = complaint.removeprefix("JSON is malformed: ").partition(" (byte ")
    if not len(source.data):
        return InputError("is empty", place=Place(source.file))
    at = int(byte.rstrip(")")) if byte else len(source.data)
    what = "it ends too early" if "truncated" in text else text
    return InputError(f"is not JSON: {what}", place=_place_of_byte(source, at))


def _place_of_byte(source: Source, at: int) -> Place:
    chunk = 2**24
    line = 1 + sum(source.data[begin : min(begin + chunk, at)].count(b"\n") for begin in range(0, at, chunk))
    start = source.data.rfind(b"\n", 0, at) + 1
    decoder = getincrementaldecoder("utf-8")("replace")
    pieces = (bytes(source.data[begin : min(begin + chunk, at)]) for begin in range(start, at, chunk))
    return Place(source.file, line, 1 + sum(len(decoder.decode(piece)) for piece in pieces))


def _existing(path: Iterable[Step], value: Any) -> tuple[Step, ...]:
    """The part of a path that is really there."""
    there: list[Step] = []
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
        there.append(step)
    return tuple(there)


def _precise(misfit: Misfit, value: object) -> Misfit:
    """msgspec names a free map but not its entry: add the first entry that is neither text nor a number."""
    for step in misfit.path:
        value = cast("dict[Step, object]", value)[step]
    if not isinstance(value, dict) or not misfit.message.startswith("must be "):
        return misfit
    allowed = str | int | float if "number" in misfit.message.partition(", not")[0] else str
    wrong = next((key for key, one in value.items() if isinstance(one, bool) or not isinstance(one, allowed)), None)
    return misfit if wrong is None else Misfit(misfit.message, (*misfit.path, wrong))
