"""Before anything is ordered: what existing nodes take, and in which zones the rest is to have new nodes.

Kinds with rules over zones, and kinds that others look for or keep away from by zone, are told a zone pod by pod: the
emptiest that the rules, the existing nodes or the variants on offer still allow. Kinds that would only rather be in
some zones are told these where new nodes are ordered for them (``zoning``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planner import labels as known
from planner.asks import Ask
from planner.filling import Offer, fill
from planner.market import request_of
from planner.zoning import tell_zones

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planner.board import Board
    from planner.kinds import Kind, Kinds
    from planner.market import Market

    Zone = tuple[str, str]  # the key of a kind, and a zone


@dataclass
class Settled:
    """Pods on existing nodes by number, pods told to be in a zone, and pods left that may be in any; by kind.

    Of pods that would only rather be in some zone, those that need not be are told "".
    """

    onto: dict[int, dict[int, int]] = field(default_factory=dict)
    told: dict[int, dict[str, int]] = field(default_factory=dict)
    left: dict[int, int] = field(default_factory=dict)
    nowhere: dict[int, int] = field(default_factory=dict)


def settle(board: Board, market: Market, caps: Mapping[Zone, int]) -> Settled:
    """Place what fits on the board's nodes, and tell zones. The board is filled with both."""
    zonal = zonal_kinds(board.kinds)
    settled = Settled()
    for kind in board.kinds.kinds:
        ruled = kind.index in zonal
        offer = _offer(board, market, kind, caps) if ruled or kind.zoned else None
        filled = fill(board, kind, kind.count, offer=offer if ruled else None)
        settled.onto[kind.index] = filled.taken
        if ruled:
            settled.told[kind.index] = filled.ordered
            settled.nowhere[kind.index] = filled.left
        elif offer is not None:
            # nodes that are there are used as they are, for there the scheduler has its choice already
            settled.told[kind.index] = tell_zones(board, kind, filled.left, offer)
        else:
            settled.left[kind.index] = filled.left
    return settled


def _offer(board: Board, market: Market, kind: Kind, caps: Mapping[Zone, int]) -> Offer:
    labels = market.offers(market.options(kind, request_of(board, kind)))
    return Offer(labels, {zone: caps[kind.key, zone] for zone in labels if (kind.key, zone) in caps})


def zonal_kinds(kinds: Kinds) -> frozenset[int]:
    """Kinds for which it matters in which zone they are."""
    looked_at = {term for kind in kinds.kinds for term in (*kind.anti, *kind.affinity) if _by_zone(kinds, term)}
    return frozenset(
        kind.index for kind in kinds.kinds if kind.on_zones or not looked_at.isdisjoint(kind.matches)
    )


def _by_zone(kinds: Kinds, term: int) -> bool:
    return kinds.terms[term].key == known.ZONE


def asks_of(board: Board, market: Market, settled: Settled) -> list[Ask]:
    """What new nodes are asked for, in the order of the kinds."""
    asks = []
    for kind in board.kinds.kinds:
        if kind.index in settled.told:
            wanted = sorted(settled.told[kind.index].items())
        else:
            wanted = [("", settled.left[kind.index])]
        asks += [ask(board, market, kind, zone, count) for zone, count in wanted if count]
    return asks


def ask(board: Board, market: Market, kind: Kind, zone: str, count: int) -> Ask:
    """An ask for so many pods of a kind."""
    request = request_of(board, kind)
    open_to = market.open_to(kind, zone)
    options = market.options(kind, request, zone)
    if kind.affinity and any(board.counts.by_host[term] and term in kind.matches for term in kind.affinity):
        return _huddle(board, market, Ask(kind, zone, count, request, options, open_to))
    return Ask(kind, zone, count, request, options, open_to, _per_host(board, kind) if kind.on_hosts else ())


def _huddle(board: Board, market: Market, one: Ask) -> Ask:
    """Pods that must all be on the host of the first of them: as many at once as the largest variant holds, or none
    where the first of them has its host already."""
    if any(board.counts.totals[term] for term in one.kind.affinity):
        return replace(one, options=one.options & False)
    asked = one.request > 0
    held = (market.free[one.options][:, asked] // one.request[asked]).min(axis=1)
    count = min(one.count, int(held.max(initial=0)))
    request = one.request * max(1, count)
    options = market.options(one.kind, request, one.zone)
    return replace(one, request=request, count=min(1, count), options=options, pods=one.count)


def _per_host(board: Board, kind: Kind) -> tuple[tuple[int, int], ...]:
    """How many pods of the kind one node takes by the rules over hosts, by term, where they count themselves."""
    found = {term: 1 for term in kind.anti if board.counts.by_host[term] and term in kind.matches}
    for rule in kind.spreads:
        if board.counts.by_host[rule.term] and rule.counts_itself:
            found[rule.term] = min(found.get(rule.term, rule.max_skew), rule.max_skew)
    return tuple(sorted(found.items()))


def possible_domains(board: Board, market: Market) -> dict[int, list[str]]:
    """The domains of each spread's term that new nodes for its kinds could be in."""
    found: dict[int, set[str]] = {}
    alike: dict[tuple[int, int, tuple[int, ...]], Kind] = {}  # many kinds differ only in what counts them
    for kind in board.kinds.kinds:
        if rules := tuple([rule.term for rule in kind.spreads if not board.counts.by_host[rule.term]]):
            alike.setdefault((kind.admission, kind.request, rules), kind)
    for (_, _, rules), kind in alike.items():
        options = market.options(kind, request_of(board, kind))
        for term in rules:
            found.setdefault(term, set()).update(market.values(options, board.kinds.terms[term].key))
    return {term: sorted(values) for term, values in found.items()}
