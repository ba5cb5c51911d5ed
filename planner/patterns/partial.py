"""A packing on the way: some nodes that hold pods, and pods that are left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.patterns.columns import FINE, Patterns

if TYPE_CHECKING:
    from planner.board import Ints
    from planner.patterns.columns import Answer
    from planner.patterns.knapsack import Knapsacks
    from planner.patterns.stock import Stock


@dataclass(frozen=True)
class Partial:
    """Nodes by variant with what they hold, what they cost, and the pods that are left. ``ordered`` is by variant."""

    left: Ints
    ordered: Ints
    variants: list[int] = field(default_factory=list)
    contents: list[Ints] = field(default_factory=list)
    hourly: int = 0

    @classmethod
    def of(cls, stock: Stock) -> Partial:
        """Nothing is packed yet."""
        return cls(stock.count, np.zeros(len(stock.price), np.int64))

    def holding(self, contents: Ints, stock: Stock) -> Partial:
        """With one more node, the cheapest that holds these pods. There must be one."""
        variant, ordered = stock.cheapest(contents), self.ordered.copy()
        ordered[variant] += 1
        hourly = self.hourly + int(stock.price[variant])
        return Partial(self.left - contents, ordered, [*self.variants, variant], [*self.contents, contents], hourly)


def one_by_one(stock: Stock, knapsacks: Knapsacks, most: int) -> Partial:
    """A simple packing, node by node: the pods that are worth most for the price of their node. It ends with pods left
    where the knapsacks have cost ``most``."""
    at, worth, price = Partial.of(stock), stock.worth(), stock.price * FINE
    while at.left.any() and knapsacks.work < most:
        filled = stock.fitting(Patterns(*knapsacks.best(worth, at.left, price)))
        if not filled.contents.any():
            break
        contents = filled.contents[int(np.argmax(filled.contents @ worth / price[filled.variant]))]
        while (contents <= at.left).all():
            at = at.holding(contents, stock)
    return at


def some_of(left: Ints, patterns: Patterns, answer: Answer) -> Ints:
    """What is left of the pods of the most wanted pattern; a single pod where none is wanted."""
    if answer.nodes.any():
        some: Ints = np.minimum(patterns.contents[int(np.argmax(answer.nodes))], left)
        if some.any():
            return some
    single: Ints = np.zeros(len(left), np.int64)
    single[int(np.argmax(left > 0))] = 1
    return single
