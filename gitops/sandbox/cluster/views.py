"""Pods and nodes as the sandbox's scheduler sees them, read from their objects apart from poolplan's own decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.sandbox.cluster.jsonvalues import number_at, object_at, objects_at, pairs_at, strings_at, text_at
from gitops.sandbox.cluster.selectors import expressions, selector_of
from planner.labels import HOSTNAME
from planner.pods import AffinityTerm, Spread, effective_requests
from planner.requirements import Requirement, Requirements
from planner.resources import Resources, parse_amount
from planner.taints import Taint, Toleration

if TYPE_CHECKING:
    from gitops.sandbox.cluster.jsonvalues import Json, Object

Labels = tuple[tuple[str, str], ...]
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTerm:
    """One of the OR-ed node affinity terms; ``names`` are its matchFields on metadata.name, or None."""

    labels: Requirements
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """What a pod asks of a node. Equal views, names aside, are treated alike; ``terms`` None asks nothing of labels."""

    namespace: str
    labels: Labels
    requests: Resources
    selector: Requirements
    terms: tuple[NodeTerm, ...] | None
    tolerations: tuple[Toleration, ...]
    spreads: tuple[Spread, ...]
    affinity: tuple[AffinityTerm, ...]
    anti_affinity: tuple[AffinityTerm, ...]
    ports: tuple[tuple[str, str, int], ...]

    def accepts(self, node: NodeView) -> bool:
        """Whether the node selector and the required node affinity match the node."""
        if not self.selector.allow(node.labels):
            return False
        return self.terms is None or any(
            term.labels.allow(node.labels) and (term.names is None or node.name in term.names) for term in self.terms
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """What a node offers. ``labels`` always name its host."""

    name: str
    labels: dict[str, str]
    taints: tuple[Taint, ...]
    allocatable: Resources
    unschedulable: bool


def node_view(item: Object) -> NodeView:
    """A Node object. Raises ValueRefused."""
    name = text_at(item, "metadata", "name")
    return NodeView(
        name=name, labels={HOSTNAME: name, **pairs_at(item, "metadata", "labels")}, taints=taints_of(item),
        allocatable=_amounts(object_at(item, "status").get("allocatable") or object_at(item, "status").get("capacity")),
        unschedulable=object_at(item, "spec").get("unschedulable") is True,
    )


def taints_of(item: Object) -> tuple[Taint, ...]:
    """The taints of a Node object. Raises ValueRefused."""
    return tuple(
        Taint(text_at(one, "key"), text_at(one, "value"), text_at(one, "effect"))
        for one in objects_at(item, "spec", "taints")
    )


def tolerations_of(spec: Json) -> tuple[Toleration, ...]:
    """The tolerations of a pod's spec. Raises ValueRefused."""
    return tuple(
        Toleration(
            text_at(one, "key"), text_at(one, "operator") or "Equal", text_at(one, "value"), text_at(one, "effect")
        )
        for one in objects_at(spec, "tolerations")
    )


def pod_view(item: Object) -> PodView:
    """A Pod object, or a pod template with the namespace it is used in. Raises ValueRefused."""
    spec, labels = object_at(item, "spec"), pairs_at(item, "metadata", "labels")
    affinity = object_at(spec, "affinity")
    node_affinity = object_at(affinity, "nodeAffinity").get(REQUIRED)
    return PodView(
        namespace=text_at(item, "metadata", "namespace"), labels=tuple(sorted(labels.items())),
        requests=requests_of(spec), selector=Requirements.from_labels(pairs_at(spec, "nodeSelector")),
        terms=None if node_affinity is None else _terms(node_affinity), tolerations=tolerations_of(spec),
        spreads=tuple(_spread(one, labels) for one in objects_at(spec, "topologySpreadConstraints")),
        affinity=_pod_terms(object_at(affinity, "podAffinity"), labels),
        anti_affinity=_pod_terms(object_at(affinity, "podAntiAffinity"), labels), ports=_ports(spec),
    )


def requests_of(spec: Object) -> Resources:
    """What the scheduler reserves for a pod of this spec. Raises ValueRefused."""
    init = [
        (_request(one), text_at(one, "restartPolicy") == "Always") for one in objects_at(spec, "initContainers")
    ]
    pod_level = _request(spec) if "resources" in spec else None
    containers = [_request(one) for one in objects_at(spec, "containers")]
    return effective_requests(containers, init, overhead=_amounts(spec.get("overhead")), pod_level=pod_level)


def _request(container: Object) -> Resources:
    """Requests, with a limit standing in for a request that is not given, as the API server's defaults have it."""
    resources = object_at(container, "resources")
    return _amounts({**object_at(resources, "limits"), **object_at(resources, "requests")})


def _amounts(value: Json) -> Resources:
    """Quantities may be text or, as YAML has them, plain numbers."""
    found = value if isinstance(value, dict) else {}
    return Resources.of({name: parse_amount(name, str(amount)) for name, amount in found.items()})


def _terms(affinity: Json) -> tuple[NodeTerm, ...]:
    """An empty term matches nothing, so it is left out."""
    found = [one for one in objects_at(affinity, "nodeSelectorTerms") if any(one.values())]
    return tuple(NodeTerm(labels=expressions(one, "matchExpressions"), names=_names(one)) for one in found)


def _names(term: Object) -> tuple[str, ...] | None:
    fields = objects_at(term, "matchFields")
    return tuple(name for one in fields for name in strings_at(one, "values")) if fields else None


def _narrowed(one: Object, labels: dict[str, str]) -> Requirements | None:
    """The term's labelSelector, with the pod's own values of matchLabelKeys and mismatchLabelKeys in it."""
    selector = selector_of(one.get("labelSelector"))
    if selector is None:
        return None
    same = [Requirement.parse(key, "In", [labels[key]]) for key in strings_at(one, "matchLabelKeys") if key in labels]
    other = [
        Requirement.parse(key, "NotIn", [labels[key]]) for key in strings_at(one, "mismatchLabelKeys") if key in labels
    ]
    return selector.intersect(Requirements.of((*same, *other)))


def _spread(one: Object, labels: dict[str, str]) -> Spread:
    return Spread(
        topology_key=text_at(one, "topologyKey"), max_skew=number_at(one, "maxSkew", otherwise=1),
        selector=_narrowed(one, labels), required=text_at(one, "whenUnsatisfiable") != "ScheduleAnyway",
        min_domains=number_at(one, "minDomains", otherwise=1),
        honor_affinity=text_at(one, "nodeAffinityPolicy") != "Ignore",
        honor_taints=text_at(one, "nodeTaintsPolicy") == "Honor",
    )


def _pod_terms(affinity: Object, labels: dict[str, str]) -> tuple[AffinityTerm, ...]:
    return tuple(
        AffinityTerm(
            topology_key=text_at(one, "topologyKey"), selector=_narrowed(one, labels),
            namespaces=tuple(sorted(strings_at(one, "namespaces"))),
            namespace_selector=selector_of(one.get("namespaceSelector")),
        )
        for one in objects_at(affinity, REQUIRED)
    )


def _ports(spec: Object) -> tuple[tuple[str, str, int], ...]:
    ports = [port for container in objects_at(spec, "containers") for port in objects_at(container, "ports")]
    found = [
        (text_at(port, "protocol") or "TCP", text_at(port, "hostIP") or "0.0.0.0", number_at(port, "hostPort"))  # noqa: S104
        for port in ports if number_at(port, "hostPort")
    ]
    return tuple(sorted(found))
