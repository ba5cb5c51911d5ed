"""How a fleet's nodes are shared out among zones that cost the same.

kube-scheduler fills all nodes alike, so pods that may be anywhere take of each zone's room in proportion to it. What is
left for pods that are bound to a zone, or spread over all, is then enough everywhere when the rooms of the zones are to
each other as what is bound to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.asks import Ask
    from planner.board import Ints
    from planner.market import Market
    from planner.milp import Row


def levelled(market: Market, kept: Ints, counts: Ints, rows: Sequence[Row], asks: Sequence[Ask]) -> Ints:
    """The same nodes in other zones, as near to the right shares as the rows allow. ``counts`` are by kept variant.

    Nodes go from the zone with the most for its share to the one with the least, the dearest that does not overshoot.
    """
    zones = [market.zones[one] for one in kept.tolist()]
    names = sorted(set(zones))
    if len(names) == 1:
        return counts
    twin, share = _twins(market, kept, zones), _shares(asks, names)
    matrix, least = np.stack([row.factors for row in rows]), np.array([row.least for row in rows])
    price, counts = market.price[kept], counts.copy()
    inside = {name: np.array([zone == name for zone in zones], np.bool_) for name in names}
    fixed: set[tuple[int, str]] = set()
    for _ in range(2 * int(counts.sum())):  # a float that rounds the wrong way would move one for ever
        load = {name: int(price[inside[name]] @ counts[inside[name]]) / share[name] for name in names}
        low, high = min(names, key=lambda name: (load[name], name)), max(names, key=lambda name: (load[name], name))
        most = (load[high] - load[low]) * min(share[high], share[low])
        movable = [
            one for one in np.flatnonzero(counts * inside[high]).tolist()
            if (one, low) not in fixed and (one, low) in twin and price[one] + 1 < most
        ]  # fmt: skip
        if not movable:
            return counts
        one = max(movable, key=lambda each: (int(price[each]), -each))
        before = int(counts[one])
        counts[one] -= 1
        counts[twin[one, low]] += 1
        if (least - matrix @ counts).max() > 1e-7:
            counts[one] += 1
            counts[twin[one, low]] -= 1
        fixed.add((one, low) if counts[one] == before else (twin[one, low], high))
    return counts


def _shares(asks: Sequence[Ask], names: Sequence[str]) -> dict[str, float]:
    """What is bound to each zone, as shares; equal ones where nothing is.

    Pods that gather in one zone are left out: which one that is, is the scheduler's choice.
    """
    total = sum((one.request * one.count for one in asks), np.zeros_like(asks[0].request)).astype(np.float64)
    bound = dict.fromkeys(names, 0.0)
    for one in asks:
        if one.zone in bound and not one.kind.affinity:
            bound[one.zone] += float((one.request * one.count / np.maximum(total, 1.0)).max())
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
