"""HCL values as text: quoting, and the layout that ``terraform fmt`` would give.

It knows the language, not the resources written in it. What it writes, ``renderer.hclread`` reads back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.errors import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Reference:
    """A traversal such as ``local.kube_id``: written as it is, without quotes."""

    path: str


#: What an attribute may hold here. Maps are written with sorted keys, lists in their own order.
Value = str | int | bool | Reference | list["Value"] | dict[str, "Value"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORDS = frozenset({"true", "false", "null", "for", "if", "in"})
_SHORT_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SURROGATES = range(0xD800, 0xE000)


def quote(text: str, *, ascii_only: bool = False) -> str:
    """A quoted string that means exactly ``text``: no interpolation, no directive, no character that plays tricks.

    Control, format (bidirectional marks) and other characters that cannot be seen are written as their code points.
    Raises ValueRefused for half of a surrogate pair, which no file can hold.
    """
    escaped = "".join(_escape(char, ascii_only) for char in text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def is_identifier(text: str) -> bool:
    """Whether a map key or a block label may stand without quotes."""
    return _IDENTIFIER.fullmatch(text) is not None and text not in _WORDS


def attributes(pairs: Iterable[tuple[str, Value]]) -> list[str]:
    """Lines of ``name = value``. Neighbours of one line each have their signs in one column, as ``fmt`` aligns them."""
    return _aligned([(name, _value(value)) for name, value in pairs])


def block(header: str, body: Sequence[str]) -> list[str]:
    """The lines of a block such as ``resource "type" "name"`` around the lines of its body."""
    if not body:
        return [f"{header} {{}}"]
    return [f"{header} {{", *indented(body), "}"]


def indented(lines: Iterable[str]) -> list[str]:
    """The lines, two spaces deeper; empty ones stay empty."""
    return [f"  {line}" if line else "" for line in lines]


def text_of(*parts: Sequence[str]) -> str:
    """A whole file: the parts with an empty line between them and a newline at the end."""
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _escape(char: str, ascii_only: bool) -> str:
    short = _SHORT_ESCAPES.get(char)
    if short is not None:
        return short
    if char.isprintable() and (char.isascii() or not ascii_only):
        return char
    code = ord(char)
    if code in _SURROGATES:
        raise ValueRefused(f"the character U+{code:04X} is half of a pair and cannot be written to a file")
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _value(value: Value) -> list[str]:
    """The lines of a value: one for a scalar, a list of scalars or anything empty."""
    match value:
        case bool():
            return ["true" if value else "false"]
        case int():
            return [str(value)]
        case str():
            return [quote(value)]
        case Reference():
            return [value.path]
        case list():
            return _list(value)
        case dict():
            return _map(value)


def _list(items: list[Value]) -> list[str]:
    written = [_value(item) for item in items]
    if not any(isinstance(item, list | dict) for item in items):
        return ["[" + ", ".join(lines[0] for lines in written) + "]"]
    body = [line for lines in written for line in (*lines[:-1], lines[-1] + ",")]
    return ["[", *indented(body), "]"]


def _map(items: Mapping[str, Value]) -> list[str]:
    if not items:
        return ["{}"]
    pairs = [(_key(key), _value(items[key])) for key in sorted(items)]
    return ["{", *indented(_aligned(pairs)), "}"]


def _key(key: str) -> str:
    """ASCII only: ``fmt`` counts grapheme clusters when it aligns, and those change with the Unicode version."""
    return key if is_identifier(key) else quote(key, ascii_only=True)


def _aligned(pairs: Sequence[tuple[str, list[str]]]) -> list[str]:
    """A value of several lines ends a run: ``fmt`` aligns only neighbouring lines with whole values."""
    lines: list[str] = []
    run: list[tuple[str, str]] = []
    for name, value in pairs:
        if len(value) == 1:
            run.append((name, value[0]))
            continue
        lines += [*_run(run), f"{name} = {value[0]}", *value[1:]]
        run = []
    return [*lines, *_run(run)]


def _run(run: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in run), default=0)
    return [f"{name.ljust(width)} = {value}" for name, value in run]
