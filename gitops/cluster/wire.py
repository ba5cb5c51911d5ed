"""The fields of Kubernetes objects that decide something, as they stand in JSON and YAML; nothing else is decoded.

Saving a snapshot writes exactly these fields, so environment variables, arguments and secrets never reach a file.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

Quantity: TypeAlias = str | int | float
Quantities: TypeAlias = dict[str, Quantity] | None
Texts: TypeAlias = dict[str, str] | None


class Wire(msgspec.Struct, gc=False, omit_defaults=True, rename="camel"):
    """Base of all: camelCase names; fields that are absent, or null where that is legal, are None."""


class OwnerReference(Wire):
    kind: str
    name: str
    controller: bool | None = None


class Metadata(Wire):
    name: str
    namespace: str | None = None
    uid: str | None = None
    generation: int | None = None
    labels: Texts = None
    annotations: Texts = None
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    owner_references: list[OwnerReference] | None = None


class TemplateMetadata(Wire):
    labels: Texts = None
    annotations: Texts = None


class Condition(Wire):
    type: str
    status: str = ""
    reason: str | None = None
    last_transition_time: datetime | None = None


# Selectors


class Expression(Wire):
    key: str
    operator: str
    values: list[str] | None = None


class LabelSelector(Wire):
    match_labels: Texts = None
    match_expressions: list[Expression] | None = None


class NodeSelectorTerm(Wire):
    match_expressions: list[Expression] | None = None
    match_fields: list[Expression] | None = None


class NodeSelector(Wire):
    node_selector_terms: list[NodeSelectorTerm] | None = None


class PreferredNodeTerm(Wire):
    weight: int
    preference: NodeSelectorTerm


class NodeAffinity(Wire):
    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: list[PreferredNodeTerm] | None = None


class PodAffinityTerm(Wire):
    topology_key: str
    label_selector: LabelSelector | None = None
    namespaces: list[str] | None = None
    namespace_selector: LabelSelector | None = None
    match_label_keys: list[str] | None = None
    mismatch_label_keys: list[str] | None = None


class WeightedPodTerm(Wire):
    weight: int
    pod_affinity_term: PodAffinityTerm


class PodAffinity(Wire):
    required_during_scheduling_ignored_during_execution: list[PodAffinityTerm] | None = None
    preferred_during_scheduling_ignored_during_execution: list[WeightedPodTerm] | None = None


class Affinity(Wire):
    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


# Pods


class ResourceNeeds(Wire):
    requests: Quantities = None
    limits: Quantities = None


class Port(Wire):
    container_port: int = 0
    host_port: int | None = None
    host_ip: str | None = msgspec.field(default=None, name="hostIP")
    protocol: str | None = None


class Container(Wire):
    name: str | None = None
    resources: ResourceNeeds | None = None
    ports: list[Port] | None = None
    restart_policy: str | None = None


class Toleration(Wire):
    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None


class SpreadConstraint(Wire):
    topology_key: str
    max_skew: int
    when_unsatisfiable: str
    label_selector: LabelSelector | None = None
    min_domains: int | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: list[str] | None = None


class ClaimSource(Wire):
    claim_name: str


class ClaimSpec(Wire):
    access_modes: list[str] | None = None
    storage_class_name: str | None = None
    volume_name: str | None = None


class ClaimTemplate(Wire):
    spec: ClaimSpec | None = None


class EphemeralSource(Wire):
    volume_claim_template: ClaimTemplate | None = None


class PodVolume(Wire):
    name: str
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: EphemeralSource | None = None


class SchedulingGate(Wire):
    name: str


class ResourceClaim(Wire):
    name: str


class PodSpec(Wire):
    node_name: str | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    resources: ResourceNeeds | None = None
    overhead: Quantities = None
    node_selector: Texts = None
    affinity: Affinity | None = None
    tolerations: list[Toleration] | None = None
    topology_spread_constraints: list[SpreadConstraint] | None = None
    volumes: list[PodVolume] | None = None
    host_network: bool | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    runtime_class_name: str | None = None
    scheduler_name: str | None = None
    resource_claims: list[ResourceClaim] | None = None
    scheduling_gates: list[SchedulingGate] | None = None


class Terminated(Wire):
    finished_at: datetime | None = None


class ContainerState(Wire):
    terminated: Terminated | None = None


class ContainerStatus(Wire):
    name: str = ""
    state: ContainerState | None = None
    resources: ResourceNeeds | None = None
    allocated_resources: Quantities = None


class PodStatus(Wire):
    phase: str | None = None
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None
    nominated_node_name: str | None = None


class Pod(Wire):
    metadata: Metadata
    spec: PodSpec
    status: PodStatus | None = None


# Nodes


class Taint(Wire):
    key: str
    effect: str
    value: str | None = None


class NodeSpec(Wire):
    provider_id: str | None = msgspec.field(default=None, name="providerID")
    taints: list[Taint] | None = None
    unschedulable: bool | None = None


class NodeStatus(Wire):
    capacity: Quantities = None
    allocatable: Quantities = None
    conditions: list[Condition] | None = None


class Node(Wire):
    metadata: Metadata
    spec: NodeSpec | None = None
    status: NodeStatus | None = None


# Workloads


class PodTemplate(Wire):
    spec: PodSpec
    metadata: TemplateMetadata | None = None


class NamedClaim(Wire):
    metadata: Metadata
    spec: ClaimSpec | None = None


class WorkloadSpec(Wire):
    """Of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Job: each has some of these."""

    template: PodTemplate
    replicas: int | None = None
    volume_claim_templates: list[NamedClaim] | None = None
    parallelism: int | None = None
    completions: int | None = None
    suspend: bool | None = None


class WorkloadStatus(Wire):
    succeeded: int | None = None
    conditions: list[Condition] | None = None


class Workload(Wire):
    metadata: Metadata
    spec: WorkloadSpec
    status: WorkloadStatus | None = None


# Everything else


class BudgetSpec(Wire):
    selector: LabelSelector | None = None


class BudgetStatus(Wire):
    disruptions_allowed: int = 0
    observed_generation: int | None = None


class Budget(Wire):
    metadata: Metadata
    spec: BudgetSpec | None = None
    status: BudgetStatus | None = None


class ServiceSpec(Wire):
    selector: Texts = None


class Service(Wire):
    metadata: Metadata
    spec: ServiceSpec | None = None


class PriorityClass(Wire):
    metadata: Metadata
    value: int = 0
    global_default: bool | None = None


class Namespace(Wire):
    metadata: Metadata


class Overhead(Wire):
    pod_fixed: Quantities = None


class RuntimeScheduling(Wire):
    node_selector: Texts = None
    tolerations: list[Toleration] | None = None


class RuntimeClass(Wire):
    metadata: Metadata
    overhead: Overhead | None = None
    scheduling: RuntimeScheduling | None = None
