"""What is packed and onto what: equal pods as one ask, and the variants that are worth looking at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.patterns.columns import FINE, Patterns
from planner.patterns.knapsack import Knapsacks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.asks import Ask
    from planner.board import Flags, Ints
    from planner.market import Market


@dataclass(frozen=True)
class Stock:
    """Variants are those kept of the market's, asks those of equal requests and options together.

    ``room`` is variants × resources, ``request`` asks × resources, ``open_to`` variants × asks. ``members`` are the
    asks as they came: (position, pods).
    """

    kept: Ints
    price: Ints
    room: Ints
    open_to: Flags
    request: Ints
    count: Ints
    members: tuple[tuple[tuple[int, int], ...], ...]

    @classmethod
    def of(cls, asks: Mapping[int, Ask], market: Market, kept: Ints) -> Stock:
        """``asks`` are by position."""
        alike: dict[tuple[bytes, bytes], list[int]] = {}
        for place, one in asks.items():
            alike.setdefault((one.request.tobytes(), one.options[kept].tobytes()), []).append(place)
        groups = list(alike.values())
        first = [asks[group[0]] for group in groups]
        return cls(
            kept, market.price[kept], np.maximum(market.free[kept], 0),
            np.stack([one.options[kept] for one in first]).T, np.stack([one.request for one in first]),
            np.array([sum(asks[place].count for place in group) for group in groups], np.int64),
            tuple(tuple((place, asks[place].count) for place in group) for group in groups),
        )  # fmt: skip

    def knapsacks(self) -> Knapsacks:
        return Knapsacks(self.room.astype(np.float64), self.request.astype(np.float64), self.open_to)

    def alone(self) -> Patterns:
        """Every pod on the cheapest node for itself."""
        dear = int(self.price.max(initial=0)) + 1
        return Patterns(
            np.where(self.open_to, self.price[:, None], dear).argmin(axis=0), np.eye(len(self.count), dtype=np.int64)
        )

    def worth(self) -> Ints:
        """What a pod of each ask is worth if all room of a node is: every resource at the least price it is sold at."""
        room, price = self.room.astype(np.float64), self.price[:, None]
        least = np.where(room > 0, price / np.maximum(room, 1), np.inf).min(axis=0)
        least[~np.isfinite(least)] = 0
        share = sum(self.request[:, one] * least[one] for one in range(len(least)))
        worth: Ints = np.maximum(1, np.rint(share * FINE)).astype(np.int64)
        return worth

    def fitting(self, patterns: Patterns) -> Patterns:
        """The patterns that hold, counted in whole numbers."""
        held, variant = patterns.contents, patterns.variant
        fits = (held @ self.request <= self.room[variant]).all(axis=1) & (held >= 0).all(axis=1)
        fits &= ~((held > 0) & ~self.open_to[variant]).any(axis=1)
        return patterns.only(np.flatnonzero(fits))

    def cheapest(self, contents: Ints) -> int:
        """The cheapest variant that holds these pods; -1 where none does."""
        fits = (contents @ self.request <= self.room).all(axis=1) & self.open_to[:, contents > 0].all(axis=1)
        return int(np.argmin(np.where(fits, self.price, self.price.max() + 1))) if fits.any() else -1

    def shared(self, nodes: Sequence[Ints]) -> list[list[tuple[int, int]]]:
        """By node, (position of an ask as it came, pods): those of each first ask are on the first nodes."""
        found: list[list[tuple[int, int]]] = [[] for _ in nodes]
        for number, members in enumerate(self.members):
            waiting = list(members)
            for node, held in enumerate(nodes):
                found[node] += _taken(waiting, int(held[number]))
        return [sorted(one) for one in found]


def _taken(waiting: list[tuple[int, int]], wanted: int) -> Iterable[tuple[int, int]]:
    """So many pods of the first asks that have any left."""
    while wanted:
        place, count = waiting.pop(0)
        taken = min(count, wanted)
        if count > taken:
            waiting.insert(0, (place, count - taken))
        wanted -= taken
        yield place, taken
