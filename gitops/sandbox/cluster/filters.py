"""Whether a node can take a pod: kube-scheduler's filters in its own order, each with its own words for a no.

Volumes, volume limits and preemption are left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.resources import PODS, Resources
from planner.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitops.sandbox.cluster.views import NodeView, PodView
    from planner.pods import AffinityTerm, Spread


@dataclass(slots=True, kw_only=True)
class Place:
    """A node and the pods on it; ``wary`` are those of them that keep others away."""

    node: NodeView
    pods: list[PodView] = field(default_factory=list)
    wary: list[PodView] = field(default_factory=list)
    used: Resources = field(default_factory=Resources)

    def take(self, pod: PodView) -> None:
        """Put a pod here."""
        self.pods.append(pod)
        if pod.anti_affinity:
            self.wary.append(pod)
        self.used = self.used.plus(pod.requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All nodes with their pods, by name, and the labels of the namespaces. ``counted`` saves counting twice."""

    places: tuple[Place, ...]
    namespaces: dict[str, dict[str, str]]
    counted: dict[tuple[PodView, Spread], Counter[str]] = field(default_factory=dict)

    def put(self, pod: PodView, place: Place) -> None:
        """Give the pod a place."""
        place.take(pod)
        self.counted.clear()

    def residents(self) -> Iterator[tuple[Place, PodView]]:
        """Every pod that has a node."""
        return ((place, pod) for place in self.places for pod in place.pods)


def refusals(pod: PodView, place: Place, board: Board) -> list[str]:
    """Why the node cannot take the pod, in the words of the first filter that says no; nothing when it can."""
    for check in FILTERS:
        reasons = check(pod, place, board)
        if reasons:
            return reasons
    return []


def _unschedulable(pod: PodView, place: Place, _: Board) -> list[str]:
    tolerated = any(one.operator == "Exists" and one.key in {"", UNSCHEDULABLE} for one in pod.tolerations)
    return ["node(s) were unschedulable"] if place.node.unschedulable and not tolerated else []


def _taints(pod: PodView, place: Place, _: Board) -> list[str]:
    taints = untolerated(place.node.taints, pod.tolerations)
    return [f"node(s) had untolerated taint {{{taints[0].key}: {taints[0].value}}}"] if taints else []


def _affinity(pod: PodView, place: Place, _: Board) -> list[str]:
    return [] if pod.accepts(place.node) else ["node(s) didn't match Pod's node affinity/selector"]


def _ports(pod: PodView, place: Place, _: Board) -> list[str]:
    taken = [port for other in place.pods for port in other.ports]
    clash = any(_same_port(mine, theirs) for mine in pod.ports for theirs in taken)
    return ["node(s) didn't have free ports for the requested pod ports"] if clash else []


def _same_port(mine: tuple[str, str, int], theirs: tuple[str, str, int]) -> bool:
    same = (mine[0], mine[2]) == (theirs[0], theirs[2])
    return same and (mine[1] == theirs[1] or "0.0.0.0" in {mine[1], theirs[1]})  # noqa: S104 - means any address


def _resources(pod: PodView, place: Place, _: Board) -> list[str]:
    missing = [name for name, _ in pod.requests.shortfall(place.node.allocatable.minus(place.used))]
    return ["Too many pods" if name == PODS else f"Insufficient {name}" for name in sorted(missing, key=_pods_first)]


def _pods_first(name: str) -> tuple[bool, str]:
    return name != PODS, name


def _spread(pod: PodView, place: Place, board: Board) -> list[str]:
    required = [one for one in pod.spreads if one.required]
    told = "node(s) didn't match pod topology spread constraints"
    if any(one.topology_key not in place.node.labels for one in required):
        return [f"{told} (missing required label)"]
    return [told] if any(_skewed(pod, place, board, one) for one in required) else []


def _skewed(pod: PodView, place: Place, board: Board, spread: Spread) -> bool:
    if (pod, spread) not in board.counted:
        board.counted[pod, spread] = _count(pod, board, spread)
    counts = board.counted[pod, spread]
    least = min(counts.values(), default=0) if len(counts) >= spread.min_domains else 0
    itself = _selected(spread, pod.namespace, pod)
    return counts[place.node.labels[spread.topology_key]] + itself - least > spread.max_skew


def _count(pod: PodView, board: Board, spread: Spread) -> Counter[str]:
    """Domains are those of nodes with every key of the pod's constraints that the constraint's policies let in."""
    keys = {one.topology_key for one in pod.spreads if one.required}
    counts: Counter[str] = Counter()
    for other in board.places:
        if keys <= other.node.labels.keys() and _included(pod, other.node, spread):
            matching = sum(_selected(spread, pod.namespace, resident) for resident in other.pods)
            counts[other.node.labels[spread.topology_key]] += matching
    return counts


def _included(pod: PodView, node: NodeView, spread: Spread) -> bool:
    if spread.honor_affinity and not pod.accepts(node):
        return False
    return not (spread.honor_taints and untolerated(node.taints, pod.tolerations))


def _selected(spread: Spread, namespace: str, pod: PodView) -> bool:
    return spread.selector is not None and pod.namespace == namespace and spread.selector.allow(dict(pod.labels))


def _pod_affinity(pod: PodView, place: Place, board: Board) -> list[str]:
    if not _near_enough(pod, place, board):
        return ["node(s) didn't match pod affinity rules"]
    if any(_meets(pod, term, place, board) for term in pod.anti_affinity):
        return ["node(s) didn't match pod anti-affinity rules"]
    if any(_repels(resident, other, pod, place, board) for other in board.places for resident in other.wary):
        return ["node(s) didn't satisfy existing pods anti-affinity rules"]
    return []


def _repels(resident: PodView, other: Place, pod: PodView, place: Place, board: Board) -> bool:
    return any(
        _same_domain(term, other.node, place.node) and _matches(resident, term, pod, board)
        for term in resident.anti_affinity
    )


def _near_enough(pod: PodView, place: Place, board: Board) -> bool:
    """The first of a group that wants to be together may go anywhere: nobody is there yet, and it matches itself."""
    if not pod.affinity:
        return True
    if not all(term.topology_key in place.node.labels for term in pod.affinity):
        return False
    fellows = [other for other, resident in board.residents() if _matches_all(pod, resident, board)]
    if not fellows:
        return _matches_all(pod, pod, board)
    return all(any(_same_domain(term, other.node, place.node) for other in fellows) for term in pod.affinity)


def _matches_all(pod: PodView, other: PodView, board: Board) -> bool:
    return all(_matches(pod, term, other, board) for term in pod.affinity)


def _meets(pod: PodView, term: AffinityTerm, place: Place, board: Board) -> bool:
    return any(
        _same_domain(term, other.node, place.node) and _matches(pod, term, resident, board)
        for other, resident in board.residents()
    )


def _same_domain(term: AffinityTerm, one: NodeView, other: NodeView) -> bool:
    value = one.labels.get(term.topology_key)
    return value is not None and value == other.labels.get(term.topology_key)


def _matches(owner: PodView, term: AffinityTerm, other: PodView, board: Board) -> bool:
    """Whether ``other`` is one of the pods that ``owner``'s term speaks of."""
    if term.selector is None or not term.selector.allow(dict(other.labels)):
        return False
    if other.namespace in term.namespaces:
        return True
    if term.namespace_selector is None:
        return not term.namespaces and other.namespace == owner.namespace
    return term.namespace_selector.allow(board.namespaces.get(other.namespace, {}))


UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
FILTERS: tuple[Callable[[PodView, Place, Board], list[str]], ...] = (
    _unschedulable, _taints, _affinity, _ports, _resources, _spread, _pod_affinity,
)
