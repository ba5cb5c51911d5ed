"""Fleets before the scheduler: each is replayed in every order of arrival, until one order leaves a pod without a node."""

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
from planner.settling import ask, narrowed, possible_domains, zonal_kinds
from planner.standing import set_domains

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planner.board import Board, Flags
    from planner.fleet import Ask
    from planner.ledger import Ledger
    from planner.market import Market
    from planner.problem import Problem
    from planner.replay import Replayed

    Counts = tuple[int, ...]  # nodes by variant
    Missing = list[tuple[Market, Ask]]

#: What work costs, in microseconds on two cores of a virtual machine of 2023: a pod to replay by itself and for 8 nodes,
#: a variant to propose a fleet from.
POD, EIGHT_NODES, VARIANT = 60, 1, 60
#: The orders that strand pods most often, and then all of them.
TOUGH = (0, 6, 2)
EVERY = (*TOUGH, *(one for one in range(len(ORDERS)) if one not in TOUGH))


@dataclass(frozen=True)
class Served:
    """What one tier of NodePools was asked for and could serve, and what was proposed for it."""

    market: Market
    asks: tuple[Ask, ...]
    fleet: Fleet


@dataclass(frozen=True)
class Trial:
    """A fleet, by variant, and how its replays went, by order."""

    counts: Counts
    hourly: int
    played: Mapping[int, Replayed]

    @property
    def stranded(self) -> int:
        return sum(sum(one.stranded.values()) for one in self.played.values())

    def survives(self, orders: Sequence[int]) -> bool:
        """Whether it was replayed in these orders, and none of all stranded a pod."""
        return not self.stranded and all(one in self.played for one in orders)

    def rank(self) -> tuple[object, ...]:
        """The cheapest first, then the fewest nodes, then by variant."""
        return (self.hourly, sum(self.counts), self.counts)

    def nearness(self) -> tuple[object, ...]:
        """The fewest pods stranded first."""
        return (self.stranded, *self.rank())


@dataclass
class Court:
    """Tries fleets. ``board`` has the existing nodes, ``bound`` is what no fleet costs less than.

    ``left`` is the work that may still be done, ``failed`` counts by order how often pods stranded.
    """

    problem: Problem
    board: Board
    market: Market
    served: Sequence[Served]
    arrivals: tuple[Arrival, ...]
    bound: int
    left: int = 0
    failed: Counter[int] = field(default_factory=Counter)
    tried: dict[Counts, Trial] = field(default_factory=dict)
    possible: dict[int, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.problem.aims.budget * 1000
        self.possible = possible_domains(self.board, self.market)

    def certificate(self, verdict: Trial | None) -> Certificate:
        """What is said of a fleet once the search is over."""
        if verdict is None:
            return Certificate(stopped=True)
        survived = sum(1 for one in verdict.played.values() if not one.stranded)
        return Certificate(orders=len(verdict.played), survived=survived, stopped=self.left <= 0)

    @property
    def pods(self) -> int:
        return sum(one.group.count for one in self.arrivals)

    def try_(self, counts: Counts, orders: Sequence[int] = TOUGH) -> Trial:
        """Replay a fleet in some orders, or the rest of them, until one strands pods: the likeliest to do so first."""
        trial = self.tried.get(counts) or Trial(counts, self.hourly(counts), {})
        todo = [one for one in orders if one not in trial.played]
        if trial.stranded or not todo:
            return trial
        board, played = self.with_nodes(counts), dict(trial.played)
        stage = make_stage(board, self.arrivals, self.problem.snapshot, there=self.board.size, whole=True)
        for order in sorted(todo, key=lambda one: (-self.failed[one], todo.index(one))):
            self.left -= self.pods * (POD + EIGHT_NODES * board.size // 8)
            played[order] = replay(stage, order)
            if played[order].stranded:
                self.failed[order] += 1
                break
        trial = replace(trial, played=played)
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
        set_domains(board, self.problem.snapshot, self.possible, ())
        return board

    def hourly(self, counts: Sequence[int]) -> int:
        return int(self.market.price @ np.array(counts, np.int64))

    def missing(self, trial: Trial) -> Missing:
        """What the stranded pods of a trial ask for, beside all others where these went."""
        played = next(one for one in trial.played.values() if one.stranded)
        board = self.with_nodes(trial.counts)
        for (node, place), count in played.placed().items():
            board.bind(self.arrivals[place].kind, node, count)
        zonal = zonal_kinds(board.kinds)
        wanted: Counter[int] = Counter()
        for place, count in played.stranded.items():
            wanted[self.arrivals[place].kind.index] += count
        found: Missing = []
        for index, count in sorted(wanted.items()):
            kind = board.kinds.kinds[index]
            zones = {"": count}
            if index in zonal:
                labels = self.market.offers(self.market.options(kind, request_of(board, kind)))
                zones = fill(board, kind, count, offer=Offer(labels)).ordered
            found += [
                (market, one) for zone, amount in sorted(zones.items())
                for market, one in _first([(tier.market, ask(board, tier.market, kind, zone, amount)) for tier in self.served])
            ]  # fmt: skip
        return found

    def propose(self, allowed: Flags, slack: int) -> Counts | None:
        """A fleet of some variants with so many thousandths more room than was asked for; None where there is none."""
        self.left -= VARIANT * len(self.market.variants)
        ledger, counts = self.problem.ledger.copy(), np.zeros(len(self.market.variants), np.int64)
        for each in self.served:
            market = each.market.only(allowed)
            asks = [narrowed(market, one) for one in each.asks]
            if not all(one.options.any() for one in asks):
                return None
            fleet = Proposer(market, ledger, self.problem.aims.objective, slack=slack, exact=False).propose(asks)
            if not fleet.complete or not fleet.nodes:
                return None
            _order(ledger, self.market, fleet.counts)
            counts += np.array(fleet.counts, np.int64)
        return tuple(counts.tolist())

    def beside(self, counts: Sequence[int], more: Missing) -> Counts | None:
        """A fleet with nodes added for more pods; None where limits allow none."""
        ledger, total = self.problem.ledger.copy(), np.array(counts, np.int64)
        _order(ledger, self.market, counts)
        for each in self.served:
            mine = [one for market, one in more if market is each.market]
            if mine:
                fleet = Proposer(each.market, ledger, self.problem.aims.objective, exact=False).propose(mine)
                _order(ledger, self.market, fleet.counts)
                total += np.array(fleet.counts, np.int64)
        return tuple(total.tolist()) if total.sum() > sum(counts) else None


def _first(asks: Sequence[tuple[Market, Ask]]) -> Missing:
    """The ask in the heaviest tier that could serve it."""
    return [one for one in asks if one[1].options.any()][:1]


def _order(ledger: Ledger, market: Market, counts: Sequence[int]) -> None:
    for one in np.flatnonzero(counts).tolist():
        ledger.order(market.variants[one], counts[one])


