"""What nodes have in common, asked once for all of them: which pods they admit, and in which domains they count."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planner.kinds import Kinds
    from planner.pods import Needs
    from planner.requirements import Requirements
    from planner.taints import Taint

    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Shape:
    """What nodes have in common, as far as any pod of the demand looks at it. ``labels`` are without the host name."""

    labels: Mapping[str, str]
    taints: tuple[Taint, ...]


@dataclass
class Shapes:
    """All shapes, and what is asked of a shape once: who is admitted, and where its nodes count.

    ``admitted`` is admissions × shapes, ``domains`` and ``counted`` terms × shapes. A domain is a number; -1 is a node
    without the label. Terms by host have no domains here: each node is one. ``around`` are the shapes of all nodes that
    are there, those too that take no pods; whoever needs them first sets them.
    """

    kinds: Kinds
    keys: tuple[str, ...]
    all: list[Shape] = field(default_factory=list)
    values: list[dict[str, int]] = field(default_factory=list)
    admitted: Flags = field(init=False)
    domains: Ints = field(init=False)
    counted: Flags = field(init=False)
    zones: dict[str, int] = field(default_factory=dict)
    around: frozenset[int] | None = None
    _zone_of: list[int] = field(default_factory=list)
    _known: dict[tuple[object, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = [{} for _ in self.kinds.terms]
        self.admitted = np.zeros((len(self.kinds.admissions), 0), np.bool_)
        self.domains = np.zeros((len(self.kinds.terms), 0), np.int64)
        self.counted = np.zeros((len(self.kinds.terms), 0), np.bool_)

    @classmethod
    def of(cls, kinds: Kinds) -> Shapes:
        """No shapes yet. Only label keys that some pod or term looks at tell shapes apart."""
        keys = {one.key for needs in kinds.admissions for each in needs.alternatives for one in each.items}
        keys |= {one.key for kind in kinds.kinds for each in kind.needs.preferences for one in each.requirements.items}
        keys |= {term.key for term in kinds.terms}
        keys |= {one.key for term in kinds.terms for each in term.nodes for one in each.items}
        keys |= {one.topology_key for kind in kinds.kinds for one in kind.needs.spreads}
        keys |= {
            one.topology_key for kind in kinds.kinds for one in (*kind.needs.affinity, *kind.needs.anti_affinity)
        }  # fmt: skip
        return cls(kinds, tuple(sorted(keys - {known.HOSTNAME} | {known.ZONE, known.REGION})))

    def number(self, labels: Mapping[str, str], taints: tuple[Taint, ...]) -> int:
        """The shape of a node with these labels and taints."""
        key = (*(labels.get(one) for one in self.keys), taints)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.all)
            self._add(Shape({one: labels[one] for one in self.keys if one in labels}, taints))
        return found

    def zone_codes(self) -> Ints:
        """The zone of each shape, by number; -1 for none."""
        return np.array(self._zone_of, np.int64)

    def _add(self, shape: Shape) -> None:
        self.all.append(shape)
        zone = shape.labels.get(known.ZONE)
        self._zone_of.append(-1 if zone is None else self.zones.setdefault(zone, len(self.zones)))
        admits = [_admits(needs, shape) for needs in self.kinds.admissions]
        self.admitted = np.column_stack((self.admitted, np.array(admits, np.bool_)))
        domains = [self.domain(position, shape.labels.get(term.key)) for position, term in enumerate(self.kinds.terms)]
        self.domains = np.column_stack((self.domains, np.array(domains, np.int64)))
        counted = [term.looks_at(shape.labels, shape.taints) for term in self.kinds.terms]
        self.counted = np.column_stack((self.counted, np.array(counted, np.bool_)))

    def domain(self, term: int, value: str | None) -> int:
        """The number of a term's domain by the value of its label."""
        return -1 if value is None else self.values[term].setdefault(value, len(self.values[term]))


def _admits(needs: Needs, shape: Shape) -> bool:
    """Taints and node affinity, as far as the shape decides it; names of nodes are looked at elsewhere."""
    if untolerated(shape.taints, needs.tolerations):
        return False
    return any(_allows_without_host(each, shape.labels) for each in needs.alternatives)


def _allows_without_host(alternative: Requirements, labels: Mapping[str, str]) -> bool:
    return all(one.key == known.HOSTNAME or one.allows(labels.get(one.key)) for one in alternative.items)
