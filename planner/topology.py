"""How many pods each topology domain holds, and what spread and inter-pod rules still allow there.

Follows kube-scheduler's PodTopologySpread and InterPodAffinity filters. For ``kubernetes.io/hostname`` the global
minimum is taken as zero, as Karpenter does: a new, empty node can always appear.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner import labels as known
from planner.claims import is_volume_term
from planner.requirements import Requirement, Requirements
from planner.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from planner.pods import AffinityTerm, Needs, Spread
    from planner.snapshot import Namespace
    from planner.taints import Taint, Toleration

UNBOUNDED = 10**9


@dataclass(frozen=True, slots=True)
class Term:
    """What is counted: pods of some namespaces that match a selector, per value of a node label.

    ``nodes`` are OR-ed requirements on the nodes that are looked at; none means all nodes. With ``tolerations``, only
    nodes are looked at whose taints these tolerate. ``leaving``: pods that are being deleted count too, as they do for
    affinity and anti-affinity and not for spreads.
    """

    key: str
    namespaces: tuple[str, ...]
    selector: Requirements | None
    nodes: tuple[Requirements, ...] = ()
    tolerations: tuple[Toleration, ...] | None = None
    leaving: bool = False
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        # A term is looked up for every pod and node: its nested value is hashed once.
        object.__setattr__(self, "_hash", hash((self.key, self.namespaces, self.selector)))

    def __hash__(self) -> int:
        return self._hash

    def matches(self, namespace: str, labels: Mapping[str, str]) -> bool:
        return namespace in self.namespaces and self.selector is not None and self.selector.allow(labels)

    def looks_at(self, labels: Mapping[str, str], taints: Iterable[Taint]) -> bool:
        """Whether pods on such a node count."""
        if self.tolerations is not None and untolerated(taints, self.tolerations):
            return False
        return not self.nodes or any(one.allow(labels) for one in self.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One kind of pod as topology sees it: the terms it is counted in, and the rules it brings itself."""

    matches: frozenset[Term] = frozenset()
    spreads: tuple[tuple[Term, Spread], ...] = ()
    anti: tuple[Term, ...] = ()
    affinity: tuple[Term, ...] = ()

    def terms(self) -> tuple[Term, ...]:
        return (*(term for term, _ in self.spreads), *self.anti, *self.affinity)

    def on(self, key: str) -> Subject:
        """Only the part that looks at one label key."""
        return self._where(lambda term: term.key == key)

    def off(self, key: str) -> Subject:
        """Everything but the part that looks at one label key."""
        return self._where(lambda term: term.key != key)

    def _where(self, keep: Callable[[Term], bool]) -> Subject:
        return Subject(
            matches=frozenset(term for term in self.matches if keep(term)),
            spreads=tuple((term, spread) for term, spread in self.spreads if keep(term)),
            anti=tuple(term for term in self.anti if keep(term)),
            affinity=tuple(term for term in self.affinity if keep(term)),
        )


@dataclass
class Topology:
    """Counts per term and domain. ``domains`` lists, per term, the values the global minimum is taken over."""

    counts: dict[tuple[Term, str], int] = field(default_factory=dict)
    holders: dict[tuple[Term, str], int] = field(default_factory=dict)
    totals: dict[Term, int] = field(default_factory=dict)
    domains: dict[Term, tuple[str, ...]] = field(default_factory=dict)

    def copy(self) -> Topology:
        return Topology(dict(self.counts), dict(self.holders), dict(self.totals), self.domains)

    def place(
        self, subject: Subject, labels: Mapping[str, str], count: int = 1, *, taints: Iterable[Taint] = (),
        sure: Container[Term] = (),
    ) -> None:  # fmt: skip
        """Count ``count`` pods of a kind on a node with these labels and taints; a negative count takes them back.

        ``sure`` are terms that look at the node whatever is known of it.
        """
        for term in subject.matches:
            domain = labels.get(term.key)
            if domain is not None and (term in sure or term.looks_at(labels, taints)):
                self.counts[term, domain] = self.counts.get((term, domain), 0) + count
                self.totals[term] = self.totals.get(term, 0) + count
        for term in subject.anti:
            domain = labels.get(term.key)
            if domain is not None:
                self.holders[term, domain] = self.holders.get((term, domain), 0) + count

    def room(self, subject: Subject, labels: Mapping[str, str]) -> int:
        """How many pods of a kind may still go on a node with these labels, as far as topology is concerned."""
        room = UNBOUNDED
        for term, spread in subject.spreads:
            room = min(room, self._spread_room(subject, term, spread, labels))
        for term in subject.anti:
            room = min(room, self._apart(subject, term, labels))
        for term in subject.affinity:
            room = min(room, self._together(subject, term, labels))
        for term in subject.matches if self.holders else ():
            domain = labels.get(term.key)
            if domain is not None and self.holders.get((term, domain)):
                return 0
        return max(0, room)

    def count(self, term: Term, domain: str) -> int:
        return self.counts.get((term, domain), 0)

    def lowest(self, term: Term, spread: Spread) -> int:
        """The global minimum of a spread: zero for hosts, and while there are fewer domains than ``minDomains``."""
        domains = self.domains.get(term, ())
        if term.key == known.HOSTNAME or not domains or len(domains) < spread.min_domains:
            return 0
        return min(self.count(term, domain) for domain in domains)

    def _spread_room(self, subject: Subject, term: Term, spread: Spread, labels: Mapping[str, str]) -> int:
        domain = labels.get(term.key)
        if domain is None:
            return 0
        if spread.min_domains <= 1 and self.domains.get(term) == (domain,):
            return UNBOUNDED  # the only domain is never further from the emptiest than itself
        room = self.lowest(term, spread) + spread.max_skew - self.count(term, domain)
        if term in subject.matches:
            return room
        return UNBOUNDED if room >= 0 else 0

    def _apart(self, subject: Subject, term: Term, labels: Mapping[str, str]) -> int:
        domain = labels.get(term.key)
        if domain is None:
            return UNBOUNDED
        if self.count(term, domain):
            return 0
        return 1 if term in subject.matches else UNBOUNDED

    def _together(self, subject: Subject, term: Term, labels: Mapping[str, str]) -> int:
        domain = labels.get(term.key)
        if domain is None:
            return 0
        first_of_its_kind = term in subject.matches and not self.totals.get(term)
        return UNBOUNDED if self.count(term, domain) or first_of_its_kind else 0


def terms_of(
    needs: Needs, namespace: str, labels: Mapping[str, str], namespaces: Iterable[Namespace]
) -> Subject:
    """The rules a pod brings, without what it is counted in (see ``subjects``)."""
    known_namespaces = tuple(namespaces)

    def term(one: AffinityTerm) -> Term:
        spaces = _namespaces(one, namespace, known_namespaces)
        return Term(one.topology_key, spaces, _selector(one, labels), leaving=True)

    required = tuple(one for one in needs.spreads if one.required)
    keys = tuple(dict.fromkeys(one.topology_key for one in required if one.topology_key != known.HOSTNAME))

    def spread(one: Spread) -> Term:
        if one.topology_key == known.HOSTNAME:
            return Term(one.topology_key, (namespace,), one.selector)
        tolerations = needs.tolerations if one.honor_taints else None
        return Term(one.topology_key, (namespace,), one.selector, _nodes(needs, one, keys), tolerations)

    return Subject(
        spreads=tuple((spread(one), one) for one in required),
        anti=(*(term(one) for one in needs.anti_affinity if not one.weight), *port_terms(needs)),
        affinity=(
            *_all_at_once(tuple(term(one) for one in needs.affinity if not one.weight and not _by_volume(one))),
            *(term(one) for one in needs.affinity if _by_volume(one)),
        ),
    )


def _nodes(needs: Needs, one: Spread, keys: tuple[str, ...]) -> tuple[Requirements, ...]:
    """The nodes a spread looks at: those with the keys of all required spreads, and of the pod's own node affinity."""
    others = Requirements.of(Requirement(key, complement=True) for key in keys if key != one.topology_key)
    affinity = needs.looked_at if one.honor_affinity else (Requirements(),)
    found = tuple(each.intersect(others) for each in affinity) if others.items else affinity
    return () if found == (Requirements(),) else found


def _by_volume(one: AffinityTerm) -> bool:
    """Whether a term stands for a claim that pods share: the volume knows nothing of the pod's other terms."""
    return is_volume_term(one.selector)


def _all_at_once(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """kube-scheduler looks only for pods that match every affinity term of a pod, whatever the terms' keys."""
    if len(terms) < 2:
        return terms
    shared = set.intersection(*(set(one.namespaces) for one in terms))
    selectors = [one.selector for one in terms if one.selector is not None]
    whole = Requirements.of(each for one in selectors for each in one.items) if len(selectors) == len(terms) else None
    return tuple(dict.fromkeys(Term(one.key, tuple(sorted(shared)), whole, leaving=True) for one in terms))


def port_terms(needs: Needs) -> tuple[Term, ...]:
    """Host ports as terms: whoever has one is counted per host, and keeps others of the same port off it."""
    return tuple(Term(known.HOSTNAME, (f"host port {port}",), None) for port in needs.ports)


def counted_in(terms: Sequence[Term], namespace: str, labels: Mapping[str, str]) -> frozenset[Term]:
    """Which of all terms count a pod of this namespace with these labels."""
    return frozenset(term for term in terms if term.matches(namespace, labels))


def _namespaces(term: AffinityTerm, own: str, everything: Sequence[Namespace]) -> tuple[str, ...]:
    if term.namespace_selector is None:
        return term.namespaces or (own,)
    selected = {one.name for one in everything if term.namespace_selector.allow(dict(one.labels))}
    return tuple(sorted(selected.union(term.namespaces)))


def _selector(term: AffinityTerm, labels: Mapping[str, str]) -> Requirements | None:
    if term.selector is None:
        return None
    same = [Requirement(key, frozenset({labels[key]})) for key in term.match_label_keys if key in labels]
    other = [
        Requirement.parse(key, "NotIn", [labels[key]]) for key in term.mismatch_label_keys if key in labels
    ]
    return term.selector.intersect(Requirements.of((*same, *other)))
