"""YAML text that people wrote → plain values, with the place of every field kept for messages.

It decides how scalars are read (YAML 1.2: ``yes`` and ``on`` are words, a time stays text) and that a field stands
once. What the fields mean, and placeholders in them, are left to the readers of each kind of file. Use::

    for document in parse_yaml(text, file):
        document.value                                # None, bool, int, float, str, list or dict with text keys
        document.place(("spec", "limits", "cpu"))     # Place(file, line, column), of the nearest ancestor if missing
        raise document.error("must be text", ("spec", "limits"))

One document is a ``YamlDocument``; empty ones are left out. Aliases share their value, so values must not be changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from gitops.decoding import path_text
from gitops.errors import InputError, Place

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
FieldPath: TypeAlias = "tuple[str | int, ...]"

_LARGEST_EXPANSION = 5_000_000
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a file: its plain value, and where each field stands."""

    value: Value
    file: str
    _root: Node = field(repr=False, compare=False)

    def place(self, path: FieldPath = (), *, of_key: bool = False) -> Place:
        """Where the field stands: a scalar itself (or its key), else the key; the nearest ancestor when missing."""
        node, best = self._root, self._root
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
            best = key if of_key or not isinstance(node, ScalarNode) else node
        return _place(self.file, best)

    def error(self, message: str, path: FieldPath = (), *, of_key: bool = False) -> InputError:
        """The error to raise about a field: ``file:line:column: spec.limits.cpu: message``."""
        return InputError(message, place=self.place(path, of_key=of_key), path=path_text(path))


def decode_text(data: bytes, file: str) -> str:
    """UTF-8 bytes as text, a byte order mark left out. Raises InputError with the line of the first wrong byte."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise InputError("is not UTF-8 text", place=Place(file, line, column)) from error


def parse_yaml(text: str, file: str) -> tuple[YamlDocument, ...]:
    """All documents of a file, in order. Raises InputError with its place: broken, a field twice, an unknown tag."""
    build = _Builder(file)
    nodes = _compose(text, file)
    return tuple(YamlDocument(value, file, node) for node in nodes if (value := build.value(node)) is not None)


def _compose(text: str, file: str) -> list[Node]:
    try:
        return [node for node in YAML(typ="safe", pure=True).compose_all(text) if node is not None]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise InputError(f"broken YAML: {error.problem or error.context}", place=place) from error
    except ReaderError as error:
        line, column = text.count("\n", 0, error.position) + 1, error.position - text.rfind("\n", 0, error.position)
        raise InputError("broken YAML: a character that cannot be printed", place=Place(file, line, column)) from error
    except YAMLError as error:
        raise InputError(f"broken YAML: {' '.join(str(error).split())}", place=Place(file)) from error
    except RecursionError as error:
        raise InputError("is nested too deeply", place=Place(file)) from error


class _Builder:
    """Makes plain values of nodes, each node once, so that aliases stay shared."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._made: dict[int, tuple[Value, int]] = {}
        self._open: set[int] = set()

    def value(self, node: Node) -> Value:
        return self._build(node)[0]

    def _build(self, node: Node) -> tuple[Value, int]:
        """The value and how many scalars it would hold if every alias were written out."""
        known = self._made.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            raise self._error("contains itself through an alias", node)
        self._open.add(id(node))
        made = self._fresh(node)
        if made[1] > _LARGEST_EXPANSION:
            raise self._error("grows too large through aliases", node)
        self._open.discard(id(node))
        self._made[id(node)] = made
        return made

    def _fresh(self, node: Node) -> tuple[Value, int]:
        if isinstance(node, MappingNode):
            return self._mapping(node)
        if isinstance(node, SequenceNode):
            items = [self._build(item) for item in node.value]
            return [value for value, _ in items], 1 + sum(size for _, size in items)
        return self._scalar(node), 1

    def _mapping(self, node: MappingNode) -> tuple[Value, int]:
        own: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        total = 1
        for key, item in node.value:
            value, size = self._build(item)
            total += size
            if _is_merge(key):
                self._merge(merged, value, item)
                continue
            name = self._key(key)
            if name in own:
                raise self._error(f"the field {name!r} is written twice", key)
            own[name] = value
        return {**merged, **own}, total

    def _key(self, key: Node) -> str:
        if not isinstance(key, ScalarNode):
            raise self._error("a field's name must be plain text", key)
        return str(key.value)

    def _merge(self, merged: dict[str, Value], value: Value, node: Node) -> None:
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise self._error("<< must name a mapping or a list of mappings", node)
            for name, item in one.items():
                merged.setdefault(name, item)

    def _scalar(self, node: Node) -> Value:
        text = str(node.value)
        tag = str(node.tag)
        if tag in (_TAG + "str", _TAG + "timestamp", _TAG + "value"):
            return text
        read = _SCALARS.get(tag.removeprefix(_TAG))
        if read is None:
            raise self._error(f"the tag {tag} is not supported", node)
        try:
            return read(text)
        except ValueError:
            raise self._error(f"{text[:40]!r} is not a number poolplan can read", node) from None

    def _error(self, message: str, node: Node) -> InputError:
        return InputError(message, place=_place(self._file, node))


def _integer(text: str) -> int:
    plain = text.replace("_", "")
    return int(plain, 0) if plain.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else int(plain)


_SCALARS: dict[str, Callable[[str], Value]] = {
    "null": lambda text: None,  # noqa: ARG005 - every way to write null means the same
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": lambda text: text if text.lstrip("+-").lower() in (".inf", ".nan") else float(text.replace("_", "")),
}


def _is_merge(key: Node) -> bool:
    return isinstance(key, ScalarNode) and key.value == "<<" and not key.style


def _child(node: Node, step: str | int) -> tuple[Node, Node] | None:
    if isinstance(node, SequenceNode) and isinstance(step, int):
        return (node.value[step], node.value[step]) if 0 <= step < len(node.value) else None
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key, value
    return None


def _place(file: str, node: Node) -> Place:
    return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
