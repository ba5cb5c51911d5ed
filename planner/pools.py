"""Provider node pools: one type, whether Git declares them, the provider reports them or the planner wants them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NewType

from planner.taints import Taint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PoolName = NewType("PoolName", str)

#: OVHcloud's limits (known limits of MKS; the console's constants).
NODES_PER_POOL = 100
NODES_PER_ANTI_AFFINITY_POOL = 5
POOLS_PER_CLUSTER = 100
NODES_PER_CLUSTER = {"free": 100, "standard": 500}
#: States of pools and nodes that are on their way out or gone.
LEAVING_STATES = frozenset({"DELETING", "DELETED"})
#: Pool states in which ordered nodes will not come by themselves.
FAILED_STATES = frozenset({
    "ERROR", "USER_ERROR", "USER_QUOTA_ERROR", "USER_NODE_NOT_FOUND_ERROR", "USER_NODE_SUSPENDED_SERVICE",
    "USER_WEBHOOK_PREVENTING_OPERATIONS_ERROR", "SUSPENDED", "SUSPENDING",
}) | LEAVING_STATES  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """What only the provider knows of a pool.

    ``broken`` are the nodes that it will not bring up any more, sorted: (name, what it says of them).
    """

    id: str = ""
    status: str = "READY"
    current_nodes: int = 0
    available_nodes: int = 0
    broken: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One node pool: flavor, zone, size, bounds, billing, anti-affinity and the template of its nodes.

    ``zones`` is empty in one-zone regions. Maps are sorted pairs. ``state`` takes no part in equality.
    """

    name: PoolName
    flavor: str
    zones: tuple[str, ...] = ()
    desired: int = 0
    minimum: int = 0
    maximum: int = NODES_PER_POOL
    monthly_billed: bool = False
    anti_affinity: bool = False
    autoscale: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    taints: tuple[Taint, ...] = ()
    finalizers: tuple[str, ...] = ()
    unschedulable: bool = False
    state: ProviderState | None = field(default=None, compare=False)

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two pools interchangeable: everything but the name, the size and the bounds."""
        return (self.flavor, self.zones, self.monthly_billed, self.anti_affinity, *self.template)

    @property
    def template(self) -> tuple[object, ...]:
        """What the provider writes on each node of the pool."""
        return (self.labels, self.annotations, self.taints, self.finalizers, self.unschedulable)

    @property
    def room(self) -> int:
        """How many nodes the pool can hold at most."""
        hard = NODES_PER_ANTI_AFFINITY_POOL if self.anti_affinity else NODES_PER_POOL
        return min(hard, self.maximum)

    @property
    def failed(self) -> bool:
        return self.state is not None and self.state.status in FAILED_STATES

    def resized(self, desired: int) -> Pool:
        return replace(self, desired=desired)


@dataclass(frozen=True, slots=True)
class PoolSet:
    """All pools of a cluster, sorted by name, each name once."""

    pools: tuple[Pool, ...] = ()

    @classmethod
    def of(cls, pools: Iterable[Pool]) -> PoolSet:
        return cls(tuple(sorted(pools, key=lambda pool: pool.name)))

    def __iter__(self) -> Iterator[Pool]:
        return iter(self.pools)

    def __len__(self) -> int:
        return len(self.pools)

    def get(self, name: str) -> Pool | None:
        return next((pool for pool in self.pools if pool.name == name), None)

    def names(self) -> frozenset[str]:
        return frozenset(pool.name for pool in self.pools)
