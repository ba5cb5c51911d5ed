"""In which zones pods get new nodes that would rather be in some: spread over them, with other pods, or away from them.

These are ScheduleAnyway spreads and preferred terms about other pods, by zone. Karpenter takes them for rules and lets
go of them one by one where they cannot be kept; here the zone that suits a pod best is told to it, and where no node
can be had there it is told another. By host nothing is told: a node of its own for every pod is more than a wish is
worth, and kube-scheduler's scores spread pods over the nodes that there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.filling import zone_rules
from planner.rooms import PLENTY

if TYPE_CHECKING:
    from planner.board import Board
    from planner.filling import Offer
    from planner.kinds import Kind


def tell_zones(board: Board, kind: Kind, count: int, offer: Offer) -> dict[str, int]:
    """How many pods of a kind are told which zone; under "" those to which all zones are the same, or none is left.

    The board counts those that are told one. Ties go to the first zone by name.
    """
    rules, told, left = zone_rules(board, kind), dict[str, int](), count
    among_themselves = any(term in kind.matches for term, _ in kind.zoned)
    while left > 0:
        scores = {
            zone: _score(board, kind, zone) for zone in offer.labels
            if told.get(zone, 0) < offer.caps.get(zone, PLENTY)
        }  # fmt: skip
        alike = len({*scores.values()}) < 2
        if not scores or len(offer.labels) < 2 or (alike and (left == 1 or not among_themselves)):
            break
        best = min(scores, key=lambda zone: (-scores[zone], zone))
        more = 1 if among_themselves else min(left, offer.caps.get(best, PLENTY) - told.get(best, 0))
        rules.told(best, offer.labels[best], more)
        told[best] = told.get(best, 0) + more
        left -= more
    return told | ({"": left} if left else {})


def _score(board: Board, kind: Kind, zone: str) -> int:
    """What a zone is worth to a pod by the pods that are there."""
    counts = board.counts.counts
    return sum(weight * int(counts[term][board.domain(term, zone)]) for term, weight in kind.zoned)
