"""Putting pods of a kind on the nodes of a board: as many as their rules and the room allow, first nodes first.

Rules over zones are kept pod by pod, always in the emptiest zone that is left, as kube-scheduler's skew demands.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.board import PLENTY

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
    if count <= 0:
        return Filled(left=max(0, count))
    if kind.on_zones or zones is not None or (offer is not None and offer.labels):
        return _Zones(board, kind, nodes, offer, zones).fill(count)
    if kind.on_others or kind.affinity:
        return _one_by_one(board, kind, count, nodes)
    return _at_once(board, kind, count, nodes)


def _at_once(board: Board, kind: Kind, count: int, nodes: Flags | None) -> Filled:
    """Where one node's pods do not bear on another's."""
    room = board.rooms(kind, nodes)
    if not room.any():
        return Filled(left=count)
    if count == 1:
        node = int(np.argmax(room > 0))
        board.bind(kind, node)
        return Filled({node: 1})
    taken = first_fit(room, count)
    board.bind_many(kind, taken)
    where = np.flatnonzero(taken)
    amounts = dict(zip(where.tolist(), taken[where].tolist(), strict=True))
    return Filled(amounts, left=count - sum(amounts.values()))


def first_fit(room: Ints, count: int) -> Ints:
    """How many of ``count`` each node takes when the first take what they can."""
    before = np.cumsum(np.minimum(room, count))
    upto = np.minimum(before, count)
    taken: Ints = np.diff(upto, prepend=0)
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


class _Zones:
    """Filling for one kind with rules over zones. What nodes can take apart from these rules is worked out once."""

    def __init__(
        self, board: Board, kind: Kind, nodes: Flags | None, offer: Offer | None, zones: Mapping[str, int] | None
    ) -> None:
        self.board, self.kind, self.nodes = board, kind, nodes
        self.offer = offer or Offer({})
        self.caps = None if zones is None else dict(zones)
        self.room = self._rooms()
        self.zone = board.zones()
        if zones is not None:
            self.names = sorted(name for name, count in zones.items() if count > 0)
        elif self.room.any():
            here = np.flatnonzero(np.bincount(self.zone[(self.room > 0) & (self.zone >= 0)], minlength=1))
            names = board.zone_names()
            self.names = sorted({*self.offer.labels, *(names[code] for code in here.tolist() if names)})
        else:
            self.names = sorted(self.offer.labels)
        self.rules = zone_rules(board, kind)
        self.places: dict[str, deque[int]] = {}
        self.filled = Filled()

    def fill(self, count: int) -> Filled:
        left = count
        while left:
            free = self._free()
            amount = self._onto_node(free, left) or self._into_zone(free)
            if not amount:
                break
            left -= amount
        self.filled.left = left
        return self.filled

    def _free(self) -> list[str]:
        """The zones that may take a pod, the emptiest first."""
        if self.caps is not None:
            return [zone for zone in self.names if self.caps[zone] > 0]
        free = [zone for zone in self.names if self.rules.room(zone) > 0]
        return sorted(free, key=lambda zone: (self.rules.count(zone), zone)) if len(free) > 1 else free

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
        if zone not in self.places:
            inside = (self.room > 0) & (self.zone == self.board.zone_code(zone))
            self.places[zone] = deque(np.flatnonzero(inside).tolist())
        places = self.places[zone]
        while places and not self.room[places[0]]:
            places.popleft()
        return places[0] if places else -1

    def _run(self, zone: str) -> int:
        """How many pods may follow each other into a zone before the rules must be asked again."""
        if self.caps is not None:
            return self.caps[zone]
        return min(1 if self.kind.spreads else PLENTY, self.rules.room(zone))

    def _again(self, node: int, amount: int) -> None:
        if self.kind.on_others or (self.kind.on_hosts and self.kind.affinity):
            self.room = self._rooms()
            self.places.clear()
        else:
            self.room[node] -= min(amount, int(self.room[node]))

    def _into_zone(self, zones: list[str]) -> int:
        for zone in zones:
            if zone in self.offer.labels and self.filled.ordered.get(zone, 0) < self.offer.caps.get(zone, PLENTY):
                self.filled.ordered[zone] = self.filled.ordered.get(zone, 0) + 1
                self.rules.told(zone, self.offer.labels[zone])
                return 1
        return 0


@dataclass
class ZoneRules:
    """What a kind's rules over zones, and those of others, allow in each zone, and where its pods are by now."""

    board: Board
    kind: Kind
    spreads: tuple[Rule, ...]
    anti: tuple[int, ...]
    affinity: tuple[int, ...]
    matches: tuple[int, ...]

    def room(self, zone: str) -> int:
        """How many more pods may go there, as things stand."""
        board, room = self.board, PLENTY
        counts = board.counts
        for rule in self.spreads:
            domain = board.domain(rule.term, zone)
            only = counts.domains[rule.term]
            if rule.counts_itself and rule.min_domains <= 1 and len(only) == 1 and only[0] == domain:
                continue
            spare = counts.lowest(rule) + rule.max_skew - int(counts.counts[rule.term][domain])
            if not rule.counts_itself:
                spare = PLENTY if spare >= 0 else 0
            room = min(room, spare)
        for term in self.anti:
            if counts.counts[term][board.domain(term, zone)]:
                return 0
            room = min(room, 1 if term in self.kind.matches else PLENTY)
        first = all(term in self.kind.matches and not counts.totals[term] for term in self.kind.affinity)
        if not first and any(not counts.counts[term][board.domain(term, zone)] for term in self.affinity):
            return 0
        if any(counts.holding[term] and counts.held[term][board.domain(term, zone)] for term in self.matches):
            return 0
        return max(0, room)

    def count(self, zone: str) -> int:
        """How many pods its spreads count there: the most of all."""
        counts, domain = self.board.counts.counts, self.board.domain
        return max((int(counts[one.term][domain(one.term, zone)]) for one in self.spreads), default=0)

    def told(self, zone: str, labels: Mapping[str, str]) -> None:
        """Count one pod of the kind in a zone, on a node that is yet to be ordered with these labels."""
        counts = self.board.counts
        own = {rule.term for rule in self.spreads}
        for term in self.matches:
            if term in own or self.board.kinds.terms[term].looks_at(labels, ()):
                counts.counts[term][self.board.domain(term, zone)] += 1
                counts.totals[term] += 1
        for term in self.anti:
            counts.held[term][self.board.domain(term, zone)] += 1
            counts.holding[term] += 1


def zone_rules(board: Board, kind: Kind) -> ZoneRules:
    """The part of a kind's rules, and of those of others about it, that looks at zones."""

    def by_zone(terms: Iterable[int]) -> tuple[int, ...]:
        return tuple(term for term in terms if board.kinds.terms[term].key == known.ZONE)

    spreads = tuple(rule for rule in kind.spreads if board.kinds.terms[rule.term].key == known.ZONE)
    return ZoneRules(board, kind, spreads, by_zone(kind.anti), by_zone(kind.affinity), by_zone(kind.matches))
