"""What a pod needs from a node, as values: requests, where it may run, and beside whom.

Containers are already summed up here (``effective_requests``); what the words mean is kube-scheduler's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Final

from planner.labels import HOSTNAME
from planner.requirements import Requirements
from planner.resources import CPU, MEMORY, PODS, Resources
from planner.taints import Toleration

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The address of a host port that names none: kube-scheduler takes only this one for "all of them".
ALL_ADDRESSES: Final = "0.0.0.0"  # noqa: S104 - nothing is bound here
#: Millicores and bytes that kube-scheduler's scores assume of a container that asks for none
#: (``DefaultMilliCPURequest``, ``DefaultMemoryRequest``).
ASSUMED: Final = (100, 200 * 1024**2)


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """The workload that made a pod, as people name it: a ReplicaSet of a Deployment is the Deployment."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A topology spread constraint; ``selector`` None selects no pod."""

    topology_key: str
    max_skew: int = 1
    selector: Requirements | None = None
    required: bool = True
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False
    match_label_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AffinityTerm:
    """A required or preferred (``weight`` > 0) inter-pod term; empty ``namespaces`` means the pod's own."""

    topology_key: str
    selector: Requirements | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: Requirements | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Preference:
    """A preferred node affinity term and its weight (1–100)."""

    weight: int
    requirements: Requirements


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Everything that decides where a pod may run. Pods of equal needs are one group.

    ``alternatives`` are the OR-ed node affinity terms, each with the node selector already in it; a pod without
    any has one alternative that requires nothing. ``node_names`` are ``metadata.name`` matchFields, or None.
    Where volumes narrow the alternatives, ``own_alternatives`` keeps those of the pod itself. ``devices`` names the
    pod's claims of dynamic resource allocation. ``assumed`` is the cpu and memory beyond its requests that scores
    reckon with while it is placed, and once it is on a node; None: what its requests alone tell (``assumed``).
    """

    requests: Resources = field(default_factory=Resources)
    assumed: tuple[tuple[int, int], tuple[int, int]] | None = None
    alternatives: tuple[Requirements, ...] = (Requirements(),)
    own_alternatives: tuple[Requirements, ...] | None = None
    node_names: tuple[str, ...] | None = None
    preferences: tuple[Preference, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    spreads: tuple[Spread, ...] = ()
    affinity: tuple[AffinityTerm, ...] = ()
    anti_affinity: tuple[AffinityTerm, ...] = ()
    host_ports: tuple[tuple[str, str, int], ...] = ()
    claims: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    priority: int = 0
    priority_class: str = ""
    runtime_class: str = ""

    @property
    def reckoned(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """``assumed``, whatever tells it."""
        return self.assumed or (assumed(self.requests),) * 2

    @property
    def looked_at(self) -> tuple[Requirements, ...]:
        """The OR-ed terms of the nodes that a spread with ``nodeAffinityPolicy: Honor`` looks at.

        kube-scheduler takes the pod's own affinity for that, and not the place of its volumes.
        """
        return self.alternatives if self.own_alternatives is None else self.own_alternatives

    @property
    def node_keys(self) -> tuple[str, ...]:
        """The label keys that a node must have for the pod's required spreads and affinity, host names apart."""
        if not self.spreads and not self.affinity:
            return ()
        keys = [one.topology_key for one in self.spreads if one.required]
        keys += [one.topology_key for one in self.affinity if not one.weight]
        return tuple(sorted({key for key in keys if key != HOSTNAME}))

    @property
    def ports(self) -> tuple[str, ...]:
        """Host ports as ``TCP/80`` (on all addresses) or ``TCP/80 on 10.0.0.1``, sorted.

        Pods that share an entry exclude each other, once those on all addresses are spelled out (``planner.ports``).
        """
        return tuple(sorted(
            f"{protocol}/{port}" if address == ALL_ADDRESSES else f"{protocol}/{port} on {address}"
            for address, protocol, port in set(self.host_ports)
        ))  # fmt: skip


class Phase(Enum):
    """``status.phase``; UNKNOWN is what a node that went away leaves behind."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"

    @property
    def finished(self) -> bool:
        return self in (Phase.SUCCEEDED, Phase.FAILED)


class Scheduling(Enum):
    """What the ``PodScheduled`` condition says of a pod."""

    UNTRIED = "untried"
    SCHEDULED = "scheduled"
    UNSCHEDULABLE = "unschedulable"
    GATED = "gated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod. ``labels`` are sorted. ``owner`` is None for a bare pod; ``controller`` names its direct controller.

    ``scheduler`` is empty for kube-scheduler's default profile, and else the ``schedulerName``. ``unscheduled_since``
    is when the ``PodScheduled`` condition became False.
    """

    namespace: str
    name: str
    uid: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    owner: Owner | None = None
    controller: tuple[str, str] | None = None
    needs: Needs = field(default_factory=Needs)
    node_name: str = ""
    nominated_node: str = ""
    phase: Phase = Phase.PENDING
    scheduling: Scheduling = Scheduling.UNTRIED
    mirror: bool = False
    deleting: bool = False
    scheduler: str = ""
    created_at: datetime | None = None
    unscheduled_since: datetime | None = None
    finished_at: datetime | None = None

    @property
    def waiting_since(self) -> datetime | None:
        """Since when the pod waits for a node: it was found unschedulable, or it was made; None where nobody knows."""
        return self.unscheduled_since or self.created_at

    @property
    def key(self) -> str:
        """``namespace/name``, unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def by_daemonset(self) -> bool:
        return self.controller is not None and self.controller[0] == "DaemonSet"


def assumed(requests: Resources) -> tuple[int, int]:
    """The cpu and memory that kube-scheduler's scores add for a pod of one container that asks for none."""
    return (0 if requests.get(CPU) else ASSUMED[0], 0 if requests.get(MEMORY) else ASSUMED[1])


def effective_requests(
    containers: Sequence[Resources],
    init: Sequence[tuple[Resources, bool]] = (),
    *,
    overhead: Resources = Resources(),  # noqa: B008 - an immutable value
    pod_level: Resources | None = None,
) -> Resources:
    """What kube-scheduler reserves for a pod, one pod slot included.

    ``init`` are the init containers in order, each with whether it is a sidecar (``restartPolicy: Always``). A sidecar
    keeps running: it counts with the containers and with every init container after it. A plain init container counts
    alone beside the sidecars before it, and the largest such moment wins (KEP-753). Pod-level requests replace the sum
    where they are given (KEP-2837); the RuntimeClass overhead comes on top.
    """
    sidecars, peak = Resources(), Resources()
    for request, is_sidecar in init:
        if is_sidecar:
            sidecars = sidecars.plus(request)
            peak = peak.at_least(sidecars)
        else:
            peak = peak.at_least(sidecars.plus(request))
    total = Resources.total((*containers, sidecars)).at_least(peak)
    if pod_level is not None:
        total = Resources.of({**dict(total.items), **dict(pod_level.items)})
    return total.plus(overhead).plus(Resources.of({PODS: 1}))
