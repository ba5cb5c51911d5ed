"""Recipes for fleets: which families and sizes of flavors they are made of, and where they have room for pods that
gather in one zone."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.asks import Ask
    from planner.board import Flags
    from planner.candidates import Candidate
    from planner.market import Market
    from planner.trials import Counts, Court, Scatter

#: Thousandths of room beyond what the pods ask for, by step.
SLACKS = (0, 10, 20, 30, 45, 60, 80, 100, 125, 160, 200, 250, 320, 400, 500, 700, 1000)
#: How many times as large as the smallest a flavor must be, and may be, by recipe. A node of many CPUs takes no more
#: pods than another, so the largest are not always the best.
SIZES = ((1, 10**6), (4, 10**6), (16, 10**6), (1, 32), (4, 32), (1, 16), (4, 16), (1, 8))
#: How many pods of a kind a node is to hold, if any; by recipe.
ROOMY = (2, 4)
#: Families beyond which pairs are not tried.
FAMILIES = 4
#: Thousandths of the pods that gather in one zone for which each zone is to have room; for which the others are to have
#: some where one zone has room for all, and how many zones are tried for that.
EVENLY, ELSEWHERE, ZONES = (350, 500, 700), (0, 250), 3
#: How many pods' worth of room is expected to stay empty on a node.
EMPTY = 2


@dataclass
class Series:
    """Fleets of one recipe with more and more room. They are worked out when somebody asks for them.

    ``even``: they are to be enough also where every node holds the same mix of pods.

    Up to step ``low`` pods strand, from ``high`` on they do not, or the fleets are too dear.
    """

    court: Court
    allowed: Flags
    scatter: Scatter
    even: bool = False
    fleets: dict[int, Counts | None] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    low: int = -1
    high: int = len(SLACKS)

    def at(self, step: int) -> Counts | None:
        """The fleet of a step of ``SLACKS``; None where limits or the work that is left do not allow it."""
        if step not in self.fleets:
            self.fleets[step] = self.court.propose(self.allowed, SLACKS[step], self.scatter, even=self.even)
        return self.fleets[step]

    def price(self, step: int) -> int | None:
        counts = self.at(step)
        return None if counts is None else self.court.hourly(counts)

    def price_of(self, step: int) -> int:
        """The price of a fleet that was worked out; 0 of any other."""
        counts = self.fleets.get(step)
        return 0 if counts is None else self.court.hourly(counts)

    def expected(self) -> int:
        """About what a fleet has to cost: on every node some pods' worth of room stays empty, and what suits only pods
        that nobody brings there does so too. Where pods have rules about others, their mix is another on each node."""
        counts, court = self.at(0), self.court
        if counts is None:
            return 0
        more = (court.uneven(counts) - 1) / (2 if court.ruled else 1)
        return int(court.hourly(counts) * (1 + more)) + EMPTY * sum(counts) * court.bound // max(1, court.pods)

    def between(self, steps: int) -> list[int]:
        """So many steps to try next, evenly between the two; at first rather the lower ones."""
        high = self.high if self.high < len(SLACKS) else min(self.high, self.low + 2 * (steps + 1) + 2)
        inner = range(self.low + 1, high)
        steps = min(steps, len(inner))
        found = [inner[len(inner) * (2 * one + 1) // (2 * steps)] for one in range(steps)]
        self.asked.update(found)
        return found

    def narrow(self) -> None:
        """See what became of the fleets."""
        for step in sorted(self.asked):
            counts = self.fleets[step]
            trial = None if counts is None else self.court.tried.get(counts)
            if trial is not None and trial.stranded:
                self.low = max(self.low, step)
            else:
                self.high = min(self.high, step)


def different(menu: Iterable[Series]) -> list[Series]:
    """The cheapest first, and of those that propose the same at first only one."""
    found: dict[Counts | None, Series] = {}
    for one in menu:
        found.setdefault(one.at(0), one)
    return sorted(found.values(), key=lambda one: (one.expected(), one.at(0) or ()))


def recipes(market: Market, asks: Sequence[Ask] = ()) -> list[Flags]:
    """All families of flavors, each family alone and each pair, with small flavors and without; and all but those that
    one pod of some kind nearly fills, for once others came first it has no room there."""
    families = sorted({_family(one) for one in market.variants})
    sets = [families, *([one] for one in families), *(list(pair) for pair in combinations(families, 2))]
    own = np.array([_family(one) for one in market.variants])
    size = np.array([one.flavor.vcpus for one in market.variants])
    found: dict[bytes, Flags] = {}
    for times in ROOMY:
        flags = _roomy(market, asks, times)
        if flags.any() and not flags.all():
            found.setdefault(flags.tobytes(), flags)
    for names in sets if len(families) <= FAMILIES else sets[: len(families) + 1]:
        for least, most in SIZES:
            smallest = size.min(initial=10**6)
            flags = np.isin(own, names) & (size >= least * smallest) & (size <= most * smallest)
            if flags.any():
                found.setdefault(flags.tobytes(), flags)
    return list(found.values())


def _roomy(market: Market, asks: Iterable[Ask], times: int) -> Flags:
    """The variants that hold so many pods of each kind that fits on them at all."""
    found = np.ones(len(market.variants), np.bool_)
    for one in asks:
        found &= ~one.options | (market.free >= times * one.request).all(axis=1)
    return found


def scatters(zones: Sequence[str]) -> list[Scatter]:
    """Where there may be room for the pods that gather: the same in every zone, or nearly all in one of them."""
    if not zones:
        return [()]
    found = [tuple((zone, share) for zone in zones) for share in EVENLY]
    if len(zones) > 1:
        found += [
            tuple((zone, 1000 if zone == one else share) for zone in zones)
            for share in ELSEWHERE for one in zones[:ZONES]
        ]  # fmt: skip
    return found


def _family(one: Candidate) -> str:
    return one.flavor.labels()[known.INSTANCE_FAMILY]
