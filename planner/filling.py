"""Putting pods of a kind on the nodes of a board: as many as their rules and the room allow, first nodes first.

Rules over zones are kept pod by pod, always in the emptiest zone that is left, as kube-scheduler's skew demands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.rooms import PLENTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planner.board import Board, Flags, Ints
    from planner.kinds import Kind, Rule


@dataclass
class Filled:
    """What became of the pods: on nodes by number, or told to be in a zone where a node is to be ordered."""

    taken: dict[int, int] = field(default_factory=dict)
    ordered: dict[str, int] = field(default_factory=dict)
    left: int = 0


@dataclass(frozen=True)
class Offer:
    """Zones in which nodes can be ordered for a kind: the labels that all of these would have, and how many pods may go
    there at most."""

    labels: Mapping[str, Mapping[str, str]]
    caps: Mapping[str, int] = field(default_factory=dict)


def fill(
    board: Board, kind: Kind, count: int, *, nodes: Flags | None = None, offer: Offer | None = None,
    zones: Mapping[str, int] | None = None,
) -> Filled:  # fmt: skip
    """Put up to ``count`` pods on the nodes that ``nodes`` names (all, if None).

    With an ``offer``, pods with rules over zones that no node can take are told a zone instead. ``zones`` are pods that
    were told their zones: so many go to each, and what the rules say of zones is not asked again.
    """
    if count <= 0 or (not board.size and offer is None):
        return Filled(left=max(0, count))
    if zones is not None and not kind.on_others and not (kind.on_hosts and kind.affinity):
        return _told(board, kind, nodes, zones)
    if kind.on_zones or zones is not None or (offer is not None and offer.labels):
        return _Zones(board, kind, nodes, offer, zones).fill(count)
    if kind.on_others or kind.affinity:
        return _one_by_one(board, kind, count, nodes)
    return _at_once(board, kind, count, nodes)


def _at_once(board: Board, kind: Kind, count: int, nodes: Flags | None) -> Filled:
    """Where one node's pods do not bear on another's."""
    taken = _bound(board, kind, first_fit(board.rooms(kind, nodes), count))
    return Filled(taken, left=count - sum(taken.values()))


def first_fit(room: Ints, count: int) -> dict[int, int]:
    """How many of ``count`` pods each node takes when the first take what they can; those that take none left out."""
    if count == 1 and len(room):
        first = int(np.argmax(room > 0))
        return {first: 1} if room[first] > 0 else {}
    taken, left = {}, count
    for node in np.flatnonzero(room > 0)[:count].tolist():  # each takes one at least
        taken[node] = min(left, int(room[node]))
        left -= taken[node]
        if not left:
            break
    return taken


def _bound(board: Board, kind: Kind, taken: dict[int, int]) -> dict[int, int]:
    board.bind_all(kind, taken)
    return taken


def _one_by_one(board: Board, kind: Kind, count: int, nodes: Flags | None) -> Filled:
    """Ask again after each node, because pods on one may open or close others."""
    filled = Filled(left=count)
    while filled.left and board.size:
        room = board.rooms(kind, nodes)
        node = int(np.argmax(room > 0))
        if not room[node]:
            break
        amount = 1 if kind.on_others else min(filled.left, int(room[node]))
        board.bind(kind, node, amount)
        filled.taken[node] = filled.taken.get(node, 0) + amount
        filled.left -= amount
    return filled


def _told(board: Board, kind: Kind, nodes: Flags | None, zones: Mapping[str, int]) -> Filled:
    """Pods that were told their zones, where one node's pods do not bear on another's: zone by zone."""
    filled = Filled(left=sum(zones.values()))
    room = board.rooms(kind, nodes, apart_from=known.ZONE)
    for zone, count in sorted(zones.items()):
        filled.taken |= _bound(board, kind, first_fit(room * board.in_zone(zone), count))
    filled.left -= sum(filled.taken.values())
    return filled


class _Zones:
    """Filling for one kind with rules over zones. What nodes can take apart from these rules is worked out once."""

    def __init__(
        self, board: Board, kind: Kind, nodes: Flags | None, offer: Offer | None, zones: Mapping[str, int] | None
    ) -> None:
        self.board, self.kind, self.nodes = board, kind, nodes
        self.offer = offer or Offer({})
        self.caps = None if zones is None else dict(zones)
        self.room = self._rooms().copy()
        self.open = bool(np.count_nonzero(self.room))
        self.zone = board.zones()
        if zones is not None:
            self.names = sorted(name for name, count in zones.items() if count > 0)
        elif self.open:
            here = np.flatnonzero(np.bincount(self.zone[(self.room > 0) & (self.zone >= 0)], minlength=1))
            names = board.zone_names()
            self.names = sorted({*self.offer.labels, *(names[code] for code in here.tolist() if names)})
        else:
            self.names = sorted(self.offer.labels)
        self.rules = zone_rules(board, kind)
        self.places: dict[str, _Places] = {}
        self.filled = Filled()

    def fill(self, count: int) -> Filled:
        left = count
        while left:
            free = self._free()
            amount = (self._onto_node(free, left) if self.open else 0) or self._into_zone(free, left)
            if not amount:
                break
            left -= amount
        self.filled.left = left
        return self.filled

    def _free(self) -> list[str]:
        """The zones that may take a pod, the emptiest first."""
        if self.caps is not None:
            return [zone for zone in self.names if self.caps[zone] > 0]
        return self.rules.free(self.names)

    def _rooms(self) -> Ints:
        return self.board.rooms(self.kind, self.nodes, apart_from=known.ZONE)

    def _onto_node(self, zones: list[str], left: int) -> int:
        for zone in zones:
            node = self._first_in(zone)
            if node < 0:
                continue
            amount = min(left, int(self.room[node]), self._run(zone))
            self.board.bind(self.kind, node, amount)
            self.filled.taken[node] = self.filled.taken.get(node, 0) + amount
            if self.caps is not None:
                self.caps[zone] -= amount
            self._again(node, amount)
            return amount
        return 0

    def _first_in(self, zone: str) -> int:
        """The first node of a zone that has room; -1 where there is none. Nodes without room stay so for this kind."""
        found = self.places.get(zone)
        if found is None:
            found = _Places(np.flatnonzero((self.room > 0) & self.board.in_zone(zone)))
            self.places[zone] = found
        return found.first(self.room)

    def _run(self, zone: str) -> int:
        """How many pods may follow each other into a zone before the rules must be asked again."""
        if self.caps is not None:
            return self.caps[zone]
        return min(1 if self.kind.spreads else PLENTY, self.rules.room(zone))

    def _again(self, node: int, amount: int) -> None:
        if self.kind.on_others or (self.kind.on_hosts and self.kind.affinity):
            self.room = self._rooms().copy()
            self.places.clear()
        else:
            self.room[node] -= min(amount, int(self.room[node]))

    def _into_zone(self, zones: list[str], left: int) -> int:
        for zone in zones:
            told = self.filled.ordered.get(zone, 0)
            more = self.offer.caps.get(zone, PLENTY) - told if zone in self.offer.labels else 0
            amount = min(left, more, self._run(zone)) if more > 0 else 0
            if amount > 0:
                self.filled.ordered[zone] = told + amount
                self.rules.told(zone, self.offer.labels[zone], amount)
                return amount
        return 0


@dataclass
class _Places:
    """The nodes of a zone that had room, in order; those before ``passed`` have none any more."""

    nodes: Ints
    passed: int = 0

    def first(self, room: Ints) -> int:
        while self.passed < len(self.nodes):
            node = int(self.nodes[self.passed])
            if room[node]:
                return node
            self.passed += 1
        return -1


@dataclass
class ZoneRules:
    """What a kind's rules over zones, and those of others, allow in each zone, and where its pods are by now."""

    board: Board
    kind: Kind
    spreads: tuple[Rule, ...]
    anti: tuple[int, ...]
    affinity: tuple[int, ...]
    matches: tuple[int, ...]
    _domains: dict[tuple[int, str], int] = field(default_factory=dict)
    _counted: dict[tuple[int, str], bool] = field(default_factory=dict)

    def free(self, zones: Iterable[str]) -> list[str]:
        """Of some zones those that may take a pod, first those where its spreads count the fewest, then by name."""
        tops = self._tops()
        open_to = [zone for zone in zones if self._room(zone, tops) > 0]
        return sorted(open_to, key=lambda zone: (self.count(zone), zone)) if len(open_to) > 1 else open_to

    def room(self, zone: str) -> int:
        """How many more pods may go there, as things stand."""
        return self._room(zone, self._tops())

    def _tops(self) -> list[int]:
        """How many pods each spread may count in a zone."""
        return [self.board.counts.lowest(rule) + rule.max_skew for rule in self.spreads]

    def _room(self, zone: str, tops: Iterable[int]) -> int:
        room, counts = PLENTY, self.board.counts
        for rule, top in zip(self.spreads, tops, strict=True):
            domain, only = self._domain(rule.term, zone), counts.domains[rule.term]
            if rule.counts_itself and rule.min_domains <= 1 and len(only) == 1 and only[0] == domain:
                continue
            spare = top - int(counts.counts[rule.term][domain])
            if not rule.counts_itself:
                spare = PLENTY if spare >= 0 else 0
            room = min(room, spare)
        for term in self.anti:
            if counts.counts[term][self._domain(term, zone)]:
                return 0
            room = min(room, 1 if term in self.kind.matches else PLENTY)
        for term in self.matches:
            if counts.holding[term] and counts.held[term][self._domain(term, zone)]:
                return 0
        return max(0, room) if not self.affinity or self._sought(zone) else 0

    def _sought(self, zone: str) -> bool:
        """Whether the pods that the kind looks for are there, or it is to be the first of them."""
        counts = self.board.counts
        if all(term in self.kind.matches and not counts.totals[term] for term in self.kind.affinity):
            return True
        return all(counts.counts[term][self._domain(term, zone)] for term in self.affinity)

    def count(self, zone: str) -> int:
        """How many pods its spreads count there: the most of all."""
        counts = self.board.counts.counts
        return max((int(counts[one.term][self._domain(one.term, zone)]) for one in self.spreads), default=0)

    def told(self, zone: str, labels: Mapping[str, str], count: int = 1) -> None:
        """Count pods of the kind in a zone, on nodes that are yet to be ordered with these labels."""
        counts = self.board.counts
        for term in self.matches:
            if self._counts(term, zone, labels):
                counts.counts[term][self._domain(term, zone)] += count
                counts.totals[term] += count
        for term in self.anti:
            counts.held[term][self._domain(term, zone)] += count
            counts.holding[term] += count

    def _counts(self, term: int, zone: str, labels: Mapping[str, str]) -> bool:
        found = self._counted.get((term, zone))
        if found is None:
            own = any(rule.term == term for rule in self.spreads)
            found = self._counted[term, zone] = own or self.board.kinds.terms[term].looks_at(labels, ())
        return found

    def _domain(self, term: int, zone: str) -> int:
        found = self._domains.get((term, zone))
        if found is None:
            found = self._domains[term, zone] = self.board.domain(term, zone)
        return found


def zone_rules(board: Board, kind: Kind) -> ZoneRules:
    """The part of a kind's rules, and of those of others about it, that looks at zones."""

    def by_zone(terms: Iterable[int]) -> tuple[int, ...]:
        return tuple([term for term in terms if board.kinds.terms[term].key == known.ZONE])

    spreads = tuple([rule for rule in kind.spreads if board.kinds.terms[rule.term].key == known.ZONE])
    return ZoneRules(board, kind, spreads, by_zone(kind.anti), by_zone(kind.affinity), by_zone(kind.matches))
