"""A solution that kube-scheduler carries out too: solved, replayed, and repaired until no pod is stranded.

Nodes are added for the pods that a replay strands, in the state in which it strands them, until every order of arrival
is survived. That is done from several starting points, for which flavors the nodes have matters more than how many
they are: large nodes lose less to what is left over on each. Of the cheapest outcome, every node is then taken out, or
made smaller, where the plan survives that. Replays are counted, not timed, so that the outcome is the same anywhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planner.bins import new_bin
from planner.demand import Demand
from planner.nodes import Node
from planner.packing import ALL
from planner.plan import Refusal, Unplaced
from planner.pods import Phase, Pod
from planner.replay import ORDERS, Certificate, Stage, make_stage, placed_groups
from planner.resources import CPU
from planner.solve import Opened, Problem, Solution, solve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planner.candidates import Candidate
    from planner.demand import PodGroup
    from planner.replay import Replayed
    from planner.snapshot import Snapshot

#: So many pods are placed in all replays of a repair together; so many replays there are at least, and at most.
PLACEMENTS, LEAST_PLAYS, MOST_PLAYS = 60_000, 24, 200
#: So many replays for one starting point, so many ways of packing for each, and so many outcomes that are trimmed.
ROUNDS, QUICK, TRIMMED = 30, 3, 2
FILTER = "Scheduler"


def certified(problem: Problem) -> tuple[Solution, Certificate]:
    """The cheapest solution found that survives every order of arrival, or the one that survives most of them.

    Pods that no repair gets placed in any order are left out, where all others then are: nodes that the scheduler would
    not use for them help nobody.
    """
    solution, certificate = _certified(problem)
    hopeless = _stranded_always(certificate)
    if not hopeless:
        return solution, certificate
    other, better = _certified(replace(problem, demand=_without(problem.demand, hopeless)))
    if better.survived < better.orders:
        return solution, certificate
    return replace(other, unplaced=(*other.unplaced, *_left_out(problem.demand, hopeless))), better


def _stranded_always(certificate: Certificate) -> frozenset[str]:
    stranded = [frozenset(pods) for pods in certificate.stranded]
    return frozenset.intersection(*stranded) if stranded else frozenset()


def _without(demand: Demand, pods: frozenset[str]) -> Demand:
    kept = ((group, tuple(pod for pod in group.pods if pod not in pods)) for group in demand.groups)
    return replace(demand, groups=tuple(replace(group, pods=left) for group, left in kept if left))


def _left_out(demand: Demand, pods: frozenset[str]) -> Iterator[Unplaced]:
    detail = "kube-scheduler puts other pods where these would have to go, in whatever order they come"
    for group in demand.groups:
        if mine := tuple(pod for pod in group.pods if pod in pods):
            yield Unplaced(pods=mine, owner=group.owner, reasons=(Refusal(node_pool="", filter=FILTER, detail=detail),))


def _certified(problem: Problem) -> tuple[Solution, Certificate]:
    solution = solve(problem)
    groups = placed_groups(problem, solution)
    if not groups:
        return solution, Certificate()
    repair = _Repair(problem, groups, _allowance(groups))
    tried = repair.trial([one.candidate for one in solution.opened], every=True)
    if tried.survives or problem.effort != ALL:
        return solution, tried.certificate
    best = min((tried, *_repaired(repair, solution)), key=_Trial.rank)
    if best.survived == tried.survived:
        return solution, tried.certificate
    return _as_played(solution, best), best.certificate


def _allowance(groups: Sequence[PodGroup]) -> int:
    pods = sum(group.count for group in groups)
    return min(MOST_PLAYS, max(LEAST_PLAYS, PLACEMENTS // max(1, pods)))


@dataclass(frozen=True)
class _Trial:
    """Some new nodes, and how the replays with them ended; those that were not needed any more are missing."""

    added: tuple[Candidate, ...]
    played: tuple[Replayed, ...]

    @property
    def survived(self) -> int:
        return sum(1 for one in self.played if not one.stranded)

    @property
    def survives(self) -> bool:
        return self.survived == len(ORDERS)

    @property
    def certificate(self) -> Certificate:
        return Certificate(stranded=tuple(one.stranded for one in self.played))

    @property
    def hourly(self) -> int:
        return _hourly(self.added)

    def rank(self) -> tuple[object, ...]:
        """Most orders survived, then cheapest, then fewest nodes, then names."""
        return (-self.survived, self.hourly, len(self.added), sorted(one.key for one in self.added))


@dataclass
class _Repair:
    """Where trials are made. ``left`` is how many replays still may be; ``failed`` counts the orders that strand."""

    problem: Problem
    groups: tuple[PodGroup, ...]
    left: int
    failed: Counter[int] = field(default_factory=Counter)

    def stage(self, added: Sequence[Candidate]) -> Stage:
        return make_stage(self.problem, self.groups, added)

    def play(self, stage: Stage, order: int) -> Replayed:
        self.left -= 1
        found = stage.play(order)
        self.failed[order] += bool(found.stranded)
        return found

    def trial(self, added: Sequence[Candidate], *, every: bool = False) -> _Trial:
        """Replay with these nodes: in all orders, or only until one strands a pod, the likeliest first."""
        stage, played = self.stage(added), {}
        orders = range(len(ORDERS))
        for order in orders if every else sorted(orders, key=lambda one: (-self.failed[one], one)):
            played[order] = self.play(stage, order)
            if played[order].stranded and not every:
                break
        return _Trial(tuple(added), tuple(played[order] for order in sorted(played)))


def _repaired(repair: _Repair, solution: Solution) -> list[_Trial]:
    """What survives, from each starting point that is not dearer already than what was found; the best are trimmed."""
    found: list[_Trial] = []
    for start, candidates in _starts(repair.problem, solution):
        limit = min((one.hourly for one in found), default=None)
        if (grown := _grow(repair, start, candidates, limit)) is not None:
            found.append(grown)
    found.sort(key=_Trial.rank)
    return [*found, *(_trim(repair, one) for one in found[:TRIMMED])]


def _starts(problem: Problem, solution: Solution) -> list[tuple[list[Candidate], Sequence[Candidate]]]:
    """New nodes to begin with, and the candidates to add from: as solved, then without the smaller flavors, and with
    flavors of one size only. The cheapest come first, and none that leaves out other pods than the solution does."""
    sizes = sorted({one.figures.allocatable.get(CPU) for one in problem.candidates})
    ranges = dict.fromkeys([*((size, sizes[-1]) for size in sizes[1:]), *((size, size) for size in sizes)])
    found = [([one.candidate for one in solution.opened], problem.candidates)]
    for least, most in ranges:
        some = [one for one in problem.candidates if least <= one.figures.allocatable.get(CPU) <= most]
        other = solve(replace(problem, candidates=some, effort=QUICK))
        if _pods(other) <= _pods(solution):
            found.append(([one.candidate for one in other.opened], some))
    return sorted(found, key=lambda start: _hourly(start[0]))


def _hourly(added: Sequence[Candidate]) -> int:
    return sum(one.hourly for one in added)


def _pods(solution: Solution) -> frozenset[str]:
    """The pods that sit nowhere."""
    return frozenset(pod for one in solution.unplaced for pod in one.pods)


def _grow(
    repair: _Repair, start: Sequence[Candidate], candidates: Sequence[Candidate], limit: int | None
) -> _Trial | None:
    """Add nodes for what is stranded, order by order, until a whole round strands nothing; not up to ``limit``."""
    added, played, order = list(start), {}, 0
    stage = repair.stage(added)
    for _ in range(ROUNDS):
        if repair.left <= 0 or (limit is not None and _hourly(added) >= limit):
            return None
        played[order] = repair.play(stage, order)
        if played[order].stranded:
            more = _for_stranded(repair, added, played[order], candidates)
            if not more:
                return None
            added += more
            stage, played = repair.stage(added), {}
        elif len(played) == len(ORDERS):
            return _Trial(tuple(added), tuple(played[each] for each in sorted(played)))
        else:
            order = (order + 1) % len(ORDERS)
    return None


def _for_stranded(
    repair: _Repair, added: Sequence[Candidate], played: Replayed, candidates: Sequence[Candidate]
) -> list[Candidate]:
    """The cheapest new nodes for the pods of a replay that found none, beside all others where they went."""
    problem, stranded = repair.problem, frozenset(played.stranded)
    groups = (
        replace(group, pods=pods) for group in repair.groups if (pods := tuple(p for p in group.pods if p in stranded))
    )
    ledger = problem.ledger.copy()
    for one in added:
        ledger.order(one, 1)
    found = solve(replace(
        problem, demand=Demand(tuple(groups)), snapshot=_afterwards(repair, added, played), bins=(),
        candidates=candidates, ledger=ledger, effort=QUICK,
    ))  # fmt: skip
    return [one.candidate for one in found.opened]


def _afterwards(repair: _Repair, added: Sequence[Candidate], played: Replayed) -> Snapshot:
    """The cluster once the pods of a replay run where they went, with the nodes that are not there yet."""
    snapshot = repair.problem.snapshot
    there = {node.name for node in snapshot.nodes}
    coming = [new_bin(one, f"new-{number}") for number, one in enumerate(added, 1)]
    coming += [one for one in repair.problem.bins if one.name not in there]
    group_of = {pod: group for group in repair.groups for pod in group.pods}
    running = [_running(group_of[pod], pod, node) for node, pods in played.placed for pod in pods]
    return replace(
        snapshot, pods=(*(pod for pod in snapshot.pods if pod.node_name), *running),
        nodes=(*snapshot.nodes, *(Node(name=one.name, labels=tuple(sorted(one.labels.items()))) for one in coming)),
    )  # fmt: skip


def _running(group: PodGroup, pod: str, node: str) -> Pod:
    return Pod(
        namespace=group.namespace, name=pod.partition("/")[2], labels=group.labels, needs=group.needs,
        owner=group.owner, node_name=node, phase=Phase.RUNNING,
    )  # fmt: skip


def _trim(repair: _Repair, trial: _Trial) -> _Trial:
    """Take every node out, or make it smaller, where all orders are survived without: the dearest kinds first."""
    kinds = sorted({one.key: one for one in trial.added}.values(), key=lambda one: (-one.hourly, one.key))
    for kind in kinds:
        while repair.left > 0 and (less := _less(repair, trial, kind)) is not None:
            trial = less
    return trial


def _less(repair: _Repair, trial: _Trial, kind: Candidate) -> _Trial | None:
    """The same with one node of a kind left out, else with the cheapest in its place that does."""
    position = next((number for number, one in enumerate(trial.added) if one.key == kind.key), None)
    if position is None:
        return None
    before, after = trial.added[:position], trial.added[position + 1 :]
    smaller = sorted(_smaller(repair.problem, kind), key=lambda one: (one.hourly, one.key))
    for instead in ((), *((one,) for one in smaller)):
        if repair.left > 0 and _may_order(repair.problem, (*before, *instead, *after)):
            tried = repair.trial((*before, *instead, *after))
            if tried.survives:
                return tried
    return None


def _smaller(problem: Problem, kind: Candidate) -> Iterator[Candidate]:
    """Cheaper candidates of the same NodePool and zone, with the same labels chosen."""
    for one in problem.candidates:
        if one.hourly < kind.hourly and one.zone == kind.zone and one.node_pool.name == kind.node_pool.name:
            offered = [one.offered.get(key) for key, _ in kind.chosen]
            if all(each and each.allows(value) for each, (_, value) in zip(offered, kind.chosen, strict=True)):
                yield one.choosing(kind.chosen)


def _may_order(problem: Problem, added: Sequence[Candidate]) -> bool:
    """Whether limits allow all of these."""
    ledger = problem.ledger.copy()
    for one in added:
        if not ledger.affordable(one):
            return False
        ledger.order(one, 1)
    return True


def _as_played(solution: Solution, trial: _Trial) -> Solution:
    """The solution with the pods where the first replay that was survived put them."""
    placed = dict(next(one for one in trial.played if not one.stranded).placed)
    opened = [
        Opened(candidate=one, pods=placed.pop(f"new-{number}", ())) for number, one in enumerate(trial.added, 1)
    ]
    return replace(solution, onto=tuple(sorted(placed.items())), opened=tuple(opened))
