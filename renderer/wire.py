"""The parts of a pool that its written forms share, and decoding into them: strict types, no unknown field.

Terraform files, manifests and plan documents are decoded by msgspec into such structures; each form has its own.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

import msgspec

from planner.taints import Taint

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0)]
_WORDS = {
    "Expected `int`": "a whole number is expected", "Expected `str`": "text is expected",
    "Expected `bool`": "true or false is expected", "Expected `array`": "a list is expected",
    "Expected `object`": "a map is expected", ", got `int`": ", found a number", ", got `float`": ", found a fraction",
    ", got `str`": ", found text", ", got `bool`": ", found true or false", ", got `array`": ", found a list",
    ", got `object`": ", found a map", ", got `null`": ", found nothing",
    " >= 0": ", zero or more", "Invalid enum value": "it cannot be", "Object missing required field ": "missing field ",
}  # fmt: skip
_PLACE = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*)`$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`", re.DOTALL)


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A structure of a written form: what it does not name, the form may not hold."""


def met(kind: type[T]) -> type[T]:
    """Lets msgspec find out about a structure as its module is loaded, which one thread does.

    Left to the first use, two threads at once would end the process (``gitops.decoding.decoder`` tells how).
    """
    msgspec.json.Decoder(kind)
    return kind


class TaintEntry(Wire, frozen=True):
    """A taint with all three parts written."""

    key: str
    value: str
    effect: Literal["NoExecute", "NoSchedule", "PreferNoSchedule"]


class Metadata(Wire, frozen=True):
    """The API takes no template without all three."""

    annotations: dict[str, str]
    finalizers: list[str]
    labels: dict[str, str]


class Spec(Wire, frozen=True):
    """The API takes no template without both."""

    taints: list[TaintEntry]
    unschedulable: bool


@met
class Template(Wire, frozen=True):
    """What the provider writes on each node of the pool."""

    metadata: Metadata
    spec: Spec


NO_TEMPLATE = Template(Metadata({}, [], {}), Spec([], unschedulable=False))


class Misfit(Exception):
    """A value that does not fit its structure; ``path`` is like ``spec.template.labels``, empty for the whole."""

    def __init__(self, reason: str, path: str) -> None:
        self.reason, self.path = reason, path
        super().__init__(f"{path}: {reason}" if path else reason)


def fit(value: object, kind: type[T]) -> T:
    """The value as ``kind``, a structure that was ``met``. Raises Misfit."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text = str(error)
        match = _PLACE.search(text)
        path, reason = (match["path"].replace("[...]", ""), text[: match.start()]) if match else ("", text)
        unknown = _UNKNOWN.search(reason)
        if unknown:
            path = f"{path}.{unknown['field']}".lstrip(".")
            reason = "is not known here"
        raise Misfit(_worded(reason), path) from None


def taints_of(entries: list[TaintEntry]) -> tuple[Taint, ...]:
    """Taints as the planner holds them, in the order written."""
    return tuple(Taint(entry.key, entry.value, entry.effect) for entry in entries)


def pairs(mapping: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """A map as the planner holds it."""
    return tuple(sorted(mapping.items()))


def _worded(reason: str) -> str:
    for theirs, ours in _WORDS.items():
        reason = reason.replace(theirs, ours)
    return reason.replace("`", "")
