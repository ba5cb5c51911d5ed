"""The planner's values as plain JSON values and back, whatever they are made of: no field is named here.

Fields at their defaults are left out. A value that is read back equals the one that was written, and has its digest.
"""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gitops.decoding import Misfit
from planner.errors import ValueRefused
from planner.requirements import Clash, Requirement

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field

    from gitops.decoding import Step

Plain = Any
_LARGEST = 2**63
"""Whole numbers beyond it are no amount of anything, and arrays cannot hold them."""
#: Where the names of types stand that a module imports for the type checker only.
_MODULES = ("aims", "catalog", "nodes", "pods", "policy", "pools", "requirements", "resources", "snapshot", "taints")
_NOUNS = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a map"}
_CLASH = "between"
"""The field that tells a clash of two requirements from a requirement."""


def to_plain(value: object) -> Plain:
    """The value as maps, lists, texts, whole numbers, true, false and null. Raises TypeError for any other."""
    kind = type(value)
    if kind in (str, int, bool, types.NoneType):
        return value
    if kind is tuple:
        return [to_plain(one) for one in typing.cast("tuple[object, ...]", value)]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, frozenset):
        return sorted(to_plain(one) for one in value)
    if is_dataclass(kind) and not isinstance(value, type):
        found = ((one.name, getattr(value, one.name), one) for one in _fields(kind))
        return {name: to_plain(one) for name, one, field in found if name == _CLASH or not _is_default(one, field)}
    raise TypeError(f"{kind.__name__} has no plain form")


def from_plain(kind: Any, plain: Plain) -> Any:
    """A value of this type. Raises Misfit with the path to what does not fit."""
    return _reader(kind)(plain)


def _fields(kind: type[Any]) -> tuple[Field[Any], ...]:
    return tuple(one for one in fields(kind) if not one.name.startswith("_"))


def _is_default(value: object, field: Field[Any]) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and type(value) is type(field.default) and bool(value == field.default)


Reader: typing.TypeAlias = "Callable[[Plain], Any]"


@cache
def _reader(kind: Any) -> Reader:
    """What reads values of a type, as it is annotated."""
    if isinstance(kind, typing.NewType):
        return _reader(kind.__supertype__)
    whole, inner = typing.get_origin(kind), typing.get_args(kind)
    if whole in (typing.Union, types.UnionType):
        return _optional(*(one for one in inner if one is not types.NoneType))
    if whole is tuple and inner[-1] is not Ellipsis:
        return _few(tuple(_reader(one) for one in inner))
    if whole in (tuple, frozenset):
        return _many(whole, inner[0])
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    return partial(_member, kind) if issubclass(kind, Enum) else _record(kind)


def _optional(kind: Any) -> Reader:
    read = _reader(kind)
    return lambda plain: None if plain is None else read(plain)


def _checked(plain: Plain, kind: type[Any]) -> Any:
    if type(plain) is not kind:
        raise Misfit(f"must be {_NOUNS[kind]}")
    return plain


def _whole(plain: Plain) -> int:
    number: int = _checked(plain, int)
    if abs(number) >= _LARGEST:
        raise Misfit("is too large a number")
    return number


def _time(plain: Plain) -> datetime:
    try:
        time = datetime.fromisoformat(_checked(plain, str))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Misfit("must be a time in RFC 3339")
    return time.astimezone(UTC)


def _member(kind: type[Enum], plain: Plain) -> Enum:
    for one in kind:
        if one.value == plain:
            return one
    raise Misfit(f"must be one of {', '.join(str(one.value) for one in kind)}")


def _many(make: Callable[[list[Any]], Any], kind: Any) -> Reader:
    read = _reader(kind)
    return lambda plain: make([_at(number, read, one) for number, one in enumerate(_checked(plain, list))])


def _few(readers: tuple[Reader, ...]) -> Reader:
    def read(plain: Plain) -> tuple[Any, ...]:
        if len(_checked(plain, list)) != len(readers):
            raise Misfit(f"must be a list of {len(readers)}")
        return tuple(_at(number, one, plain[number]) for number, one in enumerate(readers))

    return read


@cache
def _record(kind: Any) -> Reader:
    """Reads a dataclass. Its annotations are resolved once, where all names are known."""
    names = {name: one for module in _MODULES for name, one in vars(import_module(f"planner.{module}")).items()}
    hints = typing.get_type_hints(kind, localns=names)
    readers = {one.name: _reader(hints[one.name]) for one in _fields(kind)}
    needed = [one.name for one in _fields(kind) if one.default is MISSING and one.default_factory is MISSING]

    def read(plain: Plain) -> Any:
        given = _checked(plain, dict)
        for name in given:
            if name not in readers:
                raise Misfit("is not known here", (name,))
        for name in needed:
            if name not in given:
                raise Misfit(f"{name} is missing")
        values = {name: _at(name, readers[name], one) for name, one in given.items()}
        try:
            return kind(**values)
        except ValueRefused as refused:
            raise Misfit(str(refused)) from None

    return read


def _requirement(plain: Plain) -> Requirement:
    """A requirement, or a clash of two."""
    kind = Clash if _CLASH in _checked(plain, dict) else Requirement
    made: Requirement = _record(kind)(plain)
    return made


def _at(step: Step, read: Reader, plain: Plain) -> Any:
    try:
        return read(plain)
    except Misfit as misfit:
        raise Misfit(misfit.message, (step, *misfit.path)) from None


#: The types that are made of no others.
_SIMPLE: dict[Any, Reader] = {
    str: lambda plain: _checked(plain, str),
    bool: lambda plain: _checked(plain, bool),
    int: _whole,
    datetime: _time,
    Requirement: _requirement,
}
