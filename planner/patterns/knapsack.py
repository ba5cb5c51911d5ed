"""With which pods a new node of each variant is filled best, when every pod is worth something: a knapsack for each.

All variants are looked at side by side, in two steps. Pods are taken in the order of what they are worth for their
room; how much a resource counts in that is found by trying, a little more for one that runs out early. Then pods on a
node are exchanged for others as long as it gains.

Worth is whole numbers, so sums are exact in any order, and all else is only added, multiplied and divided: the same
pods are chosen on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.patterns.exchanges import Sacks

if TYPE_CHECKING:
    from planner.board import Flags, Ints

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: Ways to weigh the resources, and steps on after the first ask of which not all pods fit.
WAYS, STEPS = 6, 8
#: How many pods of one ask leave a node at once, and on nodes of how many variants pods are exchanged.
LEAVING, VARIANTS = (1, 2), 60
STEP, CALMER = 0.78, 0.3  # how far weights move at first, and how much less each time
FILL = 110  # what an order costs for each variant and ask, in nanoseconds


@dataclass
class Knapsacks:
    """``room`` is variants × resources, ``request`` asks × resources, ``open_to`` variants × asks; whole numbers.

    ``work`` is what all of it cost until now, in nanoseconds as estimated.
    """

    room: Floats
    request: Floats
    open_to: Flags
    work: int = 0

    def best(self, worth: Ints, left: Ints, price: Ints) -> tuple[Ints, Ints]:
        """Variants, and for each the pods, of those that are left, that are worth most together on a node of it.

        Of many variants, those whose nodes seem to be worth most for their price.
        """
        asks = np.flatnonzero((left > 0) & (worth > 0))
        if not len(asks):
            return asks, np.zeros((0, len(left)), np.int64)
        sacks = self._for(asks, worth, left)
        held = sacks.filled()
        variants = np.sort(np.argsort(-(held @ worth[asks]) / np.maximum(price, 1), kind="stable")[:VARIANTS])
        held = held[variants]
        sacks.exchange(variants, held, ())  # quickly done, and fewer exchanges after it
        sacks.exchange(variants, held, LEAVING)
        self.work += sacks.work
        found = np.zeros((len(variants), len(left)), np.int64)
        found[:, asks] = held
        return variants, found

    def filled_up(self, variant: Ints, contents: Ints, worth: Ints, left: Ints) -> Ints:
        """What nodes of these variants hold (nodes × asks) when more of the pods that are left enter."""
        asks, found = np.flatnonzero(left > 0), contents.copy()
        if len(asks):
            held, sacks = contents[:, asks].astype(np.float64), self._for(asks, worth, left)
            sacks.exchange(variant, held, ())
            self.work += sacks.work
            found[:, asks] = held
        return found

    def _for(self, asks: Ints, worth: Ints, left: Ints) -> _Sacks:
        return _Sacks(self.room, self.request[asks], self.open_to[:, asks], worth[asks], left[asks])


class _Sacks(Sacks):
    """The same for the asks that have pods left, with what those are worth."""

    def filled(self) -> Floats:
        """Each node filled in several orders (ways × variants × asks): the best of them."""
        ways = self._orders()
        self.work += FILL * WAYS * self.open_to.size
        tried = self._in_order(np.concatenate([one for one, _ in ways]), np.concatenate([one for _, one in ways]))
        tried = tried.reshape(len(ways), *self.open_to.shape)
        best: Floats = tried[(tried @ self.worth).argmax(axis=0), np.arange(len(self.room))]
        return best

    def _in_order(self, order: Ints, first: Ints) -> Floats:
        """Pods taken in these orders: all of the asks up to the first that does not fit whole, and what fits then."""
        lanes, asks = order.shape
        each, variant = np.arange(lanes), np.arange(lanes) % len(self.room)
        held = np.zeros((lanes, asks))
        np.put_along_axis(held, order, np.where(np.arange(asks) < first[:, None], self.left[order], 0), axis=1)
        room = self.room[variant] - held @ self.request
        for step in range(min(STEPS, asks)):
            place = np.minimum(first + step, asks - 1)
            ask = order[each, place]
            fits = np.floor((room + self.lax[ask]) / self.divisor[ask]).min(axis=1)
            taken = np.maximum(np.minimum(fits, self.left[ask]), 0)
            taken *= (first + step < asks) & self.open_to[variant, ask]
            room -= taken[:, None] * self.request[ask]
            held[each, ask] += taken
        return held

    def _orders(self) -> list[tuple[Ints, Ints]]:
        """Orders of the asks by variant, with the place of the first that does not fit whole any more."""
        size = self.request / np.maximum(self.room, 1)[:, None, :]
        all_of_it = size * self.left[:, None]
        weight = np.full(self.room.shape, 1.0)
        each, found = np.arange(len(size)), []
        for way in range(WAYS):
            weighed = sum(size[:, :, one] * weight[:, [one]] for one in range(size.shape[2]))
            dense = np.where(self.open_to, self.worth / np.maximum(weighed, 1e-12), -1.0)
            order = np.argsort(-dense, axis=1, kind="stable")
            used = np.cumsum(np.take_along_axis(all_of_it, order[:, :, None], axis=1), axis=1)
            over = (used > 1).any(axis=2) | (np.take_along_axis(dense, order, axis=1) < 0)
            first = np.where(over.any(axis=1), over.argmax(axis=1), over.shape[1])
            found.append((order, first))
            at_last = used[each, np.minimum(first, over.shape[1] - 1)]
            at_last /= np.maximum(at_last.max(axis=1, keepdims=True), 1e-12)
            weight *= 1 + STEP / (1 + CALMER * way) * (at_last - 1)
        return found
