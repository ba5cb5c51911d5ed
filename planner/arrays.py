"""The nodes of a replay side by side, as arrays.

It answers what depends on a node alone: its labels, its taints and what it can give. What pods do to it is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from planner.resources import CPU, MEMORY
from planner.taints import PREFER_NO_SCHEDULE, untolerated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from planner.pods import Needs
    from planner.requirements import Requirements
    from planner.rows import Row
    from planner.scoring import Flags, Ints
    from planner.taints import Taint, Toleration


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
            codes = [place[row.labels[key]] if key in row.labels else len(values) for row in self.rows]
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
