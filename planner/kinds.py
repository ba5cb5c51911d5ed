"""Pods that are the same to the solver: equal requests, equal nodes that would take them, equal rules about others.

Groups of the demand are by workload; a kind gathers all groups that no filter of kube-scheduler could tell apart, so
equal pods are one thing to pack whatever they are called.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from planner import labels as known
from planner.aims import Preferences
from planner.counting import TermIndex
from planner.resources import CPU, MEMORY
from planner.topology import Subject, port_terms, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.demand import PodGroup
    from planner.pods import Needs, Pod, Preference
    from planner.requirements import Requirements
    from planner.snapshot import Namespace
    from planner.taints import Toleration
    from planner.topology import Term


@dataclass(frozen=True)
class Rule:
    """A spread of a kind: the position of its term, how far it may lean, and whether the kind itself is counted."""

    term: int
    max_skew: int
    min_domains: int
    counts_itself: bool


@dataclass(frozen=True)
class Admission:
    """What decides, besides room and topology, whether a node takes a pod. Equal admissions are asked once a node."""

    alternatives: tuple[Requirements, ...]
    tolerations: tuple[Toleration, ...]
    node_names: tuple[str, ...] | None
    ports: tuple[str, ...]
    preferences: tuple[Preference, ...]  # by these two, labels that a policy leaves open are written
    keys: tuple[str, ...]

    @classmethod
    def of(cls, needs: Needs) -> Admission:
        return cls(
            needs.alternatives, needs.tolerations, needs.node_names, needs.ports, needs.preferences, needs.node_keys,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Pods of one kind. ``matches``, ``spreads``, ``anti``, ``affinity`` and ``zoned`` speak of terms by position.

    ``members`` are the groups it gathers, in the order in which their pods are taken, ``count`` is all their pods.
    ``requests`` are amounts by resource, those of zero left out; kinds of equal ``request`` have equal ones.
    """

    index: int
    members: tuple[PodGroup, ...]
    count: int
    admission: int
    request: int
    requests: Mapping[str, int]
    matches: tuple[int, ...]
    spreads: tuple[Rule, ...]
    anti: tuple[int, ...]
    affinity: tuple[int, ...]
    zoned: tuple[tuple[int, int], ...]  # what it would rather have of zones, with weights (see ``topology.Subject``)
    on_zones: bool
    on_hosts: bool
    on_others: bool

    @property
    def needs(self) -> Needs:
        return self.members[0].needs

    @property
    def key(self) -> str:
        return self.members[0].key

    @property
    def ruled(self) -> bool:
        """Whether the kind itself looks at other pods."""
        return bool(self.spreads or self.anti or self.affinity)

    def pods(self) -> list[str]:
        """All pods, ``namespace/name``."""
        return [pod for group in self.members for pod in group.pods]


@dataclass(frozen=True)
class Kinds:
    """All kinds in the order in which they are placed, and what their positions mean."""

    kinds: tuple[Kind, ...]
    admissions: tuple[Needs, ...]
    index: TermIndex

    @property
    def terms(self) -> tuple[Term, ...]:
        return self.index.terms


def make_kinds(
    groups: Sequence[PodGroup], running: Iterable[Pod], namespaces: Sequence[Namespace], *,
    preferences: Preferences = Preferences.RESPECT,
) -> Kinds:  # fmt: skip
    """Gather the groups of a demand into kinds. ``running`` pods bring terms too: those that keep others off.

    Nearly every pod may be a kind of its own. So what is large is compared once and called by a number from then on,
    and kinds are told apart by numbers.
    """
    reader = _Reader(namespaces, preferences)
    read = [reader.read(group) for group in groups]
    ports = [term for seen in reader.seen.values() for term in seen.ports]
    wary = {(pod.namespace, pod.labels, pod.needs.anti_affinity): pod for pod in running if pod.needs.anti_affinity}
    rules = (terms_of(pod.needs, pod.namespace, dict(pod.labels), namespaces) for pod in wary.values())
    held = [term for one in rules for term in one.anti]
    zoned = [term for one in reader.subjects.values() for term, _ in one.zoned]
    index = TermIndex.of([*(term for one in reader.subjects.values() for term in one.terms()), *ports, *held, *zoned])
    return Kinds(_numbered(_gathered(groups, read, index)), tuple(reader.examples.values()), index)


class _Numbers(dict[object, int]):
    """Numbers from zero: equal values have equal ones."""

    def __missing__(self, value: object) -> int:
        number = self[value] = len(self)
        return number


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is read of needs once. Numbers stand for what is equal; ``rules`` is None where they bring no rule.

    ``labelled`` tells whether its rules take the pod's own labels, ``whose`` whether its wishes look at like pods.
    """

    admission: int
    request: int
    requests: Mapping[str, int]
    size: tuple[int, int]
    priority: int
    rules: int | None
    labelled: bool
    wishes: int
    whose: bool
    ports: tuple[Term, ...]


_FREE = Subject()


@dataclass
class _Reader:
    """Reads groups. ``seen`` is by the identity of needs, which the groups keep; ``examples`` are by admission."""

    namespaces: Sequence[Namespace]
    preferences: Preferences
    seen: dict[int, _Seen] = field(default_factory=dict)
    examples: dict[int, Needs] = field(default_factory=dict)
    subjects: dict[object, Subject] = field(default_factory=dict)
    _admissions: _Numbers = field(default_factory=_Numbers)
    _requests: _Numbers = field(default_factory=_Numbers)
    _rules: _Numbers = field(default_factory=_Numbers)
    _wishes: _Numbers = field(default_factory=_Numbers)

    def read(self, group: PodGroup) -> tuple[_Seen, Subject]:
        """What its needs say, and its rules; groups with the same rules have one and the same."""
        seen = self.seen.get(id(group.needs))
        if seen is None:
            seen = self.seen[id(group.needs)] = self._see(group.needs)
        if seen.rules is None:
            return seen, _FREE
        key = (seen.rules, group.namespace, group.labels if seen.labelled else ())
        found = self.subjects.get(key)
        if found is None:
            found = terms_of(group.needs, group.namespace, dict(group.labels), self.namespaces)
            if self.preferences is Preferences.IGNORE:
                found = replace(found, zoned=())
            self.subjects[key] = found
        return seen, found

    def _see(self, needs: Needs) -> _Seen:
        admission = self._admissions[Admission.of(needs)]
        self.examples.setdefault(admission, needs)
        others = (*needs.affinity, *needs.anti_affinity)
        rules = (needs.spreads, needs.affinity, needs.anti_affinity, needs.host_ports)
        wishes = self._wishes[_wishes(needs)]
        requests = dict(needs.requests.items)
        return _Seen(
            admission=admission, request=self._requests[needs.requests], requests=requests,
            size=(-requests.get(CPU, 0), -requests.get(MEMORY, 0)), priority=needs.priority,
            rules=self._rules[*rules, needs.looked_at, needs.tolerations] if any(rules) else None,
            labelled=any(one.match_label_keys or one.mismatch_label_keys for one in others), wishes=wishes,
            whose=any(not one.required for one in needs.spreads) or any(one.weight for one in others),
            ports=port_terms(needs),
        )  # fmt: skip


def _wishes(needs: Needs) -> tuple[object, ...]:
    """What only kube-scheduler's scores and its queue look at."""
    spreads = tuple(one for one in needs.spreads if not one.required)
    leanings = tuple(one for one in (*needs.affinity, *needs.anti_affinity) if one.weight)
    return (needs.priority, needs.preferences, spreads, leanings)


@dataclass(frozen=True, slots=True)
class _Positions:
    """A subject's rules as positions: (term, max_skew, min_domains) of spreads, and the terms of the others.

    ``keys`` are the labels that the rules are about which it must keep. Equal rules have one ``number``.
    """

    number: int
    spreads: tuple[tuple[int, int, int], ...]
    anti: tuple[int, ...]
    affinity: tuple[int, ...]
    zoned: tuple[tuple[int, int], ...]
    keys: frozenset[str]

    @property
    def ruled(self) -> bool:
        return bool(self.spreads or self.anti or self.affinity)


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Groups that are one kind, and what they have in common."""

    seen: _Seen
    positions: _Positions
    matches: tuple[int, ...]
    members: list[PodGroup] = field(default_factory=list)


def _gathered(
    groups: Sequence[PodGroup], read: Sequence[tuple[_Seen, Subject]], index: TermIndex
) -> list[_Gathered]:  # fmt: skip
    place = {term: position for position, term in enumerate(index.terms)}
    numbers, resolved = _Numbers(), dict[int, _Positions]()
    found: dict[object, _Gathered] = {}
    for group, (seen, subject) in zip(groups, read, strict=True):
        positions = resolved.get(id(subject))
        if positions is None:
            positions = resolved[id(subject)] = _positions(subject, place, numbers)
        matches = index.matching(group.namespace, group.labels)
        if seen.ports:
            matches = tuple(sorted({*matches, *(place[term] for term in seen.ports)}))
        whose = (group.namespace, group.labels) if seen.whose or group.spread_by is not None else ()
        key = (seen.request, seen.admission, positions.number, matches, seen.wishes, whose)
        like = found.get(key)
        if like is None:
            like = found[key] = _Gathered(seen, positions, matches)
        like.members.append(group)
    return list(found.values())


def _positions(subject: Subject, place: Mapping[Term, int], numbers: _Numbers) -> _Positions:
    spreads = tuple((place[term], one.max_skew, one.min_domains) for term, one in subject.spreads)
    anti, affinity = tuple(place[term] for term in subject.anti), tuple(place[term] for term in subject.affinity)
    zoned = tuple((place[term], weight) for term, weight in subject.zoned)
    keys = frozenset(term.key for term in subject.terms())
    return _Positions(numbers[spreads, anti, affinity, zoned], spreads, anti, affinity, zoned, keys)


def _kind(one: _Gathered, index: int) -> Kind:
    seen, positions, matches = one.seen, one.positions, one.matches
    return Kind(
        index=index, members=tuple(one.members), count=sum(group.count for group in one.members),
        admission=seen.admission, request=seen.request, requests=seen.requests, matches=matches,
        spreads=tuple(Rule(term, skew, least, term in matches) for term, skew, least in positions.spreads),
        anti=positions.anti, affinity=positions.affinity, zoned=positions.zoned,
        on_zones=known.ZONE in positions.keys, on_hosts=known.HOSTNAME in positions.keys,
        on_others=not positions.keys <= {known.ZONE, known.HOSTNAME},
    )  # fmt: skip


def _rank(one: _Gathered) -> tuple[object, ...]:
    """Who is placed first: the most important, those with rules over zones, with any, the largest; then the key."""
    seen, positions = one.seen, one.positions
    on_zones = known.ZONE in positions.keys
    return (-seen.priority, not on_zones, not positions.ruled, *seen.size, one.members[0].key)


def _numbered(gathered: list[_Gathered]) -> tuple[Kind, ...]:
    """In the order of rank, but each after those that its affinity looks for; who looks for its own kind may begin."""
    for one in gathered:
        one.members.sort(key=attrgetter("pods"))
    ranked = sorted(gathered, key=_rank)
    sought = {term for one in ranked for term in one.positions.affinity}
    found: dict[int, list[int]] = {term: [] for term in sorted(sought)}
    for position, one in enumerate(ranked):
        for term in one.matches:
            if term in sought:
                found[term].append(position)
    before = {
        position: {other for term in one.positions.affinity if term not in one.matches for other in found[term]}
        for position, one in enumerate(ranked)
        if one.positions.affinity and not set(one.positions.affinity) <= set(one.matches)
    }
    order = _after(len(ranked), before) if before else range(len(ranked))
    return tuple(_kind(ranked[one], index) for index, one in enumerate(order))


def _after(count: int, before: dict[int, set[int]]) -> list[int]:
    """0 … count-1, each after those it must follow; whoever waits in a ring goes when its turn comes."""
    done: list[int] = []
    placed = [False] * count

    def visit(one: int, path: frozenset[int]) -> None:
        stack = [(one, path, iter(sorted(before.get(one, ()))))]
        while stack:
            here, trail, rest = stack[-1]
            following = next((other for other in rest if not placed[other] and other not in trail), None)
            if following is not None:
                stack.append((following, trail | {following}, iter(sorted(before.get(following, ())))))
                continue
            stack.pop()
            if not placed[here]:
                placed[here] = True
                done.append(here)

    for one in range(count):
        if not placed[one]:
            visit(one, frozenset({one}))
    return done
