"""Whole nodes from parts of nodes: dives, each of which fixes some nodes of the relaxation after the other.

In a dive, the patterns of which the program over patterns wants most are made nodes, one or a few at a time. Then the
program is solved for the pods that are left, with new patterns for them, and so on. At every step, all that is left may
also go onto one last node. The first dive follows the program; each next one strays from it once or twice, and ends as
soon as it can be no cheaper than the best before.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING

import numpy as np

from planner.patterns.columns import FINE, Answer, Master, Patterns
from planner.patterns.partial import Partial, one_by_one, some_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from planner.board import Flags, Ints
    from planner.milp import Row
    from planner.patterns.stock import Stock

#: How often patterns are added before the first node is fixed, and before each next one.
FIRST, NEXT = 60, 3
SHARE = 0.05  # of the nodes that are wanted, so many are fixed at once
DEAR = 0.02  # a dive begins with the patterns that are no more than so much too dear
MENDED = 24  # how many patterns with more pods than are left are made smaller
DIVES, MANY = 40, 200  # how many dives there are, and of how many asks a simple packing is made before
#: Microseconds after which no other dive begins.
ENOUGH = 500_000
STEP = 500_000  # what a step of a dive costs beside, in nanoseconds


@dataclass
class Search:
    """``rows`` are limits over the variants of the stock, ``allowed`` tells whether so many of each may be had."""

    stock: Stock
    rows: Sequence[Row]
    allowed: Callable[[Ints], bool]
    work: int
    least: int = 0
    best: Partial | None = None

    def __post_init__(self) -> None:
        self._done = 0
        self._knapsacks = self.stock.knapsacks()
        self._alone = self.stock.alone()

    def run(self) -> tuple[list[int], list[Ints]] | None:
        """The nodes of the cheapest packing that is found, by variant, and what they hold."""
        self._search()
        return None if self.best is None else (self.best.variants, self.best.contents)

    def _search(self) -> None:
        first = self._simple() if len(self.stock.count) > MANY else self._alone
        if self.left <= 0:
            return
        master = self._master(self.stock.count)
        master.add(first)
        answer = self._answer(master, self.stock.count, FIRST, self.left * 2 // 3)
        if answer is None or not answer.whole or self.left <= 0:
            return
        dear = answer.price[master.patterns.variant] - master.patterns.contents @ answer.worth
        near = dear <= DEAR * FINE * self.stock.price[master.patterns.variant]
        begin = master.patterns.only(near | (answer.nodes > 0))
        enough = self.left - ENOUGH * 1000
        for ranks in itertools.islice(_ranks(), DIVES):
            self._dive(begin, ranks)
            if self.left <= max(0, enough) or self._hourly <= max(self.least, answer.cost + 0.5):
                return

    def _simple(self) -> Patterns:
        """A simple packing: of very many asks, the program takes long to come upon such patterns by itself."""
        found = one_by_one(self.stock, self._knapsacks, self.work * 1000)
        if not found.left.any():
            self._offer(found)
        contents = np.array(found.contents, np.int64).reshape(-1, len(found.left))
        return Patterns(np.array(found.variants, np.int64), contents)

    @property
    def left(self) -> int:
        """The work that may still be done, in nanoseconds."""
        return self.work * 1000 - self._done - self._knapsacks.work

    @property
    def _hourly(self) -> float:
        return np.inf if self.best is None else self.best.hourly

    def _master(self, left: Ints) -> Master:
        stock = self.stock
        master = Master(left, stock.price, stock.price[self._alone.variant], self.rows)
        master.add(self._alone)
        return master

    def _dive(self, begin: Patterns, ranks: Mapping[int, int]) -> None:
        """One way down. ``ranks`` tell by step how many of the most wanted patterns are passed over."""
        stock = self.stock
        at = Partial.of(stock)
        master = self._master(at.left)
        master.add(begin)
        for step in itertools.count():
            self._done += STEP
            answer = self._answer(master, at.left, NEXT if step else 0)
            if answer is None or not answer.whole or self.left <= 0:
                return
            if at.hourly + answer.cost > self._hourly - 0.5:
                return
            if stock.cheapest(at.left) >= 0:
                self._offer(at.holding(at.left, stock))
            at = self._further(at, master.patterns, answer, ranks.get(step, 0))
            if not at.left.any():
                self._offer(at)
                return
            master.want(at.left, at.ordered)
            self._mend(master, answer, at.left)

    def _offer(self, found: Partial) -> None:
        if found.hourly < self._hourly and self.allowed(found.ordered):
            self.best = found

    def _answer(self, master: Master, left: Ints, rounds: int, until: int = 0) -> Answer | None:
        """The program solved, with patterns that would make it cheaper added so often, until so much work is left."""
        stock = self.stock
        for number in range(rounds + 1):
            answer = master.solve()
            self._done += master.work
            if answer is None or number == rounds or self.left <= until:
                return answer
            filled = Patterns(*self._knapsacks.best(answer.worth, left, answer.price))
            pays = filled.contents @ answer.worth > answer.price[filled.variant] + FINE
            if not master.add(stock.fitting(filled.only(pays))):
                return answer
        return None

    def _further(self, at: Partial, patterns: Patterns, answer: Answer, rank: int) -> Partial:
        """Some more nodes of the patterns that matter most: by what those nodes cost, one of each at the most."""
        matters = np.minimum(answer.nodes, 1) * self.stock.price[patterns.variant]
        order = np.argsort(-matters, kind="stable")
        order = order[(matters > 0)[order] & (patterns.contents[order] <= at.left).all(axis=1)].tolist()
        before = len(at.variants)
        most = before + 1 + int(SHARE * fsum(answer.nodes))
        for one in order[rank:] or order[:1]:
            for _ in range(max(1, int(answer.nodes[one]))):
                if len(at.variants) < most and (patterns.contents[one] <= at.left).all():
                    at = at.holding(patterns.contents[one], self.stock)
        return at if len(at.variants) > before else at.holding(some_of(at.left, patterns, answer), self.stock)

    def _mend(self, master: Master, answer: Answer, left: Ints) -> None:
        """Leave out the patterns that hold more than is left; those that are wanted are made smaller and filled up."""
        patterns = master.patterns
        fits: Flags = np.all(patterns.contents <= left, axis=1)
        wanted = np.argsort(-answer.nodes, kind="stable")
        wanted = wanted[(~fits & (answer.nodes > 0))[wanted]][:MENDED]
        master.keep(fits)
        smaller = Patterns(patterns.variant[wanted], np.minimum(patterns.contents[wanted], left))
        smaller = smaller.only(np.flatnonzero(smaller.contents.any(axis=1)))
        if len(smaller):
            filled = self._knapsacks.filled_up(smaller.variant, smaller.contents, answer.worth, left)
            master.add(self.stock.fitting(Patterns(smaller.variant, filled)))


def _ranks() -> Iterator[Mapping[int, int]]:
    """How far dives stray at their first three steps, those that stray the least first."""
    for far in itertools.count():
        for first in range(far + 1):
            for second in range(far - first + 1):
                yield {0: first, 1: second, 2: far - first - second}
