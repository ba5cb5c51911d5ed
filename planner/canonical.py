"""One byte form for a value and its digest, so that equal values have equal digests on any machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from itertools import compress, count
from operator import attrgetter, is_not
from typing import TYPE_CHECKING, Any, Final, NewType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    _Form = tuple[str, Callable[[object], tuple[object, ...]], tuple[str, ...]]

Digest = NewType("Digest", str)

#: The metadata of a field that came later: empty, it takes no part, and digests of values without it still hold.
LATER: Final = {"later": True}
#: From so many values on they are held against those of the last ``LONG`` such values.
MANY, LONG = 1000, 4


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
        # Two maps, and not one of pairs: half a million pairs would set Python looking for garbage again and again.
        self._texts: dict[int, str] = dict(_CONSTANTS)
        self._parts: dict[int, object] = {}
        self._long: list[tuple[Sequence[object], list[str]]] = []
        self._older: tuple[dict[int, str], dict[int, object]] = ({}, {})
        self._usual = 0

    def of(self, value: object) -> Digest:
        """As ``value_digest``. Raises TypeError for a float, or for what has no canonical form at all."""
        return Digest(_hashed(self._text(value)))

    def forget_unused(self) -> None:
        """Let go of parts that nobody asks for any more, once there may be half as many of them as of others.

        From then on, parts that are still asked for are moved over; the next call lets go of the rest.
        """
        if self._older[0]:
            self._older, self._usual = ({}, {}), len(self._texts)
        elif not self._usual:
            self._usual = len(self._texts)
        elif 2 * len(self._texts) > 3 * self._usual:
            self._older, self._texts, self._parts = (self._texts, self._parts), dict(_CONSTANTS), {}

    def _text(self, value: object) -> str:
        """The canonical JSON of what stands for a value."""
        kind = type(value)
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            return scalar(value)
        key = id(value)
        known = self._texts.get(key)
        if known is None:
            known = self._older[0].get(key) or self._compound(value, kind)
            self._texts[key], self._parts[key] = known, value
        return known

    def _each(self, values: Sequence[object]) -> list[str]:
        if len(values) > MANY:
            return self._many(values)
        known, text = self._texts.get, self._text
        return [_quoted(one) if type(one) is str else known(id(one)) or text(one) for one in values]

    def _many(self, values: Sequence[object]) -> list[str]:
        """The same for very many: nearly always those of last time, but for a few. What comes before and after them is
        known by its place."""
        like = (one for one in self._long if one[0][0] is values[0] or one[0][-1] is values[-1])
        old, known = next(like, _NONE)
        most = min(len(old), len(values))
        before = _same(old, values, most)
        after = min(_same(reversed(old), reversed(values), most), most - before)
        middle = [self._text(one) for one in values[before : len(values) - after]]
        texts = [*known[:before], *middle, *known[len(old) - after :]]
        kept = [one for one in self._long if one[0] is not old]
        self._long = [(values, texts), *kept[: LONG - 1]]
        return texts

    def _compound(self, value: object, kind: type) -> str:
        form = _form(kind)
        if form is not None and form[2]:
            form = _form(kind, tuple(name for name in form[2] if not getattr(value, name)))
        if form is not None:
            shape, read, _ = form
            return f'"{_hashed(shape % tuple(self._each(read(value))))}"'
        if isinstance(value, tuple | list):
            return f"[{','.join(self._each(value))}]"
        if isinstance(value, frozenset | set):
            return f"[{','.join(sorted(self._each(tuple(value))))}]"
        if isinstance(value, dict):
            entries = sorted({str(name): self._text(one) for name, one in value.items()}.items())
            return f"{{{','.join(f'{_quoted(name)}:{one}' for name, one in entries)}}}"
        if isinstance(value, Enum):
            return self._text(value.value)
        return canonical_bytes(value).decode()


def _same(some: Iterable[object], others: Iterable[object], most: int) -> int:
    """How many are the same objects in both, from the first on, if ``most`` are in the shorter one."""
    return next(compress(count(), map(is_not, some, others)), most)


def _hashed(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _time(value: Any) -> str:
    return f'"{(value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat()}"'


_quoted: Callable[[Any], str] = json.encoder.encode_basestring
_SCALARS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: int.__repr__,
    datetime: _time,
}
_NONE: tuple[Sequence[object], list[str]] = ((), [])
#: There is one of each in a program, so that their identity stands for them.
_CONSTANTS = {id(None): "null", id(True): "true", id(False): "false", id(()): "[]"}


@cache
def _form(kind: type, without: tuple[str, ...] = ()) -> _Form | None:
    """How a dataclass is written ``without`` some fields: its JSON with a ``%s`` a field, sorted by name, what reads
    the fields, and the names of those that came later."""
    if not is_dataclass(kind):
        return None
    mine = [one for one in fields(kind) if not one.name.startswith("_") and one.name not in without]
    names, later = sorted(one.name for one in mine), tuple(one.name for one in mine if "later" in one.metadata)
    shape = f"{{{','.join(f'{_quoted(name)}:%s' for name in names)}}}"
    if len(names) == 1:  # attrgetter of one name gives no tuple
        return shape, lambda value: (getattr(value, names[0]),), later
    return shape, attrgetter(*names) if names else lambda _: (), later


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"a float has no canonical form: {value!r}")
    if isinstance(value, dict):
        for one in value.values():
            _refuse_floats(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _refuse_floats(one)
