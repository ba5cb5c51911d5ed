"""The fields of volumes, of what makes and attaches them, and LimitRanges; the rest is in ``gitops.cluster.wire``."""

from __future__ import annotations

from gitops.cluster.wire import ClaimSpec, Metadata, NodeSelector, Quantities, Wire


class ClaimStatus(Wire):
    phase: str | None = None


class Claim(Wire):
    metadata: Metadata
    spec: ClaimSpec | None = None
    status: ClaimStatus | None = None


class VolumeNodeAffinity(Wire):
    required: NodeSelector | None = None


class CSISource(Wire):
    driver: str = ""


class CinderSource(Wire):
    """A volume of the plugin that was part of Kubernetes once: the CSI driver has taken it over."""


class ClaimReference(Wire):
    name: str | None = None


class VolumeSpec(Wire):
    node_affinity: VolumeNodeAffinity | None = None
    storage_class_name: str | None = None
    csi: CSISource | None = None
    cinder: CinderSource | None = None
    claim_ref: ClaimReference | None = None


class Volume(Wire):
    metadata: Metadata
    spec: VolumeSpec | None = None


class TopologyLabel(Wire):
    key: str
    values: list[str]


class TopologyTerm(Wire):
    match_label_expressions: list[TopologyLabel] | None = None


class StorageClass(Wire):
    metadata: Metadata
    provisioner: str | None = None
    volume_binding_mode: str | None = None
    allowed_topologies: list[TopologyTerm] | None = None


class VolumeCount(Wire):
    count: int | None = None


class NodeDriver(Wire):
    name: str
    allocatable: VolumeCount | None = None


class CSINodeSpec(Wire):
    drivers: list[NodeDriver] | None = None


class CSINode(Wire):
    metadata: Metadata
    spec: CSINodeSpec | None = None


# Limits


class LimitItem(Wire):
    type: str = ""
    default: Quantities = None
    default_request: Quantities = None
    min: Quantities = None
    max: Quantities = None


class LimitRangeSpec(Wire):
    limits: list[LimitItem] | None = None


class LimitRange(Wire):
    metadata: Metadata
    spec: LimitRangeSpec | None = None
