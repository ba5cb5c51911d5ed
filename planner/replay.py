"""Whether a plan survives kube-scheduler: its nodes and pods, replayed in several orders of arrival.

The scheduler places pods by its own scores, which spread them; a plan that only holds on paper leaves pods pending.
Every order starts with the most important pods, as the scheduling queue does. Pods that find no node are tried again
once others were bound, until that helps no more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.arrays import Rows
from planner.cycle import Cycle
from planner.enqueue import make_queue
from planner.resources import CPU, MEMORY
from planner.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from planner.candidates import Candidate
    from planner.demand import PodGroup
    from planner.queue import Queue
    from planner.solve import Problem, Solution

    Arrival = tuple[int, str]  # a group, by position, and a pod of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How a plan fared. ``stranded`` are, for each order, the pods that found no node."""

    stranded: tuple[tuple[str, ...], ...] = ()

    @property
    def orders(self) -> int:
        return len(self.stranded)

    @property
    def survived(self) -> int:
        return sum(1 for pods in self.stranded if not pods)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Where the pods of one replay went, by the name of the node, and which found none."""

    placed: tuple[tuple[str, tuple[str, ...]], ...]
    stranded: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """Nodes and pods that can be replayed in any order. Groups hold the pods that are to be placed and no others."""

    rows: Rows
    queue: Queue
    groups: tuple[PodGroup, ...]

    def play(self, order: int) -> Replayed:
        """One replay. ``order`` is a position in ``ORDERS``."""
        cycle = Cycle(self.rows, self.queue, order)
        placed: dict[int, list[str]] = {}
        waiting, before = arrivals(self.groups, order), -1
        while waiting and cycle.bound != before:
            before = cycle.bound
            waiting = _pass(cycle, self.queue, waiting, placed)
        names = {self.rows.rows[node].name: tuple(sorted(pods)) for node, pods in placed.items()}
        return Replayed(placed=tuple(sorted(names.items())), stranded=tuple(sorted(pod for _, pod in waiting)))


def _pass(cycle: Cycle, queue: Queue, waiting: Sequence[Arrival], placed: dict[int, list[str]]) -> list[Arrival]:
    """Try each waiting pod once: those that are left. Where one was refused, its equals are too until pods are bound
    that could change that: others can only help a pod that looks at them."""
    left: list[Arrival] = []
    refused: dict[int, int] = {}
    for index, pod in waiting:
        one = queue.groups[index]
        hopeless = refused.get(index) == (cycle.bound if one.skews or one.together else 0)
        node = None if hopeless else cycle.schedule(one)
        if node is None:
            refused[index] = cycle.bound if one.skews or one.together else 0
            left.append((index, pod))
        else:
            placed.setdefault(node, []).append(pod)
    return left


def certify(problem: Problem, solution: Solution) -> Certificate:
    """Replay the solution in every order. ``problem`` is the one that was solved. No pods, no orders."""
    groups = placed_groups(problem, solution)
    if not groups:
        return Certificate()
    stage = make_stage(problem, groups, [one.candidate for one in solution.opened])
    return Certificate(stranded=tuple(stage.play(order).stranded for order in range(len(ORDERS))))


def placed_groups(problem: Problem, solution: Solution) -> tuple[PodGroup, ...]:
    """The groups of the demand with only the pods that the solution places."""
    lost = {pod for one in solution.unplaced for pod in one.pods}
    kept = ((group, tuple(pod for pod in group.pods if pod not in lost)) for group in problem.demand.groups)
    return tuple(replace(group, pods=pods) for group, pods in kept if pods)


def make_stage(problem: Problem, groups: tuple[PodGroup, ...], added: Sequence[Candidate]) -> Stage:
    """The problem's nodes and some new ones, for these groups."""
    named = {name for group in groups for name, _ in group.needs.requests}
    rows = Rows.of(rows_of(problem, added), named)
    return Stage(rows, make_queue(groups, problem.snapshot, rows), groups)


def arrivals(groups: Sequence[PodGroup], order: int) -> list[Arrival]:
    """All pods, the most important first, else in one of the orders."""
    pods = ORDERS[order][1]([(index, pod) for index, group in enumerate(groups) for pod in group.pods], groups)
    return sorted(pods, key=lambda each: -groups[each[0]].needs.priority)


def _by_name(pods: list[Arrival], _: Sequence[PodGroup]) -> list[Arrival]:
    return sorted(pods, key=lambda each: each[1])


def _reversed(pods: list[Arrival], _: Sequence[PodGroup]) -> list[Arrival]:
    return sorted(pods, key=lambda each: each[1], reverse=True)


def _largest(pods: list[Arrival], groups: Sequence[PodGroup]) -> list[Arrival]:
    return _by_size(pods, groups, -1)


def _smallest(pods: list[Arrival], groups: Sequence[PodGroup]) -> list[Arrival]:
    return _by_size(pods, groups, 1)


def _by_size(pods: list[Arrival], groups: Sequence[PodGroup], sign: int) -> list[Arrival]:
    """By the mean of the shares of all cpu and all memory."""
    cpu, memory = (sum(group.needs.requests.get(name) * group.count for group in groups) for name in (CPU, MEMORY))
    sizes = [
        group.needs.requests.get(CPU) * max(memory, 1) + group.needs.requests.get(MEMORY) * max(cpu, 1)
        for group in groups
    ]
    return sorted(pods, key=lambda each: (sign * sizes[each[0]], each[1]))


def _in_turns(pods: list[Arrival], _: Sequence[PodGroup]) -> list[Arrival]:
    """One pod of each group after the other."""
    turn: dict[int, int] = {}
    numbered = []
    for index, pod in pods:
        turn[index] = turn.get(index, 0) + 1
        numbered.append((turn[index], index, pod))
    return [(index, pod) for _, index, pod in sorted(numbered)]


def _shuffled(pods: list[Arrival], _: Sequence[PodGroup]) -> list[Arrival]:
    return sorted(pods, key=lambda each: hashlib.sha256(each[1].encode()).digest())


#: The orders of arrival, by name.
ORDERS: tuple[tuple[str, Callable[[list[Arrival], Sequence[PodGroup]], list[Arrival]]], ...] = (
    ("by name", _by_name), ("by name, backwards", _reversed), ("largest first", _largest),
    ("smallest first", _smallest), ("one of each workload in turn", _in_turns), ("shuffled", _shuffled),
)  # fmt: skip
