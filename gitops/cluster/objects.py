"""The smaller objects that scheduling looks at → the planner's values: volumes, budgets, Services, classes …"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitops.cluster import storage_wire, wire
from gitops.cluster.fields import at, modern, pairs, resources, utc, whole_number
from gitops.cluster.needs import tolerations
from gitops.cluster.pods import DEFAULT_NAMESPACE
from gitops.cluster.requests import default_requests
from gitops.cluster.selectors import label_selector, node_terms
from gitops.decoding import Misfit
from planner import labels as known
from planner.requirements import Requirement, Requirements
from planner.resources import Resources
from planner.snapshot import (
    BindingMode,
    Budget,
    Claim,
    Namespace,
    PriorityClass,
    RuntimeClass,
    Service,
    StorageClass,
    Volume,
    VolumeLimits,
)
from planner.volumes import CINDER

_DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_LEGACY_CLASS = "volume.beta.kubernetes.io/storage-class"
#: What annotations say of claims and storage classes.
CLASS_ANNOTATIONS = (*_DEFAULT_CLASS, _LEGACY_CLASS)
_VOLUME_ZONES = (known.ZONE, known.REGION)


def read_volume(volume: storage_wire.Volume) -> Volume:
    """Its node affinity, and the zone and region labels that kube-scheduler's VolumeZone heeds. Raises Misfit."""
    spec = volume.spec or storage_wire.VolumeSpec()
    affinity = spec.node_affinity
    made = Volume(
        name=volume.metadata.name,
        driver=spec.csi.driver if spec.csi else CINDER if spec.cinder else "",
        storage_class=spec.storage_class_name or "",
        claimed=spec.claim_ref is not None,
    )
    labelled = Requirements.of(
        Requirement(modern(key), frozenset(value.split("__")))
        for key, value in (volume.metadata.labels or {}).items()
        if modern(key) in _VOLUME_ZONES
    )
    if affinity is None or affinity.required is None:
        return replace(made, alternatives=(labelled,) if labelled.items else ())
    with at("spec", "nodeAffinity", "required", "nodeSelectorTerms"):
        terms, names = node_terms(affinity.required.node_selector_terms or ())
    if names is not None:
        labelled = labelled.intersect(Requirements.of([Requirement(known.HOSTNAME, frozenset(names))]))
    nowhere = Requirements.of([Requirement(known.HOSTNAME)])
    return replace(made, alternatives=tuple(term.intersect(labelled) for term in terms) or (nowhere,))


def read_claim(claim: storage_wire.Claim) -> Claim:
    meta, spec = claim.metadata, claim.spec
    written = spec.storage_class_name if spec else None
    return Claim(
        namespace=meta.namespace or DEFAULT_NAMESPACE,
        name=meta.name,
        storage_class=(meta.annotations or {}).get(_LEGACY_CLASS) if written is None else written,
        volume=(spec.volume_name if spec else None) or "",
        modes=access_modes(spec),
        deleting=meta.deletion_timestamp is not None,
        lost=claim.status is not None and claim.status.phase == "Lost",
    )


def access_modes(spec: wire.ClaimSpec | None) -> tuple[str, ...]:
    """Sorted, each once."""
    return tuple(sorted(set((spec.access_modes if spec else None) or ())))


def read_volume_limits(node: storage_wire.CSINode) -> VolumeLimits:
    """The drivers that say how many volumes they attach; the others have no limit. Raises Misfit."""
    counts: dict[str, int] = {}
    for number, one in enumerate((node.spec.drivers if node.spec else None) or ()):
        if one.allocatable is not None and one.allocatable.count is not None:
            with at("spec", "drivers", number, "allocatable", "count"):
                counts[one.name] = whole_number(one.allocatable.count, 0)
    return VolumeLimits(name=node.metadata.name, counts=tuple(sorted(counts.items())))


def read_storage_class(one: storage_wire.StorageClass) -> StorageClass:
    """Raises Misfit."""
    mode = one.volume_binding_mode or BindingMode.IMMEDIATE.value
    if mode not in [each.value for each in BindingMode]:
        raise Misfit(f"must be {' or '.join(each.value for each in BindingMode)}", ("volumeBindingMode",))
    annotations = one.metadata.annotations or {}
    return StorageClass(
        name=one.metadata.name,
        binding=BindingMode(mode),
        is_default=any(annotations.get(key) == "true" for key in _DEFAULT_CLASS),
        topologies=tuple(_topology(term) for term in one.allowed_topologies or ()),
        provisioner=one.provisioner or "",
        created_at=utc(one.metadata.creation_timestamp),
    )


def _topology(term: storage_wire.TopologyTerm) -> Requirements:
    return Requirements.of(
        Requirement(modern(label.key), frozenset(label.values)) for label in term.match_label_expressions or ()
    )


def read_budget(budget: wire.Budget) -> Budget:
    """A status that is older than the budget allows nothing. Raises Misfit."""
    meta, status = budget.metadata, budget.status
    with at("spec", "selector"):
        selector = label_selector(budget.spec.selector if budget.spec else None)
    stale = status is not None and (status.observed_generation or 0) < (meta.generation or 0)
    return Budget(
        namespace=meta.namespace or DEFAULT_NAMESPACE,
        name=meta.name,
        selector=selector,
        allowed=0 if status is None or stale else max(0, status.disruptions_allowed),
    )


def read_service(service: wire.Service) -> Service:
    selector = (service.spec.selector if service.spec else None) or {}
    return Service(
        namespace=service.metadata.namespace or DEFAULT_NAMESPACE, name=service.metadata.name,
        selector=Requirements.from_labels(selector),
    )  # fmt: skip


def read_namespace(namespace: wire.Namespace) -> Namespace:
    """With the label that the API server sets on every namespace."""
    name = namespace.metadata.name
    return Namespace(name=name, labels=pairs({**(namespace.metadata.labels or {}), known.NAMESPACE_NAME: name}))


@dataclass(frozen=True, slots=True)
class DefaultRequests:
    """A LimitRange: what it gives to containers that request nothing."""

    namespace: str
    name: str
    requests: Resources


def read_default_requests(limits: storage_wire.LimitRange) -> DefaultRequests:
    """Raises Misfit."""
    meta = limits.metadata
    return DefaultRequests(meta.namespace or DEFAULT_NAMESPACE, meta.name, default_requests(limits))


def read_priority_class(one: wire.PriorityClass) -> PriorityClass:
    return PriorityClass(name=one.metadata.name, value=one.value, is_default=bool(one.global_default))


def read_runtime_class(one: wire.RuntimeClass) -> RuntimeClass:
    """Raises Misfit."""
    with at("overhead", "podFixed"):
        overhead = resources(one.overhead.pod_fixed if one.overhead else None)
    scheduling = one.scheduling or wire.RuntimeScheduling()
    with at("scheduling"):
        tolerated = tolerations(scheduling.tolerations or ())
    return RuntimeClass(
        name=one.metadata.name,
        overhead=overhead,
        selector=pairs({modern(key): value for key, value in (scheduling.node_selector or {}).items()}),
        tolerations=tolerated,
    )
