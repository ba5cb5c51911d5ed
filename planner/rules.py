"""How many pods each domain holds that a pod's own spreads and (anti-)affinities look at, once the plan is done.

Only for people: it counts plainly what is there, and the solver's own account decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner import labels as known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.decide import Decision
    from planner.demand import PodGroup
    from planner.pods import AffinityTerm
    from planner.requirements import Requirements

    _Asked = tuple[str, str, int, tuple[str, ...], Requirements | None]

MOST_DOMAINS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One required rule. ``kind`` is spread, affinity or anti-affinity; ``domains`` (value, pods) by value.

    ``max_skew`` is that of a spread. By host, only hosts that hold such pods are listed.
    """

    kind: str
    key: str
    max_skew: int = 0
    domains: tuple[tuple[str, int], ...] = ()
    more: int = 0


def rules_of(decision: Decision, group: PodGroup) -> tuple[Rule, ...]:
    """The group's own required rules, in the order in which they are written."""
    rules = tuple(_rules(decision, group))
    places = _places(decision) if rules else {}
    there = list(_pods(decision, places)) if rules else []
    return tuple(
        _rule(kind, key, skew, _counts(key, spaces, selector, places, there))
        for kind, key, skew, spaces, selector in rules
    )


def _rules(decision: Decision, group: PodGroup) -> Iterator[_Asked]:
    own = (group.namespace,)
    for spread in group.needs.spreads:
        if spread.required:
            yield "spread", spread.topology_key, spread.max_skew, own, spread.selector
    for kind, terms in (("affinity", group.needs.affinity), ("anti-affinity", group.needs.anti_affinity)):
        for term in terms:
            if not term.weight:
                yield kind, term.topology_key, 0, _namespaces(decision, term, own), term.selector


def _rule(kind: str, key: str, skew: int, counts: Counter[str]) -> Rule:
    listed = sorted(counts.items())
    return Rule(
        kind=kind, key=key, max_skew=skew, domains=tuple(listed[:MOST_DOMAINS]), more=max(0, len(listed) - MOST_DOMAINS)
    )


def _namespaces(decision: Decision, term: AffinityTerm, own: tuple[str, ...]) -> tuple[str, ...]:
    if term.namespace_selector is None:
        return term.namespaces or own
    spaces = decision.inputs.snapshot.namespaces
    return (*term.namespaces, *(one.name for one in spaces if term.namespace_selector.allow(dict(one.labels))))


def _places(decision: Decision) -> dict[str, dict[str, str]]:
    """The labels of every node that is there, on order or expected."""
    places = {one.name: dict(one.labels) for one in decision.problem.bins}
    places |= {one.name: one.label_map for one in decision.inputs.snapshot.nodes}
    expected = ((one.name, one.expected) for one in decision.plan.placements)
    return places | {name: {known.HOSTNAME: name, **dict(one.labels)} for name, one in expected if one}


def _pods(decision: Decision, places: dict[str, dict[str, str]]) -> Iterator[tuple[str, dict[str, str], str]]:
    """Namespace, labels and node of every pod that runs or is placed."""
    placed = {pod: one.name for one in decision.plan.placements for pod in one.pods}
    for pod in decision.inputs.snapshot.pods:
        node = pod.node_name or placed.get(pod.key, "")
        if node in places and not pod.phase.finished and not pod.deleting:
            yield pod.namespace, dict(pod.labels), node


def _counts(
    key: str, namespaces: tuple[str, ...], selector: Requirements | None,
    places: dict[str, dict[str, str]], there: list[tuple[str, dict[str, str], str]],
) -> Counter[str]:  # fmt: skip
    counts: Counter[str] = Counter()
    if key != known.HOSTNAME:
        counts.update({labels[key]: 0 for labels in places.values() if key in labels})
    for namespace, labels, node in there:
        if selector is not None and namespace in namespaces and selector.allow(labels) and key in places[node]:
            counts[places[node][key]] += 1
    return counts
