"""Which variant could stand in for another: the cheapest with at least so much room, found for many nodes at once.

Variants of one zone and NodePool that look the same to every pod are put into chains in which each next one has at
least as much of everything and costs no less; in a chain, the first that is large enough is found by bisection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from planner.board import Ints
    from planner.market import Market


@dataclass(frozen=True)
class Ladders:
    """``group`` is each variant's; ``chains`` are positions of variants, by group."""

    market: Market
    group: Ints
    chains: dict[int, list[Ints]]

    @classmethod
    def of(cls, market: Market, shapes: Ints) -> Ladders:
        numbers: dict[tuple[object, ...], int] = {}
        group = np.zeros(len(market.variants), np.int64)
        for position, one in enumerate(market.variants):
            key = (int(shapes[position]), market.takes[:, position].tobytes(), one.zone, one.node_pool.name, one.chosen)
            group[position] = numbers.setdefault(key, len(numbers))
        chains = {number: _chains(market, np.flatnonzero(group == number)) for number in numbers.values()}
        return cls(market, group, chains)

    def cheapest(self, current: Ints, need: Ints) -> Ints:
        """For nodes of these variants that need so much (nodes × resources): the cheapest variant of the same group
        that has it, -1 where none has. Of equals it is the smallest of a chain, of several chains the first by key."""
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
    chains: list[list[int]] = []
    for one in order.tolist():
        fitting = (chain for chain in chains if (market.free[chain[-1]] <= market.free[one]).all())
        chain = next(fitting, None)
        if chain is None:
            chains.append([one])
        else:
            chain.append(one)
    return [np.array(chain, np.int64) for chain in chains]
