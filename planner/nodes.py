"""A node of the cluster as the planner sees it: its labels, taints and what it can give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from planner import labels as known
from planner.resources import Resources
from planner.taints import Taint

#: Taints that kubelet and the cloud controller remove by themselves once a node is up (well-known in k8s.io/api).
PASSING_TAINTS = frozenset({
    "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "node.kubernetes.io/network-unavailable",
    "node.cloudprovider.kubernetes.io/uninitialized", "node.kubernetes.io/unschedulable",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Node:
    """One Node object. ``labels`` and ``annotations`` are sorted pairs; times are UTC."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    taints: tuple[Taint, ...] = ()
    capacity: Resources = field(default_factory=Resources)
    allocatable: Resources = field(default_factory=Resources)
    unschedulable: bool = False
    ready: bool = True
    deleting: bool = False
    provider_id: str = ""
    created_at: datetime | None = None
    ready_since: datetime | None = None

    @cached_property
    def label_map(self) -> dict[str, str]:
        return {**dict(self.labels), known.HOSTNAME: dict(self.labels).get(known.HOSTNAME, self.name)}

    @property
    def pool(self) -> str:
        """The OVH pool this node belongs to, by the label OVH sets; empty when unknown."""
        return self.label_map.get(known.OVH_POOL, "")

    @property
    def flavor(self) -> str:
        return self.label_map.get(known.INSTANCE_TYPE, "")

    @property
    def lasting_taints(self) -> tuple[Taint, ...]:
        """Taints that stay after start-up."""
        return tuple(taint for taint in self.taints if taint.key not in PASSING_TAINTS)
