"""Integer programs over HiGHS: how many nodes of each variant, at the least cost, and the bound that is proved.

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
    from planner.fleet import Floats

#: Nodes of the search tree by effort, and by how much an answer may be dearer than the bound before the search ends.
SEARCHED, GAP = 300, 1e-4
LARGE = 400  # columns; beyond, half a per cent is near enough


@dataclass(frozen=True, eq=False)
class Row:
    """``factors · columns ≥ least``. Rows with fewer factors than there are columns leave the later ones out."""

    factors: Floats
    least: float

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
    effort: int = 1
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

    @cached_property
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

    def minimise(self, cost: Ints | Floats, *, pool_cost: float = 0) -> Answer | None:
        """The columns that cost least (``cost`` may leave later ones out); None where no columns satisfy the rows."""
        import highspy  # noqa: PLC0415 - a fifth of a second, and many plans order nothing

        solver = _quiet(highspy)
        for name, value in _OPTIONS.items():
            solver.setOptionValue(name, value)
        solver.setOptionValue("mip_max_nodes", SEARCHED * self.effort)
        solver.setOptionValue("mip_rel_gap", GAP if self.width <= LARGE else 50 * GAP)
        scale = max(1.0, float(np.abs(cost).max(initial=0)) / 1e4)
        solver.passModel(self._model(highspy, np.asarray(cost, np.float64) / scale, pool_cost / scale))
        solver.run()
        found = solver.getInfo()
        if found.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        values = np.array(solver.getSolution().col_value)
        bound = found.mip_dual_bound * scale
        return Answer(
            np.rint(values[: self.size]).astype(np.int64), values[self.size : self.size + len(self.others)],
            max(0, int(np.ceil(bound - abs(bound) * 1e-6 - 0.01))) if np.isfinite(bound) else 0,
        )  # fmt: skip

    def _model(self, highspy: object, cost: Floats, pool_cost: float) -> object:
        rows = [*self.rows, *self._extra, *self._pool_rows]
        matrix = np.zeros((len(rows), self.width))
        for number, row in enumerate(rows):
            matrix[number, : len(row.factors)] = row.factors
        places = np.nonzero(matrix)
        model = highspy.HighsLp()  # type: ignore[attr-defined]
        model.num_col_, model.num_row_ = self.width, len(rows)
        model.col_cost_ = np.concatenate((
            cost, np.zeros(self.size + len(self.others) - len(cost)), np.full(len(self.pools), pool_cost)
        ))  # fmt: skip
        model.col_lower_ = np.zeros(self.width)
        model.col_upper_ = np.concatenate((
            np.full(self.size, np.inf), np.asarray(self.others, np.float64), np.full(len(self.pools), np.inf)
        ))  # fmt: skip
        model.row_lower_ = np.array([row.least for row in rows])
        model.row_upper_ = np.full(len(rows), np.inf)
        matrix_format = highspy.MatrixFormat.kRowwise  # type: ignore[attr-defined]
        model.a_matrix_.format_ = matrix_format
        model.a_matrix_.start_ = np.concatenate(([0], np.cumsum(np.bincount(places[0], minlength=len(rows)))))
        model.a_matrix_.index_ = places[1]
        model.a_matrix_.value_ = matrix[places]
        whole, continuous = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous  # type: ignore[attr-defined]
        kinds = [whole] * self.size + [continuous] * len(self.others) + [whole] * len(self.pools)
        model.integrality_ = kinds
        return model


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
