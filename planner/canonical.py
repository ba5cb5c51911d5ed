"""One byte form for a value and its digest, so that equal values have equal digests on any machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NewType

if TYPE_CHECKING:
    from collections.abc import Callable

Digest = NewType("Digest", str)


def canonical_bytes(value: object) -> bytes:
    """Compact JSON with sorted keys, UTF-8. Floats are refused: two machines may print them differently."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(value: object) -> Digest:
    """``sha256:`` and the hex digest of the canonical bytes."""
    return Digest("sha256:" + hashlib.sha256(canonical_bytes(value)).hexdigest())


def short_hash(value: object, length: int = 5) -> str:
    """A few characters for names: lower-case letters and digits that start with a letter."""
    number = int.from_bytes(hashlib.sha256(canonical_bytes(value)).digest()[:8], "big")
    letters, alphabet = "bcdfghjkmnpqrstvwxz", "bcdfghjkmnpqrstvwxz2456789"  # no vowels: no words by accident
    text = letters[number % len(letters)]
    number //= len(letters)
    while len(text) < length:
        text += alphabet[number % len(alphabet)]
        number //= len(alphabet)
    return text


def value_digest(value: object) -> Digest:
    """The digest of a value made of dataclasses, enums, sets, times and plain data. Private caches take no part.

    Each dataclass counts by the digest of its own fields. To digest almost the same value again, keep a ``Digests``.
    """
    return Digests().of(value)


class Digests:
    """Digests of values, each part of them worked out once: parts are known by identity, and kept alive by it.

    A value that is digested again, all but one of its 100 000 parts the same objects, costs a few dozen milliseconds.
    """

    def __init__(self) -> None:
        self._recent: dict[int, tuple[object, str]] = {}
        self._older: dict[int, tuple[object, str]] = {}

    def of(self, value: object) -> Digest:
        """As ``value_digest``. Raises TypeError for a float, or for what has no canonical form at all."""
        return Digest(_hashed(self._text(value)))

    def forget_unused(self) -> None:
        """Let go of the parts that nobody asked for since the last call."""
        self._older, self._recent = self._recent, {}

    def _text(self, value: object) -> str:
        """The canonical JSON of what stands for a value."""
        kind = type(value)
        if kind is str:
            return _quoted(value)
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            return scalar(value)
        key = id(value)
        known = self._recent.get(key)
        if known is None:
            known = self._recent[key] = self._older.get(key) or (value, self._compound(value, kind))
        return known[1]

    def _compound(self, value: object, kind: type) -> str:
        read = _reader(kind)
        if read is not None:
            shape, get = read
            text = self._text
            texts = [_quoted(one) if type(one) is str else text(one) for one in get(value)]  # a call less for most
            return f'"{_hashed(shape % tuple(texts))}"'
        if isinstance(value, tuple | list):
            return f"[{','.join(map(self._text, value))}]"
        if isinstance(value, frozenset | set):
            return f"[{','.join(sorted(map(self._text, value)))}]"
        if isinstance(value, dict):
            entries = sorted({str(name): self._text(one) for name, one in value.items()}.items())
            return f"{{{','.join(f'{_quoted(name)}:{one}' for name, one in entries)}}}"
        if isinstance(value, Enum):
            return self._text(value.value)
        return canonical_bytes(value).decode()


def _hashed(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _time(value: Any) -> str:
    return f'"{(value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat()}"'


_quoted: Callable[[Any], str] = json.encoder.encode_basestring
_SCALARS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: int.__repr__,
    datetime: _time,
}


@cache
def _reader(kind: type) -> tuple[str, Callable[[object], tuple[object, ...]]] | None:
    """How a dataclass is written: its JSON with a ``%s`` a field, sorted by name, and what reads the fields."""
    if not is_dataclass(kind):
        return None
    names = sorted(one.name for one in fields(kind) if not one.name.startswith("_"))
    shape = ",".join(f"{_quoted(name)}:%s" for name in names)
    if len(names) == 1:  # attrgetter of one name gives no tuple
        return f"{{{shape}}}", lambda value: (getattr(value, names[0]),)
    return f"{{{shape}}}", attrgetter(*names) if names else lambda _: ()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"a float has no canonical form: {value!r}")
    if isinstance(value, dict):
        for one in value.values():
            _refuse_floats(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _refuse_floats(one)
