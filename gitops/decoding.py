"""Makes typed values of untyped ones, and says where in a JSON file one does not fit (``yamlfile`` does so for YAML).

What the values mean, and whether they may be so, is decided by those who ask.
"""

from __future__ import annotations

import json
import re
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

from gitops.errors import InputError, Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

T = TypeVar("T")
Step = str | int
MEGABYTE = 10**6
_KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list",
    "object": "a map", "null": "nothing",
}  # fmt: skip
_COMPLAINT = re.compile(r"(?P<text>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_BLANK = re.compile(r"[ \t\r\n]*")


class Misfit(Exception):
    """A value that does not fit. ``path`` leads to it from the root: keys and list positions."""

    def __init__(self, message: str, path: Sequence[Step] = ()) -> None:
        self.message = message
        self.path = tuple(path)
        super().__init__(f"{path_text(self.path)}: {message}" if path else message)


def path_text(path: Sequence[Step]) -> str:
    """``flavors[3].hourly`` for ``("flavors", 3, "hourly")``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


_DECODERS: dict[object, msgspec.json.Decoder[Any]] = {}
_ONE_AT_A_TIME = Lock()


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Decodes JSON as a ``kind``; from any thread.

    msgspec 0.22 finds out about a type when it is first used, and marks it as known before it is: a second thread that
    decodes the same type, or one within it, at that moment ends the whole process. So types are met here, one by one.
    """
    found = _DECODERS.get(kind)
    if found is None:
        with _ONE_AT_A_TIME:
            found = _DECODERS.setdefault(kind, msgspec.json.Decoder(kind))
    return found


def convert_plain(value: object, kind: type[T]) -> T:
    """A plain value as a ``kind``, from any thread. Raises msgspec's ValidationError."""
    decoder(kind)
    return msgspec.convert(value, kind)


def convert(value: object, kind: type[T], path: Sequence[Step] = ()) -> T:
    """The value, itself at ``path``, as a ``kind`` of msgspec's; fields it does not know are ignored. Raises Misfit."""
    try:
        return convert_plain(value, kind)
    except msgspec.ValidationError as error:
        misfit = _misfit(str(error))
        raise Misfit(misfit.message, (*path, *misfit.path)) from None


def read_input(path: Path, what: str, *, megabytes: int) -> str:
    """A file that a user named, as text. Raises InputError when it cannot be read or is larger than ``what`` can be."""
    try:
        size = path.stat().st_size
        if size > megabytes * MEGABYTE:
            message = f"{what} is at most {megabytes} MB; this file has {size // MEGABYTE} MB"
            raise InputError(message, place=Place(str(path)))
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", place=Place(str(path))) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=Place(str(path))) from None


def parse_json(text: str, file: str) -> object:
    """Strict JSON: no NaN, no Infinity. Raises InputError with the place."""
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", place=Place(file, error.lineno, error.colno)) from None
    except RecursionError:
        raise InputError("nested too deeply", place=Place(file)) from None
    except ValueError as error:
        raise InputError(str(error), place=Place(file)) from None
    return value


def json_place(text: str, file: str, path: Sequence[Step]) -> Place:
    """Where the value at ``path`` begins in JSON that has been parsed before."""
    at = _blank(text, 0)
    for step in path:
        at = _element(text, at, step) if isinstance(step, int) else _member(text, at, step)
    return Place(file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _misfit(complaint: str) -> Misfit:
    """msgspec's complaint in plain words; the keys of a free map are not in its path, which then ends at the map."""
    match = _COMPLAINT.fullmatch(complaint)
    text, path = (match["text"], match["path"] or "") if match else (complaint, "")
    steps: list[Step] = []
    for step in _STEP.finditer(path):
        if step["key"] is None and step["index"] is None:
            break
        steps.append(step["key"] if step["key"] is not None else int(step["index"]))
    if missing := re.fullmatch(r"Object missing required field `(.+)`", text):
        return Misfit(f"{missing[1]} is missing", steps)
    if wrong := re.fullmatch(r"Expected `([a-z |]+)`(.*?)(?:, got `(.+)`)?", text):
        if wrong[2] == " of length >= 1":
            return Misfit("must not be empty", steps)
        got = f", not {_KINDS.get(wrong[3], wrong[3])}" if wrong[3] else ""
        subject = "each key " if match and match["key"] else ""
        return Misfit(f"{subject}must be {_kinds(wrong[1])}{wrong[2]}{got}", steps)
    return Misfit(text[:1].lower() + text[1:].replace("`", ""), steps)


def _kinds(union: str) -> str:
    kinds = [kind for kind in union.split(" | ") if kind != "null"]
    names = [_KINDS.get(kind, kind) for kind in kinds if not (kind == "int" and "float" in kinds)]
    return " or ".join(names)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name} is no number")


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _element(text: str, at: int, index: int) -> int:
    """From a list's bracket to its element."""
    at = _blank(text, at + 1)
    for _ in range(index):
        _, end = json.JSONDecoder().raw_decode(text, at)
        at = _blank(text, _blank(text, end) + 1)
    return at


def _member(text: str, at: int, name: str) -> int:
    """From an object's brace to the value of its member; the last one of that name counts, as in parsing."""
    found = at
    while text[at] != "}":
        key, end = json.JSONDecoder().raw_decode(text, _blank(text, at + 1))
        value_at = _blank(text, _blank(text, end) + 1)
        if key == name:
            found = value_at
        at = _blank(text, json.JSONDecoder().raw_decode(text, value_at)[1])
    return found
