"""A proven least price: the dual prices of cpu and memory over everything that could be ordered.

If a price per millicore and per byte exist such that no candidate's resources are worth more than the candidate
costs, then no set of nodes can run a demand for less than what the demand is worth at these prices (weak duality of
linear programming). The best such prices lie where two constraints cross; there are few enough to try them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.candidates import Candidate


@dataclass(frozen=True, slots=True)
class DualPrices:
    """Micro-units per hour for a millicore and for a byte."""

    cpu: Fraction = Fraction(0)
    memory: Fraction = Fraction(0)

    def value(self, cpu: int, memory: int) -> Fraction:
        return self.cpu * cpu + self.memory * memory


def dual_prices(candidates: Iterable[Candidate], cpu: int, memory: int) -> DualPrices:
    """The prices at which ``cpu`` millicores and ``memory`` bytes are worth most; zero where nothing can be ordered."""
    given = {(max(0, one.free.get(CPU)), max(0, one.free.get(MEMORY)), one.hourly) for one in candidates}
    rows = _hull({row for row in given if row[0] or row[1]})
    if not rows:
        return DualPrices()
    possible = (price for price in (*_on_axes(rows), *_crossings(rows)) if _holds(price, rows))
    return max((DualPrices(), *possible), key=lambda price: (price.value(cpu, memory), price.cpu, price.memory))


def _on_axes(rows: Sequence[tuple[int, int, int]]) -> list[DualPrices]:
    return [
        DualPrices(cpu=min((Fraction(cost, cpu) for cpu, _, cost in rows if cpu), default=Fraction(0))),
        DualPrices(memory=min((Fraction(cost, memory) for _, memory, cost in rows if memory), default=Fraction(0))),
    ]


def _crossings(rows: Sequence[tuple[int, int, int]]) -> list[DualPrices]:
    found = []
    for (cpu1, mem1, cost1), (cpu2, mem2, cost2) in combinations(rows, 2):
        determinant = cpu1 * mem2 - cpu2 * mem1
        if determinant:
            cpu = Fraction(cost1 * mem2 - cost2 * mem1, determinant)
            found.append(DualPrices(cpu, Fraction(cpu1 * cost2 - cpu2 * cost1, determinant)))
    return found


def _holds(price: DualPrices, rows: Sequence[tuple[int, int, int]]) -> bool:
    if price.cpu < 0 or price.memory < 0:
        return False
    return all(price.value(cpu, memory) <= cost for cpu, memory, cost in rows)


def _hull(rows: set[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Rows that no other row beats at the same or a lower price with at least as much of both."""
    ordered = sorted(rows, key=lambda row: (row[2], -row[0], -row[1]))
    kept: list[tuple[int, int, int]] = []
    for cpu, memory, cost in ordered:
        if not any(c >= cpu and m >= memory for c, m, _ in kept):
            kept.append((cpu, memory, cost))
    return kept
