"""One byte form for a value and its digest, so that equal values have equal digests on any machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
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
    """The digest of a value made of dataclasses, enums, sets, times and plain data. Private caches take no part."""
    return digest_of(plain(value))


def plain(value: object) -> object:
    """Such a value as plain data: dataclasses become objects by field name, sets sorted lists, times RFC 3339."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, frozenset | set):
        return sorted(plain(one) for one in value)  # type: ignore[type-var]
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"a float has no canonical form: {value!r}")
    if isinstance(value, dict):
        for one in value.values():
            _refuse_floats(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _refuse_floats(one)
