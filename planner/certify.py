"""Which nodes kube-scheduler fills without leaving a pod behind: the cheapest fleet that survives its replays.

A set of nodes that is enough on paper may not be for the scheduler, which places by its own scores. Fleets differ in
the families and sizes of flavors they may use and in how much more room they have than the pods ask for; where pods
strand, a fleet is tried again with nodes for these beside. At last, nodes that nobody misses are taken out, and others
made smaller. How long to go on is counted in work, not in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planner.board import Flags
    from planner.candidates import Candidate
    from planner.market import Market
    from planner.trials import Counts, Court, Missing, Trial

#: Thousandths of room beyond what the pods ask for, by step.
SLACKS = (0, 10, 20, 30, 45, 60, 80, 100, 125, 160, 200, 250, 320, 400, 500)
#: How many times as large as the smallest a flavor must be, and may be, by recipe. A node of many CPUs takes no more
#: pods than another, so the largest are not always the best.
SIZES = ((1, 10**6), (4, 10**6), (16, 10**6), (1, 32), (4, 32), (1, 16), (4, 16), (1, 8))
#: Families beyond which pairs are not tried; slacks that are skipped while none is known to survive.
FAMILIES, STRIDE = 4, 4
#: How many of the fleets that failed are mended; one pod in FEW may strand where a swept fleet gets nodes beside; how
#: often one fleet is mended at most.
NEAREST, FEW, MENDED = 4, 20, 24
AGAIN = 3  # how often what is missing is asked for again where nothing new is proposed
#: Thousandths of the work that are left when fleets are no longer mended, gathered, swept, and mended again; trimming
#: has the rest. Thousandths above the bound at which the search ends.
FIRST, MENU, SWEEP, NEAR, ENOUGH = 650, 450, 350, 200, 2
#: How many cheaper variants are tried in the place of a node.
INSTEAD = 5


def search(court: Court, starts: Sequence[Counts]) -> Trial | None:
    """The cheapest fleet found that survives every order; else the one that strands fewest pods, if any was tried."""
    bench = _Bench(court)
    for start in dict.fromkeys(starts):
        bench.mend(bench.judge(start), until=FIRST)
    menu = [] if bench.good_enough() else _menu(court)
    for series in menu:
        bench.halve(series)
    bench.sweep(menu)
    for trial in sorted(bench.failed, key=lambda one: one.nearness(court.pods))[:NEAREST]:
        bench.mend(trial, until=NEAR)
        if bench.best is None:
            bench.mend(trial, until=0)
    if bench.best is not None:
        return bench.best if bench.good_enough() else _trimmed(court, bench.best)
    return min(bench.failed, key=lambda one: (one.stranded, one.rank()), default=None)


def _menu(court: Court) -> list[_Series]:
    """The recipes that can be had, those first that are cheapest without any slack."""
    found = [_Series(court, allowed) for allowed in _recipes(court.market)]
    priced = [(price, place, one) for place, one in enumerate(found) if (price := one.price(0)) is not None]
    return [one for _, _, one in sorted(priced, key=lambda each: each[:2])]


@dataclass
class _Series:
    """Fleets of one recipe with more and more room. They are worked out when somebody asks for them."""

    court: Court
    allowed: Flags
    fleets: dict[int, Counts | None] = field(default_factory=dict)

    def at(self, step: int) -> Counts | None:
        """The fleet of a step of ``SLACKS``; None where limits or the work that is left do not allow it."""
        if step not in self.fleets:
            self.fleets[step] = self.court.propose(self.allowed, SLACKS[step])
        return self.fleets[step]

    def price(self, step: int) -> int | None:
        counts = self.at(step)
        return None if counts is None else self.court.hourly(counts)

    def below(self, price: int | None) -> int:
        """How many steps, from the first on, cost less than that: found by halving, for more room costs more."""
        low, high = 0, len(SLACKS)
        while low < high and price is not None:
            middle = (low + high) // 2
            mine = self.price(middle)
            if mine is not None and mine < price:
                low = middle + 1
            else:
                high = middle
        return high


@dataclass
class _Bench:
    """Fleets that were judged: the best that survived, and those that did not."""

    court: Court
    best: Trial | None = None
    failed: list[Trial] = field(default_factory=list)

    def judge(self, counts: Counts | None) -> Trial | None:
        """Try a fleet, unless a cheaper one survived already or the work is used up."""
        if counts is None or self.court.left <= 0:
            return None
        if self.best is not None and self.court.hourly(counts) >= self.best.hourly:
            return None
        if counts not in self.court.tried and not self.court.may_order(counts):
            return None
        trial = self.court.try_(counts)
        if trial.stranded:
            self.failed.append(trial)
        else:
            self.best = trial
        return trial

    def good_enough(self) -> bool:
        """Whether nothing that is noticeably cheaper can exist."""
        return self.best is not None and self.best.hourly * 1000 <= self.court.bound * (1000 + ENOUGH)

    def halve(self, series: _Series) -> None:
        """Of fleets with more and more room, look for the smallest that survives.

        Where some other fleet survived, the dearest of these that is cheaper must, or the rest are not looked at.
        """
        low, high = -1, series.below(self.best.hourly if self.best is not None else None)
        last = high
        while high - low > 1 and self._may_go_on(SWEEP):
            middle = (low + high) // 2
            if high == last:
                middle = high - 1 if self.best is not None else min(low + STRIDE, high - 1)
            trial = self.judge(series.at(middle))
            if trial is None or not trial.stranded:
                high = middle
            elif high == last and self.best is not None:
                return
            else:
                low = middle

    def sweep(self, menu: Sequence[_Series]) -> None:
        """Try the fleets that were passed over, the cheapest first; where few pods strand, with nodes for these too."""
        heap: list[tuple[int, int, Counts]] = []
        for series in menu:
            for step in range(series.below(self.best.hourly if self.best is not None else None)):
                if self._may_go_on(MENU) and (counts := series.at(step)) is not None:
                    self._offer(heap, counts)
        while heap and self._may_go_on(SWEEP):
            hourly, _, counts = heappop(heap)
            if self.best is not None and hourly >= self.best.hourly:
                return
            trial = self.judge(counts)
            if trial is not None and trial.stranded and trial.stranded * FEW <= self.court.pods:
                self._offer(heap, self.court.beside(counts, self.court.missing(trial)))

    def _offer(self, heap: list[tuple[int, int, Counts]], counts: Counts | None) -> None:
        if counts is not None and counts not in self.court.tried:
            heappush(heap, (self.court.hourly(counts), sum(counts), counts))

    def mend(self, trial: Trial | None, until: int) -> None:
        """Ask for more of what a fleet strands, until it strands nothing or so many thousandths of work are left.

        All is proposed anew with what is missing, which may choose other nodes; or nodes are added to those there are.
        """
        more: Missing = []
        for _ in range(MENDED):
            if trial is None or not trial.stranded or not self._may_go_on(until):
                return
            if self.best is not None and trial.hourly >= self.best.hourly:
                return
            missing = self.court.missing(trial)
            counts: Counts | None = trial.counts
            for _ in range(AGAIN):
                if counts in self.court.tried:
                    more += missing
                    counts = self.court.again(more)
            if counts is None or counts in self.court.tried:
                counts = self.court.beside(trial.counts, missing)
            trial = None if counts in self.court.tried else self.judge(counts)

    def _may_go_on(self, until: int) -> bool:
        return self.court.left > max(0, self.court.problem.aims.budget * until)


def _recipes(market: Market) -> list[Flags]:
    """All families of flavors, each family alone and each pair, with small flavors and without."""
    families = sorted({_family(one) for one in market.variants})
    sets = [families, *([one] for one in families), *(list(pair) for pair in combinations(families, 2))]
    own = np.array([_family(one) for one in market.variants])
    size = np.array([one.flavor.vcpus for one in market.variants])
    found: dict[bytes, Flags] = {}
    for names in sets if len(families) <= FAMILIES else sets[: len(families) + 1]:
        for least, most in SIZES:
            smallest = size.min(initial=10**6)
            flags = np.isin(own, names) & (size >= least * smallest) & (size <= most * smallest)
            if flags.any():
                found.setdefault(flags.tobytes(), flags)
    return list(found.values())


def _family(one: Candidate) -> str:
    return one.flavor.labels()[known.INSTANCE_FAMILY]


def _trimmed(court: Court, trial: Trial) -> Trial:
    """Take nodes out, or make them smaller, where every order is survived without: the dearest variants first."""
    market = court.market
    improved = True
    while improved and court.left > 0:
        improved = False
        for one in sorted(np.flatnonzero(trial.counts).tolist(), key=lambda each: (-int(market.price[each]), each)):
            for less in _less(court, trial.counts, one):
                if court.left <= 0:
                    return trial
                tried = court.try_(less) if court.may_order(less) else None
                if tried is not None and not tried.stranded:
                    trial, improved = tried, True
                    break
    return trial


def _less(court: Court, counts: Counts, one: int) -> Iterator[Counts]:
    """The same fleet with one node of a variant left out, or with a cheaper one in its place, the dearest first."""
    without = [*counts]
    without[one] -= 1
    yield tuple(without)
    market = court.market
    same = [
        each for each in range(len(market.variants))
        if market.price[each] < market.price[one] and market.zones[each] == market.zones[one]
        and all((tier.market.takes[:, each] == tier.market.takes[:, one]).all() for tier in court.served)
        and market.variants[each].node_pool.name == market.variants[one].node_pool.name
    ]  # fmt: skip
    for each in sorted(same, key=lambda other: (-int(market.price[other]), other))[:INSTEAD]:
        instead = [*without]
        instead[each] += 1
        yield tuple(instead)
