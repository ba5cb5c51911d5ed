"""Where many replays of one order stand: each fleet in a lane of its own, its nodes, and what was counted by now."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from planner import scores
from planner.orders import ORDERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.scores import Ints
    from planner.tables import Tables

FAR = 2**40  # more than any count
BITS = 62  # up to so many domains are told apart by the bits of one number


class Lanes:
    """The state of all lanes. Arrays are [lanes, nodes], with resources or cpu and memory before, or [lanes]."""

    def __init__(self, tables: Tables, fleets: Sequence[Ints], order: int, *, some: bool) -> None:
        self.tables, self.some, self.order = tables, some, ORDERS[order]
        self.size, self.nodes = len(fleets), max(map(len, fleets))
        self.rows, self.sizes = np.arange(self.size), np.array([len(one) for one in fleets], np.int64)
        self.listed = [_listed(tables.turns[one]) if some else np.arange(len(one)) for one in fleets]
        self.columns = np.zeros((self.size, self.nodes), np.int64)
        for row, one in enumerate(fleets):
            self.columns[row, : len(one)] = one[self.listed[row]]
        self.there = np.arange(self.nodes) < self.sizes[:, None]
        columns = np.where(self.there, self.columns, -1).reshape(-1)
        self.amounts, self.divisor = tables.amounts[:, columns], tables.divisor[:, columns]
        self.both = None if tables.both is None else tables.both[columns]
        self.bound, self.numbers = np.zeros(self.size, np.int64), np.full(self.size, order)
        self.next = np.zeros(self.size, np.int64)
        self.wanted = np.array([scores.nodes_to_find(one) for one in self.sizes.tolist()], np.int64)
        self._count()

    def _count(self) -> None:
        """What is counted at first, and in which domain each node is; the last domain is that of no label."""
        tables = self.tables
        self.wide = max(self.nodes, *map(len, tables.starts), 0) + 1
        self.logs = np.array([math.log(size + 2) for size in range(self.wide + 1)])
        self.codes = [self._codes(by_host=by_host, codes=codes) for by_host, codes in tables.groups]
        self.labelled = [bool((codes >= 0).all()) for _, codes in tables.groups]
        self.bits = [
            None if by_host or (len(codes) and codes.max() >= BITS) else np.left_shift(1, np.minimum(own, BITS))
            for own, (by_host, codes) in zip(self.codes, tables.groups, strict=True)
        ]  # fmt: skip
        self.places = [own + self.rows[:, None] * self.wide for own in self.codes]
        self.counts = np.zeros((len(tables.starts), self.size, self.wide), np.int64)
        self.flat = self.counts.reshape(-1)
        old = np.where(self.there & (self.columns < tables.existing), self.columns, tables.existing)
        for number, (start, by_host) in enumerate(zip(tables.starts, tables.hosted, strict=True)):
            if by_host:
                self.counts[number, :, : self.nodes] = np.append(start, 0)[old]
            else:
                self.counts[number, :, : len(start)] = start
        self.far = {counter: self._far(counter) for counter in tables.ranges}

    def _codes(self, *, by_host: bool, codes: Ints) -> Ints:
        own = codes[self.columns]
        domain = np.broadcast_to(np.arange(self.nodes), own.shape) if by_host else own
        return np.where(self.there & (own >= 0), domain, self.wide - 1)

    def _far(self, counter: int) -> Ints:
        """FAR for what is no domain over which a spread takes its least count, else zero: [lanes, domains]."""
        one = self.tables.ranges[counter]
        far = np.full((self.size, self.wide), FAR)
        if one.hosts:
            looked = np.stack([flags[self.columns] & self.there for flags in one.hosts])
            alike = (looked == looked[0]).all(axis=(0, 2))
            far[:, : self.nodes] = np.where(looked[0] & alike[:, None], 0, FAR)
        else:
            far[:, one.always] = 0
            far[self.rows[:, None], self.codes[one.group]] = 0
        far[:, -1] = FAR
        return far


def _listed(turns: Ints) -> Ints:
    """The positions of nodes, by the number of their zone, one of each zone after the other, see ``cycle.listed``."""
    found: dict[int, list[int]] = {}
    for node, turn in enumerate(turns.tolist()):
        found.setdefault(turn, []).append(node)
    return np.array([node for turn in zip_longest(*found.values()) for node in turn if node is not None], np.int64)
