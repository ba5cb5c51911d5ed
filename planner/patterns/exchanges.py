"""Pods on new nodes exchanged for others that are worth more, on many nodes side by side.

Worth and room are whole numbers that are far from what 64 bits of a float hold, so every figure is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from planner.board import Flags, Ints

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: Of how many asks pods may leave a node, those that are worth least for their room; and rounds of exchanges.
LEAVERS, ROUNDS = 16, 30
LAX = 1e15  # room for what is not asked for
#: What work costs in nanoseconds: to begin, a round of exchanges, and each exchange that is looked at.
BEGIN, ROUND, NUMBER = 450_000, 110_000, 12


class Sacks:
    """What nodes may hold. ``room`` is variants × resources, ``request`` asks × resources, ``open_to`` variants × asks,
    ``worth`` that of a pod of each ask, ``left`` how many pods there are. ``work`` is what was done with them."""

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
