"""The nodes as columns of numbers: what is free on each, and how many pods each topology domain holds.

All filters of kube-scheduler are asked here, for all nodes at once: room, node affinity, taints, host ports, required
topology spread and required pod (anti-)affinity. For ``kubernetes.io/hostname`` the least count of a spread is taken as
zero, as Karpenter does: a new, empty node can always appear. Whoever packs nodes and whoever replays the scheduler
asks the same board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.counts import Counts
from planner.resources import CPU, MEMORY, PODS
from planner.rooms import PLENTY, Rooms
from planner.shapes import Shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.bins import Bin
    from planner.kinds import Kind, Kinds, Rule
    from planner.pods import Needs

    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


#: From so many nodes on they are bound all at once.
SEVERAL = 6


class Board:
    """Nodes by number, with what is free on them. ``resources`` names the rows of ``free`` and ``allocatable``."""

    def __init__(self, kinds: Kinds, resources: Sequence[str], shapes: Shapes | None = None) -> None:
        self.kinds = kinds
        self.resources = tuple(resources)
        self.row = {name: number for number, name in enumerate(self.resources)}
        self.shapes = shapes or Shapes.of(kinds)
        self.size = 0
        self.names: list[str] = []
        self.shape = np.zeros(0, np.int64)
        self.free = np.zeros((len(self.resources), 0), np.int64)
        self.allocatable = np.zeros((len(self.resources), 0), np.int64)
        self.counts = Counts.empty(kinds.terms, 0)
        self._requests: dict[int, tuple[tuple[int, int], ...]] = {}
        self._columns: dict[tuple[tuple[int, int], ...], Ints] = {}
        self._domains: dict[int, tuple[Ints, bool]] = {}
        self._zones: Ints | None = None
        self._inside: dict[str, Flags] = {}
        self._rooms = Rooms()

    def copy(self) -> Board:
        """The same nodes with contents of their own; shapes are shared."""
        other = Board(self.kinds, self.resources, self.shapes)
        other.size, other.names, other.shape = self.size, list(self.names), self.shape
        other.free, other.allocatable, other.counts = self.free.copy(), self.allocatable, self.counts.copy()
        other._requests, other._columns, other._domains = self._requests, self._columns, dict(self._domains)
        return other

    # Nodes

    def add(self, bins: Iterable[Bin]) -> None:
        """Nodes with what is free on them; ``allocatable`` of nodes to come is what their daemon sets leave."""
        new = list(bins)
        if not new:
            return
        shapes = np.array([self.shapes.number(one.labels, one.taints) for one in new], np.int64)
        free = np.array([[one.free.get(name, 0) for one in new] for name in self.resources], np.int64)
        whole = np.array([[_whole(one, name) for one in new] for name in self.resources], np.int64)
        self.grow([one.name for one in new], shapes, free, whole)

    def grow(self, names: Sequence[str], shapes: Ints, free: Ints, allocatable: Ints) -> None:
        """Append nodes given as columns."""
        self.names += names
        self._domains, self._zones, self._inside = {}, None, {}
        self._rooms.forget()
        self.shape = np.concatenate((self.shape, shapes))
        self.free = np.concatenate((self.free, free), axis=1)
        self.allocatable = np.concatenate((self.allocatable, allocatable), axis=1)
        self.size = len(self.names)
        for term, by_host in enumerate(self.counts.by_host):
            self.counts.reserve(term, self.size if by_host else len(self.shapes.values[term]))

    def labels(self, node: int) -> dict[str, str]:
        """The labels of a node that anybody looks at."""
        return {**self.shapes.all[self.shape[node]].labels, known.HOSTNAME: self.names[node]}

    # Filters

    def requests_of(self, kind: Kind) -> tuple[tuple[int, int], ...]:
        """(row, amount) for what a pod of the kind asks for."""
        found = self._requests.get(kind.request)
        if found is None:
            items = sorted((self.row[name], amount) for name, amount in kind.requests.items() if amount > 0)
            found = self._requests[kind.request] = tuple(items)
        return found

    def columns_of(self, kind: Kind) -> Ints:
        """What a pod of the kind asks for, by row. Equal requests are one array, which nobody may change."""
        items = self.requests_of(kind)
        found = self._columns.get(items)
        if found is None:
            found = self._columns[items] = np.zeros(len(self.resources), np.int64)
            for row, amount in items:
                found[row] = amount
            found.flags.writeable = False
        return found

    def zones(self) -> Ints:
        """The zone of each node, by number; -1 for none."""
        if self._zones is None:
            self._zones = self.shapes.zone_codes()[self.shape] if self.size else np.zeros(0, np.int64)
        return self._zones

    def in_zone(self, zone: str) -> Flags:
        """The nodes of a zone."""
        found = self._inside.get(zone)
        if found is None:
            found = self._inside[zone] = self.zones() == self.zone_code(zone)
        return found

    def zone_code(self, zone: str) -> int:
        return self.shapes.zones.get(zone, -2)

    def zone_names(self) -> list[str]:
        return list(self.shapes.zones)

    def domain(self, term: int, value: str) -> int:
        """The number of a term's domain, with room to count in it."""
        found = self.shapes.domain(term, value)
        self.counts.reserve(term, found + 1)
        return found

    def admitted(self, kind: Kind) -> Flags:
        """Nodes that admit the kind: taints, node affinity and names."""
        flags: Flags = self.shapes.admitted[kind.admission][self.shape]
        if kind.needs.node_names is not None or _by_host(kind.needs):
            flags = flags & self._by_name(kind.needs)
        return flags

    def _by_name(self, needs: Needs) -> Flags:
        names = needs.node_names
        return np.array(
            [
                (names is None or name in names) and any(each.allow(self.labels(node)) for each in needs.alternatives)
                for node, name in enumerate(self.names)
            ],
            np.bool_,
        )

    def fitting(self, kind: Kind) -> Flags:
        """Nodes with room for one pod of the kind."""
        flags = np.ones(self.size, np.bool_)
        for row, amount in self.requests_of(kind):
            flags &= self.free[row] >= amount
        return flags

    def rooms(self, kind: Kind, nodes: Flags | None = None, *, apart_from: str = "") -> Ints:
        """How many more pods of the kind each node can take now, as far as one node at a time is concerned.

        Only where ``nodes`` says so, if it is given, and without the rules over the label ``apart_from``. A spread over
        zones or another shared domain is looked at as it stands: who places several pods asks again after each. Nobody
        may change what is given.
        """
        if not self.size:
            return np.zeros(0, np.int64)
        key, requests = (kind.request, kind.admission), self.requests_of(kind)
        room = self._rooms.of(key, self.free, requests, lambda: self.admitted(kind))
        if nodes is not None:
            room = room * nodes
        asked = self.is_limited(kind) and np.count_nonzero(room)
        return self.limited(kind, room, apart_from=apart_from) if asked else room

    def unsized(self, kind: Kind, *, apart_from: str = "") -> Ints:
        """As ``rooms``, for nodes that would be as large as it takes."""
        return self.limited(kind, np.where(self.admitted(kind), PLENTY, 0), apart_from=apart_from)

    def allowed_on(self, kind: Kind, node: int, *, apart_from: str = "") -> bool:
        """Whether a node takes one more pod of the kind."""
        return bool(self.rooms(kind, apart_from=apart_from)[node] > 0)

    def allowed(self, kind: Kind) -> Flags:
        """Nodes that pass every filter for one more pod of the kind."""
        flags = self.admitted(kind) & self.fitting(kind)
        if not self.is_limited(kind):
            return flags
        limited: Ints = self.limited(kind, flags.astype(np.int64))
        return limited > 0

    def is_limited(self, kind: Kind) -> bool:
        """Whether other pods may keep the kind off some nodes."""
        return kind.ruled or any(map(self.counts.holding.__getitem__, kind.matches))

    def limited(self, kind: Kind, room: Ints, *, apart_from: str = "") -> Ints:
        """Room lessened by what topology allows: spread, affinity, anti-affinity both ways and host ports."""
        terms = self.kinds.terms
        for rule in kind.spreads:
            if terms[rule.term].key != apart_from:
                room = np.minimum(room, self._spread(rule))
        for term in kind.anti:
            if terms[term].key != apart_from:
                room = np.minimum(room, self._apart(kind, term))
        if kind.affinity:
            room = self._together(kind, room, apart_from)
        for term in kind.matches:
            if self.counts.holding[term] and terms[term].key != apart_from:
                room = np.where(self._at(self.counts.held, term, 0) > 0, 0, room)
        return room

    def _at(self, arrays: list[Ints], term: int, missing: int) -> Ints:
        """A term's figure for each node; ``missing`` for nodes without the label."""
        if self.counts.by_host[term]:
            return arrays[term][: self.size]
        domains, everywhere = self._places(term)
        found: Ints = arrays[term][domains]
        return found if everywhere else np.where(domains < 0, missing, found)

    def _places(self, term: int) -> tuple[Ints, bool]:
        """The domain of each node, and whether all have one."""
        if term not in self._domains:
            domains = self.shapes.domains[term][self.shape]
            self._domains[term] = domains, bool((domains >= 0).all())
        return self._domains[term]

    def _spread(self, rule: Rule) -> Ints:
        top = self.counts.lowest(rule) + rule.max_skew
        count = self._at(self.counts.counts, rule.term, PLENTY)
        if rule.counts_itself:
            only = self.counts.domains[rule.term]
            if len(only) == 1 and rule.min_domains <= 1 and not self.counts.by_host[rule.term]:
                # the only domain is never further from the emptiest than itself
                return np.where(self._places(rule.term)[0] == only[0], PLENTY, 0)
            return np.maximum(top - count, 0)
        return np.where(count <= top, PLENTY, 0)

    def _apart(self, kind: Kind, term: int) -> Ints:
        count = self._at(self.counts.counts, term, 0)
        if term not in kind.matches:
            return np.where(count > 0, 0, PLENTY)
        labelled = self._labelled(term)
        return np.where(labelled, np.where(count > 0, 0, 1), PLENTY)

    def _together(self, kind: Kind, room: Ints, apart_from: str) -> Ints:
        first = all(term in kind.matches and not self.counts.totals[term] for term in kind.affinity)
        for term in kind.affinity:
            if self.kinds.terms[term].key == apart_from:
                continue
            there = self._labelled(term) if first else self._at(self.counts.counts, term, 0) > 0
            room = np.where(there, room, 0)
        return room

    def _labelled(self, term: int) -> Flags:
        if self.counts.by_host[term]:
            return np.ones(self.size, np.bool_)
        flags: Flags = self._places(term)[0] >= 0
        return flags

    # Pods

    def bind(self, kind: Kind, node: int, count: int = 1) -> None:
        """Put ``count`` pods of the kind on a node; a negative count takes them off."""
        for row, amount in self.requests_of(kind):
            self.free[row, node] -= amount * count
        self._rooms.changed((node,))
        self.count(kind, node, count)

    def bind_all(self, kind: Kind, taken: Mapping[int, int]) -> None:
        """Put pods of the kind on nodes, so many on each."""
        if len(taken) < SEVERAL:
            for node, count in taken.items():
                self.bind(kind, node, count)
            return
        nodes, amounts = np.array([*taken]), np.array([*taken.values()])
        for row, amount in self.requests_of(kind):
            self.free[row, nodes] -= amount * amounts
        self._rooms.changed(taken)
        shapes, counts = self.shape[nodes], self.counts
        for term in kind.matches:
            here = self.shapes.counted[term][shapes]
            counts.totals[term] += self._add(counts.counts, term, nodes[here], amounts[here])
        for term in kind.anti:
            counts.holding[term] += self._add(counts.held, term, nodes, amounts)

    def _add(self, arrays: list[Ints], term: int, nodes: Ints, amounts: Ints) -> int:
        """Count so many on each node in its domain, if it has one; how many that were."""
        if self.counts.by_host[term]:
            arrays[term][nodes] += amounts
            return int(amounts.sum())
        domains = self.shapes.domains[term][self.shape[nodes]]
        known = domains >= 0
        np.add.at(arrays[term], domains[known], amounts[known])
        return int(amounts[known].sum())

    def count(self, kind: Kind, node: int, count: int) -> None:
        """Count pods of the kind on a node for topology, without taking room."""
        shape = int(self.shape[node])
        counts = self.counts
        for term in kind.matches:
            domain = node if counts.by_host[term] else int(self.shapes.domains[term, shape])
            if domain >= 0 and self.shapes.counted[term, shape]:
                counts.counts[term][domain] += count
                counts.totals[term] += count
        for term in kind.anti:
            domain = node if counts.by_host[term] else int(self.shapes.domains[term, shape])
            if domain >= 0:
                counts.held[term][domain] += count
                counts.holding[term] += count

    def resize(self, nodes: Sequence[int], more: Ints) -> None:
        """Give these nodes so much more room (resources × nodes)."""
        self.free[:, nodes] += more
        self._rooms.changed(nodes)

    def close(self, nodes: Sequence[int]) -> None:
        """Leave no room on these nodes for anybody."""
        self.free[:, nodes] = -1
        self._rooms.changed(nodes)


def _by_host(needs: Needs) -> bool:
    return any(one.key == known.HOSTNAME for each in needs.alternatives for one in each.items)


def _whole(one: Bin, name: str) -> int:
    if one.allocatable is not None:
        return one.allocatable.get(name, 0)
    return one.free.get(name, 0)


def resources_of(kinds: Kinds) -> tuple[str, ...]:
    """Every resource that some pod asks for, sorted; the number of pods, cpu and memory are always among them."""
    return tuple(sorted({PODS, CPU, MEMORY, *(name for kind in kinds.kinds for name in kind.requests)}))
