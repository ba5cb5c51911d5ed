"""Digests of values: equal values have equal ones, different values different ones, on any machine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from weakref import ref

import pytest

from planner.canonical import LATER, MANY, Digests, value_digest
from planner.pods import Owner


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


@dataclass(frozen=True)
class Cached:
    number: int
    _double: int = 0


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


def test_the_form_of_a_value_never_changes() -> None:
    """Approvals bind to digests: another form would void them all."""
    value = (
        Outer(Inner(frozenset({"b", "ä\n"}), NOON), Inner(), (("cpu", -1),), Colour.BLUE),
        {"b": [True, None], "a": {2: "\x00😀"}},
    )
    assert value_digest(value) == "sha256:11f77981c42a0f8dd180f7d04e58b138d997072bc75b60e086ee46dce67824c6"


def test_a_field_that_came_later_takes_no_part_while_it_is_empty() -> None:
    grown = make_dataclass("Grown", [("number", int), ("more", tuple[int, ...], field(default=(), metadata=LATER))])
    assert value_digest(grown(1)) == value_digest(make_dataclass("Before", [("number", int)])(1))
    assert len({value_digest(one) for one in (grown(1), grown(1, (1,)), grown(1, (2,)))}) == 3


def test_what_is_kept_between_calls_never_changes_a_digest() -> None:
    digests = Digests()
    parts = tuple(Inner(frozenset({str(number)})) for number in range(100))
    for round_ in range(5):
        parts = (*parts[:50], Inner(frozenset({f"new {round_}"})), *parts[51:])
        assert digests.of(parts) == value_digest(parts)
        digests.forget_unused()


def test_parts_that_are_gone_are_let_go() -> None:
    digests = Digests()
    part = Inner(frozenset("a"))
    gone = ref(part)
    digests.of((part,))
    del part
    assert gone() is not None
    stays = tuple(Inner(frozenset({str(number)})) for number in range(10))
    for number in range(10):
        changed = (*stays, Inner(frozenset({f"new {number}"})))
        assert digests.of(changed) == value_digest(changed)
        digests.forget_unused()
    assert gone() is None


def test_caches_of_an_object_take_no_part() -> None:
    assert value_digest(Cached(1, 2)) == value_digest(Cached(1, 3))


def test_very_many_parts_are_known_by_their_places() -> None:
    """Parts come, go and change at either end and between: each digest is as if it were the first."""
    digests = Digests()
    parts: tuple[object, ...] = tuple(Owner("ReplicaSet", "default", f"web-{number}") for number in range(MANY + 2))
    more = Owner("ReplicaSet", "default", "more")
    steps = [
        parts, parts, (*parts, more), (more, *parts), (*parts[:9], more, *parts[9:]), parts[1:], parts[:-1],
        (*parts[:5], *parts[6:]), (more, *parts[1:]), (*parts[:-1], more), (more, *parts[1:-1], more),
        (*parts, parts[-1]), (parts[0], *parts), tuple(reversed(parts)), parts,
        tuple(f"{number}" for number in range(MANY + 2)),
    ]  # fmt: skip
    for one in steps:
        assert digests.of(one) == value_digest(one)
        digests.forget_unused()


def test_of_many_parts_each_counts() -> None:
    found = {value_digest(tuple(range(start, start + MANY + more))) for start in (0, 1) for more in (1, 2)}
    assert len(found) == 4
