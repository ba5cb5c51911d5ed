"""Resolves the rules of groups against the nodes of a replay: what kube-scheduler's plugins prepare in ``PreFilter``
and ``PreScore``, done once a group where it does not change from pod to pod.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.queue import Look, Queue, Queued, Shapes, Skew, Wish
from planner.resources import CPU, MEMORY
from planner.rows import unasked
from planner.tally import Holding, KindReader, Leaning, Matching, Owned, Tallies, running_kinds, spread_by_default
from planner.topology import Term, port_terms, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.arrays import Rows
    from planner.demand import PodGroup
    from planner.pods import AffinityTerm, Spread
    from planner.resources import Resources
    from planner.scoring import Flags, Ints
    from planner.snapshot import Snapshot
    from planner.tally import Counted

#: ``systemDefaultConstraints`` of PodTopologySpread: (label, maxSkew), both ScheduleAnyway.
DEFAULT_SPREADS = ((known.HOSTNAME, 3), (known.ZONE, 5))


def make_queue(groups: Sequence[PodGroup], snapshot: Snapshot, rows: Rows) -> Queue:
    """Resolve the rules of all groups against these nodes."""
    reader = KindReader.of(snapshot, groups)
    tallies = Tallies(running_kinds(snapshot, reader, rows.index))
    kinds = tuple(reader.of_group(group) for group in groups)
    everyone = (*tallies.running, *kinds)
    held = tuple(dict.fromkeys(term for kind in everyone for term in kind.anti if term.selector is not None))
    leaning = tuple(dict.fromkeys(term for kind in everyone for term, _ in kind.leanings))
    maker = _Maker(rows, tallies, reader, held, leaning)
    queued = tuple(maker.make(number, group) for number, group in enumerate(groups))
    return Queue(queued, maker.shapes.made(rows), tallies, tallies.added_by(kinds))


@dataclass
class _Shapes:
    """Collects shapes, each once."""

    places: dict[tuple[Resources, bytes], int] = field(default_factory=dict)
    admitted: list[Flags] = field(default_factory=list)
    requests: list[Resources] = field(default_factory=list)

    def place(self, requests: Resources, admitted: Flags) -> int:
        key = (requests, admitted.tobytes())
        if key not in self.places:
            self.places[key] = len(self.requests)
            self.admitted.append(admitted)
            self.requests.append(requests)
        return self.places[key]

    def made(self, rows: Rows) -> Shapes:
        asked = _table([[one.get(CPU), one.get(MEMORY)] for one in self.requests], 2)
        assumed = _table([list(unasked(one)) for one in self.requests], 2)
        width = len(rows.resources)
        requests = _table([[max(0, one.get(name)) for name in rows.resources] for one in self.requests], width)
        admitted = np.array(self.admitted, dtype=np.bool_).reshape(len(self.requests), len(rows))
        return Shapes(admitted, requests, asked, asked + assumed)


def _table(lines: list[list[int]], width: int) -> Ints:
    return np.array(lines, dtype=np.int64).reshape(len(lines), width)


@dataclass(frozen=True)
class _Maker:
    """Resolves one group after the other. ``held`` and ``leaning`` are the terms by which pods act on others."""

    rows: Rows
    tallies: Tallies
    reader: KindReader
    held: tuple[Term, ...]
    leaning: tuple[Term, ...]
    shapes: _Shapes = field(default_factory=_Shapes)

    def make(self, index: int, group: PodGroup) -> Queued:
        needs = group.needs
        disliked = self.rows.disliked(needs.tolerations)
        preferred = self._preferred(group)
        wishes = self._wishes(group)
        together = tuple(one for one in needs.affinity if not one.weight)
        own = dict(group.labels)
        return Queued(
            index=index, group=group, shape=self.shapes.place(needs.requests, self._admitted(group, together)),
            skews=self._skews(group), apart=self._apart(group), together=self._together(group),
            may_be_first=all(self._term(one, group).matches(group.namespace, own) for one in together),
            wishes=wishes, wished=self._wished(group, wishes), leans=self._leans(group),
            disliked=disliked if disliked.any() else None, preferred=preferred if preferred.any() else None,
        )  # fmt: skip

    def _admitted(self, group: PodGroup, together: tuple[AffinityTerm, ...]) -> Flags:
        """The filters that look at nothing but the node: its topology labels, where a rule needs them, among them."""
        allowed = self.rows.admitting(group.needs)
        if group.needs.ports:
            allowed = allowed & self.rows.without_ports(frozenset(group.needs.ports))
        keys = [one.topology_key for one in group.needs.spreads if one.required]
        for key in (*keys, *(one.topology_key for one in together)):
            allowed = allowed & self.rows.domains(key).labelled
        return allowed

    def _look(self, what: Counted, key: str) -> Look:
        domains = self.rows.domains(key)
        return Look(self.tallies.place(what, domains.codes, len(domains.values)), domains.codes)

    def _term(self, one: AffinityTerm, group: PodGroup) -> Term:
        return self.reader.term(one, group.namespace, dict(group.labels))

    # PodTopologySpread

    def _skews(self, group: PodGroup) -> tuple[Skew, ...]:
        required = [one for one in group.needs.spreads if one.required]
        found = []
        for one in required:
            term = Term(one.topology_key, (group.namespace,), one.selector)
            domains = self.rows.domains(one.topology_key)
            codes = np.where(self._counted(group, one, required), domains.codes, len(domains.values))
            look = Look(self.tallies.place(Matching(term, leaving=False), codes, len(domains.values)), domains.codes)
            own = term.matches(group.namespace, dict(group.labels))
            found.append(Skew(look, codes, one.max_skew, one.min_domains, own))
        return tuple(found)

    def _counted(self, group: PodGroup, one: Spread, together: Sequence[Spread]) -> Flags:
        """``matchNodeInclusionPolicies``, and the labels of all constraints that are looked at together."""
        counted = np.ones(len(self.rows), dtype=np.bool_)
        for each in together:
            counted &= self.rows.domains(each.topology_key).labelled
        if one.honor_affinity:
            counted &= self.rows.matching(group.needs)
        if one.honor_taints:
            counted &= self.rows.tolerated(group.needs.tolerations)
        return counted

    def _wishes(self, group: PodGroup) -> tuple[Wish, ...]:
        if spread_by_default(group):
            looks = [(self._look(Owned(group.owner), key), key, skew) for key, skew in DEFAULT_SPREADS]
            return tuple(self._wish(*each) for each in looks)
        soft = [one for one in group.needs.spreads if not one.required]
        found = []
        for one in soft:
            what = Matching(Term(one.topology_key, (group.namespace,), one.selector), leaving=False)
            domains = self.rows.domains(one.topology_key)
            by_host = one.topology_key == known.HOSTNAME  # counted on the node itself, whatever the policies say
            counted = np.True_ if by_host else self._counted(group, one, soft)
            codes = np.where(counted, domains.codes, len(domains.values))
            look = Look(self.tallies.place(what, codes, len(domains.values)), domains.codes)
            found.append(self._wish(look, one.topology_key, one.max_skew))
        return tuple(found)

    def _wish(self, look: Look, key: str, max_skew: int) -> Wish:
        return Wish(look, self.rows.domains(key).labelled, max_skew, key == known.HOSTNAME)

    def _wished(self, group: PodGroup, wishes: tuple[Wish, ...]) -> Flags:
        """The nodes that are scored at all: for the defaults a missing label is no matter."""
        scored = np.ones(len(self.rows), dtype=np.bool_)
        for one in wishes if group.needs.spreads else ():
            scored &= one.labelled
        return scored

    # InterPodAffinity and NodePorts

    def _apart(self, group: PodGroup) -> tuple[Look, ...]:
        """Counts that must be zero in a node's domain: of pods it keeps off, and of pods that keep it off."""
        own = dict(group.labels)
        required = [self._term(one, group) for one in group.needs.anti_affinity if not one.weight]
        mine = [self._look(Matching(term, leaving=True), term.key) for term in required]
        others = [term for term in self.held if term.matches(group.namespace, own)]
        theirs = [self._look(Holding(term), term.key) for term in (*others, *port_terms(group.needs))]
        return (*mine, *theirs)

    def _together(self, group: PodGroup) -> tuple[Look, ...]:
        """Counts of the pods that match all of its affinity terms at once: none may be zero in a node's domain."""
        terms = terms_of(group.needs, group.namespace, dict(group.labels), self.reader.spaces).affinity
        return tuple(self._look(Matching(term, leaving=True), term.key) for term in terms)

    def _leans(self, group: PodGroup) -> tuple[tuple[Look, int], ...]:
        own = dict(group.labels)
        preferred = [(one, one.weight) for one in group.needs.affinity if one.weight]
        preferred += [(one, -one.weight) for one in group.needs.anti_affinity if one.weight]
        mine = [(self._term(one, group), weight) for one, weight in preferred]
        theirs = [term for term in self.leaning if term.matches(group.namespace, own)]
        return (
            *((self._look(Matching(term, leaving=True), term.key), weight) for term, weight in mine),
            *((self._look(Leaning(term), term.key), 1) for term in theirs),
        )

    # NodeAffinity

    def _preferred(self, group: PodGroup) -> Ints:
        """The weights of the preferred terms that each node meets."""
        total = np.zeros(len(self.rows), dtype=np.int64)
        for one in group.needs.preferences:
            total += one.weight * self.rows.allowing(one.requirements)
        return total
