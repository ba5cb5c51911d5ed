"""One byte form for a value and its digest, so that equal values have equal digests on any machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import NewType

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

    Each dataclass counts by the digest of its own fields, and one that many share is looked at once: a snapshot of
    100 000 pods takes seconds.
    """
    return digest_of(_condensed(value, {}))


def _condensed(value: object, known: dict[int, tuple[object, object]]) -> object:
    """Plain data that stands for the value. ``known`` holds what was seen, by identity, and keeps it alive."""
    if value is None or (isinstance(value, str | int) and not isinstance(value, Enum)):
        return value
    seen = known.get(id(value))
    if seen is None:
        seen = known[id(value)] = (value, _condense(value, known))
    return seen[1]


def _condense(value: object, known: dict[int, tuple[object, object]]) -> object:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return digest_of({name: _condensed(getattr(value, name), known) for name in _field_names(type(value))})
    if isinstance(value, frozenset | set):
        return sorted((_condensed(one, known) for one in value), key=canonical_bytes)
    if isinstance(value, tuple | list):
        return [_condensed(one, known) for one in value]
    if isinstance(value, dict):
        return {str(key): _condensed(one, known) for key, one in value.items()}
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"a float has no canonical form: {value!r}")
    if isinstance(value, dict):
        for one in value.values():
            _refuse_floats(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _refuse_floats(one)
