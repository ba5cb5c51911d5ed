"""Which pod goes where: first on nodes that exist or are on order, then on the cheapest new nodes.

NodePools are asked in order of weight, heaviest first, as Karpenter does; among equal weights the price decides.
The nodes are proposed by an integer program (``fleet``), loaded with pods (``loading``), and played through by a
replay of kube-scheduler that has the last word (``certify``).
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.aims import Objective
from planner.certify import search
from planner.cycle import Arrival
from planner.filters import SCHEDULER
from planner.fleet import Proposer
from planner.kinds import make_kinds
from planner.leanings import preference_levels
from planner.loading import Load, load
from planner.market import Market
from planner.plan import Refusal, Unplaced
from planner.problem import Opened, Problem, Solution
from planner.proof import lower_bound, placed_pods
from planner.reasons import explain
from planner.seating import Queue, as_replayed, on_paper
from planner.settling import Settled, asks_of, possible_domains, settle
from planner.standing import Crowd, set_domains, stand
from planner.trials import Court, Served

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.asks import Ask
    from planner.board import Board
    from planner.demand import PodGroup
    from planner.kinds import Kinds
    from planner.settling import Zone

__all__ = ["Opened", "Problem", "Solution", "solve"]

#: After so many attempts, zones that still fall short are closed to the kind.
PATIENCE = 8


def solve(problem: Problem) -> Solution:
    """Place the demand. Deterministic: kinds by priority, then rules, then size, then key.

    Where a limit lets fewer pods into a zone than were told to go there, everything is done again with that in mind:
    the pods in the other zones may by then be more than their rule allows. So it is where a new node brings a zone into
    play that a rule did not reckon with.
    """
    snapshot = problem.snapshot
    crowd = problem.crowd or Crowd.of(snapshot.pods)
    kinds = make_kinds(
        problem.demand.groups, crowd.wary, snapshot.namespaces, preferences=problem.aims.preferences
    )  # fmt: skip
    if not kinds.kinds:
        return Solution(unplaced=problem.demand.blocked)
    board = stand(kinds, problem.bins, snapshot, crowd)
    market = Market.of(kinds, problem.candidates, board.resources)
    caps: dict[Zone, int] = {}
    coming: frozenset[int] = frozenset()
    for round_ in itertools.count():
        found = _attempt(problem, board, market, caps, coming)
        short = found.short()
        shapes = coming | found.shapes()
        if not short and (shapes == coming or not _surprised(problem, found, shapes)):
            return _finished(problem, found)
        coming = shapes
        caps |= short if round_ < PATIENCE else dict.fromkeys(short, 0)
    raise AssertionError  # pragma: no cover - count() never ends


@dataclass(frozen=True)
class Attempt:
    """One way through: what existing nodes took, and the new nodes of each tier."""

    kinds: Kinds
    empty: Board
    market: Market
    settled: Settled
    asks: tuple[Ask, ...]
    load: Load
    served: tuple[Served, ...]

    def proposed(self) -> list[tuple[int, ...]]:
        """The fleet as the programs proposed it, where all of it could be had."""
        if not self.served or not all(each.fleet.complete for each in self.served):
            return []
        return [tuple(np.array([each.fleet.counts for each in self.served], np.int64).sum(axis=0).tolist())]

    def short(self) -> dict[Zone, int]:
        """Zones that could not get all nodes: how many pods of a kind they may be told next time."""
        kinds = self.kinds.kinds
        return {
            (kinds[kind].key, zone): self.settled.told[kind][zone] - left
            for (kind, zone), left in self.load.left.items() if zone and left
        }  # fmt: skip

    def shapes(self) -> frozenset[int]:
        """The shapes of the new nodes."""
        held = zip(self.load.variant, self.load.contents, strict=True)
        return frozenset(int(self.load.shapes[variant]) for variant, pods in held if pods)


def _attempt(
    problem: Problem, standing: Board, market: Market, caps: Mapping[Zone, int], coming: Iterable[int]
) -> Attempt:
    empty = standing.copy()
    set_domains(empty, problem.snapshot, possible_domains(empty, market), coming)
    settled = settle(empty.copy(), market, caps)
    board = empty.copy()
    for kind in board.kinds.kinds:
        board.bind_all(kind, settled.onto[kind.index])
    asks = asks_of(board, market, settled)
    ledger = problem.ledger.copy()
    new = Load.on(board, market, ledger, asks)
    served: list[Served] = []
    levels = preference_levels(standing.kinds.admissions, market.variants, market.takes, problem.aims.preferences)
    for tier in (each for open_to in levels for each in _tiers(market.only(open_to))):
        new.enter(tier)
        if wanted := new.waiting():
            fleet = Proposer(tier, ledger, problem.aims.objective).propose(wanted)
            load(new, fleet)
            served.append(Served(tier, tuple(_had(wanted, new.waiting())), fleet))
    new.enter(market)
    return Attempt(standing.kinds, empty, market, settled, tuple(asks), new, tuple(served))


def _had(wanted: Sequence[Ask], left: Sequence[Ask]) -> list[Ask]:
    """What was asked for, less what is still waiting."""
    still = {(one.kind.index, one.zone): one.count for one in left}
    lessened = (one.of(one.count - still.get((one.kind.index, one.zone), 0)) for one in wanted)
    return [one for one in lessened if one.count > 0]


def _tiers(market: Market) -> list[Market]:
    """The market of each weight, heaviest first: the others are closed there."""
    weights = np.array([one.node_pool.weight for one in market.variants])
    return [market.only(weights == weight) for weight in sorted({*weights.tolist()}, reverse=True)]


def _surprised(problem: Problem, found: Attempt, coming: Iterable[int]) -> bool:
    """Whether new nodes of these shapes bring a domain that some spread did not reckon with."""
    after = found.empty.copy()
    set_domains(after, problem.snapshot, possible_domains(after, found.market), coming)
    before = found.empty.counts.domains
    return any(not np.array_equal(one, other) for one, other in zip(before, after.counts.domains, strict=True))


def _finished(problem: Problem, found: Attempt) -> Solution:
    queue = Queue.of(found.kinds)
    onto, opened = on_paper(queue, found.empty.names, found.settled, found.load)
    paper = Solution(
        onto=onto, opened=opened, unplaced=(*problem.demand.blocked, *_unplaced(problem, queue, found.load)),
        lower_bound=_lower_bound(problem, found, {}),
    )  # fmt: skip
    return _certified(problem, found, paper) if problem.certify and opened else paper


def _unplaced(problem: Problem, queue: Queue, new: Load) -> list[Unplaced]:
    return [
        Unplaced(pods=tuple(sorted(pods)), owner=group.owner, reasons=explain(group, problem.candidates, new.ledger))
        for group, pods in queue.left()
    ]


def _certified(problem: Problem, found: Attempt, paper: Solution) -> Solution:
    """The nodes that kube-scheduler fills best, with the pods where it puts them when they come by name.

    All pods come then, for those that have no place on paper may take that of others.
    """
    lost = {pod for one in paper.unplaced for pod in one.pods}
    everyone = tuple(Arrival(kind, group) for kind in found.kinds.kinds for group in kind.members)
    waiting = {place: sum(pod in lost for pod in one.group.pods) for place, one in enumerate(everyone)} if lost else {}
    court = Court(problem, found.empty, found.market, found.served, everyone, paper.lower_bound, waiting)
    packed = court.by_hand()
    verdict = search(court, [found.load.fleet(), *found.proposed(), *(one.counts for one in packed)])
    if verdict is None:
        return replace(paper, certificate=court.certificate(None))
    placed = court.close(verdict.counts).placed()
    onto, opened, left = as_replayed(everyone, placed, found.empty.names, found.market, verdict.counts)
    blocked = {pod for one in problem.demand.blocked for pod in one.pods}
    kind_of = {group.key: kind.index for kind in found.kinds.kinds for group in kind.members}
    missing = Counter(kind_of[group.key] for group, pods in left for pod in pods if pod not in lost)
    bound = _lower_bound(problem, found, missing) if missing else paper.lower_bound
    least = min(verdict.hourly, found.load.hourly, *(one.hourly for one in packed))
    alike = not missing and problem.aims.objective is Objective.CHEAPEST  # else the two are not to be compared
    certificate = court.certificate(verdict, least if alike else verdict.hourly)
    return replace(
        paper, onto=onto, opened=opened, certificate=certificate, lower_bound=bound,
        unplaced=_still(paper.unplaced, left, blocked),
    )  # fmt: skip


def _still(
    told: Sequence[Unplaced], left: Sequence[tuple[PodGroup, list[str]]], blocked: set[str]
) -> tuple[Unplaced, ...]:
    """What has no place in the end: for the reasons that paper gave, or because the scheduler gives the room away."""
    waiting = blocked.union(*(pods for _, pods in left))
    kept = [replace(one, pods=pods) for one in told if (pods := tuple(pod for pod in one.pods if pod in waiting))]
    known = {pod for one in kept for pod in one.pods}
    detail = "kube-scheduler gives the room on the planned nodes to other pods first"
    reason = Refusal(node_pool="", filter=SCHEDULER, detail=f"{detail}; the next plan sees to what is left")
    new = [
        Unplaced(pods=pods, owner=group.owner, reasons=(reason,))
        for group, names in left if (pods := tuple(sorted(set(names) - known)))
    ]  # fmt: skip
    return (*kept, *new)


def _lower_bound(problem: Problem, found: Attempt, lost: Mapping[int, int]) -> int:
    """The proven least price. ``lost`` are pods by kind that have a place on paper and none in the end."""
    left = found.load.left
    new = [(one.kind.index, one.count - left.get((one.kind.index, one.zone), 0)) for one in found.asks]
    placed = placed_pods(new, found.settled.onto, lost)
    return lower_bound(found.empty, found.market, problem.ledger, placed)
