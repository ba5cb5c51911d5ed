"""New nodes with pods on them, on paper: a fleet is loaded, what is left over gets more nodes, and nodes are made smaller.

Everything is counted and ordered by unique keys, so the result is the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.filling import fill
from planner.settling import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.board import Board, Flags, Ints
    from planner.fleet import Ask, Fleet, Proposer
    from planner.kinds import Kind
    from planner.ledger import Ledger
    from planner.market import Market

NEW = "new/"  # begins the host names of nodes that are still without one
ROUNDS = 6  # how often nodes are added for what is left over


@dataclass
class Load:
    """A board with new nodes behind the existing ones. ``variant`` is each new node's, ``contents`` its pods by kind.

    ``left`` counts pods that wait, by kind and zone ("" for any).
    """

    board: Board
    market: Market
    ledger: Ledger
    shapes: Ints
    first: int
    variant: list[int] = field(default_factory=list)
    contents: list[dict[int, int]] = field(default_factory=list)
    left: dict[tuple[int, str], int] = field(default_factory=dict)

    @classmethod
    def on(cls, board: Board, market: Market, ledger: Ledger, asks: Iterable[Ask]) -> Load:
        """No new nodes yet. The board and the ledger are used up."""
        left = {(one.kind.index, one.zone): one.count for one in asks}
        return cls(board, market, ledger, market.shapes(board.shapes), board.size, left=left)

    @property
    def hourly(self) -> int:
        return int(self.market.price[self.variant].sum()) if self.variant else 0

    def add(self, fleet: Fleet) -> None:
        """Order the nodes of a fleet: those first that the fewest waiting pods could use, then the dearest."""
        wanted = np.zeros(len(fleet.counts), np.int64)
        for one in self.waiting():
            wanted += one.options * one.count
        order = sorted(
            np.flatnonzero(fleet.counts).tolist(),
            key=lambda one: (int(wanted[one]), -int(self.market.price[one]), one),
        )  # fmt: skip
        self.add_nodes([one for one in order for _ in range(fleet.counts[one])])

    def add_nodes(self, wanted: Sequence[int]) -> None:
        """Order a node of each of these variants, as far as the ledger allows."""
        allowed = []
        for one in wanted:
            candidate = self.market.variants[one]
            if self.ledger.affordable(candidate):
                self.ledger.order(candidate, 1)
                allowed.append(one)
        if not allowed:
            return
        names = [f"{NEW}{len(self.variant) + number}" for number in range(1, len(allowed) + 1)]
        free = self.market.free[allowed].T
        whole = np.array(
            [[self.market.variants[one].figures.allocatable.get(name) for one in allowed] for name in self.market.resources],
            np.int64,
        )
        self.board.grow(names, self.shapes[allowed], free, whole)
        self.variant += allowed
        self.contents += [{} for _ in allowed]

    def fill(self) -> None:
        """Put waiting pods on the new nodes, kind by kind."""
        nodes = np.arange(self.board.size) >= self.first
        pins: dict[int, dict[str, int]] = {}
        for (kind, zone), count in self.left.items():
            if count:
                pins.setdefault(kind, {})[zone] = count
        for kind in self.board.kinds.kinds:
            if kind.index in pins:
                self._fill(kind, pins[kind.index], nodes)

    def _fill(self, kind: Kind, pins: dict[str, int], nodes: Flags) -> None:
        zoned = "" not in pins
        filled = fill(self.board, kind, sum(pins.values()), nodes=nodes, zones=pins if zoned else None)
        for node, count in filled.taken.items():
            held = self.contents[node - self.first]
            held[kind.index] = held.get(kind.index, 0) + count
            zone = self.market.zones[self.variant[node - self.first]] if zoned else ""
            self.left[kind.index, zone] -= count

    def waiting(self) -> list[Ask]:
        """What is still without a node."""
        kinds = self.board.kinds.kinds
        return [
            ask(self.board, self.market, kinds[kind], zone, count)
            for (kind, zone), count in self.left.items() if count
        ]  # fmt: skip

    def fleet(self) -> tuple[int, ...]:
        """The new nodes that hold pods, by variant."""
        counts = [0] * len(self.market.variants)
        for variant, held in zip(self.variant, self.contents, strict=True):
            counts[variant] += bool(held)
        return tuple(counts)

    def shrink(self, since: int = 0) -> None:
        """Swap new nodes, from number ``since`` on, for the cheapest variant that holds their pods; drop empty ones."""
        if len(self.variant) <= since:
            return
        used = self.market.free[self.variant] - self.board.free[:, self.first :].T
        for place in range(since, len(self.variant)):
            best = self._smaller(place, used[place])
            if best is not None:
                self._swap(place, best)
        self._drop([place for place, held in enumerate(self.contents) if not held and place >= since])

    def _smaller(self, place: int, used: Ints) -> int | None:
        here = self.variant[place]
        zone = self.market.zones[here]
        possible = (self.market.price < self.market.price[here]) & self.market.in_zone(zone)
        possible &= (self.market.free >= used).all(axis=1) & (self.shapes == self.shapes[here])
        for kind in self.contents[place]:
            possible &= self.market.takes[self.board.kinds.kinds[kind].admission]
        ranked = np.flatnonzero(possible)
        for one in ranked[np.argsort(self.market.price[ranked], kind="stable")].tolist():
            if self.ledger.affordable(self.market.variants[one]):
                return int(one)
        return None

    def _swap(self, place: int, variant: int) -> None:
        old, node = self.variant[place], self.first + place
        self.ledger.order(self.market.variants[old], -1)
        self.ledger.order(self.market.variants[variant], 1)
        self.board.free[:, node] += self.market.free[variant] - self.market.free[old]
        self.variant[place] = variant

    def _drop(self, places: Sequence[int]) -> None:
        """Give empty nodes back. They stay on the board, where nobody is put on them any more."""
        for place in places:
            self.ledger.order(self.market.variants[self.variant[place]], -1)
        self.board.free[:, [self.first + place for place in places]] = -1


def load(start: Load, proposer: Proposer, fleet: Fleet) -> Load:
    """Load a fleet; while pods are left over and more nodes serve some of them, order more."""
    start.add(fleet)
    start.fill()
    for _ in range(ROUNDS):
        waiting = start.waiting()
        if not waiting:
            break
        before = sum(one.count for one in waiting)
        start.add(proposer.propose(waiting))
        start.fill()
        if sum(one.count for one in start.waiting()) == before:
            break
    return start
