"""Fleets before the scheduler: each is replayed in every order of arrival, until one leaves a pod without a node."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
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

    from planner.asks import Ask
    from planner.board import Board, Flags
    from planner.kinds import Kind
    from planner.ledger import Ledger
    from planner.market import Market
    from planner.problem import Problem
    from planner.replay import Replayed, Stage

    Counts = tuple[int, ...]  # nodes by variant
    Missing = list[tuple[Market, Ask]]

#: What work costs, in microseconds on two cores of a virtual machine of 2023: a pod to replay by itself, without and
#: with rules about others, a pod for 8 nodes, a variant to propose a fleet from.
POD, RULED, EIGHT_NODES, VARIANT = 40, 120, 1, 60
#: The fewest fleets that a budget is to be enough for, and the fewest orders that one must survive.
FLEETS, FEWEST = 6, 2
AGAIN = 10  # how many times as much it costs to propose for pods that were not asked for before
#: The orders in which a fleet must survive, those first that strand pods most often: all in which the nodes are there
#: when the pods come. What happens while nodes still join is left to the next plan.
_WHOLE = [number for number, order in enumerate(ORDERS) if not order[2]]
EVERY = tuple(sorted(_WHOLE, key=lambda number: (number not in (0, 2, 3), number)))


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

    def rank(self) -> tuple[object, ...]:
        """The cheapest first, then the fewest nodes, then by variant."""
        return (self.hourly, sum(self.counts), self.counts)

    def nearness(self, pods: int) -> tuple[object, ...]:
        """The least price first that it would have if stranded pods cost as much as the others."""
        return (self.hourly * (pods + self.stranded), *self.rank())


@dataclass
class Court:
    """Tries fleets. ``board`` has the existing nodes, ``bound`` is what no fleet costs less than.

    ``arrivals`` are all pods of the demand, ``lost`` says of how many of them, by arrival, paper had no place. ``left``
    is the work that may still be done, ``failed`` counts by order how often pods stranded.
    """

    problem: Problem
    board: Board
    market: Market
    served: Sequence[Served]
    arrivals: tuple[Arrival, ...]
    bound: int
    lost: Mapping[int, int]
    left: int = 0
    failed: Counter[int] = field(default_factory=Counter)
    tried: dict[Counts, Trial] = field(default_factory=dict)
    narrow: dict[bytes, list[tuple[Proposer, list[Ask]]]] = field(default_factory=dict)
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

    @cached_property
    def pods(self) -> int:
        return sum(one.group.count for one in self.arrivals)

    def try_(self, counts: Counts) -> Trial:
        """Replay a fleet in every order until one strands pods: the likeliest to do so first."""
        if counts in self.tried:
            return self.tried[counts]
        stage = self._stage(counts)
        played: dict[int, Replayed] = {}
        orders = self._orders(stage.board.size)
        for order in sorted(orders, key=lambda one: (-self.failed[one], EVERY.index(one))):
            self.left -= self._work(stage.board.size)
            played[order] = self._less_lost(replay(stage, order))
            if played[order].stranded:
                self.failed[order] += 1
                break
        trial = self.tried[counts] = Trial(counts, self.hourly(counts), played)
        return trial

    def _orders(self, nodes: int) -> tuple[int, ...]:
        """The orders to replay: all, or of very many pods as many as let some fleets be tried."""
        share = self.problem.aims.budget * 1000 // FLEETS
        return EVERY[: max(FEWEST, share // max(1, self._work(nodes)))]

    def _less_lost(self, played: Replayed) -> Replayed:
        """A replay in which pods without a place on paper may wait: as many as there are, of each arrival."""
        waiting = {place: count - self.lost.get(place, 0) for place, count in played.stranded.items()}
        return replace(played, stranded={place: count for place, count in waiting.items() if count > 0})

    def may_order(self, counts: Counts) -> bool:
        """Whether the limits of NodePools and of the cluster allow a fleet."""
        return _may_order(self.problem.ledger, self.market, counts)

    def close(self, counts: Counts) -> Replayed:
        """The replay by name that the plan claims; one that was made already is not made again."""
        tried = self.tried.get(counts)
        played = tried.played.get(0) if tried is not None else None
        return played or replay(self._stage(counts), 0)

    def _stage(self, counts: Counts) -> Stage:
        """A fleet beside the existing nodes, and the pods that come to it."""
        board = self.with_nodes(counts)
        built_in = self.problem.aims.default_spreads is None
        return make_stage(
            board, self.arrivals, self.problem.snapshot, there=self.board.size, whole=True, built_in=built_in
        )  # fmt: skip

    def _work(self, nodes: int) -> int:
        """What one replay costs."""
        return self._alone + self.pods * EIGHT_NODES * nodes // 8

    @cached_property
    def _alone(self) -> int:
        return sum(one.group.count * (RULED if one.kind.ruled else POD) for one in self.arrivals)

    def with_nodes(self, counts: Sequence[int]) -> Board:
        """The existing nodes and a fleet's."""
        board = self.board.copy()
        wanted = [one for one in np.flatnonzero(counts).tolist() for _ in range(counts[one])]
        if wanted:
            market = self.market
            shapes = market.shapes(board.shapes)[wanted]
            whole = market.allocatable(wanted)
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
                for market, one in self._first(board, kind, zone, amount)
            ]  # fmt: skip
        return found

    def _first(self, board: Board, kind: Kind, zone: str, count: int) -> Missing:
        """The ask in the heaviest tier that could serve it."""
        asks = ((tier.market, ask(board, tier.market, kind, zone, count)) for tier in self.served)
        return [one for one in asks if one[1].options.any()][:1]

    def propose(self, allowed: Flags, slack: int) -> Counts | None:
        """A fleet of some variants with so many thousandths more room than was asked for; None where there is none."""
        if self.left <= 0:
            return None
        self.left -= VARIANT * len(self.market.variants)
        total = np.zeros(len(self.market.variants), np.int64)
        for proposer, asks in self._tiers(allowed):
            fleet = proposer.with_slack(asks, slack)
            if fleet is None:
                return None
            total += np.array(fleet.counts, np.int64)
        counts = tuple(total.tolist())
        return counts if _may_order(self.problem.ledger, self.market, counts) else None

    def _tiers(self, allowed: Flags) -> list[tuple[Proposer, list[Ask]]]:
        """For each tier, who proposes from some of its variants, and what is asked for; made once for these."""
        key = allowed.tobytes()
        if key not in self.narrow:
            self.narrow[key] = [
                (
                    Proposer(market, self.problem.ledger, self.problem.aims.objective, exact=False),
                    [narrowed(market, one) for one in each.asks],
                )
                for each in self.served for market in [each.market.only(allowed)]
            ]  # fmt: skip
        return self.narrow[key]

    def again(self, more: Missing) -> Counts | None:
        """A fleet for all that was asked for and for more of the same; None where limits do not allow it."""
        self.left -= AGAIN * VARIANT * len(self.market.variants)
        ledger, total = self.problem.ledger.copy(), np.zeros(len(self.market.variants), np.int64)
        for each in self.served:
            mine = [one for market, one in more if market is each.market]
            fleet = Proposer(each.market, ledger, self.problem.aims.objective, exact=False).propose([*each.asks, *mine])
            if not fleet.complete:
                return None
            _order(ledger, self.market, fleet.counts)
            total += np.array(fleet.counts, np.int64)
        return tuple(total.tolist())

    def beside(self, counts: Sequence[int], more: Missing) -> Counts | None:
        """A fleet with nodes added for more pods; None where limits allow none."""
        self.left -= AGAIN * VARIANT * len(self.market.variants)
        ledger, total = self.problem.ledger.copy(), np.array(counts, np.int64)
        _order(ledger, self.market, counts)
        for each in self.served:
            mine = [one for market, one in more if market is each.market]
            if mine:
                fleet = Proposer(each.market, ledger, self.problem.aims.objective, exact=False).propose(mine)
                _order(ledger, self.market, fleet.counts)
                total += np.array(fleet.counts, np.int64)
        return tuple(total.tolist()) if total.sum() > sum(counts) else None


def _may_order(ledger: Ledger, market: Market, counts: Sequence[int]) -> bool:
    """Whether limits allow a whole fleet."""
    account = ledger.copy()
    for one in np.flatnonzero(counts).tolist():
        if account.affordable(market.variants[one]) < counts[one]:
            return False
        account.order(market.variants[one], counts[one])
    return True


def _order(ledger: Ledger, market: Market, counts: Sequence[int]) -> None:
    for one in np.flatnonzero(counts).tolist():
        ledger.order(market.variants[one], counts[one])


