"""Large YAML, as kubectl writes it, read some forty times faster than ``gitops.yamlfile`` does: by libyaml's events.

It gives the same values and places for plain documents (a property test holds the two together). What kubectl never
writes (aliases, tags, directives, merge keys) is left to the thorough reader. No recursion: depth is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from ruamel.yaml.resolver import Resolver

from gitops.errors import InputError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.decoding import Step

Event: TypeAlias = Any  # the package's events have no types
_DEEPEST = 200
_OLD_BREAKS = ("\x85", "\u2028", "\u2029")  # they end a line in YAML 1.1, which libyaml reads, and not in 1.2
_STARTS = ("MappingStartEvent", "SequenceStartEvent")
_ENDS = ("MappingEndEvent", "SequenceEndEvent")


class NotPlainError(Exception):
    """The text holds something that only the thorough reader understands."""


@dataclass(frozen=True, slots=True)
class QuickDocument:
    """One document: its plain value; where a field stands is found by reading again, for errors only."""

    value: object
    file: str
    _text: str = field(repr=False, compare=False)
    _number: int = field(compare=False)

    def place(self, path: tuple[Step, ...] = ()) -> Place:
        """As ``YamlDocument.place`` says it."""
        events = _events(self._text, self.file)
        number = -1
        for event in events:
            number += _name(event) == "DocumentStartEvent"
            if number == self._number:
                break
        mark = _find(events, path)
        return Place(self.file, mark.line + 1, mark.column + 1)


def available() -> bool:
    """Whether PyYAML, which the kubernetes package brings, was built with libyaml."""
    try:
        from yaml import CSafeLoader  # noqa: F401, PLC0415 - only looked for
    except ImportError:
        return False
    return True


def quick_documents(text: str, file: str) -> Iterator[QuickDocument]:
    """All documents that hold something. Raises InputError with its place, or NotPlainError."""
    if any(mark in text for mark in _OLD_BREAKS):
        raise NotPlainError
    events = _events(text, file)
    number = -1
    for event in events:
        if _name(event) == "DocumentStartEvent":
            number += 1
            if event.version or event.tags:
                raise NotPlainError
            value = _build(events, file)
            if value is not None:
                yield QuickDocument(value, file, text, number)


def _events(text: str, file: str) -> Iterator[Event]:
    import yaml  # noqa: PLC0415 - needed for large files only

    try:
        yield from yaml.parse(text, yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise InputError(f"broken YAML: {error.problem or error.context}", place=place) from None
    except yaml.YAMLError as error:
        raise InputError(f"broken YAML: {' '.join(str(error).split())}", place=Place(file)) from None


def _name(event: Event) -> str:
    return type(event).__name__


def _build(events: Iterator[Event], file: str) -> object:
    """The value of one document, up to its end."""
    root: list[object] = []
    stack: list[_Open] = [_Open(root)]
    for event in events:
        name = _name(event)
        if name == "DocumentEndEvent":
            break
        if name == "AliasEvent" or getattr(event, "tag", None):
            raise NotPlainError
        if name in _ENDS:
            stack.pop()
        elif name in _STARTS:
            if len(stack) > _DEEPEST:
                raise InputError("is nested too deeply", place=_place(file, event))
            made: dict[str, object] | list[object] = {} if name == "MappingStartEvent" else []
            stack[-1].take(event, made, file)
            stack.append(_Open(made))
        else:
            stack[-1].take_scalar(event, file)
    return root[0] if root else None


class _Open:
    """A list or mapping that is being filled; ``_key`` waits for its value."""

    __slots__ = ("_key", "_list", "_map")

    def __init__(self, into: dict[str, object] | list[object]) -> None:
        self._list = into if isinstance(into, list) else None
        self._map = into if isinstance(into, dict) else {}
        self._key: str | None = None

    def take_scalar(self, event: Event, file: str) -> None:
        text: str = event.value
        if self._list is None and self._key is None:
            self._take_key(event, text, file)
        else:
            self.take(event, scalar(text) if event.implicit[0] else text, file)

    def take(self, event: Event, value: object, file: str) -> None:
        if self._list is not None:
            self._list.append(value)
        elif self._key is None:
            raise InputError("a field's name must be plain text", place=_place(file, event))
        else:
            self._map[self._key] = value
            self._key = None

    def _take_key(self, event: Event, text: str, file: str) -> None:
        if text == "<<" and event.implicit[0]:
            raise NotPlainError
        if text in self._map:
            raise InputError(f"the field {text!r} is written twice", place=_place(file, event))
        self._key = text


@lru_cache(maxsize=65536)
def scalar(text: str) -> object:
    """What an unquoted text means in YAML 1.2. Raises NotPlainError for numbers that need a closer look."""
    table = Resolver.yaml_implicit_resolvers
    kinds = (tag for tag, pattern in table.get(text[:1], ()) if pattern.match(text))
    kind = str(next(kinds, "str")).rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind in ("int", "float"):
        return _number(text, kind)
    return text


def _number(text: str, kind: str) -> int | float:
    digits = text.lstrip("+-")
    if "_" in digits or digits[:2].lower() in ("0x", "0o", "0b") or digits.lower() in (".inf", ".nan"):
        raise NotPlainError
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:
        raise NotPlainError from None


def _find(events: Iterator[Event], path: tuple[Step, ...]) -> Any:
    """The mark of the field at the path, or of its nearest ancestor."""
    event = next(events)
    best = event.start_mark
    for step in path:
        found = _member(events, step) if _name(event) == _STARTS[0] else _element(events, event, step)
        if found is None:
            break
        key, event = found
        best = (event if _name(event) == "ScalarEvent" else key).start_mark
    return best


def _member(events: Iterator[Event], step: Step) -> tuple[Event, Event] | None:
    for key in events:
        if _name(key) in _ENDS:
            return None
        value = next(events)
        if key.value == step:
            return key, value
        _skip(events, value)
    return None


def _element(events: Iterator[Event], start: Event, step: Step) -> tuple[Event, Event] | None:
    if _name(start) != _STARTS[1] or not isinstance(step, int):
        return None
    for number, item in enumerate(events):
        if _name(item) in _ENDS:
            return None
        if number == step:
            return item, item
        _skip(events, item)
    return None


def _skip(events: Iterator[Event], start: Event) -> None:
    """Go past a node whose first event was taken."""
    depth = int(_name(start) in _STARTS)
    while depth:
        name = _name(next(events))
        depth += (name in _STARTS) - (name in _ENDS)


def _place(file: str, event: Event) -> Place:
    return Place(file, event.start_mark.line + 1, event.start_mark.column + 1)
