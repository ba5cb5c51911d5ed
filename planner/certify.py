"""Which nodes kube-scheduler fills without leaving a pod behind: the cheapest fleet that survives its replays.

A set of nodes that is enough on paper may not be for the scheduler, which places by its own scores. Fleets differ in
the families and sizes of flavors they may use and in how much more room they have than the pods ask for; where pods
strand, a fleet is tried again with nodes for these beside. At last, nodes that nobody misses are taken out, and others
made smaller. How long to go on is counted in work, not in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.trials import EVERY, TOUGH, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planner.board import Flags
    from planner.candidates import Candidate
    from planner.market import Market
    from planner.trials import Counts, Court

    Menu = list[tuple[Counts, "Recipe"]]

#: Thousandths of room beyond what the pods ask for, by step.
SLACKS = (0, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500)
#: How many times as large as the smallest a flavor must be, by recipe; families beyond which pairs are not tried.
LEAST, FAMILIES = (1, 4, 16), 4
#: Slacks that are skipped while none is known to survive.
STRIDE = 4
#: How many fleets get nodes beside for what they strand, and how often; others only where one pod in ``FEW`` strands.
NEAREST, MENDED, FEW = 3, 16, 50
#: Thousandths of the work that are left to trimming, and thousandths above the bound at which the search ends.
SWEPT, ENOUGH = 400, 2
#: How many cheaper variants are tried in the place of a node.
INSTEAD = 5


@dataclass(frozen=True)
class Recipe:
    """How a fleet is proposed: the variants it may use, and the step of its slack."""

    number: int
    allowed: Flags
    step: int = 0


def search(court: Court, starts: Sequence[Counts]) -> Trial | None:
    """The cheapest fleet found that survives every order; else the one that strands fewest pods, if any was tried.

    For each recipe, the cheapest first, the least slack with which its fleet survives is found by halving.
    """
    bench = _Bench(court)
    for start in dict.fromkeys(starts):
        bench.judge(start)
    menu = _menu(court, bench)
    for number in dict.fromkeys(recipe.number for _, recipe in menu):
        bench.halve([counts for counts, recipe in menu if recipe.number == number])
    for trial in sorted(bench.failed, key=Trial.nearness)[:NEAREST]:
        bench.mend(trial, MENDED)
    for counts, _ in menu:
        if bench.best is not None and court.left > court.problem.aims.budget * SWEPT:
            bench.mend(bench.judge(counts), 1)
    while bench.best is not None:
        best = bench.best if bench.good_enough() else _trimmed(court, bench.best)
        whole = court.try_(best.counts, EVERY)
        if not whole.stranded:
            return whole
        bench.reject(whole)
        bench.mend(whole, MENDED)
    return min(bench.failed, key=Trial.nearness, default=None)


def _menu(court: Court, bench: _Bench) -> Menu:
    """The fleets of all recipes that cost less than the best known, the cheapest first, each once."""
    found: dict[Counts, Recipe] = {}
    for recipe in () if bench.good_enough() else _recipes(court.market):
        for step in range(len(SLACKS)):
            one = replace(recipe, step=step)
            counts = court.propose(one.allowed, SLACKS[step]) if court.left > 0 else None
            if counts is None or (bench.best is not None and court.hourly(counts) >= bench.best.hourly):
                break
            found.setdefault(counts, one)
    return sorted(found.items(), key=lambda each: (court.hourly(each[0]), sum(each[0]), each[0]))


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

    def reject(self, trial: Trial) -> None:
        """Take back that a fleet survives: another order strands pods. The next best takes its place."""
        self.failed.append(trial)
        others = (one for one in self.court.tried.values() if one.survives(TOUGH))
        self.best = min(others, key=Trial.rank, default=None)

    def good_enough(self) -> bool:
        """Whether nothing that is noticeably cheaper can exist."""
        return self.best is not None and self.best.hourly * 1000 <= self.court.bound * (1000 + ENOUGH)

    def halve(self, fleets: Sequence[Counts]) -> None:
        """Of fleets with more and more room, look for the smallest that survives.

        Where some other fleet survived, the dearest of these that is cheaper must, or the rest are not looked at.
        """
        if self.best is not None:
            fleets = [one for one in fleets if self.court.hourly(one) < self.best.hourly]
        low, high = -1, len(fleets)
        while high - low > 1 and self.court.left > 0:
            middle = (low + high) // 2
            if high == len(fleets):
                middle = high - 1 if self.best is not None else min(low + STRIDE, high - 1)
            trial = self.judge(fleets[middle])
            if trial is None or not trial.stranded:
                high = middle
            elif high == len(fleets) and self.best is not None:
                return
            else:
                low = middle

    def mend(self, trial: Trial | None, rounds: int) -> None:
        """Add nodes for the pods that a fleet strands, until it strands none; few rounds where few pods should do."""
        for _ in range(rounds):
            if trial is None or not trial.stranded or (rounds < MENDED and trial.stranded * FEW > self.court.pods):
                return
            if self.best is not None and trial.hourly >= self.best.hourly:
                return
            trial = self.judge(self.court.beside(trial.counts, self.court.missing(trial)))


def _recipes(market: Market) -> list[Recipe]:
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
    return [Recipe(number, flags) for number, flags in enumerate(found.values())]


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
