"""With which pods a new node of each variant is filled best, when every pod is worth something: a knapsack for each.

All variants are looked at side by side, in two steps. Pods are taken in the order of what they are worth for their
room; how much a resource counts in that is found by trying, a little more for one that runs out early. Then pods on a
node are exchanged for others as long as it gains.

Worth is whole numbers, so sums are exact in any order, and all else is only added, multiplied and divided: the same
pods are chosen on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from planner.board import Flags, Ints

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: Ways to weigh the resources, steps on after the first pod that no longer fits whole, and rounds of exchanges.
WAYS, STEPS, ROUNDS = 6, 8, 30
#: How many pods of one ask leave a node at once, and on nodes of how many variants pods are exchanged.
LEAVING, VARIANTS = (1, 2), 60
LEAVERS = 16  # of how many asks pods may leave: those that are worth least for their room
STEP, CALMER = 0.78, 0.3  # how far weights move at first, and how much less each time
LAX = 1e15  # room for what is not asked for
#: What work costs in nanoseconds: to begin, an order for each variant and ask, a round of exchanges, and each exchange.
BEGIN, FILL, ROUND, NUMBER = 450_000, 110, 110_000, 12


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


class _Sacks:
    """The same for the asks that have pods left, with what those are worth."""

    def __init__(self, room: Floats, request: Floats, open_to: Flags, worth: Ints, left: Ints) -> None:
        self.room, self.request, self.open_to, self.worth, self.left = room, request, open_to, worth, left
        self.work = BEGIN
        self.divisor, self.lax = np.where(request > 0, request, 1.0), np.where(request > 0, 0.0, LAX)

    @cached_property
    def _dense(self) -> Floats:
        """What pods of each ask are worth for their room."""
        size = self.request / np.maximum(self.room.max(axis=0), 1)
        weighed = sum(size[:, one] for one in range(size.shape[1]))
        dense: Floats = self.worth / np.maximum(weighed, 1e-12)
        return dense

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

    def exchange(self, variant: Ints, held: Floats, leaving: tuple[int, ...]) -> None:
        """Exchange pods on nodes of these variants as long as that gains; so many of an ask leave at once."""
        request, active = self.request, np.arange(len(held))
        room = self.room[variant] - held @ request
        for _ in range(ROUNDS):
            offers = np.where(self.open_to[variant[active]], self.left - held[active], 0.0)
            found = self._best_exchange(room[active], held[active], offers, leaving)
            active, found = active[found.gain > 0], found.only(found.gain > 0)
            if not len(active):
                return
            more = found.enter[:, None] * request[found.entering] - found.leave[:, None] * request[found.leaving]
            times = np.floor(np.where(more > 0, room[active] / np.maximum(more, 1), LAX)).min(axis=1)
            times = np.minimum(times, (self.left[found.entering] - held[active, found.entering]) // found.enter)
            could = held[active, found.leaving] // np.maximum(found.leave, 1)
            times = np.maximum(1, np.minimum(times, np.where(found.leave > 0, could, LAX)))
            room[active] -= times[:, None] * more
            held[active, found.leaving] -= times * found.leave
            held[active, found.entering] += times * found.enter

    def _best_exchange(self, room: Floats, held: Floats, offers: Floats, counts: tuple[int, ...]) -> _Exchange:
        """The exchange that gains most on each node: none or some pods of one ask leave, as many of another enter as
        fit and are on offer."""
        most = min(LEAVERS, int((held > 0).sum(axis=1).max(initial=0))) if counts else 0
        on_it = np.argsort(np.where(held > 0, self._dense, np.inf), axis=1, kind="stable")[:, :most]
        each, nobody = np.arange(len(held)), np.zeros((len(held), 1), np.int64)
        leaving = np.concatenate([nobody, *(on_it for _ in counts)], axis=1)
        leave = np.repeat([0.0, *counts], [1, *(most for _ in counts)])
        freed = room[:, None, :] + leave[:, None] * self.request[leaving]
        enter = offers[:, None, :] * (held[each[:, None], leaving] >= leave)[:, :, None]
        for one in range(room.shape[1]):
            np.minimum(enter, np.floor((freed[:, :, [one]] + self.lax[:, one]) / self.divisor[:, one]), out=enter)
        self.work += ROUND + NUMBER * enter.size
        gain = enter * self.worth - (leave * self.worth[leaving])[:, :, None]
        gain[(leave > 0)[None, :, None] & (leaving[:, :, None] == np.arange(len(self.worth)))] = 0
        best = gain.reshape(len(held), -1).argmax(axis=1)
        out, into = best // len(self.worth), best % len(self.worth)
        return _Exchange(gain[each, out, into], leaving[each, out], leave[out], into, enter[each, out, into])


@dataclass(frozen=True)
class _Exchange:
    """By node: what it gains when ``leave`` pods of the ask ``leaving`` go, and ``enter`` of ``entering`` come."""

    gain: Floats
    leaving: Ints
    leave: Floats
    entering: Ints
    enter: Floats

    def only(self, nodes: Flags) -> _Exchange:
        return _Exchange(
            self.gain[nodes], self.leaving[nodes], self.leave[nodes], self.entering[nodes], self.enter[nodes]
        )
