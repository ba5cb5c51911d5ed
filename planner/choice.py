"""Which variants and which classes of pods are worth looking at when nodes are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from planner.board import Flags, Ints
    from planner.ledger import Ledger
    from planner.market import Market

#: How many unions of classes are looked at, and the number of variants beyond which they are not compared.
UNIONS, MANY = 48, 300


def unions(sets: Flags) -> list[Flags]:
    """The distinct sets and the unions of those that overlap, smallest first, as far as ``UNIONS`` goes; and all.

    What holds for two sets apart holds for both together.
    """
    found = {row.tobytes(): row for row in sets if row.any()}
    base = list(found.values())
    waiting = list(base)
    while waiting and len(found) < UNIONS:
        one = waiting.pop(0)
        for other in base:
            joined = one | other
            if (one & other).any() and joined.tobytes() not in found and len(found) < UNIONS:
                found[joined.tobytes()] = joined
                waiting.append(joined)
    whole = np.logical_or.reduce(base) if base else np.zeros(sets.shape[1], np.bool_)
    found.setdefault(whole.tobytes(), whole)
    return sorted(found.values(), key=lambda row: (int(row.sum()), row.tobytes()))


def undominated(market: Market, ledger: Ledger, useful: Ints, classes: Flags) -> Ints:
    """Without the variants that another replaces: as much room, for no more, taken by all whom it takes, same limits.

    Of very many only equal ones are left out.
    """
    if not len(useful):
        return useful
    spare = np.zeros(len(useful), np.bool_)
    if any(ledger.spare.values()):
        spare[:] = [ledger.spare.get(ledger.pool(market.variants[one])[0], 0) > 0 for one in useful.tolist()]
    order = useful[np.lexsort((useful, ~spare, -market.free[useful].sum(axis=1), market.price[useful]))]
    limits = _limits_of(market, order)
    free, price, taken = market.free[order], market.price[order], classes[:, order]
    if len(order) > MANY:
        columns = np.concatenate((free.T, price[None], taken, limits[None])).T
        first: dict[bytes, int] = {}
        for one, row in zip(order.tolist(), columns, strict=True):
            first.setdefault(row.tobytes(), one)
        return np.array(sorted(first.values()), np.int64)
    kept: list[int] = []
    for one in range(len(order)):
        rivals = np.array(kept, np.int64)
        better = (free[rivals] >= free[one]).all(axis=1) & ((limits[rivals] == 0) | (limits[rivals] == limits[one]))
        better &= ~(taken[:, [one]] & ~taken[:, rivals]).any(axis=0)
        if not better.any():
            kept.append(one)
    return np.sort(order[kept])


def _limits_of(market: Market, order: Ints) -> Ints:
    """Equal numbers where one node counts the same against the same limits; 0 where there are none."""
    found: dict[tuple[object, ...], int] = {}
    numbers = []
    for one in order.tolist():
        node_pool = market.variants[one].node_pool
        if not node_pool.limited and not node_pool.limits.items:
            numbers.append(0)
        else:
            key = (node_pool.name, market.variants[one].figures.capacity)
            numbers.append(found.setdefault(key, len(found) + 1))
    return np.array(numbers, np.int64)
