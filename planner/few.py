"""All fleets of few nodes that have the room and cost less than so much: there are not many of them.

A search that goes from fleet to fleet, a node or two at a time, misses those that differ in every node. On few nodes
there is no need to search: sets of nodes are made one node larger again and again, and those let go of that cannot have
the room any more for what is left of the money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from planner.board import Ints
    from planner.milp import Floats

#: How many sets of nodes are looked at together at most, times what is known of each: larger ones are left out.
CELLS = 4_000_000
ROUGHLY = 1e-9


def fleets_of_few(matrix: Floats, least: Floats, price: Ints, below: int) -> Ints:
    """Fleets [fleets, columns] with ``matrix @ counts >= least`` that cost less than ``below``, all up to some number
    of nodes: the largest with which no more than ``CELLS`` figures have to be kept."""
    size = len(price)
    counts, last = np.zeros((1, size), np.int16), np.zeros(1, np.int64)
    room, cost = np.zeros((1, len(least))), np.zeros(1, np.int64)  # carried along: sums of so many sets are large
    worth = (np.maximum(matrix, 0) / np.maximum(price, 1)).max(axis=1, initial=0)
    found: list[Ints] = []
    while len(counts) > 0:
        open_to = (last[:, None] <= np.arange(size)) & (cost[:, None] + price < below)
        if int(open_to.sum()) * (size + len(least)) > CELLS:
            break
        rows, columns = np.nonzero(open_to)
        counts, last, cost, room = counts[rows], columns, cost[rows] + price[columns], room[rows] + matrix.T[columns]
        counts[np.arange(len(counts)), columns] += 1
        missing = least - room
        found.append(counts[(missing <= ROUGHLY).all(axis=1)].astype(np.int64))
        within = (missing <= worth * (below - cost)[:, None] + ROUGHLY).all(axis=1)
        counts, last, cost, room = counts[within], last[within], cost[within], room[within]
    return np.concatenate(found) if found else np.zeros((0, size), np.int64)
