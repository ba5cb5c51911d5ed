"""A Node object → the planner's node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.cluster.fields import at, pairs, resources, telling, utc, with_modern_names
from planner.nodes import Node
from planner.taints import Taint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitops.cluster import wire


def read_node(node: wire.Node) -> Node:
    """A node without a Ready condition counts as ready: kube-scheduler itself only looks at taints. Raises Misfit."""
    meta = node.metadata
    spec, status = node.spec, node.status
    with at("status", "capacity"):
        capacity = resources(status.capacity if status else None)
    with at("status", "allocatable"):
        allocatable = resources(status.allocatable if status else None)
    ready = next((one for one in (status.conditions if status else None) or () if one.type == "Ready"), None)
    with at("spec"):
        taints = read_taints((spec.taints if spec else None) or (), "taints")
    return Node(
        name=meta.name,
        labels=pairs(with_modern_names(meta.labels)),
        annotations=telling(meta.annotations),
        taints=taints,
        capacity=capacity,
        allocatable=allocatable if status and status.allocatable else capacity,
        unschedulable=bool(spec and spec.unschedulable),
        ready=ready is None or ready.status == "True",
        deleting=meta.deletion_timestamp is not None,
        provider_id=(spec.provider_id if spec else None) or "",
        created_at=utc(meta.creation_timestamp),
        ready_since=utc(ready.last_transition_time) if ready and ready.status == "True" else None,
    )


def read_taints(taints: Iterable[wire.Taint], name: str) -> tuple[Taint, ...]:
    """Sorted, each once. Raises Misfit from ``name`` on."""
    found: set[Taint] = set()
    for number, one in enumerate(taints):
        with at(name, number):
            found.add(Taint(one.key, one.value or "", one.effect))
    return tuple(sorted(found))
