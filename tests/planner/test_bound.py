"""The proven least price: never more than any set of nodes that could run the demand."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from planner.bound import DualPrices, dual_prices
from planner.resources import Resources

if TYPE_CHECKING:
    from planner.candidates import Candidate

kinds = st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40), st.integers(1, 30)), min_size=1, max_size=5)


def candidates(rows: list[tuple[int, int, int]]) -> list[Candidate]:
    """What ``dual_prices`` looks at: what a node gives, and its price."""
    made: list[Any] = [
        SimpleNamespace(free=Resources.of({"cpu": cpu, "memory": memory}), hourly=cost) for cpu, memory, cost in rows
    ]
    return made


@given(kinds, st.integers(0, 100), st.integers(0, 100))
def test_no_set_of_nodes_is_cheaper_than_the_bound(rows: list[tuple[int, int, int]], cpu: int, memory: int) -> None:
    bound = dual_prices(candidates(rows), cpu, memory).value(cpu, memory)
    for counts in product(range(4), repeat=len(rows)):
        has = [sum(n * max(0, row[k]) for n, row in zip(counts, rows, strict=True)) for k in (0, 1)]
        if has[0] >= cpu and has[1] >= memory:
            assert bound <= sum(n * row[2] for n, row in zip(counts, rows, strict=True))


@given(kinds, st.integers(0, 100), st.integers(0, 100))
def test_no_node_is_worth_more_than_it_costs(rows: list[tuple[int, int, int]], cpu: int, memory: int) -> None:
    prices = dual_prices(candidates(rows), cpu, memory)
    assert prices.cpu >= 0
    assert prices.memory >= 0
    assert all(prices.value(max(0, row[0]), max(0, row[1])) <= row[2] for row in rows)


def test_the_bound_is_reached_where_nodes_fit_exactly() -> None:
    assert dual_prices(candidates([(4, 16, 10), (8, 16, 14)]), 12, 32).value(12, 32) == 24


def test_without_anything_to_order_there_is_no_bound() -> None:
    assert dual_prices([], 10, 10) == DualPrices()
    assert dual_prices(candidates([(0, -1, 5)]), 10, 10) == DualPrices()
