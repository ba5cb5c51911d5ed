"""A solution that kube-scheduler carries out too: solved, replayed, and repaired until no pod is stranded.

Nodes are added for the pods that a replay strands, in the state in which it strands them, until every order of arrival
is survived. That is done from several starting points, for which flavors the nodes have matters more than how many they
are: large nodes lose less to what is left over on each. Of the cheapest outcome, every node is then taken out, or made
smaller, where the plan survives that. The work is bounded by counting replays, so that the outcome is the same anywhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planner.bins import new_bin
from planner.demand import Demand
from planner.nodes import Node
from planner.packing import ALL
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

#: So many pods are placed in all replays of a repair together, but so many replays there are at least.
PLACEMENTS, PLAYS = 60_000, 24
#: So many replays for one starting point, so many ways of packing for each, and so many outcomes that are trimmed.
ROUNDS, QUICK, TRIMMED = 30, 3, 2


def certified(problem: Problem) -> tuple[Solution, Certificate]:
    """The cheapest solution found that survives every order of arrival, or the one that survives most of them."""
    solution = solve(problem)
    groups = placed_groups(problem, solution)
    shop = _Shop(problem, groups, _plays(groups))
    tried = shop.trial([one.candidate for one in solution.opened], every=True)
    if not groups or tried.survives or problem.effort != ALL:
        return solution, tried.certificate
    best = min((tried, *_repaired(shop, solution)), key=_Trial.rank)
    if best.survived <= tried.survived:
        return solution, tried.certificate
    return _as_played(solution, best), best.certificate


def _plays(groups: Sequence[PodGroup]) -> int:
    pods = sum(group.count for group in groups)
    return max(PLAYS, PLACEMENTS // max(1, pods))


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
        return sum(one.hourly for one in self.added)

    def rank(self) -> tuple[object, ...]:
        """Most orders survived, then cheapest, then fewest nodes, then names."""
        return (-self.survived, self.hourly, len(self.added), sorted(one.key for one in self.added))


@dataclass
class _Shop:
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


def _repaired(shop: _Shop, solution: Solution) -> Iterator[_Trial]:
    """What survives, from each starting point; the cheapest of them trimmed."""
    found = []
    for start, candidates in _starts(shop.problem, solution):
        if shop.left > 0 and (grown := _grow(shop, start, candidates)) is not None:
            found.append(grown)
    found.sort(key=_Trial.rank)
    yield from found
    for one in found[:TRIMMED]:
        yield _trim(shop, one)


def _starts(
    problem: Problem, solution: Solution
) -> Iterator[tuple[Sequence[Candidate], Sequence[Candidate]]]:
    """New nodes to begin with, and the candidates to add from: as solved, then without the smaller flavors."""
    yield [one.candidate for one in solution.opened], problem.candidates
    lost = _pods(solution)
    sizes = sorted({one.figures.allocatable.get(CPU) for one in problem.candidates})
    for size in sizes[1:]:
        large = [one for one in problem.candidates if one.figures.allocatable.get(CPU) >= size]
        other = solve(replace(problem, candidates=large, effort=QUICK))
        if _pods(other) <= lost:
            yield [one.candidate for one in other.opened], large


def _pods(solution: Solution) -> frozenset[str]:
    """The pods that sit nowhere."""
    return frozenset(pod for one in solution.unplaced for pod in one.pods)


def _grow(shop: _Shop, start: Sequence[Candidate], candidates: Sequence[Candidate]) -> _Trial | None:
    """Add nodes for what is stranded, order by order, until a whole round strands nothing."""
    added, played, order = list(start), {}, 0
    stage = shop.stage(added)
    for _ in range(ROUNDS):
        if shop.left <= 0:
            return None
        played[order] = shop.play(stage, order)
        if played[order].stranded:
            more = _for_stranded(shop, added, played[order], candidates)
            if not more:
                return None
            added += more
            stage, played = shop.stage(added), {}
        elif len(played) == len(ORDERS):
            return _Trial(tuple(added), tuple(played[each] for each in sorted(played)))
        else:
            order = (order + 1) % len(ORDERS)
    return None


def _for_stranded(
    shop: _Shop, added: Sequence[Candidate], played: Replayed, candidates: Sequence[Candidate]
) -> list[Candidate]:
    """The cheapest new nodes for the pods of a replay that found none, beside all others where they went."""
    problem, stranded = shop.problem, frozenset(played.stranded)
    groups = (
        replace(group, pods=pods) for group in shop.groups if (pods := tuple(p for p in group.pods if p in stranded))
    )
    ledger = problem.ledger.copy()
    for one in added:
        ledger.order(one, 1)
    found = solve(replace(
        problem, demand=Demand(tuple(groups)), snapshot=_afterwards(shop, added, played), bins=(),
        candidates=candidates, ledger=ledger, effort=QUICK,
    ))  # fmt: skip
    return [one.candidate for one in found.opened]


def _afterwards(shop: _Shop, added: Sequence[Candidate], played: Replayed) -> Snapshot:
    """The cluster once the pods of a replay run where they went, with the nodes that are not there yet."""
    snapshot = shop.problem.snapshot
    there = {node.name for node in snapshot.nodes}
    coming = [new_bin(one, f"new-{number}") for number, one in enumerate(added, 1)]
    coming += [one for one in shop.problem.bins if one.name not in there]
    group_of = {pod: group for group in shop.groups for pod in group.pods}
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


def _trim(shop: _Shop, trial: _Trial) -> _Trial:
    """Take every node out, or make it smaller, where all orders are survived without: the dearest kinds first."""
    kinds = sorted({one.key: one for one in trial.added}.values(), key=lambda one: (-one.hourly, one.key))
    for kind in kinds:
        while shop.left > 0 and (less := _less(shop, trial, kind)) is not None:
            trial = less
    return trial


def _less(shop: _Shop, trial: _Trial, kind: Candidate) -> _Trial | None:
    """The same with one node of a kind left out, else with the cheapest in its place that does."""
    position = next((number for number, one in enumerate(trial.added) if one.key == kind.key), None)
    if position is None:
        return None
    before, after = trial.added[:position], trial.added[position + 1 :]
    smaller = sorted(_smaller(shop.problem, kind), key=lambda one: (one.hourly, one.key))
    for instead in ((), *((one,) for one in smaller)):
        if shop.left > 0 and _may_order(shop.problem, (*before, *instead, *after)):
            tried = shop.trial((*before, *instead, *after))
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
