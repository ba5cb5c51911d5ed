"""Pods that are the same to the solver: equal requests, equal nodes that would take them, equal rules about others.

Groups of the demand are by workload; a kind gathers all groups that no filter of kube-scheduler could tell apart, so
equal pods are one thing to pack whatever they are called.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from planner import labels as known
from planner.counting import TermIndex
from planner.resources import CPU, MEMORY
from planner.topology import port_terms, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.demand import PodGroup
    from planner.pods import Needs, Pod, Preference
    from planner.requirements import Requirements
    from planner.resources import Resources
    from planner.snapshot import Namespace
    from planner.taints import Toleration
    from planner.topology import Subject, Term

    _Rules = tuple[object, ...]


#: Workloads whose pods kube-scheduler spreads by default, where they do not say otherwise.
REPLICATED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})


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
    """Pods of one kind. ``matches``, ``spreads``, ``anti`` and ``affinity`` speak of terms by position.

    ``members`` are the groups it gathers, in the order in which their pods are taken.
    """

    index: int
    members: tuple[PodGroup, ...]
    admission: int
    matches: tuple[int, ...]
    spreads: tuple[Rule, ...]
    anti: tuple[int, ...]
    affinity: tuple[int, ...]
    on_zones: bool
    on_hosts: bool
    on_others: bool

    @property
    def needs(self) -> Needs:
        return self.members[0].needs

    @property
    def key(self) -> str:
        return self.members[0].key

    @cached_property
    def count(self) -> int:
        return sum(group.count for group in self.members)

    @cached_property
    def requests(self) -> dict[str, int]:
        """Amounts by resource, those of zero left out."""
        return dict(self.needs.requests.items)

    @property
    def ruled(self) -> bool:
        """Whether the kind itself looks at other pods."""
        return bool(self.spreads or self.anti or self.affinity)

    @cached_property
    def rank(self) -> tuple[object, ...]:
        """Who is placed first: the most important, those with rules over zones, with any, the largest; then the key."""
        requests = self.requests
        size = (-requests.get(CPU, 0), -requests.get(MEMORY, 0))
        return (-self.needs.priority, not self.on_zones, not self.ruled, *size, self.key)

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


def make_kinds(groups: Sequence[PodGroup], running: Iterable[Pod], namespaces: Sequence[Namespace]) -> Kinds:
    """Gather the groups of a demand into kinds. ``running`` pods bring terms too: those that keep others off."""
    read: dict[_Rules, Subject] = {}
    subjects = [_subject(group, namespaces, read) for group in groups]
    ports = list(dict.fromkeys(term for group in groups for term in port_terms(group.needs)))
    wary = {(pod.namespace, pod.labels, pod.needs.anti_affinity): pod for pod in running if pod.needs.anti_affinity}
    rules = (terms_of(pod.needs, pod.namespace, dict(pod.labels), namespaces) for pod in wary.values())
    held = [term for one in rules for term in one.anti]
    index = TermIndex.of([*(term for one in dict.fromkeys(subjects) for term in one.terms()), *ports, *held])
    return _gather(groups, subjects, index)


def _subject(group: PodGroup, namespaces: Sequence[Namespace], read: dict[_Rules, Subject]) -> Subject:
    """The rules of a group; groups with the same rules are read once."""
    needs = group.needs
    key: _Rules
    if not needs.spreads and not needs.affinity and not needs.anti_affinity and not needs.host_ports:
        key = ()
    else:
        key = (
            group.namespace, group.labels, needs.spreads, needs.affinity, needs.anti_affinity, needs.host_ports,
            needs.looked_at, needs.tolerations,
        )  # fmt: skip
    found = read.get(key)
    if found is None:
        found = read[key] = terms_of(needs, group.namespace, dict(group.labels), namespaces)
    return found


def _gather(groups: Sequence[PodGroup], subjects: Sequence[Subject], index: TermIndex) -> Kinds:
    place = {term: position for position, term in enumerate(index.terms)}
    admissions: dict[Admission, int] = {}
    examples: list[Needs] = []
    resolved: dict[Subject, _Positions] = {}
    gathered: dict[_Key, list[PodGroup]] = {}
    for group, subject in zip(groups, subjects, strict=True):
        admission = Admission.of(group.needs)
        if admission not in admissions:
            admissions[admission] = len(examples)
            examples.append(group.needs)
        positions = resolved.get(subject)
        if positions is None:
            positions = resolved[subject] = _Positions.of(subject, place)
        matches = index.matching(group.namespace, group.labels)
        if group.needs.host_ports:
            matches = tuple(sorted({*matches, *(place[term] for term in port_terms(group.needs))}))
        key = _Key(group.needs.requests, admissions[admission], positions, matches, _wishes(group))
        gathered.setdefault(key, []).append(group)
    kinds = [_kind(members, key, index.terms) for key, members in gathered.items()]
    return Kinds(_numbered(kinds), tuple(examples), index)


class _Key(NamedTuple):
    """What makes two groups one kind."""

    requests: Resources
    admission: int
    positions: _Positions
    matches: tuple[int, ...]
    wishes: tuple[object, ...]


def _wishes(group: PodGroup) -> tuple[object, ...]:
    """What only kube-scheduler's scores and its queue look at. Replicas of a workload are spread by default."""
    needs = group.needs
    spreads = tuple(one for one in needs.spreads if not one.required)
    leanings = tuple(one for one in (*needs.affinity, *needs.anti_affinity) if one.weight)
    owner = group.owner if group.owner.kind in REPLICATED else None
    whose = (group.namespace, group.labels) if spreads or leanings else ()
    return (needs.priority, needs.preferences, spreads, leanings, whose, owner)


@dataclass(frozen=True)
class _Positions:
    """A subject's rules as positions: (term, max_skew, min_domains) of spreads, and the terms of the others."""

    spreads: tuple[tuple[int, int, int], ...]
    anti: tuple[int, ...]
    affinity: tuple[int, ...]

    @classmethod
    def of(cls, subject: Subject, place: dict[Term, int]) -> _Positions:
        return cls(
            tuple((place[term], one.max_skew, one.min_domains) for term, one in subject.spreads),
            tuple(place[term] for term in subject.anti), tuple(place[term] for term in subject.affinity),
        )  # fmt: skip


def _kind(members: list[PodGroup], key: _Key, terms: Sequence[Term]) -> Kind:
    positions = key.positions
    spreads = tuple(Rule(term, skew, least, term in key.matches) for term, skew, least in positions.spreads)
    own = [terms[one.term].key for one in spreads]
    own += [terms[one].key for one in (*positions.anti, *positions.affinity)]
    return Kind(
        index=-1, members=tuple(sorted(members, key=lambda group: group.key)), admission=key.admission,
        matches=key.matches, spreads=spreads, anti=positions.anti, affinity=positions.affinity,
        on_zones=known.ZONE in own, on_hosts=known.HOSTNAME in own,
        on_others=any(one not in (known.ZONE, known.HOSTNAME) for one in own),
    )  # fmt: skip


def _numbered(kinds: list[Kind]) -> tuple[Kind, ...]:
    """In the order of rank, but each after those that its affinity looks for; who looks for its own kind may begin."""
    ranked = sorted(kinds, key=lambda kind: kind.rank)
    sought = {term for kind in ranked for term in kind.affinity}
    found: dict[int, list[int]] = {term: [] for term in sorted(sought)}
    for position, kind in enumerate(ranked):
        for term in kind.matches:
            if term in sought:
                found[term].append(position)
    before = {
        position: {other for term in kind.affinity if term not in kind.matches for other in found[term]}
        for position, kind in enumerate(ranked)
        if kind.affinity
    }
    return tuple(replace(ranked[one], index=index) for index, one in enumerate(_after(len(ranked), before)))


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
