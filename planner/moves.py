"""Fleets a little cheaper than a given one: with a node left out, exchanged, split in two or joined with another."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.board import Ints
    from planner.trials import Counts, Court

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: How strongly the resource that is used up weighs against one that is not.
SCARCE = 6
#: How often the same is done at once where it is done to one node.
TIMES = (1, 4, 16)
#: Of the moves of a batch, one in EVEN is chosen by its saving alone. How many times as many are looked at, and how
#: many of the fleets that failed.
EVEN, AMONG, REMEMBERED = 4, 8, 200


def cheaper(court: Court, counts: Counts, span: int, failed: Sequence[Counts], most: int) -> list[Counts]:
    """Up to ``most`` fleets that cost less than a given one, but not by more than ``span``, and were not tried.

    Those first that lose least room for what they save, and some of every saving. What is part of a fleet that failed
    is left out, for it would fail too, and so is what gives up what must be kept.
    """
    market = court.market
    had = np.flatnonzero(counts)
    useful = np.flatnonzero(np.logical_or.reduce([one.market.takes.any(axis=0) for one in court.served]))
    out, into, times = _moves(market.price, had, useful, span)
    if not len(out):
        return []
    price = np.append(market.price, 0)
    saving = (price[out].sum(axis=1) - price[into].sum(axis=1)) * times
    worth = _worth(court, counts)
    lost = (worth[out].sum(axis=1) - worth[into].sum(axis=1)) * times
    order = np.lexsort((saving, lost / saving))
    evenly = np.argsort(saving, kind="stable")[:: max(1, len(saving) * EVEN // most)]
    chosen = np.array(list(dict.fromkeys(_in_turn(order.tolist(), evenly.tolist(), AMONG * most))), np.int64)
    moved = np.zeros((len(chosen), len(counts) + 1), np.int64)
    moved[:, :-1] = counts
    for column in range(2):
        moved[np.arange(len(chosen)), out[chosen, column]] -= times[chosen]
        moved[np.arange(len(chosen)), into[chosen, column]] += times[chosen]
    fleets = moved[:, :-1]
    fine = (fleets >= 0).all(axis=1) & court.keeping.allows(fleets)
    beaten = np.array(failed[:REMEMBERED], np.int64).reshape(-1, len(counts))
    for one in beaten:
        fine &= (fleets > one).any(axis=1)
    found = (tuple(one) for one in fleets[fine].tolist())
    return list(islice((one for one in dict.fromkeys(found) if one not in court.tried), most))


def _in_turn(many: Sequence[int], few: Sequence[int], most: int) -> list[int]:
    """Of ``few`` one after every EVEN - 1 of ``many``."""
    rest, found = iter(few), list[int]()
    for place, one in enumerate(many[:most]):
        found.append(one)
        if place % EVEN == EVEN - 2:
            found += islice(rest, 1)
    return found


def _moves(price: Ints, had: Ints, useful: Ints, span: int) -> tuple[Ints, Ints, Ints]:
    """Pairs of variants that go and that come, moves × 2, and how often; -1 is none."""
    none = np.array([-1])
    pairs, twos = (each[np.stack(np.triu_indices(len(each)), axis=1)] for each in (had, useful))
    single = np.stack((had, np.full_like(had, -1)), axis=1)
    singles = np.stack((np.concatenate((useful, none)), np.full(len(useful) + 1, -1)), axis=1)
    out, into, often = [], [], []
    free = np.append(price, 0)
    for gone, come in ((single, singles), (pairs, singles), (single, twos)):
        saving = free[gone].sum(axis=1)[:, None] - free[come].sum(axis=1)
        for times in TIMES if gone is single and come is singles else TIMES[:1]:
            left, right = np.nonzero((saving > 0) & (saving * times <= span))
            out.append(gone[left])
            into.append(come[right])
            often.append(np.full(len(left), times))
    return np.concatenate(out), np.concatenate(into), np.concatenate(often)


def _worth(court: Court, counts: Counts) -> Floats:
    """What the room on each variant is worth in money, by what the market asks and what the pods use up; 0 for none."""
    market = court.market
    rows = [market.resources.index(one) for one in (CPU, MEMORY)]
    room = np.maximum(market.free[:, rows], 0).astype(np.float64)
    whole = np.array(counts, np.float64) @ room
    asked = sum((one.request[rows] * one.count for each in court.served for one in each.asks), np.zeros(2))
    used = np.minimum(asked / np.maximum(whole, 1), 1) ** SCARCE
    unit = np.linalg.lstsq(room / room.max(axis=0), market.price.astype(np.float64), rcond=None)[0]
    worth = room / room.max(axis=0) @ (np.maximum(unit, 0) * used)
    return np.append(worth, 0.0)
