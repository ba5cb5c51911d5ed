"""The program over patterns: how many nodes of each pattern hold all pods at the least cost, in whole or in parts.

A pattern is what one node of a variant holds. Patterns come and go while the program is solved again and again, and
HiGHS goes on from its last answer. What it says a pod is worth is rounded to whole numbers, so that whatever is made of
it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.milp import solver_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.board import Flags, Ints
    from planner.milp import Row

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: What a micro-unit of money is split into where pods have a worth, and what the dearest node costs in the program.
FINE, SCALE = 1 << 8, 1e3
WAITING = 4.0  # a pod without a node costs as much as so many of the cheapest nodes for it
PRIMAL = 4  # the way of HiGHS that goes on well after columns were added
EXACT = 9  # digits that count of how many nodes have a pattern
#: What work costs in nanoseconds: an answer, each turn of the simplex method, and each ask in it.
SOLVE, TURN, ROW = 220_000, 8_000, 100


@dataclass(frozen=True)
class Patterns:
    """``variant`` is each pattern's, ``contents`` patterns × asks."""

    variant: Ints
    contents: Ints

    def only(self, kept: Flags | Ints) -> Patterns:
        return Patterns(self.variant[kept], self.contents[kept])

    def __len__(self) -> int:
        return len(self.variant)


@dataclass(frozen=True)
class Answer:
    """How many nodes of each pattern, what they cost, what a pod of each ask is worth, and what a node of each variant
    then may cost; the last two in ``FINE`` parts of a micro-unit. Not ``whole``: limits let not all pods have nodes."""

    nodes: Floats
    cost: float
    worth: Ints
    price: Ints
    whole: bool


class Master:
    """The program. ``rows`` are limits over variants, ``price`` is by variant; each ask of ``left`` is a row."""

    def __init__(self, left: Ints, price: Ints, alone: Ints, rows: Sequence[Row] = ()) -> None:
        """``alone`` is the price of the cheapest node for a pod of each ask."""
        self.price, self._scale = price, float(price.max()) / SCALE
        self.patterns = Patterns(np.zeros(0, np.int64), np.zeros((0, len(left)), np.int64))
        self._limits = np.array([row.factors for row in rows]).reshape(len(rows), len(price))
        self._least = np.array([row.least for row in rows])
        self.work = 0  # what the last answer cost, in nanoseconds as estimated
        self._known: set[tuple[int, bytes]] = set()
        self._asks = len(left)
        highspy, self._solver = solver_of()
        self._solver.setOptionValue("simplex_strategy", PRIMAL)
        self._solver.setOptionValue("presolve", "off")
        self._solver.passModel(self._waiting(highspy, left, alone))

    def _waiting(self, highspy: Any, left: Ints, alone: Ints) -> Any:
        """The program without patterns: all pods wait."""
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(left), len(left) + len(self._least)
        model.col_cost_ = WAITING * alone / self._scale
        model.col_lower_, model.col_upper_ = np.zeros(len(left)), np.full(len(left), np.inf)
        model.row_lower_ = np.concatenate((left.astype(np.float64), self._least))
        model.row_upper_ = np.full(model.num_row_, np.inf)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.arange(len(left) + 1)
        model.a_matrix_.index_, model.a_matrix_.value_ = np.arange(len(left)), np.ones(len(left))
        return model

    def add(self, new: Patterns) -> int:
        """Add patterns that are not there yet; how many."""
        fresh = []
        for one, (variant, contents) in enumerate(zip(new.variant.tolist(), new.contents, strict=True)):
            key = (variant, contents.tobytes())
            if key not in self._known and contents.any():
                self._known.add(key)
                fresh.append(one)
        if fresh:
            new = new.only(np.array(fresh, np.int64))
            rows = np.concatenate((new.contents.astype(np.float64), self._limits[:, new.variant].T), axis=1)
            place = np.nonzero(rows)
            start = np.searchsorted(place[0], np.arange(len(new)))
            none, most = np.zeros(len(new)), np.full(len(new), np.inf)
            cost = self.price[new.variant] / self._scale
            where = (start.astype(np.int32), place[1].astype(np.int32))
            self._solver.addCols(len(new), cost, none, most, len(place[0]), *where, rows[place])
            old = self.patterns
            self.patterns = Patterns(
                np.concatenate((old.variant, new.variant)), np.concatenate((old.contents, new.contents))
            )
        return len(fresh)

    def keep(self, kept: Flags) -> None:
        """Leave the other patterns out from now on."""
        gone = np.flatnonzero(~kept)
        if len(gone):
            for one in gone.tolist():
                self._known.discard((int(self.patterns.variant[one]), self.patterns.contents[one].tobytes()))
            self._solver.deleteCols(len(gone), (gone + self._asks).astype(np.int32))
            self.patterns = self.patterns.only(kept)

    def want(self, left: Ints, ordered: Ints) -> None:
        """From now on so many pods are left, and so many nodes of each variant count against the limits."""
        least = np.concatenate((left.astype(np.float64), self._least - self._limits @ ordered))
        for row, value in enumerate(least.tolist()):
            self._solver.changeRowBounds(row, value, np.inf)

    def solve(self) -> Answer | None:
        """The cheapest parts of nodes of the patterns that are known; None where HiGHS finds none."""
        self._solver.run()
        solution, info = self._solver.getSolution(), self._solver.getInfo()
        self.work = SOLVE + (TURN + ROW * self._asks) * max(0, int(info.simplex_iteration_count))
        if not solution.value_valid or not solution.dual_valid:
            return None
        values = np.round(np.array(solution.col_value), EXACT)
        prices = np.maximum(np.array(solution.row_dual), 0) * self._scale
        worth = np.rint(prices[: self._asks] * FINE).astype(np.int64)
        price = self.price * FINE - np.rint(prices[self._asks :] @ self._limits * FINE).astype(np.int64)
        cost = float(info.objective_function_value) * self._scale
        return Answer(values[self._asks :], cost, worth, price, not values[: self._asks].any())
