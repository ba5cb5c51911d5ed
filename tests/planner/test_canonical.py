"""Digests of values: equal values have equal ones, different values different ones, on any machine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum

import pytest

from planner.canonical import value_digest


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    names: frozenset[str] = frozenset()
    at: datetime | None = None


@dataclass(frozen=True)
class Outer:
    first: Inner
    second: Inner
    amounts: tuple[tuple[str, int], ...] = ()
    colour: Colour = Colour.RED


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_equal_values_have_equal_digests_whether_their_parts_are_shared_or_not() -> None:
    shared = Inner(frozenset("ab"), NOON)
    assert value_digest(Outer(shared, shared)) == value_digest(
        Outer(Inner(frozenset("ba"), NOON), Inner(frozenset("ab"), NOON.astimezone(timezone(timedelta(hours=2)))))
    )


@pytest.mark.parametrize(
    "other",
    [
        Outer(Inner(frozenset("ab")), Inner()),
        Outer(Inner(), Inner(frozenset("a"))),
        Outer(Inner(frozenset("a")), Inner(), (("cpu", 1),)),
        Outer(Inner(frozenset("a")), Inner(), (), Colour.BLUE),
        Outer(Inner(frozenset("a"), NOON), Inner()),
        (Outer(Inner(frozenset("a")), Inner()),),
    ],
)
def test_every_field_counts(other: object) -> None:
    assert value_digest(other) != value_digest(Outer(Inner(frozenset("a")), Inner()))


def test_a_float_has_no_digest() -> None:
    with pytest.raises(TypeError, match="canonical"):
        value_digest(Inner(names=frozenset({"a"}), at=0.1))  # type: ignore[arg-type] # on purpose


def test_sets_are_put_in_order_whatever_the_hash_seed() -> None:
    program = (
        "from planner.canonical import value_digest; from planner.requirements import Requirement;"
        "print(value_digest(Requirement('zone', frozenset({'a', 'b', 'c', 'd', 'e'}))))"
    )
    runs = [
        subprocess.run(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert len(set(runs)) == 1
    assert runs[0].startswith("sha256:")
