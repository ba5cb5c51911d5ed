"""Fleets of one tier from some of its variants, with more or less room: what is asked for is worked out once for all.

A draft is solved twice, with no room to spare and with most. What lies between the two keeps every row in between, for
what both keep, their mixtures keep: so a fleet of any slack takes no program of its own, only whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.few import fleets_of_few
from planner.fleet import WHOLE
from planner.levels import Zones
from planner.milp import Program, Row, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.asks import Ask
    from planner.board import Flags, Ints
    from planner.fleet import Proposer
    from planner.market import Market
    from planner.milp import Floats

#: The most room that is worked out, in thousandths beyond what is asked for; fleets with still more go on like that.
MOST = 500


@dataclass
class Draft:
    """What is asked of one tier, as rows over all its variants. ``gathered``: pods that gather are asked for where they
    are expected, so they count among what is bound to a zone."""

    proposer: Proposer
    asks: Sequence[Ask]
    gathered: bool = False
    _useful: Ints | None = None
    _rows: list[Row] = field(default_factory=list)
    _matrix: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    _drawn: dict[tuple[bytes, bool], Drawn | None] = field(default_factory=dict)

    def fleet(self, allowed: Flags, slack: int, *, even: bool = False) -> Ints | None:
        """Nodes by variant, near the cheapest of the ``allowed`` ones with so many thousandths more room than is asked
        for; None where there are none. Pods that go on none of these may have nodes of any variant. ``even``: enough
        also where every node holds the same mix of pods."""
        key = (allowed.tobytes(), even)
        if key not in self._drawn:
            self._drawn[key] = self._draw(allowed, even=even)
        drawn = self._drawn[key]
        return None if drawn is None else drawn.near(slack)

    def few(self, below: int, most: int) -> list[Ints]:
        """Up to so many fleets of few nodes that have the room and cost less than ``below``; none where there are many
        variants.

        Those of fewest nodes come first, and of these those with most room where every node holds the same mix of pods.
        """
        drawn = self._draw(np.ones(len(self.proposer.market.variants), np.bool_), even=False)
        if drawn is None or len(drawn.kept) > WHOLE:
            return []
        market = self.proposer.market
        found = fleets_of_few(drawn.matrix, drawn.least, market.price[drawn.kept], below)
        share = (found * mixed(market, self.asks)[drawn.kept]).sum(axis=1)
        return [drawn.whole(one) for one in found[np.lexsort((-share, found.sum(axis=1)))[:most]]]

    def drawn(self, allowed: Flags, *, even: bool = False) -> bool:
        """Whether a fleet of these variants was asked for before."""
        return (allowed.tobytes(), even) in self._drawn

    def _draw(self, allowed: Flags, *, even: bool) -> Drawn | None:
        proposer = self.proposer
        if self._useful is None:
            self._useful = proposer.useful(self.asks)
            self._rows = proposer.rows(self.asks, self._useful) if len(self._useful) else []
            self._matrix = np.stack([row.factors for row in self._rows]) if self._rows else self._matrix
        for options in {id(one.options): one.options for one in self.asks}.values():
            if not (options & allowed).any():
                allowed = allowed | options
        kept = proposer.undominated(self.asks, self._useful[allowed[self._useful]])
        if not len(kept):
            return None
        own = self._matrix[:, np.searchsorted(self._useful, kept)]
        more = proposer.limits(kept)
        if even:
            more.append(Row(mixed(proposer.market, self.asks)[kept], 1.0, elastic=True))
        matrix = np.concatenate((own, [row.factors for row in more]))
        least = np.array([row.least for row in (*self._rows, *more)])
        elastic = np.array([row.elastic for row in (*self._rows, *more)], np.bool_)
        zones = Zones.of(proposer.market, kept, self.asks, gathered=self.gathered)
        size = len(proposer.market.variants)
        return Drawn(kept, size, matrix, least, elastic, proposer.cost(kept).astype(np.float64), zones)


def mixed(market: Market, asks: Sequence[Ask]) -> Floats:
    """The share of all these pods that a node of each variant holds if its pods are the same mix as all of them.

    kube-scheduler spreads the pods of every workload over all nodes, so it comes near to that on nodes of every kind: a
    flavor of little memory is full when its memory is, however well its cpu would have gone with the rest.
    """
    asked = sum((one.request * one.count for one in asks), np.zeros(len(market.resources), np.int64))
    some = asked > 0
    room: Floats = np.maximum(market.free[:, some], 0) / asked[some]
    return room.min(axis=1) if some.any() else np.zeros(len(market.variants))


@dataclass
class Drawn:
    """A draft from some variants. ``kept`` are those looked at, by column; ``elastic`` are rows for room."""

    kept: Ints
    size: int
    matrix: Floats
    least: Floats
    elastic: Flags
    cost: Floats
    zones: Zones
    _ends: dict[int, Floats | None] = field(default_factory=dict)

    def near(self, slack: int) -> Ints | None:
        """Whole numbers with so much room, shared out among the zones as far as the rows allow."""
        values = self._between(slack)
        if values is None:
            return None
        matrix = self._eased(slack)
        counts = rounded(matrix, self.least, self.cost, values)
        if counts is None or not counts.any():
            return None
        return self.whole(counts, matrix)

    def whole(self, counts: Ints, matrix: Floats | None = None) -> Ints:
        """Nodes by variant, shared out among the zones as far as the rows, or others, allow."""
        found = np.zeros(self.size, np.int64)
        found[self.kept] = self.zones.levelled(counts, self.matrix if matrix is None else matrix, self.least)
        return found

    def _between(self, slack: int) -> Floats | None:
        tight = self._end(0)
        if tight is None or not slack:
            return tight
        loose = self._end(MOST)
        if loose is None:
            return self._end(slack)
        values: Floats = np.maximum(tight + (loose - tight) * slack / MOST, 0)
        return values

    def _end(self, slack: int) -> Floats | None:
        if slack not in self._ends:
            self._ends[slack] = Program.relaxed(self._eased(slack), self.least, self.cost)
        return self._ends[slack]

    def _eased(self, slack: int) -> Floats:
        """The rows as if each variant had so much less room."""
        eased: Floats = self.matrix * np.where(self.elastic, 1000 / (1000 + slack), 1.0)[:, None]
        return eased
