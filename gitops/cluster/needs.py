"""A pod's spec → what it needs from a node. Equal specs give one shared value, so many pods cost little."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from gitops.cluster.fields import at, listed, modern
from gitops.cluster.requests import NOT_RESIZED, assumed_requests, is_sidecar, pod_requests, resized
from gitops.cluster.selectors import label_selector, node_labels, node_term, node_terms
from gitops.decoding import Misfit
from planner.pods import ALL_ADDRESSES, AffinityTerm, Needs, Preference, Spread
from planner.requirements import Requirement, Requirements
from planner.resources import Resources
from planner.taints import Toleration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitops.cluster import wire

_SPREADS = "topologySpreadConstraints"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
NOTHING = Resources()
#: Operators that newer clusters know and the planner does not: such a toleration is taken to tolerate nothing.
_NUMERIC = ("Gt", "Lt")


class NeedsReader:
    """Reads specs, each distinct one once. Its methods raise Misfit with a path that starts at the spec."""

    def __init__(self) -> None:
        self._known: dict[bytes, Needs] = {}
        self._encode = msgspec.json.Encoder().encode

    @property
    def size(self) -> int:
        """How many distinct specs it keeps for pods to come."""
        return len(self._known)

    def read(
        self, spec: wire.PodSpec, labels: dict[str, str] | None, pod_name: str = "", *,
        status: wire.PodStatus | None = None, defaults: Resources = NOTHING,
    ) -> Needs:  # fmt: skip
        """``pod_name`` names the claims of generic ephemeral volumes; a template has none, and so none of those.

        ``status`` tells what a pod that is being resized really has; ``defaults`` are requests that admission would
        give to its containers.
        """
        claims = _claims(spec, pod_name)
        sizes = resized(spec, status) if status is not None and spec.node_name else NOT_RESIZED
        key = self._encode((
            spec.containers, spec.init_containers, spec.resources, spec.overhead, spec.node_selector, spec.affinity,
            spec.tolerations, spec.topology_spread_constraints, spec.host_network, spec.priority,
            spec.priority_class_name, spec.runtime_class_name, claims,
            labels if spec.topology_spread_constraints else None, sizes.actual, sizes.infeasible,
            defaults.items, spec.resource_claims,
        ))  # fmt: skip
        known = self._known.get(key)
        if known is None:
            needs = _needs(spec, labels or {}, claims, pod_requests(spec, sizes, defaults))
            known = replace(needs, assumed=assumed_requests(spec, needs.requests, sizes, defaults))
            self._known[key] = known
        return known


def _needs(spec: wire.PodSpec, labels: dict[str, str], claims: tuple[str, ...], requests: Resources) -> Needs:
    affinity = spec.affinity
    alternatives, node_names = _placement(spec)
    return Needs(
        requests=requests,
        alternatives=alternatives,
        node_names=node_names,
        preferences=_preferences(affinity.node_affinity if affinity else None),
        tolerations=tolerations(spec.tolerations or ()),
        spreads=listed(spec.topology_spread_constraints, _SPREADS, lambda one: _spread(one, labels)),
        affinity=_pod_terms(affinity.pod_affinity if affinity else None, "podAffinity"),
        anti_affinity=_pod_terms(affinity.pod_anti_affinity if affinity else None, "podAntiAffinity"),
        host_ports=_host_ports(spec),
        claims=claims,
        devices=tuple(sorted({one.name for one in spec.resource_claims or ()})),
        priority=spec.priority or 0,
        priority_class=spec.priority_class_name or "",
        runtime_class=spec.runtime_class_name or "",
    )


# Where it may run


def _placement(spec: wire.PodSpec) -> tuple[tuple[Requirements, ...], tuple[str, ...] | None]:
    selector = node_labels(spec.node_selector)
    affinity = spec.affinity.node_affinity if spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    if required is None:
        return (selector,), None
    with at("affinity", "nodeAffinity", _REQUIRED, "nodeSelectorTerms"):
        terms, names = node_terms(required.node_selector_terms or ())
    return tuple(dict.fromkeys(selector.intersect(term) for term in terms)), names


def _preferences(affinity: wire.NodeAffinity | None) -> tuple[Preference, ...]:
    preferred = affinity.preferred_during_scheduling_ignored_during_execution if affinity else None
    with at("affinity", "nodeAffinity"):
        found = listed(preferred, _PREFERRED, _preference)
    return tuple(one for one in found if one.requirements.items)


def _preference(term: wire.PreferredNodeTerm) -> Preference:
    with at("preference"):
        return Preference(term.weight, node_term(term.preference))


def tolerations(written: Iterable[wire.Toleration]) -> tuple[Toleration, ...]:
    """All of them in order, each once. Raises Misfit from ``tolerations`` on."""
    found: set[Toleration] = set()
    for number, one in enumerate(written):
        if one.operator in _NUMERIC:
            continue
        with at("tolerations", number):
            found.add(Toleration(one.key or "", one.operator or "Equal", one.value or "", one.effect or ""))
    return tuple(sorted(found))


# Beside whom it may run


def _spread(constraint: wire.SpreadConstraint, labels: dict[str, str]) -> Spread:
    """A constraint with ``matchLabelKeys`` merged into its selector, as the API server does (KEP-3243)."""
    if constraint.when_unsatisfiable not in ("DoNotSchedule", "ScheduleAnyway"):
        raise Misfit("must be DoNotSchedule or ScheduleAnyway", ("whenUnsatisfiable",))
    if constraint.max_skew < 1:
        raise Misfit(f"is {constraint.max_skew}, and must be 1 or more", ("maxSkew",))
    with at("labelSelector"):
        selector = label_selector(constraint.label_selector)
    keys = constraint.match_label_keys or []
    if selector is not None:
        own = [Requirement(key, frozenset({labels[key]})) for key in keys if key in labels]
        selector = selector.intersect(Requirements.of(own))
    return Spread(
        topology_key=modern(constraint.topology_key),
        max_skew=constraint.max_skew,
        selector=selector,
        required=constraint.when_unsatisfiable == "DoNotSchedule",
        min_domains=constraint.min_domains or 1,
        honor_affinity=constraint.node_affinity_policy != "Ignore",
        honor_taints=constraint.node_taints_policy == "Honor",
        match_label_keys=tuple(sorted(key for key in keys if key not in labels)),
    )


def _pod_terms(affinity: wire.PodAffinity | None, name: str) -> tuple[AffinityTerm, ...]:
    if affinity is None:
        return ()
    with at("affinity", name):
        required = listed(affinity.required_during_scheduling_ignored_during_execution, _REQUIRED, _pod_term)
        preferred = listed(affinity.preferred_during_scheduling_ignored_during_execution, _PREFERRED, _weighted)
    return (*required, *preferred)


def _weighted(term: wire.WeightedPodTerm) -> AffinityTerm:
    if not 1 <= term.weight <= 100:
        raise Misfit(f"is {term.weight}, and must be between 1 and 100", ("weight",))
    with at("podAffinityTerm"):
        return _pod_term(term.pod_affinity_term, term.weight)


def _pod_term(term: wire.PodAffinityTerm, weight: int = 0) -> AffinityTerm:
    with at("labelSelector"):
        selector = label_selector(term.label_selector)
    with at("namespaceSelector"):
        namespace_selector = label_selector(term.namespace_selector)
    return AffinityTerm(
        topology_key=modern(term.topology_key),
        selector=selector,
        namespaces=tuple(sorted(set(term.namespaces or ()))),
        namespace_selector=namespace_selector,
        match_label_keys=tuple(sorted(term.match_label_keys or ())),
        mismatch_label_keys=tuple(sorted(term.mismatch_label_keys or ())),
        weight=weight,
    )


# Ports and volumes


def _host_ports(spec: wire.PodSpec) -> tuple[tuple[str, str, int], ...]:
    """(address, protocol, port), sorted. With ``hostNetwork`` every container port is one of the host."""
    found: set[tuple[str, str, int]] = set()
    sidecars = [one for one in spec.init_containers or () if is_sidecar(one)]
    for container in (*(spec.containers or ()), *sidecars):
        for port in container.ports or ():
            number = port.host_port or (port.container_port if spec.host_network else 0)
            if number:
                found.add((port.host_ip or ALL_ADDRESSES, port.protocol or "TCP", number))
    return tuple(sorted(found))


def _claims(spec: wire.PodSpec, pod_name: str) -> tuple[str, ...]:
    found: set[str] = set()
    for volume in spec.volumes or ():
        if volume.persistent_volume_claim is not None:
            found.add(volume.persistent_volume_claim.claim_name)
        elif volume.ephemeral is not None and pod_name:
            found.add(f"{pod_name}-{volume.name}")
    return tuple(sorted(found))
