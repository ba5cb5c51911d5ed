"""What spread and inter-pod rules count: terms, as kube-scheduler's PodTopologySpread and InterPodAffinity read them.

How many pods a term counts where is for the board to know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner import labels as known
from planner.claims import is_volume_term
from planner.requirements import Requirement, Requirements
from planner.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.pods import AffinityTerm, Needs, Spread
    from planner.snapshot import Namespace
    from planner.taints import Taint, Toleration

#: What a spread over zones that only scores weighs beside preferred terms, the heaviest of which weigh a hundred.
SPREAD = 100


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
    """The rules that a kind of pod brings itself. ``zoned`` is what it would rather have of zones, with weights: beside
    the pods that a term counts, or away from them where the weight is below zero."""

    spreads: tuple[tuple[Term, Spread], ...] = ()
    anti: tuple[Term, ...] = ()
    affinity: tuple[Term, ...] = ()
    zoned: tuple[tuple[Term, int], ...] = ()

    def terms(self) -> tuple[Term, ...]:
        """What it must keep."""
        return (*(term for term, _ in self.spreads), *self.anti, *self.affinity)


def terms_of(
    needs: Needs, namespace: str, labels: Mapping[str, str], namespaces: Iterable[Namespace]
) -> Subject:
    """The rules a pod brings."""
    known_namespaces = tuple(namespaces)

    def term(one: AffinityTerm) -> Term:
        spaces = _namespaces(one, namespace, known_namespaces)
        return Term(one.topology_key, spaces, _selector(one, labels), leaving=True)

    def spread(one: Spread) -> Term:
        if one.topology_key == known.HOSTNAME:
            return Term(one.topology_key, (namespace,), one.selector)
        tolerations = needs.tolerations if one.honor_taints else None
        return Term(one.topology_key, (namespace,), one.selector, _nodes(needs, one), tolerations)

    return Subject(
        spreads=tuple((spread(one), one) for one in needs.spreads if one.required),
        anti=(*(term(one) for one in needs.anti_affinity if not one.weight), *port_terms(needs)),
        affinity=(
            *_all_at_once(tuple(term(one) for one in needs.affinity if not one.weight and not _by_volume(one))),
            *(term(one) for one in needs.affinity if _by_volume(one)),
        ),
        zoned=(
            *((spread(one), -SPREAD) for one in needs.spreads if not one.required and one.topology_key == known.ZONE),
            *((term(one), one.weight) for one in needs.affinity if one.weight and one.topology_key == known.ZONE),
            *((term(one), -one.weight) for one in needs.anti_affinity if one.weight and one.topology_key == known.ZONE),
        ),
    )


def _nodes(needs: Needs, one: Spread) -> tuple[Requirements, ...]:
    """The nodes a spread looks at: those with the keys of all spreads of its kind, and of the pod's own node
    affinity."""
    alike = (each.topology_key for each in needs.spreads if each.required == one.required)
    keys = [key for key in dict.fromkeys(alike) if key not in (known.HOSTNAME, one.topology_key)]
    others = Requirements.of(Requirement(key, complement=True) for key in keys)
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
