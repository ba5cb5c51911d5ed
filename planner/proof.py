"""The least that new nodes for these pods can cost, whatever is put where: what ``lowerBoundHourly`` says.

Zones that settling told are choices, so they are not taken as given; only what the rules leave no choice of is: of pods
that are spread over zones with a skew, so many must be in each. NodePool limits, weights and preferences bound what may
be ordered, not what the cheapest set costs, and are left out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.fleet import Proposer
from planner.settling import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.asks import Ask
    from planner.board import Board, Ints
    from planner.kinds import Kind
    from planner.ledger import Ledger
    from planner.market import Market


def lower_bound(board: Board, market: Market, ledger: Ledger, placed: Mapping[int, int]) -> int:
    """Micro-units per hour. ``board`` has the existing nodes as they are, ``placed`` are pods by kind."""
    matching = Counter(term for kind in board.kinds.kinds for term in kind.matches)
    asks = [
        one for kind, count in sorted(placed.items()) if count for one in _asks(board, market, kind, count, matching)
    ]  # fmt: skip
    supply = _supply(board, asks)
    return Proposer(market, ledger, supply=supply).bound(asks)


def placed_pods(
    new: Iterable[tuple[int, int]], onto: Mapping[int, Mapping[int, int]], lost: Mapping[int, int]
) -> Counter[int]:  # fmt: skip
    """How many pods of each kind are placed: ``new`` (kind, count), those on existing nodes, less the lost ones."""
    found: Counter[int] = Counter()
    for kind, count in new:
        found[kind] += count
    for kind, taken in onto.items():
        found[kind] += sum(taken.values())
    found.subtract(lost)
    return found


def _asks(board: Board, market: Market, number: int, count: int, matching: Mapping[int, int]) -> list[Ask]:
    """Pods of a kind: as many in each zone as must be there, the rest anywhere. ``matching`` counts kinds by term."""
    kind = board.kinds.kinds[number]
    found = []
    for zone, least in sorted(_in_each_zone(board, kind, count, matching).items()):
        amount = min(least, count)
        if amount:
            found.append(ask(board, market, kind, zone, amount))
            count -= amount
    return [*found, *([ask(board, market, kind, "", count)] if count else [])]


def _in_each_zone(board: Board, kind: Kind, count: int, matching: Mapping[int, int]) -> dict[str, int]:
    """The fewest of so many more pods that each zone must take, by a spread over zones that counts the kind itself.

    Where a zone ends up with c pods, no pod of the kind went to another that held more than c + S - 1 before. So of the
    pods that the others can take, and those of the zone, there must be enough. Nothing is said where other pods of the
    demand are counted too, because they move the least count about.
    """
    least: Counter[str] = Counter()
    for rule in kind.spreads:
        others = matching[rule.term] > (rule.term in kind.matches)
        if board.kinds.terms[rule.term].key != known.ZONE or not rule.counts_itself or rule.min_domains > 1 or others:
            continue
        domains = board.counts.domains[rule.term].tolist()
        here = [int(board.counts.counts[rule.term][one]) for one in domains]
        names = {number: value for value, number in board.shapes.values[rule.term].items()}
        for place, one in enumerate(domains):
            wanted = _fewest(here, place, rule.max_skew, count)
            least[names[one]] = max(least[names[one]], wanted)
    return {zone: amount for zone, amount in least.items() if amount > 0}


def _fewest(here: Sequence[int], place: int, skew: int, count: int) -> int:
    """The fewest of ``count`` pods that the zone at a place must take, given how many each zone holds."""
    for amount in range(count):
        most = here[place] + amount + skew
        if amount + sum(max(0, most - held) for other, held in enumerate(here) if other != place) >= count:
            return amount
    return count


def _supply(board: Board, asks: Sequence[Ask]) -> Ints | None:
    """What existing nodes have left that would admit some of these pods and have room for one; None where none does."""
    if not board.size:
        return None
    useful = np.zeros(board.size, np.bool_)
    for kind in {(one.kind.request, one.kind.admission): one.kind for one in asks}.values():
        useful |= board.admitted(kind) & board.fitting(kind)
    return board.free[:, useful].T if useful.any() else None
