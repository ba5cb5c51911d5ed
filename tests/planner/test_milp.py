"""Integer programs: what brute force finds is never cheaper than the bound, and answers keep every row."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.milp import GAP, LARGE, Program, Row, rounded

MOST = 6  # nodes of a column that are ever needed in the programs made here


@dataclass(frozen=True)
class Made:
    """A program small enough to try everything."""

    rows: tuple[tuple[tuple[int, ...], int], ...]
    cost: tuple[int, ...]

    @property
    def size(self) -> int:
        return len(self.cost)

    def program(self, times: int = 1, **options: object) -> Program:
        rows = [Row(np.tile(np.array(factors, np.float64), times), float(least)) for factors, least in self.rows]
        return Program(self.size * times, rows, **options)  # type: ignore[arg-type]

    def costs(self, times: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.tile(np.array(self.cost, np.int64), times)

    def keeps(self, counts: object) -> bool:
        return all(np.array(factors) @ np.asarray(counts) >= least - 1e-6 for factors, least in self.rows)

    def best(self) -> int | None:
        fine = (one for one in product(range(MOST + 1), repeat=self.size) if self.keeps(one))
        return min((int(np.dot(one, self.cost)) for one in fine), default=None)


@st.composite
def programs(draw: st.DrawFn) -> Made:
    """Rows that ask for room, and at times one that allows only so many nodes."""
    size = draw(st.integers(1, 3))
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        factors = draw(st.lists(st.integers(0, 5), min_size=size, max_size=size))
        rows.append((tuple(factors), draw(st.integers(0, MOST))))
    if draw(st.booleans()):
        rows.append(((-1,) * size, -draw(st.integers(0, MOST))))
    price = st.one_of(st.integers(1, 20), st.integers(40_000, 700_000))
    return Made(tuple(rows), tuple(draw(st.lists(price, min_size=size, max_size=size))))


@given(programs())
def test_nothing_is_cheaper_than_the_bound_and_the_answer_is_near_it(made: Made) -> None:
    best, answer = made.best(), made.program().minimise(made.costs())
    assert (answer is None) == (best is None)
    if answer is not None and best is not None:
        assert made.keeps(answer.counts)
        assert answer.bound <= best <= made.costs() @ answer.counts <= best * (1 + GAP) + 1


@given(programs())
def test_with_many_columns_the_bound_is_that_of_the_relaxation_and_true_as_well(made: Made) -> None:
    times = LARGE // made.size + 1
    best, answer = made.best(), made.program(times).minimise(made.costs(times))
    if best is not None:
        assert answer is not None
        assert answer.bound <= best


@given(programs())
def test_what_is_near_keeps_every_row(made: Made) -> None:
    near = made.program().near(made.costs())
    if near is not None:
        assert made.keeps(near)
        assert (near >= 0).all()
    elif all(min(factors) >= 0 for factors, _ in made.rows):
        assert made.best() is None


@given(programs(), st.lists(st.floats(0, MOST), min_size=3, max_size=3))
def test_rounding_anything_keeps_every_row_or_gives_up(made: Made, values: list[float]) -> None:
    matrix = np.array([factors for factors, _ in made.rows], np.float64)
    least = np.array([one for _, one in made.rows], np.float64)
    costs = np.array(made.cost, np.float64)
    found = rounded(matrix, least, costs, np.array(values[: made.size]))
    if found is not None:
        assert made.keeps(found)
        assert (found >= 0).all()


def test_rounding_thins_out_what_nobody_needs_and_takes_the_cheaper_one_that_will_do() -> None:
    matrix, least = np.array([[2.0, 1.0]]), np.array([3.0])
    assert rounded(matrix, least, np.array([5.0, 1.0]), np.array([2.0, 2.0])).tolist() == [0, 3]  # type: ignore[union-attr]


@given(programs())
def test_the_same_program_has_the_same_answer(made: Made) -> None:
    first, second = (made.program().minimise(made.costs()) for _ in range(2))
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.counts.tolist() == second.counts.tolist()
        assert first.bound == second.bound


# Pools


@given(programs(), st.integers(0, 2), st.integers(1, 3), st.integers(0, 4))
def test_pools_are_counted_and_bounded(made: Made, spare: int, room: int, most: int) -> None:
    """Every column has pools of its own; the first has some room left in them."""
    flags = np.eye(made.size, dtype=np.bool_)
    pools = [(flags[one], spare if one == 0 else 0, room) for one in range(made.size)]

    def needed(counts: object) -> int:
        return sum(max(0, -(-(int(count) - pools[one][1]) // room)) for one, count in enumerate(np.asarray(counts)))

    price = 1000
    tried = (one for one in product(range(MOST + 1), repeat=made.size) if made.keeps(one) and needed(one) <= most)
    best = min((int(np.dot(one, made.cost)) + price * needed(one) for one in tried), default=None)
    answer = made.program(pools=pools, most_pools=most).minimise(made.costs(), pool_cost=price)
    assert (answer is None) == (best is None)
    if answer is not None and best is not None:
        assert made.keeps(answer.counts)
        assert needed(answer.counts) <= most
        found = int(made.costs() @ answer.counts) + price * needed(answer.counts)
        assert answer.bound <= best <= found <= best * (1 + GAP) + 1


# Other columns, further rows, slack


def test_other_columns_are_bounded_and_need_not_be_whole() -> None:
    served = Program(1, [Row(np.array([2.0, -1.0]), 0.0), Row(np.array([-1.0]), -3.0)], others=[4.5])
    answer = served.minimise(np.array([0.0, -1.0]))
    assert answer is not None
    assert (answer.counts.tolist(), answer.others.tolist()) == ([3], [4.5])


def test_a_row_that_is_required_later_holds_from_then_on() -> None:
    program = Program(2, [Row(np.array([1.0, 1.0]), 2.0)])
    cost = np.array([1, 2], np.int64)
    assert program.minimise(cost).counts.tolist() == [2, 0]  # type: ignore[union-attr]
    program.require(Row(np.array([-1.0, 0.0]), -1.0))
    assert program.minimise(cost).counts.tolist() == [1, 1]  # type: ignore[union-attr]
