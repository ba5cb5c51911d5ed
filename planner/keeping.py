"""What a search for cheaper nodes must not give up: room where pods would rather be, and where NodePools' weights say,
and nodes enough for a spread over hosts.

A replay only tells whether pods find a node. Those that some preference, or a NodePool's weight, sent to certain nodes
would find one elsewhere too, so nodes that were ordered for them have to be kept as such. And where no node is empty
kube-scheduler lets more than maxSkew of the pods go to each; on paper one always is, as in Karpenter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.fleet import Proposer
from planner.settling import ask, zonal_kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.asks import Ask
    from planner.board import Board, Flags, Ints
    from planner.ledger import Ledger
    from planner.market import Market
    from planner.milp import Floats, Row

ROUGHLY = 1e-7


class Keeping:
    """Rows over all variants, ``matrix @ counts >= least``, that a fleet has to keep."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.matrix: Floats = np.stack([row.factors for row in rows]) if rows else np.zeros((0, 0))
        self.least = np.array([row.least for row in rows])

    def allows(self, fleets: Ints) -> Flags:
        """Which of these fleets (fleets × variants) keep all of them."""
        if not len(self.least):
            return np.ones(len(fleets), np.bool_)
        flags: Flags = np.all(fleets @ self.matrix.T >= self.least - ROUGHLY, axis=1)
        return flags


def keeping(
    board: Board, market: Market, ledger: Ledger, tiers: Iterable[tuple[Market, Sequence[Ask]]]
) -> Keeping:  # fmt: skip
    """What the asks of all tiers make of it. A tier's pods may as well be on nodes of those that were asked before."""
    rows: list[Row] = []
    zonal = zonal_kinds(board.kinds)
    so_far: Flags = np.zeros_like(market.takes)
    for tier, asked in tiers:
        so_far = so_far | tier.takes
        open_to = market.only(so_far)
        asks = [_asked(board, open_to, one, by_wish=one.kind.index not in zonal) for one in asked]
        told = [one for one in asks if one.zone or not np.array_equal(one.open_to, market.open_to(one.kind))]
        proposer, every = Proposer(open_to, ledger, exact=False), np.arange(len(market.variants))
        rows += proposer.rows(told, every) if told else []
        hosted = [_asked(board, open_to, one, by_wish=False) for one in asked if one.per_host]
        rows += proposer.host_rows(hosted, every) if hosted else []
    return Keeping(rows)


def _asked(board: Board, market: Market, one: Ask, *, by_wish: bool) -> Ask:
    """What was asked for, in its zone where that was a wish: zones that rules led to are one choice of several."""
    return ask(board, market, one.kind, one.zone if by_wish else "", one.all_pods)
