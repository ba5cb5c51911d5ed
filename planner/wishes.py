"""What pods would rather have: rules that only score, resolved against the nodes of a board.

They are ScheduleAnyway spreads, the scheduler's default spreads, preferred node affinity, PreferNoSchedule taints, and
InterPodAffinity's preferences of a pod and of the pods around it. What they look at is counted by node domain, once
however many groups look at it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.claims import is_volume_term
from planner.counting import TermIndex
from planner.hosts import looked_at
from planner.pods import Needs, Spread
from planner.taints import avoided
from planner.topology import Term, terms_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from planner.board import Board
    from planner.demand import PodGroup
    from planner.pods import Pod, Preference
    from planner.scores import Flags, Ints
    from planner.shapes import Shape
    from planner.snapshot import Namespace, Snapshot
    from planner.taints import Toleration

    _Labels = tuple[tuple[str, str], ...]
    _Weighted = tuple[tuple[Term, int], ...]

#: ``systemDefaultConstraints`` of PodTopologySpread.
BUILT_IN = (
    Spread(topology_key=known.HOSTNAME, max_skew=3, required=False),
    Spread(topology_key=known.ZONE, max_skew=5, required=False),
)


@dataclass(frozen=True)
class Tally:
    """Pods by domain. ``codes`` is where a pod on each node counts; the last domain of ``start`` counts nothing.

    ``by_host``: each node is a domain of its own.
    """

    codes: Ints
    start: Ints
    by_host: bool


@dataclass(frozen=True)
class Look:
    """A tally as seen from every node: its position, and each node's domain (the last one: none)."""

    tally: int
    codes: Ints


@dataclass(frozen=True)
class Wish:
    """A spread that only scores. ``labelled`` are the nodes that have its key."""

    look: Look
    labelled: Flags
    max_skew: int
    by_host: bool


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """All that a group would rather have; None: nothing of the kind.

    ``by_default``: the spreads are the scheduler's own. ``scored`` are the nodes with the labels of all spreads,
    None: they need not have them, or all do. ``adds`` are the tallies in which one more pod of the group counts, and
    how much.
    """

    spreads: tuple[Wish, ...]
    by_default: bool
    scored: Flags | None
    leans: tuple[tuple[Look, int], ...]
    disliked: Ints | None
    preferred: Ints | None
    adds: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Wishbook:
    """The wishes of each group, in order, the tallies, and ``assumed[2, nodes]`` of running pods (see ``scores``)."""

    wishes: tuple[Wishes, ...]
    tallies: tuple[Tally, ...]
    assumed: Ints


def make_wishbook(board: Board, groups: Sequence[PodGroup], snapshot: Snapshot) -> Wishbook:
    """Resolve the wishes of all groups. Running pods are counted where their node is on the board."""
    bound = [pod for pod in snapshot.pods if (pod.node_name or pod.nominated_node) and not pod.phase.finished]
    reader = _Reader(snapshot.namespaces)
    leaning = [reader.leanings(one.namespace, one.labels, one.needs) for one in groups]
    leaning += [reader.leanings(one.namespace, one.labels, one.needs) for one in bound]
    pulls = TermIndex.of(term for weighted in leaning for term, _ in weighted)
    maker = _Maker(board, reader, pulls)
    parts = [maker.parts(group) for group in groups]
    counter = maker.counter()
    adds = [counter.adds(one.namespace, one.labels, one.needs) for one in groups]
    wishes = tuple(replace(part, adds=added) for part, added in zip(parts, adds, strict=True))
    return Wishbook(wishes, tuple(maker.tallies), counter.start(board, bound))


@dataclass(frozen=True)
class _Reader:
    """Reads the terms by which a pod draws others near, or pushes them off; equal ones once."""

    namespaces: Sequence[Namespace]
    _known: dict[object, _Weighted] = field(default_factory=dict)

    def preferred(self, namespace: str, labels: _Labels, needs: Needs) -> _Weighted:
        """A pod's own preferences, with their weights."""
        return tuple((term, weight) for term, weight, required in self._read(namespace, labels, needs) if not required)

    def leanings(self, namespace: str, labels: _Labels, needs: Needs) -> _Weighted:
        """What others feel of a pod: its preferences, and its required affinity at ``hardPodAffinityWeight``, one."""
        if not needs.affinity and not needs.anti_affinity:
            return ()
        key = (namespace, labels, needs.affinity, needs.anti_affinity)
        if key not in self._known:
            self._known[key] = tuple((term, weight) for term, weight, _ in self._read(namespace, labels, needs))
        return self._known[key]

    def _read(self, namespace: str, labels: _Labels, needs: Needs) -> list[tuple[Term, int, bool]]:
        mine = [one for one in needs.affinity if not is_volume_term(one.selector)]
        terms = [(one, one.weight or 1, not one.weight) for one in mine]
        terms += [(one, -one.weight, False) for one in needs.anti_affinity if one.weight]
        own, found = dict(labels), []
        for one, weight, required in terms:
            alone = Needs(affinity=(replace(one, weight=0),))
            found.append((terms_of(alone, namespace, own, self.namespaces).affinity[0], weight, required))
        return found


@dataclass
class _Maker:
    """Resolves one group after the other; ``tallies`` grow as they are looked at. ``pulls`` are all leaning terms."""

    board: Board
    reader: _Reader
    pulls: TermIndex
    tallies: list[Tally] = field(default_factory=list)
    matching: dict[Term, list[int]] = field(default_factory=dict)
    leaned: dict[Term, list[int]] = field(default_factory=dict)
    _places: dict[object, int] = field(default_factory=dict)
    _codes: dict[str, tuple[Ints, int]] = field(default_factory=dict)
    _masks: dict[object, Flags] = field(default_factory=dict)
    _figures: dict[object, Ints | None] = field(default_factory=dict)

    def parts(self, group: PodGroup) -> Wishes:
        spreads = self._spreads(group)
        return Wishes(
            spreads=spreads, by_default=group.spread_by is not None, scored=self._scored(group, spreads), adds=(),
            leans=self._leans(group), disliked=self._disliked(group.needs.tolerations),
            preferred=self._preferred(group.needs.preferences),
        )  # fmt: skip

    def counter(self) -> _Counter:
        return _Counter(TermIndex.of(self.matching), self.matching, self.leaned, self.reader, self.tallies)

    def codes(self, key: str) -> tuple[Ints, int]:
        """Each node's domain of a label, and how many there are; nodes without the label have that number."""
        if key not in self._codes:
            if key == known.HOSTNAME:
                self._codes[key] = (np.arange(self.board.size), self.board.size)
            else:
                had = [shape.labels.get(key) for shape in self.board.shapes.all]
                values = sorted({one for one in had if one is not None})
                place = {value: number for number, value in enumerate(values)}
                table = [len(values) if one is None else place[one] for one in had]
                self._codes[key] = (np.array(table, np.int64)[self.board.shape], len(values))
        return self._codes[key]

    def _place(self, what: object, codes: Ints, size: int, *, by_host: bool) -> int:
        """The position of a tally, which is made where there is none yet."""
        if what not in self._places:
            self._places[what] = len(self.tallies)
            self.tallies.append(Tally(codes, np.zeros(size + 1, np.int64), by_host))
        return self._places[what]

    # PodTopologySpread

    def _spreads(self, group: PodGroup) -> tuple[Wish, ...]:
        if group.spread_by is not None:
            return tuple(self._wish(group, replace(one, selector=group.spread_by), ()) for one in BUILT_IN)
        soft = tuple(one for one in group.needs.spreads if not one.required)
        keys = tuple(sorted({one.topology_key for one in soft}))
        return tuple(self._wish(group, one, keys) for one in soft)

    def _wish(self, group: PodGroup, one: Spread, keys: tuple[str, ...]) -> Wish:
        codes, size = self.codes(one.topology_key)
        by_host = one.topology_key == known.HOSTNAME
        what = Term(one.topology_key, (group.namespace,), one.selector)
        mask = self._mask(group.needs, one, keys)
        # Hosts are counted on the node itself, whatever the node inclusion policies say.
        key = (what, one.topology_key) if by_host else (what, one.topology_key, mask[0])
        before = len(self.tallies)
        place = self._place(key, codes if by_host else np.where(mask[1], codes, size), size, by_host=by_host)
        if place == before:
            self.matching.setdefault(what, []).append(place)
        return Wish(Look(place, codes), codes < size, one.max_skew, by_host)

    def _mask(self, needs: Needs, one: Spread, keys: tuple[str, ...]) -> tuple[object, Flags]:
        key = (needs.looked_at if one.honor_affinity else (), needs.tolerations if one.honor_taints else None, keys)
        if key not in self._masks:
            self._masks[key] = looked_at(self.board, needs, one, keys)[self.board.shape]
        return key, self._masks[key]

    def _scored(self, group: PodGroup, spreads: tuple[Wish, ...]) -> Flags | None:
        """The nodes that are scored at all; None: every one."""
        if group.spread_by is not None:
            return None  # for the built-in defaults a node need not have the labels of both
        scored = np.ones(self.board.size, np.bool_)
        for one in spreads:
            scored &= one.labelled
        return None if scored.all() else scored

    # InterPodAffinity

    def _leans(self, group: PodGroup) -> tuple[tuple[Look, int], ...]:
        found = []
        for term, weight in self.reader.preferred(group.namespace, group.labels, group.needs):
            codes, size = self.codes(term.key)
            before = len(self.tallies)
            place = self._place(term, codes, size, by_host=term.key == known.HOSTNAME)
            if place == before:
                self.matching.setdefault(term, []).append(place)
            found.append((Look(place, codes), weight))
        for position in self.pulls.matching(group.namespace, group.labels):
            term = self.pulls.terms[position]
            codes, size = self.codes(term.key)
            place = self._place(("leaning", term), codes, size, by_host=term.key == known.HOSTNAME)
            self.leaned[term] = [place]
            found.append((Look(place, codes), 1))
        return tuple(found)

    # TaintToleration and NodeAffinity

    def _disliked(self, tolerations: tuple[Toleration, ...]) -> Ints | None:
        """How many PreferNoSchedule taints of each node are not tolerated."""
        return self._of_shapes(tolerations, lambda shape: len(avoided(shape.taints, tolerations)))

    def _preferred(self, preferences: tuple[Preference, ...]) -> Ints | None:
        """The weights of the preferred terms that each node meets."""
        return self._of_shapes(
            preferences, lambda shape: sum(one.weight for one in preferences if one.requirements.allow(shape.labels))
        )

    def _of_shapes(self, key: object, figure: Callable[[Shape], int]) -> Ints | None:
        """A figure of each node that its shape decides, worked out once; None where it is zero everywhere."""
        if key not in self._figures:
            table = np.array([figure(shape) for shape in self.board.shapes.all], np.int64)
            self._figures[key] = table[self.board.shape] if table.any() else None
        return self._figures[key]


@dataclass(frozen=True)
class _Counter:
    """What one more pod adds to which tallies."""

    index: TermIndex
    matching: Mapping[Term, Sequence[int]]
    leaned: Mapping[Term, Sequence[int]]
    reader: _Reader
    tallies: Sequence[Tally]

    def adds(
        self, namespace: str, labels: _Labels, needs: Needs, *, deleting: bool = False
    ) -> tuple[tuple[int, int], ...]:
        """(tally, amount). PodTopologySpread leaves out pods that are being deleted, InterPodAffinity does not."""
        found: Counter[int] = Counter()
        for position in self.index.matching(namespace, labels):
            term = self.index.terms[position]
            found.update(self.matching[term] if term.leaving or not deleting else ())
        for term, weight in self.reader.leanings(namespace, labels, needs):
            for place in self.leaned.get(term, ()):
                found[place] += weight
        return tuple(sorted(found.items()))

    def start(self, board: Board, running: Iterable[Pod]) -> Ints:
        """Count the running pods; what scores assume for those without requests, by node."""
        index = {name: number for number, name in enumerate(board.names)}
        extra = np.zeros((2, board.size), np.int64)
        for pod in running:
            node = index.get(pod.node_name or pod.nominated_node)
            if node is None:
                continue
            cpu, memory = pod.needs.reckoned[1]
            if cpu or memory:
                extra[:, node] += (cpu, memory)
            added = self.adds(pod.namespace, pod.labels, pod.needs, deleting=pod.deleting)
            for place, amount in added:
                tally = self.tallies[place]
                tally.start[tally.codes[node]] += amount
        for tally in self.tallies:
            tally.start[-1] = 0
        return extra
