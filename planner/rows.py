"""The nodes of a replay, one row each: those that are there, those on order, and those that a plan adds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from planner import labels as known
from planner.bins import new_bin
from planner.candidates import daemon_overhead, runs_on
from planner.resources import CPU, MEMORY
from planner.scoring import ASSUMED_CPU, ASSUMED_MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.bins import Bin
    from planner.candidates import Candidate
    from planner.nodes import Node
    from planner.resources import Resources
    from planner.snapshot import DaemonSet
    from planner.solve import Problem
    from planner.taints import Taint


@dataclass(frozen=True, kw_only=True)
class Row:
    """One node. ``assumed`` is what scores count on top of ``used`` for pods without requests: cpu and memory.

    A node that is not ``open`` takes no pod, but those on it are counted.
    """

    name: str
    labels: dict[str, str]
    taints: tuple[Taint, ...]
    allocatable: dict[str, int]
    free: dict[str, int]
    assumed: tuple[int, int] = (0, 0)
    ports: frozenset[str] = frozenset()
    open: bool = True


def rows_of(problem: Problem, added: Sequence[Candidate]) -> list[Row]:
    """Every node of the problem and one new node for each of ``added``, named ``new-1`` and so on in that order."""
    nodes = {node.name: node for node in problem.snapshot.nodes}
    assumed = assumed_requests(problem)
    daemons = problem.snapshot.daemonsets
    rows = [_there(one, nodes.get(one.name), assumed.get(one.name, (0, 0)), daemons) for one in problem.bins]
    present = {one.name for one in problem.bins}
    rows += [_closed(node) for name, node in nodes.items() if name not in present]
    kinds = {one.key: _daemons_assumed(one, daemons) for one in {one.key: one for one in added}.values()}
    rows += [_new(one, f"new-{number}", kinds[one.key]) for number, one in enumerate(added, 1)]
    return _by_zones(rows)


def assumed_requests(problem: Problem) -> dict[str, tuple[int, int]]:
    """What scores add for running pods that request no cpu or no memory, by node."""
    found: dict[str, tuple[int, int]] = {}
    for pod in problem.snapshot.pods:
        place = pod.node_name or pod.nominated_node
        if place and not pod.phase.finished:
            cpu, memory = unasked(pod.needs.requests)
            before = found.get(place, (0, 0))
            found[place] = (before[0] + cpu, before[1] + memory)
    return found


def unasked(requests: Resources) -> tuple[int, int]:
    """The cpu and memory that ``GetNonzeroRequests`` assumes where a pod asks for none."""
    return (0 if requests.get(CPU) else ASSUMED_CPU, 0 if requests.get(MEMORY) else ASSUMED_MEMORY)


def _there(one: Bin, node: Node | None, assumed: tuple[int, int], daemons: tuple[DaemonSet, ...]) -> Row:
    """An existing node, or one on order: of that one, what daemon sets will take is all that is used."""
    if node is not None:
        allocatable = dict(node.allocatable.items)
    else:
        allocatable = dict(one.free)
        for name, amount in daemon_overhead(daemons, one.labels, one.taints):
            allocatable[name] = allocatable.get(name, 0) + amount
    return Row(
        name=one.name, labels=one.labels, taints=one.taints, allocatable=allocatable, free=one.free, assumed=assumed
    )


def _closed(node: Node) -> Row:
    return Row(name=node.name, labels=node.label_map, taints=node.taints, allocatable={}, free={}, open=False)


def _new(one: Candidate, name: str, assumed: tuple[int, int]) -> Row:
    made = new_bin(one, name)
    return Row(
        name=name, labels=made.labels, taints=made.taints, allocatable=dict(one.figures.allocatable.items),
        free=made.free, assumed=assumed, ports=one.daemon_ports,
    )  # fmt: skip


def _daemons_assumed(one: Candidate, daemons: tuple[DaemonSet, ...]) -> tuple[int, int]:
    mine = [unasked(each.template.needs.requests) for each in daemons if runs_on(each, one.labels, one.taints)]
    return (sum(cpu for cpu, _ in mine), sum(memory for _, memory in mine))


def _by_zones(rows: list[Row]) -> list[Row]:
    """One node of each zone after the other, as the scheduler's node tree lists them."""
    zones: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        zones.setdefault((row.labels.get(known.REGION, ""), row.labels.get(known.ZONE, "")), []).append(row)
    return [row for turn in zip_longest(*zones.values()) for row in turn if row is not None]
