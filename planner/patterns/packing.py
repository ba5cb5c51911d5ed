"""The cheapest new nodes on paper: pods are packed by patterns, of what one node of a variant holds.

What this costs more than the bound is due to whole nodes and whole pods. What a plan costs more than this is due to
kube-scheduler, which puts pods where its scores say and not where they fit best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.fleet import Proposer
from planner.patterns.dives import Search
from planner.patterns.stock import Stock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.asks import Ask
    from planner.board import Ints
    from planner.ledger import Ledger
    from planner.market import Market

#: Microseconds of work, as it is estimated, that a packing may take.
WORK = 3_000_000


@dataclass(frozen=True)
class Packed:
    """A new node: its variant by position, and its pods as (position of the ask, how many)."""

    variant: int
    pods: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Packing:
    """Nodes that hold all that was asked for. ``counts`` is by variant, ``hourly`` what they cost in micro-units,
    ``work`` what it took to find them, in microseconds as estimated."""

    counts: tuple[int, ...]
    nodes: tuple[Packed, ...]
    hourly: int
    work: int = 0


def pack(asks: Sequence[Ask], market: Market, ledger: Ledger, *, work: int = WORK, least: int = 0) -> Packing | None:
    """The cheapest packing that is found: every pod of every ask on one node of a variant among the ask's options.

    Asks without pods or options are left out, as they are from the bound. ``work`` is in microseconds as estimated,
    never measured: equal inputs have equal answers. ``least`` is a price that nothing lies below; who reaches it stops.

    None where pods have rules among each other, where the ledger allows no packing that is found, and where the work
    does not suffice for one.
    """
    wanted = {place: one for place, one in enumerate(asks) if one.count and one.options.any()}
    if not packable(wanted.values()):
        return None
    if not wanted:
        return Packing((0,) * len(market.variants), (), 0)
    proposer, asked = Proposer(market, ledger), list(wanted.values())
    kept = proposer.undominated(asked, proposer.useful(asked))
    stock = Stock.of(wanted, market, kept)
    if not stock.open_to.any(axis=0).all():
        return None

    def allowed(ordered: Ints) -> bool:
        variants = (market.variants[one] for one in kept.tolist())
        return ledger.allow(each for each in zip(variants, ordered.tolist(), strict=True) if each[1])

    search = Search(stock, proposer.limits(kept), allowed, work, least)
    found = search.run()
    return None if found is None else _packing(stock, len(market.variants), *found, work - search.left // 1000)


def packable(asks: Iterable[Ask]) -> bool:
    """Whether pods have no rules among each other, so that amounts are all there is to pack."""
    return not any(one.per_host or one.pods or one.kind.ruled for one in asks)


def _packing(stock: Stock, size: int, variants: Sequence[int], contents: Sequence[Ints], work: int) -> Packing:
    """The nodes in the order of their variants. ``size`` is how many variants the market has."""
    order = sorted(range(len(variants)), key=lambda one: (variants[one], one))
    where = [int(stock.kept[variants[one]]) for one in order]
    pods = stock.shared([contents[one] for one in order])
    nodes = tuple(Packed(variant, tuple(held)) for variant, held in zip(where, pods, strict=True))
    return Packing(
        tuple(np.bincount(where, minlength=size).tolist()), nodes, int(stock.price[list(variants)].sum()), work
    )  # fmt: skip
