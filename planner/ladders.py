"""Which variant could stand in for another: the cheapest with at least so much room, found for many nodes at once.

Variants of one zone and NodePool that look the same to every pod are put into chains in which each next one has at
least as much of everything and costs no less; in a chain, the first that is large enough is found by bisection.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from planner.board import Ints
    from planner.market import Market

#: Up to so many nodes are looked at one by one.
FEW = 8


@dataclass(frozen=True)
class Ladders:
    """``group`` is each variant's; ``chains`` are positions of variants, by group, ``steps`` what they give of each
    resource."""

    market: Market
    group: Ints
    chains: dict[int, list[Ints]]
    steps: dict[int, list[list[list[int]]]]

    @classmethod
    def of(cls, market: Market, shapes: Ints) -> Ladders:
        numbers: dict[tuple[object, ...], int] = {}
        group = np.zeros(len(market.variants), np.int64)
        for position, one in enumerate(market.variants):
            key = (int(shapes[position]), market.takes[:, position].tobytes(), one.zone, one.node_pool.name, one.chosen)
            group[position] = numbers.setdefault(key, len(numbers))
        chains = {number: _chains(market, np.flatnonzero(group == number)) for number in numbers.values()}
        steps = {number: [market.free[chain].T.tolist() for chain in mine] for number, mine in chains.items()}
        return cls(market, group, chains, steps)

    def cheapest(self, current: Ints, need: Ints) -> Ints:
        """For nodes of these variants that need so much (nodes × resources): the cheapest variant of the same group
        that has it, -1 where none has. Of equals it is the smallest of a chain, of several chains the first by key."""
        if len(current) <= FEW:
            each = zip(self.group[current].tolist(), need.tolist(), strict=True)
            return np.array([self._cheapest(group, wanted) for group, wanted in each], np.int64)
        best = np.full(len(current), -1, np.int64)
        least = np.full(len(current), np.iinfo(np.int64).max)
        groups = self.group[current]
        for group in np.unique(groups).tolist():
            mine = np.flatnonzero(groups == group)
            for chain in self.chains[group]:
                place = self._first(chain, need[mine])
                there = place < len(chain)
                found = chain[np.minimum(place, len(chain) - 1)]
                price = np.where(there, self.market.price[found], np.iinfo(np.int64).max)
                better = (price < least[mine]) | (there & (price == least[mine]) & (found < best[mine]))
                best[mine[better]], least[mine[better]] = found[better], price[better]
        return best

    def _cheapest(self, group: int, need: list[int]) -> int:
        """The same for one node, which is quicker one by one while nodes are few."""
        found = []
        for chain, steps in zip(self.chains[group], self.steps[group], strict=True):
            place = max(map(bisect_left, steps, need), default=0)
            if place < len(chain):
                found.append((int(self.market.price[chain[place]]), int(chain[place])))
        return min(found, default=(0, -1))[1]

    def _first(self, chain: Ints, need: Ints) -> Ints:
        """The position in a chain of the first variant with so much of everything."""
        free = self.market.free[chain]
        place = np.zeros(len(need), np.int64)
        for column in range(free.shape[1]):
            np.maximum(place, np.searchsorted(free[:, column], need[:, column], side="left"), out=place)
        return place


def _chains(market: Market, members: Ints) -> list[Ints]:
    """Members in chains, each going on with the next dearer one that has no less of anything."""
    order = members[np.lexsort((members, market.free[members].sum(axis=1), market.price[members]))]
    free = market.free[order]
    if (free[1:] >= free[:-1]).all():
        return [order]
    chains: list[list[int]] = []
    for one in order.tolist():
        fitting = (chain for chain in chains if (market.free[chain[-1]] <= market.free[one]).all())
        chain = next(fitting, None)
        if chain is None:
            chains.append([one])
        else:
            chain.append(one)
    return [np.array(chain, np.int64) for chain in chains]
