"""All nodes of a replay side by side: those that are there, those on order and those a plan adds, as arrays.

It answers what depends on a node alone: its labels, its taints and what it can give. What pods do to it is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.bins import Bin, new_bin
from planner.candidates import Candidate, daemon_overhead, runs_on
from planner.resources import CPU, MEMORY
from planner.scoring import ASSUMED_CPU, ASSUMED_MEMORY, Flags, Ints
from planner.taints import PREFER_NO_SCHEDULE, Taint, untolerated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from planner.nodes import Node
    from planner.pods import Needs
    from planner.requirements import Requirements
    from planner.resources import Resources
    from planner.snapshot import DaemonSet
    from planner.solve import Problem
    from planner.taints import Toleration


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
    ports: dict[tuple[str, ...], tuple[int, int]] = {}
    for number, one in enumerate(added, 1):
        if one.key not in ports:
            ports[one.key] = _daemons_assumed(one, daemons)
        rows.append(_new(one, f"new-{number}", ports[one.key]))
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
    taints = one.taints
    return Row(
        name=one.name, labels=one.labels, taints=taints, allocatable=allocatable, free=one.free, assumed=assumed
    )  # fmt: skip


def _closed(node: Node) -> Row:
    return Row(
        name=node.name, labels=node.label_map, taints=node.taints, allocatable={}, free={}, open=False,
    )  # fmt: skip


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


@dataclass(frozen=True)
class Domains:
    """The values of one label. ``codes`` is each node's position in ``values``; ``len(values)`` means no such label."""

    values: tuple[str, ...]
    codes: Ints

    @property
    def labelled(self) -> Flags:
        flags: Flags = self.codes < len(self.values)
        return flags


@dataclass(frozen=True)
class Rows:
    """The rows as arrays. ``resources`` are the columns of ``free``, cpu and memory first."""

    rows: Sequence[Row]
    resources: tuple[str, ...]
    _domains: dict[str, Domains] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Row], named: Iterable[str]) -> Rows:
        """``named`` are the resources that somebody requests."""
        return cls(rows, (CPU, MEMORY, *sorted({*named} - {CPU, MEMORY})))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def index(self) -> dict[str, int]:
        return {row.name: number for number, row in enumerate(self.rows)}

    @cached_property
    def open(self) -> Flags:
        return np.array([row.open for row in self.rows], dtype=np.bool_)

    @cached_property
    def allocatable(self) -> Ints:
        """Cpu and memory, which scores look at."""
        return self._amounts(lambda row: row.allocatable)[:, :2]

    @cached_property
    def free(self) -> Ints:
        return self._amounts(lambda row: row.free)

    @cached_property
    def assumed(self) -> Ints:
        return np.array([row.assumed for row in self.rows], dtype=np.int64).reshape(len(self.rows), 2)

    def _amounts(self, of: Callable[[Row], dict[str, int]]) -> Ints:
        table = [[of(row).get(name, 0) for name in self.resources] for row in self.rows]
        return np.array(table, dtype=np.int64).reshape(len(self.rows), len(self.resources))

    def domains(self, key: str) -> Domains:
        """The values of a label over all nodes, in order."""
        if key not in self._domains:
            values = tuple(sorted({row.labels[key] for row in self.rows if key in row.labels}))
            place = {value: number for number, value in enumerate(values)}
            codes = [place.get(row.labels.get(key, ""), len(values)) if key in row.labels else len(values) for row in self.rows]
            self._domains[key] = Domains(values, np.array(codes, dtype=np.int64))
        return self._domains[key]

    def admitting(self, needs: Needs) -> Flags:
        """NodeName, NodeAffinity and TaintToleration: the nodes that are open to such a pod."""
        return self.open & self.matching(needs) & self.tolerated(needs.tolerations)

    def matching(self, needs: Needs) -> Flags:
        """NodeAffinity's required terms, and metadata.name where it is asked for."""
        allowed = np.zeros(len(self), dtype=np.bool_)
        for alternative in needs.alternatives:
            allowed |= self.allowing(alternative)
        if needs.node_names is not None:
            names = frozenset(needs.node_names)
            allowed &= np.array([row.name in names for row in self.rows], dtype=np.bool_)
        return allowed

    def allowing(self, requirements: Requirements) -> Flags:
        """The nodes whose labels meet all requirements: each distinct value is looked at once."""
        allowed = np.ones(len(self), dtype=np.bool_)
        for one in requirements.items:
            domains = self.domains(one.key)
            table = [*(one.allows(value) for value in domains.values), one.allows(None)]
            allowed &= np.array(table, dtype=np.bool_)[domains.codes]
        return allowed

    def tolerated(self, tolerations: tuple[Toleration, ...]) -> Flags:
        """TaintToleration's filter."""
        kinds, codes = self._taints
        return np.array([not untolerated(kind, tolerations) for kind in kinds], dtype=np.bool_)[codes]

    def disliked(self, tolerations: tuple[Toleration, ...]) -> Ints:
        """TaintToleration's score before it is normalized: PreferNoSchedule taints that are not tolerated."""
        kinds, codes = self._taints
        table = [
            sum(1 for taint in kind if taint.effect == PREFER_NO_SCHEDULE and not _tolerated(taint, tolerations))
            for kind in kinds
        ]
        return np.array(table, dtype=np.int64)[codes]

    @cached_property
    def _taints(self) -> tuple[list[tuple[Taint, ...]], Ints]:
        kinds = list(dict.fromkeys(row.taints for row in self.rows))
        place = {kind: number for number, kind in enumerate(kinds)}
        return kinds, np.array([place[row.taints] for row in self.rows], dtype=np.int64)

    def without_ports(self, ports: frozenset[str]) -> Flags:
        """NodePorts, as far as daemon sets that will run on a new node are concerned."""
        return np.array([not ports & row.ports for row in self.rows], dtype=np.bool_)


def _tolerated(taint: Taint, tolerations: tuple[Toleration, ...]) -> bool:
    """``PreferNoSchedule`` taints are held against tolerations of that effect or of any."""
    return any(one.effect in ("", PREFER_NO_SCHEDULE) and one.tolerates(taint) for one in tolerations)
