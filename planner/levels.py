"""How a fleet's nodes are shared out among zones that cost the same.

kube-scheduler fills all nodes alike, so pods that may be anywhere take of each zone's room in proportion to it. What is
left for pods that are bound to a zone, or spread over all, is then enough everywhere when the rooms of the zones are to
each other as what is bound to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.asks import Ask
    from planner.board import Flags, Ints
    from planner.market import Market
    from planner.milp import Floats


@dataclass(frozen=True)
class Zones:
    """The zones of some variants, by place: which of them have a twin where, and what share of the room each zone is
    to have."""

    names: tuple[str, ...]
    inside: dict[str, Flags]
    twin: dict[tuple[int, str], int]
    share: dict[str, float]
    price: Ints

    @classmethod
    def of(cls, market: Market, kept: Ints, asks: Sequence[Ask], *, gathered: bool = False) -> Zones:
        """``gathered``: pods that gather are asked for where they are expected, and count like those that are bound."""
        zones = [market.zones[one] for one in kept.tolist()]
        names = tuple(sorted(set(zones)))
        inside = {name: np.array([zone == name for zone in zones], np.bool_) for name in names}
        several = len(names) > 1
        return cls(
            names, inside, _twins(market, kept, zones) if several else {},
            _shares(asks, names, gathered=gathered) if several else {}, market.price[kept],
        )  # fmt: skip

    def levelled(self, counts: Ints, matrix: Floats, least: Floats) -> Ints:
        """The same nodes in other zones, as near to the right shares as the rows (``matrix @ counts >= least``) allow.

        Nodes go from the zone with the most for its share to the one with the least, the dearest that does not
        overshoot.
        """
        if len(self.names) == 1:
            return counts
        price, share, counts = self.price, self.share, counts.copy()
        inside, gap = self.inside, least - matrix @ counts
        fixed: set[tuple[int, str]] = set()
        for _ in range(2 * int(counts.sum())):  # a float that rounds the wrong way would move one for ever
            load = {name: int(price[inside[name]] @ counts[inside[name]]) / share[name] for name in self.names}
            low = min(self.names, key=lambda name: (load[name], name))
            high = max(self.names, key=lambda name: (load[name], name))
            most = (load[high] - load[low]) * min(share[high], share[low])
            movable = [
                one for one in np.flatnonzero(counts * inside[high]).tolist()
                if (one, low) not in fixed and (one, low) in self.twin and price[one] + 1 < most
            ]  # fmt: skip
            if not movable:
                return counts
            one = max(movable, key=lambda each: (int(price[each]), -each))
            other = self.twin[one, low]
            after = gap + matrix[:, one] - matrix[:, other]
            if after.max() > 1e-7:
                fixed.add((one, low))
                continue
            counts[one] -= 1
            counts[other] += 1
            gap = after
            fixed.add((other, high))
        return counts


def _shares(asks: Sequence[Ask], names: Sequence[str], *, gathered: bool) -> dict[str, float]:
    """What is bound to each zone, as shares; equal ones where nothing is.

    Pods that gather in one zone are left out, unless they are asked for where they are expected: which one that is, is
    the scheduler's choice.
    """
    request = np.stack([one.request for one in asks]) * np.array([one.count for one in asks])[:, None]
    weights = (request / np.maximum(request.sum(axis=0), 1)).max(axis=1).tolist()
    bound = dict.fromkeys(names, 0.0)
    for one, weight in zip(asks, weights, strict=True):
        if one.zone in bound and (gathered or not one.kind.affinity):
            bound[one.zone] += weight
    whole = sum(bound.values())
    if not whole:
        return dict.fromkeys(names, 1 / len(names))
    return {name: max(amount / whole, FLOOR) for name, amount in bound.items()}


#: The least share of a zone.
FLOOR = 0.05


def _twins(market: Market, kept: Ints, zones: Sequence[str]) -> dict[tuple[int, str], int]:
    """By a variant's place and a zone: the place of the same variant there."""
    same: dict[tuple[object, ...], dict[str, int]] = {}
    keys: list[tuple[object, ...]] = []
    for place, one in enumerate(kept.tolist()):
        variant = market.variants[one]
        keys.append((variant.flavor.name, variant.node_pool.name, variant.chosen))
        same.setdefault(keys[-1], {})[zones[place]] = place
    return {(place, zone): other for place, key in enumerate(keys) for zone, other in same[key].items()}
