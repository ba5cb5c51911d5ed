"""What a sandbox remembers: pools, their nodes and a counter, as values that a state file can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class PoolStatus(StrEnum):
    """The statuses a sandbox pool takes, a part of those the API knows."""

    INSTALLING = "INSTALLING"
    READY = "READY"
    UPSCALING = "UPSCALING"
    DOWNSCALING = "DOWNSCALING"
    UPDATING = "UPDATING"
    DELETING = "DELETING"
    MAINTENANCE = "MAINTENANCE"
    ERROR = "ERROR"
    USER_QUOTA_ERROR = "USER_QUOTA_ERROR"
    USER_NODE_NOT_FOUND_ERROR = "USER_NODE_NOT_FOUND_ERROR"
    USER_NODE_SUSPENDED_SERVICE = "USER_NODE_SUSPENDED_SERVICE"

    @property
    def busy(self) -> bool:
        """True while something is under way, so that the API refuses another change."""
        return self in BUSY


BUSY = (PoolStatus.INSTALLING, PoolStatus.UPSCALING, PoolStatus.DOWNSCALING, PoolStatus.UPDATING, PoolStatus.DELETING)


class NodeStatus(StrEnum):
    """The statuses a sandbox node takes, a part of those the API knows."""

    INSTALLING = "INSTALLING"
    READY = "READY"
    DELETING = "DELETING"
    DELETED = "DELETED"
    ERROR = "ERROR"
    USER_QUOTA_ERROR = "USER_QUOTA_ERROR"
    FLAVOR_OUT_OF_STOCK_ERROR = "FLAVOR_OUT_OF_STOCK_ERROR"
    USER_NODE_NOT_FOUND_ERROR = "USER_NODE_NOT_FOUND_ERROR"
    USER_NODE_SUSPENDED_SERVICE = "USER_NODE_SUSPENDED_SERVICE"

    @property
    def leaving(self) -> bool:
        """True once the node is on its way out or gone: it counts no more towards the pool's size."""
        return self in {NodeStatus.DELETING, NodeStatus.DELETED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A taint of the template; ``value`` is ``""`` where none was given."""

    effect: str
    key: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What every node of a pool carries."""

    annotations: dict[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaling:
    """The three figures of OVH's own autoscaler; defaults as its API fills them in."""

    unneeded_seconds: int = 600
    unready_seconds: int = 1200
    utilization_threshold: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """What was asked for, defaults filled in. ``zones`` has one name, or none in a region of one zone."""

    name: str
    flavor: str
    desired: int
    minimum: int
    maximum: int
    autoscale: bool = False
    autoscaling: Autoscaling = field(default_factory=Autoscaling)
    anti_affinity: bool = False
    monthly_billed: bool = False
    zones: tuple[str, ...] = ()
    floating_ips: bool | None = None
    template: Template = field(default_factory=Template)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRecord:
    """A pool and where it is in its life.

    ``since`` is when ``status`` began, ``outcome`` the status that follows a busy one. ``hidden_until`` makes reads
    answer 404, ``denies_until`` makes a pool that is being deleted still say READY: two injected failures.
    """

    id: str
    spec: PoolSpec
    created_at: datetime
    updated_at: datetime
    since: datetime
    status: PoolStatus = PoolStatus.INSTALLING
    outcome: PoolStatus = PoolStatus.READY
    hidden_until: datetime | None = None
    denies_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """A node; ``serial`` grows with every node, so the newest is known even within one second."""

    id: str
    pool_id: str
    name: str
    flavor: str
    serial: int
    created_at: datetime
    updated_at: datetime
    status: NodeStatus = NodeStatus.INSTALLING
    outcome: NodeStatus = NodeStatus.READY
    instance_id: str | None = None
    deployed_at: datetime | None = None
    leaving_at: datetime | None = None
    deleted_at: datetime | None = None

    def answers_to(self, name: str) -> bool:
        """True when ``name`` means this node: its id, its instance's id, its providerID or its name."""
        return name in {self.id, self.name} or (
            self.instance_id is not None and name in {self.instance_id, self.provider_id}
        )

    @property
    def provider_id(self) -> str:
        """The providerID its Kubernetes Node carries."""
        return f"openstack:///{self.instance_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a sandbox remembers. ``serial`` counts the ids given out."""

    region: str
    pools: tuple[PoolRecord, ...] = ()
    nodes: tuple[NodeRecord, ...] = ()
    serial: int = 0

    def pool(self, pool_id: str) -> PoolRecord | None:
        """The pool of that id."""
        return next((pool for pool in self.pools if pool.id == pool_id), None)

    def nodes_of(self, pool_id: str) -> tuple[NodeRecord, ...]:
        """The pool's nodes that are not yet gone, oldest first."""
        return tuple(node for node in self.nodes if node.pool_id == pool_id and node.status != NodeStatus.DELETED)

    def staying(self, pool_id: str) -> tuple[NodeRecord, ...]:
        """The pool's nodes that are not on their way out, oldest first."""
        return tuple(node for node in self.nodes_of(pool_id) if not node.status.leaving)
