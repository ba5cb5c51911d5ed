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
SLACKS = (0, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500)
#: How many times as large as the smallest a flavor must be, by recipe; families beyond which pairs are not tried.
LEAST, FAMILIES = (1, 4, 16), 4
#: How many of the fleets that failed are mended; one pod in ``FEW`` may strand where a swept fleet gets nodes beside.
NEAREST, FEW = 4, 20
#: Thousandths of the work that are left when fleets are no longer mended, swept, and mended once more; trimming has the
#: rest. Thousandths above the bound at which the search ends.
FIRST, SWEEP, NEAR, ENOUGH = 650, 350, 200, 2
#: How many cheaper variants are tried in the place of a node.
INSTEAD = 5


def search(court: Court, starts: Sequence[Counts]) -> Trial | None:
    """The cheapest fleet found that survives every order; else the one that strands fewest pods, if any was tried."""
    bench = _Bench(court)
    for start in dict.fromkeys(starts):
        bench.mend(bench.judge(start), until=FIRST)
    bench.sweep(_menu(court, bench))
    for trial in sorted(bench.failed, key=lambda one: one.nearness(court.pods))[:NEAREST]:
        bench.mend(trial, until=NEAR)
    if bench.best is not None:
        return bench.best if bench.good_enough() else _trimmed(court, bench.best)
    return min(bench.failed, key=lambda one: (one.stranded, one.rank()), default=None)


def _menu(court: Court, bench: _Bench) -> list[Counts]:
    """Fleets of all recipes that cost less than the best known, the cheapest first, as many as can be tried."""
    found: dict[Counts, int] = {}
    for allowed in () if bench.good_enough() else _recipes(court.market):
        for counts in court.series(allowed, SLACKS):
            hourly = court.hourly(counts)
            if bench.best is not None and hourly >= bench.best.hourly:
                break
            found[counts] = hourly
    ranked = sorted(found, key=lambda counts: (found[counts], sum(counts), counts))
    step = max(1, -(-len(ranked) // max(1, court.affordable())))
    return ranked[step - 1 :: step]


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
        trial = self.court.try_(counts)
        if trial.stranded:
            self.failed.append(trial)
        else:
            self.best = trial
        return trial

    def good_enough(self) -> bool:
        """Whether nothing that is noticeably cheaper can exist."""
        return self.best is not None and self.best.hourly * 1000 <= self.court.bound * (1000 + ENOUGH)

    def sweep(self, menu: Sequence[Counts]) -> None:
        """Try fleets, the cheapest first, until one survives; where few pods strand, with nodes for these too."""
        heap = [(self.court.hourly(counts), sum(counts), counts) for counts in menu]
        while heap and self._may_go_on(SWEEP):
            hourly, _, counts = heappop(heap)
            if self.best is not None and hourly >= self.best.hourly:
                return
            trial = self.judge(counts)
            if trial is not None and trial.stranded and trial.stranded * FEW <= self.court.pods:
                more = self.court.beside(counts, self.court.missing(trial))
                if more is not None and more not in self.court.tried:
                    heappush(heap, (self.court.hourly(more), sum(more), more))

    def mend(self, trial: Trial | None, until: int) -> None:
        """Ask for more of what a fleet strands, until it strands nothing or so many thousandths of work are left.

        All is proposed anew with what is missing, which may choose other nodes; or nodes are added to those there are.
        """
        more: Missing = []
        while trial is not None and trial.stranded and self._may_go_on(until):
            if self.best is not None and trial.hourly >= self.best.hourly:
                return
            missing = self.court.missing(trial)
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
        for least in LEAST:
            flags = np.isin(own, names) & (size >= least * size.min(initial=10**6))
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
                tried = court.try_(less)
                if not tried.stranded:
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
