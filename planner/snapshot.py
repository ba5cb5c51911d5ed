"""Everything read from a cluster at one time. A file and a live cluster give the same type and plan identically."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from planner.canonical import LATER
from planner.nodes import Node
from planner.pods import Needs, Owner, Pod
from planner.requirements import Requirements
from planner.resources import Resources
from planner.taints import Toleration


@dataclass(frozen=True, slots=True, kw_only=True)
class PodTemplate:
    """What a workload makes its pods from."""

    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    needs: Needs = field(default_factory=Needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSet:
    """Runs one pod on every node it tolerates and selects."""

    namespace: str
    name: str
    template: PodTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment, StatefulSet, ReplicaSet or Job given as a file: it stands for the pods it would create.

    ``claim_templates`` are a StatefulSet's volume claims: (claim name, storage class).
    """

    owner: Owner
    replicas: int
    template: PodTemplate
    claim_templates: tuple[tuple[str, str], ...] = ()


class BindingMode(Enum):
    """When a StorageClass binds a claim."""

    IMMEDIATE = "Immediate"
    WAIT = "WaitForFirstConsumer"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClass:
    """``provisioner`` is empty where the class was not read from a cluster."""

    name: str
    binding: BindingMode = BindingMode.IMMEDIATE
    is_default: bool = False
    topologies: tuple[Requirements, ...] = ()
    provisioner: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A PersistentVolume: where it can be attached. No ``alternatives`` means anywhere.

    ``driver`` is the CSI driver that attaches it, empty for other kinds; ``claimed``: a claim has it already.
    """

    name: str
    alternatives: tuple[Requirements, ...] = ()
    driver: str = ""
    storage_class: str = ""
    claimed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A PersistentVolumeClaim. ``storage_class`` None: the cluster's default; ``volume`` is empty while unbound.

    ``modes`` are its access modes, sorted; ``lost``: its volume is gone.
    """

    namespace: str
    name: str
    storage_class: str | None = None
    volume: str = ""
    modes: tuple[str, ...] = ()
    deleting: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeLimits:
    """A CSINode: for each CSI driver on the node of this name that sets a limit, how many volumes it attaches."""

    name: str
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A PodDisruptionBudget with the disruptions its status allows now; a budget without a status allows none."""

    namespace: str
    name: str
    selector: Requirements | None = None
    allowed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Which pods of its namespace a Service, of whatever type, selects. One without requirements has no selector."""

    namespace: str
    name: str
    selector: Requirements = field(default_factory=Requirements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    name: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityClass:
    name: str
    value: int
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeClass:
    """``overhead`` is what each pod of the class costs on top; ``selector`` and tolerations come with it."""

    name: str
    overhead: Resources = field(default_factory=Resources)
    selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The cluster at one time. Every tuple is sorted by (namespace and) name and holds each object once."""

    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    daemonsets: tuple[DaemonSet, ...] = ()
    workloads: tuple[Workload, ...] = ()
    volumes: tuple[Volume, ...] = ()
    claims: tuple[Claim, ...] = ()
    storage_classes: tuple[StorageClass, ...] = ()
    volume_limits: tuple[VolumeLimits, ...] = ()
    budgets: tuple[Budget, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    priority_classes: tuple[PriorityClass, ...] = ()
    runtime_classes: tuple[RuntimeClass, ...] = ()
    services: tuple[Service, ...] = field(default=(), metadata=LATER)
