"""What may still be ordered: NodePool limits, nodes per cluster, pools per cluster, quota, and room in pools."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.catalog import GIGABYTE
from planner.ownership import pool_of
from planner.plan import Refusal
from planner.resources import CPU, MEMORY, NODES, Resources, describe_amount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.candidates import Candidate
    from planner.catalog import Flavor

ENOUGH = 10**9


@dataclass
class Ledger:
    """Mutable account of one packing run. ``spare`` is free room in pools by identity; ``used`` is per NodePool.

    ``quota`` is what the project may still have in the region, of machines and of what they have; nothing: no limit.
    """

    nodes_left: int
    pools_left: int
    spare: dict[tuple[object, ...], int] = field(default_factory=dict)
    used: dict[str, dict[str, int]] = field(default_factory=dict)
    quota: dict[str, int] = field(default_factory=dict)
    _pools: dict[int, tuple[Candidate, tuple[object, ...], int]] = field(default_factory=dict)

    def copy(self) -> Ledger:
        used = {name: dict(amounts) for name, amounts in self.used.items()}
        return Ledger(self.nodes_left, self.pools_left, dict(self.spare), used, dict(self.quota), self._pools)

    def affordable(self, candidate: Candidate) -> int:
        """How many more nodes of a candidate may be ordered."""
        identity, room = self.pool(candidate)
        in_pools = self.spare.get(identity, 0) + max(0, self.pools_left) * room
        count = min(self.nodes_left, in_pools)
        used = self.used.get(candidate.node_pool.name, {})
        for name, limit, cost in _limited(candidate):
            count = min(count, (limit - used.get(name, 0)) // cost if cost else ENOUGH)
        for left, cost in self.quotas(candidate):
            count = min(count, left // cost if cost else ENOUGH)
        return max(0, count)

    def allows(self, candidate: Candidate) -> bool:
        """Whether even one more node of a candidate may be ordered."""
        node_pool = candidate.node_pool
        free = not (node_pool.limited or node_pool.limits.items or self.quota)
        if free and self.nodes_left > 0 and self.pools_left > 0:
            return self.pool(candidate)[1] > 0 or self.affordable(candidate) > 0
        return self.affordable(candidate) > 0

    def allow(self, wanted: Iterable[tuple[Candidate, int]]) -> bool:
        """Whether so many nodes of all these candidates may be ordered together."""
        account = self.copy()
        for candidate, count in wanted:
            if account.affordable(candidate) < count:
                return False
            account.order(candidate, count)
        return True

    def order(self, candidate: Candidate, count: int) -> None:
        """Take ``count`` nodes of a candidate (a negative count gives them back)."""
        identity, room = self.pool(candidate)
        self.nodes_left -= count
        left = self.spare.get(identity, 0) - count
        while left < 0:
            self.pools_left -= 1
            left += room
        self.spare[identity] = left
        used = self.used.setdefault(candidate.node_pool.name, {})
        for name, _, cost in _limited(candidate):
            used[name] = used.get(name, 0) + cost * count
        if self.quota:
            self.reserve(candidate.flavor, count)

    def reserve(self, flavor: Flavor, count: int) -> None:
        """Keep so much of the quota for machines that were ordered and do not count in it yet."""
        machine = _machine(flavor)
        self.quota = {name: left - machine[name] * count for name, left in self.quota.items()}

    def quotas(self, candidate: Candidate) -> list[tuple[int, int]]:
        """(what is left of the quota, what one machine takes) of each thing that the quota counts, by name."""
        machine = _machine(candidate.flavor) if self.quota else {}
        return [(self.quota[name], machine[name]) for name in sorted(self.quota)]

    def limits(self, candidate: Candidate) -> list[tuple[str, int, int]]:
        """(resource, what is left of the limit, what one node costs) for every limit of the candidate's NodePool."""
        used = self.used.get(candidate.node_pool.name, {})
        return [(name, limit - used.get(name, 0), cost) for name, limit, cost in _limited(candidate)]

    def pool(self, candidate: Candidate) -> tuple[tuple[object, ...], int]:
        """The identity of the candidate's pool and how many nodes one such pool holds; looked up once."""
        found = self._pools.get(id(candidate))
        if found is None:  # the candidate is kept beside, so that its identity stays its own
            pool = pool_of(candidate)
            found = self._pools[id(candidate)] = (candidate, pool.identity, pool.room)
        return found[1], found[2]

    def charge(self, node_pool: str, capacity: Resources) -> None:
        """Count a node that exists, or is on order, against a NodePool."""
        used = self.used.setdefault(node_pool, {})
        for name, amount in (*capacity, (NODES, 1)):
            used[name] = used.get(name, 0) + amount

    def refusal(self, candidate: Candidate) -> Refusal | None:
        """Why not even one node of the candidate may be ordered; None when one may."""
        if self.affordable(candidate):
            return None
        name = candidate.node_pool.name
        used = self.used.get(name, {})
        for resource, limit, cost in _limited(candidate):
            if limit - used.get(resource, 0) < cost:
                top, at, more = (describe_amount(resource, one) for one in (limit, used.get(resource, 0), cost))
                detail = f"limits.{resource} is {top}, {at} in use; one more {candidate.flavor.name} adds {more}"
                return Refusal(node_pool=name, filter="Limits", detail=detail)
        for resource, (left, cost) in zip(sorted(self.quota), self.quotas(candidate), strict=True):
            if left < cost:
                what, more = describe_amount(resource, max(0, left)), describe_amount(resource, cost)
                detail = f"the project's quota leaves {what} {resource}; one more {candidate.flavor.name} takes {more}"
                return Refusal(node_pool=name, filter="Quota", detail=detail)
        if self.nodes_left <= 0:
            return Refusal(node_pool=name, filter="ClusterNodes", detail="the cluster's plan allows no more nodes")
        return Refusal(
            node_pool=name, filter="ClusterPools", detail="the cluster has as many pools as it may have"
        )


def _machine(flavor: Flavor) -> dict[str, int]:
    """What one machine takes of a quota: all that it has, not what pods get."""
    return {CPU: flavor.vcpus * 1000, MEMORY: flavor.ram_gb * GIGABYTE, NODES: 1}


def _limited(candidate: Candidate) -> list[tuple[str, int, int]]:
    """(resource, limit, what one node costs) for every limit of the candidate's NodePool."""
    node_pool = candidate.node_pool
    if not node_pool.limited and not node_pool.limits.items:
        return []
    capacity = dict(candidate.figures.capacity.items) | {NODES: 1}
    names = sorted({*node_pool.limited, *(name for name, _ in node_pool.limits)})
    return [(name, node_pool.limits.get(name), capacity.get(name, 0)) for name in names]
