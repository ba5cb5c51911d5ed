"""Integer programs over HiGHS: how many nodes of each variant, at the least cost, and the bound that is proved.

Most rows never bind. So a program is solved with few of them, those that its answer breaks are added, and so on until
none is broken. Where there are very many columns, the linear relaxation is all that is solved.
HiGHS runs on one thread with a fixed seed and stops by the nodes it has searched, never by the clock: the same program
has the same answer everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.board import Flags, Ints

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: Nodes of the search tree, and by how much an answer may be dearer than the bound before the search ends.
SEARCHED, GAP = 60, 1e-3
#: Columns beyond which whole numbers are not searched for.
LARGE = 150
BEGINNING, ADDED, ROUNDS = 12, 12, 40  # rows to begin with, rows added at a time, and how often


@dataclass(frozen=True, eq=False)
class Row:
    """``factors · columns ≥ least``. Rows with fewer factors than there are columns leave the later ones out.

    ``elastic`` rows ask for room, and may ask for more than is needed.
    """

    factors: Floats
    least: float
    elastic: bool = False

    @property
    def key(self) -> tuple[bytes, float]:
        return (self.factors.tobytes(), self.least)


@dataclass(frozen=True)
class Answer:
    """The whole numbers of nodes, the figures of the other columns, and the bound in the unit of the cost."""

    counts: Ints
    others: Floats
    bound: int


@dataclass
class Program:
    """``size`` columns of whole numbers, then ``others`` with upper bounds, then one for the new pools of each kind.

    ``pools`` are (columns whose nodes share pools, nodes that fit into pools that are there, room of a new pool).
    """

    size: int
    rows: Sequence[Row]
    others: Sequence[float] = ()
    pools: Sequence[tuple[Flags, int, int]] = ()
    most_pools: int = 10**6
    _extra: list[Row] = field(default_factory=list)

    def require(self, row: Row) -> None:
        """Add a row for what follows."""
        self._extra.append(row)

    @property
    def width(self) -> int:
        return self.size + len(self.others) + len(self.pools)

    def minimise(self, cost: Ints | Floats, *, pool_cost: float = 0) -> Answer | None:
        """The columns that cost least (``cost`` may leave the later ones out); None where none satisfy the rows."""
        search, scale = self._search(cost, pool_cost)
        found = search.solve()
        if found is None:
            return None
        values = found[0]
        return Answer(
            np.floor(values[: self.size] + 0.5).astype(np.int64), values[self.size : self.size + len(self.others)],
            _safe(found[1] * scale),
        )  # fmt: skip

    def relaxed_bound(self, cost: Ints) -> int:
        """What no columns that keep every row cost less than; 0 where none keep them."""
        search, scale = self._search(cost, 0)
        found = search.relaxed()
        return 0 if found is None else _safe(found[1] * scale)

    def near(self, cost: Ints) -> Ints | None:
        """Whole numbers that keep every row and cost little: those of the relaxation, rounded and mended."""
        search, _ = self._search(cost, 0)
        found = search.relaxed()
        return None if found is None else rounded(search.matrix, search.least, search.costs, found[0])

    @staticmethod
    def relaxed(matrix: Floats, least: Floats, cost: Floats) -> Floats | None:
        """The cheapest numbers, whole or not, with ``matrix @ numbers >= least``; None where there are none."""
        scale, size = max(1.0, float(np.abs(cost).max(initial=0)) / 1e4), len(cost)
        search = _Search(matrix, least, np.full(size, np.inf), np.ones(size, np.bool_), cost / scale)
        found = search.relaxed()
        return None if found is None else found[0]

    def _search(self, cost: Ints | Floats, pool_cost: float) -> tuple[_Search, float]:
        """The program with costs in a scale that suits HiGHS, and the scale."""
        scale = max(1.0, float(np.abs(cost).max(initial=0)) / 1e4)
        costs = np.zeros(self.width)
        costs[: len(cost)] = np.asarray(cost, np.float64) / scale
        costs[self.width - len(self.pools) :] = pool_cost / scale
        matrix, least = self._matrix()
        return _Search(matrix, least, self._upper, self._whole, costs), scale

    @cached_property
    def _upper(self) -> Floats:
        most = [np.full(self.size, np.inf), np.asarray(self.others, np.float64), np.full(len(self.pools), np.inf)]
        return np.concatenate(most)

    @cached_property
    def _whole(self) -> Flags:
        flags = np.ones(self.width, np.bool_)
        flags[self.size : self.size + len(self.others)] = False
        return flags

    def _matrix(self) -> tuple[Floats, Floats]:
        rows = [*self.rows, *self._extra, *self._pool_rows()]
        matrix = np.zeros((len(rows), self.width))
        for number, row in enumerate(rows):
            matrix[number, : len(row.factors)] = row.factors
        return matrix, np.array([row.least for row in rows])

    def _pool_rows(self) -> list[Row]:
        rows = []
        for number, (flags, spare, room) in enumerate(self.pools):
            factors = np.zeros(self.width)
            factors[: self.size] = -flags.astype(np.float64)
            factors[self.size + len(self.others) + number] = room
            rows.append(Row(factors, -float(spare)))
        if self.pools:
            whole = np.zeros(self.width)
            whole[self.size + len(self.others) :] = -1
            rows.append(Row(whole, -float(self.most_pools)))
        return rows


@dataclass
class _Search:
    """One objective over one matrix. ``active`` are the rows that HiGHS has been told of so far."""

    matrix: Floats
    least: Floats
    upper: Floats
    whole: Flags
    costs: Floats
    active: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.active = list(range(min(BEGINNING, len(self.least))))
        if len(self.costs) <= LARGE and len(self.least) <= 50 * BEGINNING:
            self.active = list(range(len(self.least)))

    def solve(self) -> tuple[Floats, float] | None:
        """The cheapest whole numbers that keep every row, and the bound."""
        found = None
        for _ in range(ROUNDS):
            found = self._run(np.arange(len(self.costs)), whole=True)
            if found is None or not self._break(found[0]):
                break
        return found[:2] if found else None

    def relaxed(self) -> tuple[Floats, float] | None:
        """The cheapest numbers that keep every row, whole or not, and the bound.

        Columns are looked at as few as the rows: those are added that would pay at the prices of the last answer. What
        they cost at these prices bounds what anything costs, so the bound is true even when the search ends early.
        """
        columns, bound, found = self._first_columns(), 0.0, None
        for _ in range(ROUNDS):
            found = self._run(columns, whole=False)
            if found is None:
                return None
            values, cost, prices = found
            worth = prices @ self.matrix[self.active]
            ratio = self.costs[worth > 1e-12] / worth[worth > 1e-12]
            bound = cost * min(1.0, float(ratio.min(initial=1.0)))
            paying = np.argsort(self.costs - worth, kind="stable")[:ADDED]
            paying = paying[(self.costs - worth)[paying] < -1e-7 * np.maximum(1.0, self.costs[paying])]
            columns = np.unique(np.concatenate((columns, paying)))
            if not self._break(values) and not len(paying):
                break
        return (found[0], bound) if found else None

    def _first_columns(self) -> Ints:
        """Some columns of every price, and all that are not whole."""
        order = np.argsort(self.costs, kind="stable")
        some = order[np.unique(np.linspace(0, len(order) - 1, LARGE // 2).astype(np.int64))]
        return np.unique(np.concatenate((some, np.flatnonzero(~self.whole))))

    def _break(self, values: Floats) -> bool:
        """Add the rows that these values break most; whether there are any."""
        broken = self.least - self.matrix @ values
        broken[self.active] = 0
        worst = np.argsort(-broken, kind="stable")[:ADDED]
        worst = worst[broken[worst] > 1e-7]
        self.active += worst.tolist()
        return bool(len(worst))

    def _run(self, columns: Ints, *, whole: bool) -> tuple[Floats, float, Floats] | None:
        """Values, the bound, and the price of each active row."""
        highspy, solver = solver_of()
        solver.setOptionValue("mip_max_nodes", SEARCHED)
        solver.setOptionValue("mip_rel_gap", GAP)
        solver.passModel(self._model(highspy, columns, whole=whole))
        solver.run()
        info = solver.getInfo()
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        values = np.zeros(len(self.costs))
        solution = solver.getSolution()
        values[columns] = solution.col_value
        bound = info.mip_dual_bound if whole else info.objective_function_value
        prices = np.maximum(solution.row_dual, 0) if not whole else np.zeros(0)
        return values, float(bound) if np.isfinite(bound) else 0.0, prices

    def _model(self, highspy: Any, columns: Ints, *, whole: bool) -> Any:
        part = self.matrix[np.ix_(np.array(self.active, np.int64), columns)]
        places = np.nonzero(part)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(columns), len(part)
        model.col_cost_ = self.costs[columns]
        model.col_lower_ = np.zeros(len(columns))
        model.col_upper_ = self.upper[columns]
        model.row_lower_ = self.least[self.active]
        model.row_upper_ = np.full(len(part), np.inf)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.concatenate(([0], np.cumsum(np.bincount(places[0], minlength=len(part)))))
        model.a_matrix_.index_ = places[1]
        model.a_matrix_.value_ = part[places]
        if whole:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            model.integrality_ = [kinds[int(flag)] for flag in self.whole[columns]]
        return model


def _safe(bound: float) -> int:
    """A bound as a whole number: costs are whole, and what rounding may have added is taken off first."""
    return max(0, int(np.ceil(bound - abs(bound) * 1e-6 - 0.01)))


def rounded(matrix: Floats, least: Floats, costs: Floats, values: Floats) -> Ints | None:
    """Whole numbers near ``values``: rounded down, filled up with what covers most for its cost, and thinned out."""
    counts = np.floor(values + 1e-6)
    while (gap := least - matrix @ counts).max(initial=0) > 1e-7:
        gain = np.minimum(np.maximum(gap, 0)[:, None], np.maximum(matrix, 0)).sum(axis=0)
        gain[((matrix < 0) & ((gap > -1e-9)[:, None] | (matrix < gap[:, None] - 1e-9))).any(axis=0)] = 0
        best = int(np.argmax(gain / np.maximum(costs, 1e-9)))
        if gain[best] <= 1e-9:
            return None
        counts[best] += 1
    for one in np.argsort(-costs, kind="stable").tolist():
        while counts[one] > 0 and _thinner(matrix, least, costs, counts, one):
            pass
    return counts.astype(np.int64)


def _thinner(matrix: Floats, least: Floats, costs: Floats, counts: Floats, one: int) -> bool:
    """Leave out one of a column, or put the cheapest other that will do in its place; whether that was possible."""
    counts[one] -= 1
    missing = least - matrix @ counts
    if missing.max(initial=0) <= 1e-7:
        return True
    cheaper = costs < costs[one]
    fine = cheaper & (matrix >= missing[:, None] - 1e-7).all(axis=0)
    if fine.any():
        counts[int(np.argmin(np.where(fine, costs, np.inf)))] += 1
        return True
    counts[one] += 1
    return False


def solver_of() -> tuple[Any, Any]:
    """HiGHS, and a solver with the options that make its answers the same everywhere."""
    import highspy  # noqa: PLC0415 - a fifth of a second, and many plans order nothing

    solver = _quiet(highspy)
    for name, value in _OPTIONS.items():
        solver.setOptionValue(name, value)
    return highspy, solver


def _quiet(highspy: Any) -> Any:
    """A solver that says nothing: HiGHS writes its name to stdout, where plans go, as soon as callbacks are let in."""

    class Quiet(highspy.Highs):  # type: ignore[misc]
        def enableCallbacks(self) -> None:  # noqa: N802 - highspy's name for it
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()

    return Quiet()


_OPTIONS: dict[str, object] = {
    "output_flag": False, "threads": 1, "parallel": "off", "random_seed": 0, "mip_abs_gap": 1e-6,
    "mip_feasibility_tolerance": 1e-7, "primal_feasibility_tolerance": 1e-9,
}  # fmt: skip
