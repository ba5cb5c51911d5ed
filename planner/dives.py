"""Whole nodes from parts of nodes: dives, each of which fixes some nodes of the relaxation after the other.

In a dive, the patterns of which the program over patterns wants most are made nodes, one or a few at a time. Then the
program is solved for the pods that are left, with new patterns for them, and so on. At every step, all that is left may
also go onto one last node. The first dive follows the program; each next one strays from it once or twice, and ends as
soon as it can be no cheaper than the best before.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from math import fsum
from typing import TYPE_CHECKING

import numpy as np

from planner.columns import FINE, Answer, Master, Patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from planner.board import Flags, Ints
    from planner.milp import Row
    from planner.stock import Stock

#: How often patterns are added before the first node is fixed, and before each next one.
FIRST, NEXT = 60, 3
SHARE = 0.05  # of the nodes that are wanted, so many are fixed at once
DEAR = 0.02  # a dive begins with the patterns that are no more than so much too dear
MENDED = 24  # how many patterns with more pods than are left are made smaller
DIVES = 40
#: Microseconds after which no other dive begins.
ENOUGH = 500_000
STEP = 500_000  # what a step of a dive costs beside, in nanoseconds


@dataclass
class _Partial:
    """A packing on the way: nodes by variant with what they hold, what they cost, and the pods that are left."""

    left: Ints
    ordered: Ints
    variants: list[int] = field(default_factory=list)
    contents: list[Ints] = field(default_factory=list)
    hourly: int = 0

    def with_node(self, variant: int, contents: Ints, price: int) -> _Partial:
        ordered = self.ordered.copy()
        ordered[variant] += 1
        return _Partial(
            self.left - contents, ordered, [*self.variants, variant], [*self.contents, contents], self.hourly + price
        )


@dataclass
class Search:
    """``rows`` are limits over the variants of the stock, ``allowed`` tells whether so many of each may be had."""

    stock: Stock
    rows: Sequence[Row]
    allowed: Callable[[Ints], bool]
    work: int
    least: int = 0
    best: _Partial | None = None

    def __post_init__(self) -> None:
        self._done = 0
        self._knapsacks = self.stock.knapsacks()
        self._alone = self.stock.alone()

    def run(self) -> tuple[list[int], list[Ints]] | None:
        """The nodes of the cheapest packing that is found, by variant, and what they hold."""
        master = self._master(self.stock.count)
        answer = self._answer(master, self.stock.count, FIRST, self._left * 2 // 3)
        if answer is None or not answer.whole or self._left <= 0:
            return None
        dear = answer.price[master.patterns.variant] - master.patterns.contents @ answer.worth
        near = dear <= DEAR * FINE * self.stock.price[master.patterns.variant]
        begin = master.patterns.only(near | (answer.nodes > 0))
        enough = self._left - ENOUGH * 1000
        for ranks in itertools.islice(_ranks(), DIVES):
            self._dive(begin, ranks)
            if self._left <= max(0, enough) or self._hourly <= max(self.least, answer.cost + 0.5):
                break
        return None if self.best is None else (self.best.variants, self.best.contents)

    @property
    def _left(self) -> int:
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
        at = _Partial(stock.count, np.zeros(len(stock.price), np.int64))
        master = self._master(at.left)
        master.add(begin)
        for step in itertools.count():
            self._done += STEP
            answer = self._answer(master, at.left, NEXT if step else 0)
            if answer is None or not answer.whole or self._left <= 0:
                return
            if at.hourly + answer.cost > self._hourly - 0.5:
                return
            last = stock.cheapest(at.left)
            if last >= 0:
                self._offer(at.with_node(last, at.left, int(stock.price[last])))
            at = self._further(at, master.patterns, answer, ranks.get(step, 0))
            if not at.left.any():
                self._offer(at)
                return
            master.want(at.left, at.ordered)
            self._mend(master, answer, at.left)

    def _offer(self, found: _Partial) -> None:
        if found.hourly < self._hourly and self.allowed(found.ordered):
            self.best = found

    def _answer(self, master: Master, left: Ints, rounds: int, until: int = 0) -> Answer | None:
        """The program solved, with patterns that would make it cheaper added so often, until so much work is left."""
        stock = self.stock
        for number in range(rounds + 1):
            answer = master.solve()
            self._done += master.work
            if answer is None or number == rounds or self._left <= until:
                return answer
            filled = Patterns(*self._knapsacks.best(answer.worth, left, answer.price))
            pays = filled.contents @ answer.worth > answer.price[filled.variant] + FINE
            if not master.add(stock.fitting(filled.only(pays))):
                return answer
        return None

    def _further(self, at: _Partial, patterns: Patterns, answer: Answer, rank: int) -> _Partial:
        """Some more nodes of the patterns that matter most: by what those nodes cost, one of each at the most."""
        matters = np.minimum(answer.nodes, 1) * self.stock.price[patterns.variant]
        order = np.argsort(-matters, kind="stable")
        order = order[(matters > 0)[order] & (patterns.contents[order] <= at.left).all(axis=1)].tolist()
        before = len(at.variants)
        most = before + 1 + int(SHARE * fsum(answer.nodes))
        for one in order[rank:] or order[:1]:
            for _ in range(max(1, int(answer.nodes[one]))):
                if len(at.variants) < most and (patterns.contents[one] <= at.left).all():
                    at = self._with(at, patterns.contents[one])
        return at if len(at.variants) > before else self._with(at, self._some(at.left, patterns, answer))

    def _some(self, left: Ints, patterns: Patterns, answer: Answer) -> Ints:
        """What is left of the most wanted pattern; a single pod where none is wanted."""
        if answer.nodes.any():
            some: Ints = np.minimum(patterns.contents[int(np.argmax(answer.nodes))], left)
            if some.any():
                return some
        single: Ints = np.zeros(len(left), np.int64)
        single[int(np.argmax(left > 0))] = 1
        return single

    def _with(self, at: _Partial, contents: Ints) -> _Partial:
        variant = self.stock.cheapest(contents)
        return at.with_node(variant, contents, int(self.stock.price[variant]))

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
