"""Which nodes kube-scheduler fills without leaving a pod behind: fleets are replayed, and mended where pods strand.

A set of nodes that is enough on paper may not be for the scheduler, which places by its own scores. So a fleet is
replayed in several orders of arrival. What strands is asked for again, as if there were more such pods: first in one
program with everything else, which may then choose other nodes, and where that proposes nothing new, as nodes of
their own. At last, nodes that nobody misses are taken out again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.filling import Offer, fill
from planner.fleet import Fleet, Proposer
from planner.loading import NEW
from planner.market import request_of
from planner.plan import Certificate
from planner.replay import ORDERS, Arrival, make_stage, replay
from planner.settling import ask, possible_domains, zonal_kinds
from planner.standing import set_domains

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.board import Board
    from planner.fleet import Ask
    from planner.ledger import Ledger
    from planner.market import Market
    from planner.problem import Problem
    from planner.replay import Replayed

#: What a pod costs to replay, in microseconds on two cores of a virtual machine of 2023: by itself, and for 8 nodes.
POD, EIGHT_NODES = 60, 1
#: How often a fleet is mended.
MENDED = 30


@dataclass(frozen=True)
class Served:
    """What one tier of NodePools was asked for and could serve, and what was proposed for it."""

    market: Market
    asks: tuple[Ask, ...]
    fleet: Fleet


@dataclass(frozen=True)
class Trial:
    """A fleet, by variant, and how its replays went, by order."""

    counts: tuple[int, ...]
    hourly: int
    played: Mapping[int, Replayed]

    @property
    def stranded(self) -> int:
        return sum(sum(one.stranded.values()) for one in self.played.values())

    def rank(self) -> tuple[object, ...]:
        """The cheapest first, then the fewest nodes, then by variant."""
        return (self.hourly, sum(self.counts), self.counts)


@dataclass
class Court:
    """Tries fleets. ``board`` has the existing nodes, ``left`` is the work that may still be done."""

    problem: Problem
    board: Board
    market: Market
    served: Sequence[Served]
    arrivals: tuple[Arrival, ...]
    left: int = 0
    failed: Counter[int] = field(default_factory=Counter)
    tried: dict[tuple[int, ...], Trial] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = self.problem.aims.budget * 1000

    def certificate(self, verdict: Trial) -> Certificate:
        """What is said of a fleet once the search is over."""
        survived = sum(1 for one in verdict.played.values() if not one.stranded)
        return Certificate(orders=len(verdict.played), survived=survived, stopped=self.left <= 0)

    @property
    def pods(self) -> int:
        return sum(one.group.count for one in self.arrivals)

    def try_(self, counts: tuple[int, ...]) -> Trial:
        """Replay a fleet until an order strands pods: first the orders that did so most often."""
        if counts in self.tried:
            return self.tried[counts]
        board = self.with_nodes(counts)
        stage = make_stage(board, self.arrivals, self.problem.snapshot, there=self.board.size, whole=True)
        played: dict[int, Replayed] = {}
        for order in sorted(range(len(ORDERS)), key=lambda one: (-self.failed[one], one)):
            self.left -= self.pods * (POD + EIGHT_NODES * board.size // 8)
            played[order] = replay(stage, order)
            if played[order].stranded:
                self.failed[order] += 1
                break
        trial = Trial(counts, self.hourly(counts), played)
        self.tried[counts] = trial
        return trial

    def with_nodes(self, counts: Sequence[int]) -> Board:
        """The existing nodes and a fleet's."""
        board = self.board.copy()
        wanted = [one for one in np.flatnonzero(counts).tolist() for _ in range(counts[one])]
        if wanted:
            market = self.market
            shapes = market.shapes(board.shapes)[wanted]
            whole = np.array(
                [[market.variants[one].figures.allocatable.get(name) for one in wanted] for name in market.resources],
                np.int64,
            )
            board.grow([f"{NEW}{number}" for number in range(len(wanted))], shapes, market.free[wanted].T, whole)
        set_domains(board, self.problem.snapshot, {}, ())
        return board

    def hourly(self, counts: Sequence[int]) -> int:
        return int(self.market.price @ np.array(counts, np.int64))

    def missing(self, trial: Trial) -> list[tuple[Market, Ask]]:
        """What the stranded pods of a trial ask for, beside all others where these went."""
        played = next(one for one in trial.played.values() if one.stranded)
        board = self.with_nodes(trial.counts)
        for (node, place), count in played.placed().items():
            board.bind(self.arrivals[place].kind, node, count)
        set_domains(board, self.problem.snapshot, possible_domains(board, self.market), ())
        zonal = zonal_kinds(board.kinds)
        wanted: Counter[int] = Counter()
        for place, count in played.stranded.items():
            wanted[self.arrivals[place].kind.index] += count
        found = []
        for index, count in sorted(wanted.items()):
            kind = board.kinds.kinds[index]
            zones = {"": count}
            if index in zonal:
                labels = self.market.offers(self.market.options(kind, request_of(board, kind)))
                zones = fill(board, kind, count, offer=Offer(labels)).ordered
            found += [
                (market, one) for zone, amount in sorted(zones.items())
                for market, one in self._first(board, [ask(board, each.market, kind, zone, amount) for each in self.served])
            ]  # fmt: skip
        return found

    def _first(self, board: Board, asks: Sequence[Ask]) -> list[tuple[Market, Ask]]:
        """The ask in the heaviest tier that could serve it."""
        for each, one in zip(self.served, asks, strict=True):
            if one.options.any():
                return [(each.market, one)]
        return []

    def propose(self, more: Iterable[tuple[Market, Ask]]) -> tuple[int, ...] | None:
        """A fleet for all that was asked for, and for more; None where limits do not allow that."""
        more = list(more)
        ledger, counts = self.problem.ledger.copy(), np.zeros(len(self.market.variants), np.int64)
        for each in self.served:
            extra = [one for market, one in more if market is each.market]
            fleet = Proposer(each.market, ledger, self.problem.aims.objective).propose([*each.asks, *extra])
            if not fleet.complete:
                return None
            _order(ledger, self.market, fleet.counts)
            counts += np.array(fleet.counts, np.int64)
        return tuple(counts.tolist())

    def beside(self, counts: Sequence[int], more: Sequence[tuple[Market, Ask]]) -> tuple[int, ...] | None:
        """A fleet with nodes added for more pods; None where limits allow none."""
        ledger, total = self.problem.ledger.copy(), np.array(counts, np.int64)
        _order(ledger, self.market, counts)
        for each in self.served:
            mine = [one for market, one in more if market is each.market]
            if mine:
                fleet = Proposer(each.market, ledger, self.problem.aims.objective).propose(mine)
                _order(ledger, self.market, fleet.counts)
                total += np.array(fleet.counts, np.int64)
        return tuple(total.tolist()) if total.sum() > sum(counts) else None


def _order(ledger: Ledger, market: Market, counts: Sequence[int]) -> None:
    for one in np.flatnonzero(counts).tolist():
        ledger.order(market.variants[one], counts[one])


def search(court: Court, starts: Sequence[tuple[int, ...]]) -> Trial:
    """The cheapest fleet that survives every order; the one that strands fewest pods where none does."""
    best: Trial | None = None
    worst: list[Trial] = []
    for start in starts:
        trial = _mended(court, start, best)
        if trial.stranded:
            worst.append(trial)
        elif best is None or trial.rank() < best.rank():
            best = trial
    if best is not None:
        return _trimmed(court, best)
    return min(worst, key=lambda one: (one.stranded, one.rank()))


def _mended(court: Court, counts: tuple[int, ...], best: Trial | None) -> Trial:
    more: list[tuple[Market, Ask]] = []
    trial = court.try_(counts)
    for _ in range(MENDED):
        if not trial.stranded or court.left <= 0 or (best is not None and trial.hourly >= best.hourly):
            break
        missing = court.missing(trial)
        if not missing:
            break
        more += missing
        proposed = court.propose(more)
        if proposed is None or proposed in court.tried:
            proposed = court.beside(trial.counts, missing)
        if proposed is None or proposed in court.tried:
            break
        trial = court.try_(proposed)
    return trial


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


def _less(court: Court, counts: tuple[int, ...], one: int) -> Iterable[tuple[int, ...]]:
    """The same fleet with one node of a variant left out, or made the next smaller of its kind."""
    without = [*counts]
    without[one] -= 1
    yield tuple(without)
    market = court.market
    same = [
        each for each in range(len(market.variants))
        if market.price[each] < market.price[one] and market.zones[each] == market.zones[one]
        and market.variants[each].node_pool.name == market.variants[one].node_pool.name
        and (market.takes[:, each] == market.takes[:, one]).all() and (market.free[each] <= market.free[one]).all()
    ]  # fmt: skip
    for each in sorted(same, key=lambda other: -int(market.price[other]))[:1]:
        smaller = [*without]
        smaller[each] += 1
        yield tuple(smaller)
