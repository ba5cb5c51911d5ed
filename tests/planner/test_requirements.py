"""Requirements against a brute-force oracle: every operator against every other over a small universe of values."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import ValueRefused
from planner.requirements import OPERATORS, Requirement, Requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "size"
UNIVERSE = (None, "", "a", "b", "c", "0", "1", "2", "3", "4", "5", "05", "10", "1a", "1.5", "٣")
LISTS = ((), ("a",), ("b", "a"), ("3",), ("2", "4", "a"), ("05",))
BOUNDS = ("0", "2", "3", "5", "10")


def oracle(operator: str, values: tuple[str, ...], label: str | None) -> bool:
    """Node affinity in the words of the Kubernetes reference; Gte and Lte as Karpenter adds them."""
    if operator == "In":
        return label is not None and label in values
    if operator == "NotIn":
        return label is None or label not in values
    if operator == "Exists":
        return label is not None
    if operator == "DoesNotExist":
        return label is None
    if label is None or not label.isascii() or not label.isdigit():
        return False
    number, bound = int(label), int(values[0])
    return {"Gt": number > bound, "Lt": number < bound, "Gte": number >= bound, "Lte": number <= bound}[operator]


def _written() -> Iterator[tuple[str, tuple[str, ...]]]:
    for operator in OPERATORS:
        if operator in ("In", "NotIn"):
            yield from ((operator, values) for values in LISTS if values)
        elif operator in ("Exists", "DoesNotExist"):
            yield operator, ()
        else:
            yield from ((operator, (bound,)) for bound in BOUNDS)


WRITTEN = tuple(_written())
written = st.sampled_from(WRITTEN)


def made(one: tuple[str, tuple[str, ...]]) -> Requirement:
    return Requirement.parse(KEY, one[0], one[1])


def truth(*ones: tuple[str, tuple[str, ...]]) -> set[str | None]:
    return {label for label in UNIVERSE if all(oracle(*one, label) for one in ones)}


def allowed(requirement: Requirement) -> set[str | None]:
    return {label for label in UNIVERSE if requirement.allows(label)}


@pytest.mark.parametrize("one", WRITTEN, ids=str)
def test_each_operator_means_what_kubernetes_says(one: tuple[str, tuple[str, ...]]) -> None:
    assert allowed(made(one)) == truth(one)


def test_every_pair_of_operators_intersects_to_what_both_allow() -> None:
    for one, other in product(WRITTEN, repeat=2):
        both = made(one).intersect(made(other))
        assert allowed(both) == truth(one, other), (one, other)


@given(st.lists(written, min_size=1, max_size=4))
def test_any_number_of_requirements_intersects_to_what_all_allow(ones: list[tuple[str, tuple[str, ...]]]) -> None:
    merged = Requirements.of(made(one) for one in ones)
    assert allowed(merged.items[0]) == truth(*ones)


@given(written, written, written)
def test_intersection_is_commutative_associative_and_idempotent(
    x: tuple[str, tuple[str, ...]], y: tuple[str, tuple[str, ...]], z: tuple[str, tuple[str, ...]]
) -> None:
    a, b, c = made(x), made(y), made(z)
    assert a.intersect(b) == b.intersect(a)
    assert allowed(a.intersect(b).intersect(c)) == allowed(a.intersect(b.intersect(c)))
    assert a.intersect(a) == a
    assert a.intersect(b).intersect(b) == a.intersect(b)


@given(st.lists(written, min_size=1, max_size=4))
def test_empty_is_said_only_of_what_nothing_satisfies(ones: list[tuple[str, tuple[str, ...]]]) -> None:
    merged = Requirements.of(made(one) for one in ones)
    if merged.empty_keys():
        assert truth(*ones) == set()


@pytest.mark.parametrize(
    "ones",
    [
        [("In", ("a",)), ("In", ("b",))], [("In", ("a",)), ("NotIn", ("a", "c"))], [("Exists", ()), ("DoesNotExist", ())],
        [("In", ("a",)), ("DoesNotExist", ())], [("Gt", ("5",)), ("Lt", ("6",))], [("Gt", ("5",)), ("In", ("a", "3"))],
        [("Gt", ("2",)), ("DoesNotExist", ())], [("Gte", ("6",)), ("Lte", ("5",))],
    ],
)  # fmt: skip
def test_what_excludes_everything_is_empty(ones: list[tuple[str, tuple[str, ...]]]) -> None:
    assert Requirements.of(made(one) for one in ones).empty_keys() == (KEY,)


@pytest.mark.parametrize(
    ("operator", "values"),
    [
        ("in", ("a",)), ("Equals", ("a",)), ("In", ()), ("NotIn", ()), ("Exists", ("a",)), ("DoesNotExist", ("a",)),
        ("Gt", ()), ("Gt", ("1", "2")), ("Gt", ("a",)), ("Lt", ("1.5",)), ("Gte", ("",)), ("Lte", ("٣",)), ("Gt", ("9" * 30,)),
    ],
)  # fmt: skip
def test_what_the_api_server_would_refuse_is_refused(operator: str, values: tuple[str, ...]) -> None:
    with pytest.raises(ValueRefused):
        Requirement.parse(KEY, operator, values)


@given(st.dictionaries(st.sampled_from("xyz"), st.sampled_from("ab")), st.dictionaries(st.sampled_from("xyz"), st.sampled_from("ab")))
def test_a_node_selector_asks_for_exactly_its_labels(selector: dict[str, str], labels: dict[str, str]) -> None:
    asked = Requirements.from_labels(selector)
    assert asked.allow(labels) == (selector.items() <= labels.items())
    assert [one.key for one in asked.failing(labels)] == sorted(k for k, v in selector.items() if labels.get(k) != v)


@pytest.mark.parametrize(
    ("ones", "text"),
    [
        ([("In", ("b", "a"))], "size In [a, b]"), ([("NotIn", ("a",))], "size NotIn [a]"), ([("Exists", ())], "size Exists"),
        ([("DoesNotExist", ())], "size DoesNotExist"), ([("Gt", ("4",))], "size >= 5"), ([("Lte", ("4",))], "size <= 4"),
        ([("Gt", ("2",)), ("Lt", ("9",)), ("NotIn", ("5",))], "size NotIn [5] and size >= 3 and size <= 8"),
        ([("In", ("a",)), ("In", ("b",))], "size In [a] and size In [b] at once"), ([("NotIn", ("a",)), ("Exists", ())], "size NotIn [a] and size Exists"),
    ],
)  # fmt: skip
def test_requirements_read_as_they_are_written(ones: list[tuple[str, tuple[str, ...]]], text: str) -> None:
    assert str(Requirements.of(made(one) for one in ones).items[0]) == text
