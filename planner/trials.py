"""Fleets before the scheduler: each is replayed in every order of arrival, until one leaves a pod without a node."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from planner.abreast import Outcome, replay_all
from planner.aims import Objective
from planner.drafts import Draft, mixed
from planner.effort import Effort
from planner.filling import Offer, fill
from planner.fleet import Fleet, Proposer
from planner.keeping import keeping
from planner.loading import NEW
from planner.market import request_of
from planner.orders import runs
from planner.patterns.packing import pack, packable
from planner.plan import Certificate
from planner.replay import Arrival, make_stage, replay
from planner.scores import EVERYONE
from planner.settling import ask, possible_domains, zonal_kinds
from planner.standing import set_domains
from planner.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.asks import Ask
    from planner.board import Board, Flags, Ints
    from planner.keeping import Keeping
    from planner.kinds import Kind
    from planner.ledger import Ledger
    from planner.market import Market
    from planner.patterns.packing import Packing
    from planner.problem import Problem
    from planner.replay import Stage
    from planner.tables import Tables

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    Counts = tuple[int, ...]  # nodes by variant
    Missing = list[tuple[Market, Ask]]
    Scatter = tuple[tuple[str, int], ...]  # by zone, thousandths of the pods that gather

#: How many fleets are replayed side by side at most, and how many numbers they may count together.
LANES, NUMBERS = 64, 6_000_000
#: For how many fleets side by side a budget is to be enough in every order, as a share of it; the fewest orders that a
#: fleet must survive.
SEVERAL, SHARE, FEWEST = 8, 3, 3
FEW = 150_000  # what it costs to look for fleets of few nodes
STEPS = 6  # how many more fleets of the same variants cost as much as the first
PACKED = 5  # the part of the work that packing by hand may take
AGAIN = 2  # how many times as much it costs to propose for pods that were not asked for before
#: The orders in which a fleet must survive, those first that strand pods most often: all in which the nodes are there
#: when the pods come. What happens while nodes still join is left to the next plan.
EVERY = (3, 2, 0, 5, 4, 1, 6, 7)


@dataclass(frozen=True)
class Served:
    """What one tier of NodePools was asked for and could serve, and what was proposed for it."""

    market: Market
    asks: tuple[Ask, ...]
    fleet: Fleet


@dataclass
class Trial:
    """A fleet, by variant, and how its replays went, by order."""

    counts: Counts
    hourly: int
    played: dict[int, Outcome] = field(default_factory=dict)

    @property
    def stranded(self) -> int:
        return sum(sum(one.stranded.values()) for one in self.played.values())

    def rank(self) -> tuple[object, ...]:
        """The cheapest first, then the fewest different nodes, then the fewest nodes, then by variant."""
        return (self.hourly, len(self.counts) - self.counts.count(0), sum(self.counts), self.counts)

    def nearness(self, pods: int) -> tuple[object, ...]:
        """The least price first that it would have if stranded pods cost as much as the others."""
        return (self.hourly * (pods + self.stranded), *self.rank())


@dataclass
class Court:
    """Tries fleets. ``board`` has the existing nodes, ``bound`` is what no fleet costs less than.

    ``arrivals`` are all pods of the demand, ``lost`` says of how many of them, by arrival, paper had no place. ``left``
    is the work that may still be done.
    """

    problem: Problem
    board: Board
    market: Market
    served: Sequence[Served]
    arrivals: tuple[Arrival, ...]
    bound: int
    lost: Mapping[int, int]
    left: int = 0
    stopped: bool = False
    tried: dict[Counts, Trial] = field(default_factory=dict)
    drafts: dict[Scatter, list[Draft]] = field(default_factory=dict)
    possible: dict[int, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.problem.aims.budget * 1000
        self.possible = possible_domains(self.board, self.market)

    def certificate(self, verdict: Trial | None, by_hand: int = 0) -> Certificate:
        """What is said of a fleet once the search is over. ``by_hand`` is the least price found if each pod could be
        put by hand."""
        if verdict is None:
            return Certificate(stopped=True)
        survived = sum(1 for one in verdict.played.values() if not one.stranded)
        premium = verdict.hourly - by_hand
        return Certificate(orders=len(verdict.played), survived=survived, stopped=self.stopped, premium=premium)

    @cached_property
    def effort(self) -> Effort:
        return Effort(self.pods, len(self.arrivals), self.board.size, len(self.market.variants))

    @cached_property
    def pods(self) -> int:
        return sum(one.group.count for one in self.arrivals)

    def trial(self, counts: Counts) -> Trial:
        """What is known of a fleet by now."""
        if counts not in self.tried:
            self.tried[counts] = Trial(counts, self.hourly(counts))
        return self.tried[counts]

    def replay(self, fleets: Iterable[Counts], order: int) -> None:
        """Replay fleets in one order, side by side, as far as there is work left; those that were not yet."""
        new = [one for one in dict.fromkeys(fleets) if order not in self.trial(one).played]
        new.sort(key=lambda one: (sum(one), one))
        nodes = self.board.size + max(map(sum, new), default=0)
        size = min(LANES, max(1, NUMBERS // max(1, len(self._tables.starts) * nodes)))
        few = sum(1 for one in new if self.board.size + sum(one) < EVERYONE)
        parts = [new[first : first + size] for side in (new[:few], new[few:]) for first in range(0, len(side), size)]
        for some in parts:
            if self.left > 0:
                self.left -= self.work(len(some), max(map(sum, some)))
                played = self._played(some, order)
                self.left -= self.effort.again(len(some), max(map(sum, some)), max(one.steps for one in played))
                for counts, outcome in zip(some, played, strict=True):
                    self.tried[counts].played[order] = self._less_lost(outcome)

    def _played(self, fleets: Sequence[Counts], order: int) -> list[Outcome]:
        nodes = max(map(sum, fleets))
        if self.effort.alone(len(fleets), nodes) > self.effort.abreast(len(fleets), nodes):
            columns = [self._columns(one) for one in fleets]
            return replay_all(self._tables, columns, order, runs([one.group for one in self.arrivals], order))
        return [Outcome.of(replay(self._stage(one), order)) for one in fleets]

    @cached_property
    def _tables(self) -> Tables:
        one_of_each = (1,) * len(self.market.variants)
        nothing = (0,) * len(self.market.variants)
        domains = self.with_nodes(nothing).counts.domains
        return make_tables(self._stage(one_of_each), self.board.size, domains)

    def _columns(self, counts: Counts) -> Ints:
        """A fleet's nodes as columns of the tables."""
        there = np.arange(self.board.size)
        return np.concatenate((there, np.repeat(np.arange(len(counts)), counts) + self.board.size))

    @cached_property
    def orders(self) -> tuple[int, ...]:
        """The orders to survive: all, or of very many pods as many as let several fleets be tried in each."""
        nodes = max((sum(one.fleet.counts) for one in self.served), default=0)
        share = self.problem.aims.budget * 1000 // SHARE
        return EVERY[: max(FEWEST, share // max(1, self.work(SEVERAL, nodes)))]

    def _less_lost(self, played: Outcome) -> Outcome:
        """A replay in which pods without a place on paper may wait: as many as there are, of each arrival."""
        waiting = {place: count - self.lost.get(place, 0) for place, count in played.stranded.items()}
        return replace(played, stranded={place: count for place, count in waiting.items() if count > 0})

    def may_order(self, counts: Counts) -> bool:
        """Whether the limits of NodePools and of the cluster allow a fleet, and it keeps what must be kept."""
        kept = bool(self.keeping.allows(np.array([counts], np.int64))[0])
        return kept and self._affordable(counts)

    def _affordable(self, counts: Counts) -> bool:
        wanted = zip(self.market.variants, counts, strict=True)
        return self.problem.ledger.allow(each for each in wanted if each[1])

    @cached_property
    def keeping(self) -> Keeping:
        """What no cheaper fleet may give up."""
        return keeping(self.board, self.market, self.problem.ledger, [(one.market, one.asks) for one in self.served])

    def close(self, counts: Counts) -> Outcome:
        """The replay by name that the plan claims; one that was made already is not made again."""
        played = self.trial(counts).played.get(0)
        return played or Outcome.of(replay(self._stage(counts), 0))

    def _stage(self, counts: Counts) -> Stage:
        """A fleet beside the existing nodes, and the pods that come to it."""
        board = self.with_nodes(counts)
        return make_stage(board, self.arrivals, self.problem.snapshot, there=self.board.size, whole=True)

    def work(self, fleets: int, nodes: int) -> int:
        """What it costs to replay so many fleets in one order. ``nodes`` are those that are new."""
        return self.effort.replay(fleets, nodes)

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
        self.left -= sum(self._proposing(each.asks) for each in self.served)
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

    def propose(
        self, allowed: Flags, slack: int, scatter: Scatter = (), *, even: bool = False
    ) -> Counts | None:  # fmt: skip
        """A fleet of some variants with so many thousandths more room than was asked for; None where there is none.

        ``scatter`` is explained in ``_scattered``, ``even`` in ``Draft.fleet``.
        """
        if self.left <= 0:
            return None
        total = np.zeros(len(self.market.variants), np.int64)
        for draft in self._drafts(scatter):
            self.left -= self._proposing(draft.asks) // (STEPS if draft.drawn(allowed, even=even) else 1)
            counts = draft.fleet(allowed, slack, even=even)
            if counts is None:
                return None
            total += counts
        fleet = tuple(total.tolist())
        return fleet if any(fleet) and self._affordable(fleet) else None

    def few(self, below: int, most: int) -> list[Counts]:
        """Up to so many fleets of few nodes that cost less than ``below``, see ``Draft.few``; none where NodePools of
        several weights share the pods."""
        self.left -= FEW
        drafts = self._drafts(())
        found = drafts[0].few(below, most) if len(drafts) == 1 else []
        return [tuple(one.tolist()) for one in found]

    def uneven(self, counts: Sequence[int]) -> float:
        """How many times as large a fleet would have to be if every node held the same mix of pods; 1 at the least."""
        share = sum(counts[one] * float(self._mixed[one]) for one in np.flatnonzero(counts).tolist())  # in this order
        return max(1.0, 1 / share) if share else 1.0

    @cached_property
    def _mixed(self) -> Floats:
        return mixed(self.market, [one for each in self.served for one in each.asks])

    @cached_property
    def ruled(self) -> bool:
        """Whether some pods look at others."""
        return any(one.kind.ruled for one in self.arrivals)

    def _drafts(self, scatter: Scatter) -> list[Draft]:
        """What is asked of each tier, made once for a way to scatter."""
        if scatter not in self.drafts:
            self.drafts[scatter] = [
                Draft(
                    Proposer(each.market, self.problem.ledger, self.problem.aims.objective, exact=False),
                    self._scattered(each, scatter), gathered=bool(scatter),
                )
                for each in self.served if each.asks
            ]  # fmt: skip
            self.left -= sum(2 * self._proposing(each.asks) for each in self.drafts[scatter])
        return self.drafts[scatter]

    def _proposing(self, asks: Sequence[Ask]) -> int:
        """What it costs to propose for these."""
        classes = len({one.open_to.tobytes() for one in asks})
        return self.effort.propose(classes)

    @cached_property
    def gathering(self) -> tuple[str, ...]:
        """The zones in which pods may gather that must all be in one, which kube-scheduler chooses."""
        found = [
            each.market.offers(each.market.options(one.kind, one.request))
            for each in self.served for one in each.asks if _gathers(one)
        ]  # fmt: skip
        return tuple(sorted({zone for zones in found for zone in zones}))

    def _scattered(self, each: Served, scatter: Scatter) -> list[Ask]:
        """What was asked for, with room in each zone for so many thousandths of the pods that gather in one of them:
        nobody knows in which. Of no zone: they are in the zones that paper has for them."""
        found, shares = [], dict(scatter)
        for one in each.asks:
            zones = sorted(each.market.offers(each.market.options(one.kind, one.request))) if _gathers(one) else []
            wanted = {zone: -(-one.count * shares[zone] // 1000) for zone in zones if shares.get(zone)}
            if not wanted:
                found.append(one)
            found += [ask(self.board, each.market, one.kind, zone, count) for zone, count in wanted.items()]
        return found

    def again(self, more: Missing) -> Counts | None:
        """A fleet for all that was asked for and for more of the same; None where limits do not allow it."""
        self.left -= AGAIN * sum(self._proposing(each.asks) for each in self.served)
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
        self.left -= sum(self._proposing(each.asks) for each in self.served)
        ledger, total = self.problem.ledger.copy(), np.array(counts, np.int64)
        _order(ledger, self.market, counts)
        for each in self.served:
            mine = [one for market, one in more if market is each.market]
            if mine:
                fleet = Proposer(each.market, ledger, self.problem.aims.objective, exact=False).propose(mine)
                _order(ledger, self.market, fleet.counts)
                total += np.array(fleet.counts, np.int64)
        return tuple(total.tolist()) if total.sum() > sum(counts) else None


    def by_hand(self) -> list[Packing]:
        """The cheapest nodes that are found on which the pods fit if each is put by hand. None where nobody looks: pods
        have rules among each other, NodePools of several weights share them, or another objective comes first."""
        asks = [one for each in self.served for one in each.asks]
        if len(self.served) != 1 or self.problem.aims.objective is not Objective.CHEAPEST or not packable(asks):
            return []
        work = self.left // PACKED
        found = pack(asks, self.served[0].market, self.problem.ledger, work=work, least=self.bound)
        self.left -= work if found is None else found.work
        return [] if found is None else [found]


def _gathers(one: Ask) -> bool:
    """Whether pods that were told a zone may as well gather in another."""
    return bool(one.zone and one.kind.affinity)


def _order(ledger: Ledger, market: Market, counts: Sequence[int]) -> None:
    for one in np.flatnonzero(counts).tolist():
        ledger.order(market.variants[one], counts[one])
