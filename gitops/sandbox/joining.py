"""The Kubernetes Node that a sandbox node becomes when it joins: MKS's labels, the pool's template, real capacity.

What such a node leaves to pods is the planner's own formula, so that a plan made from the catalog is true of it.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from gitops.sandbox.answers import VERSION, date
from gitops.sandbox.records import NodeStatus
from gitops.sandbox.settings import CLUSTER
from planner import labels as known
from planner.resources import CPU

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.sandbox.records import NodeRecord, PoolRecord, World
    from planner.catalog import Catalog
    from planner.resources import Resources

NodeObject = dict[str, object]
MARK = "poolplan.dev/sandbox"
"""The annotation that says a Node was put there by a sandbox, and of which cluster."""
FIRST_ADDRESS = ipaddress.IPv4Address("10.0.0.2")


def joined_nodes(world: World, build: Callable[[PoolRecord, NodeRecord], NodeObject]) -> dict[str, NodeObject]:
    """The Node objects that belong in the cluster now, by name: those that are up, and those on their way out."""
    objects: dict[str, NodeObject] = {}
    for node in world.nodes:
        pool = world.pool(node.pool_id)
        if pool and node.deployed_at and node.status in {NodeStatus.READY, NodeStatus.DELETING}:
            objects[node.name] = build(pool, node)
    return objects


def node_builder(catalog: Catalog, region: str) -> Callable[[PoolRecord, NodeRecord], NodeObject]:
    """A function from a node and its pool to the Node object, for nodes of this region."""

    def build(pool: PoolRecord, node: NodeRecord) -> NodeObject:
        flavor = catalog.flavor(node.flavor)
        if flavor is None:  # a state file from a time when the catalog had it
            return _node_object(pool, node, region=region, resources={})
        resources = {"capacity": _amounts(flavor.capacity()), "allocatable": _amounts(flavor.allocatable())}
        return _node_object(pool, node, region=region, resources=resources, gpus=flavor.gpus)

    return build


def _node_object(
    pool: PoolRecord, node: NodeRecord, *, region: str, resources: Mapping[str, object], gpus: int = 0,
) -> NodeObject:
    template = pool.spec.template
    zone = pool.spec.zones[0] if pool.spec.zones else known.ONE_ZONE
    leaving = node.status == NodeStatus.DELETING
    taints = [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in template.taints]
    metadata: dict[str, object] = {
        "name": node.name,
        "labels": {**template.labels, **_labels(pool, node, region=region, zone=zone, gpus=gpus)},
        "annotations": {**template.annotations, MARK: CLUSTER},
    }
    if template.finalizers:
        metadata["finalizers"] = list(template.finalizers)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": {
            "providerID": node.provider_id, "taints": taints, "unschedulable": template.unschedulable or leaving,
        },
        "status": {**resources, **_status(node)},
    }


def _labels(pool: PoolRecord, node: NodeRecord, *, region: str, zone: str, gpus: int) -> dict[str, str]:
    labels = {
        known.ARCH: "amd64",
        known.OS: "linux",
        known.HOSTNAME: node.name,
        known.INSTANCE_TYPE: node.flavor,
        known.REGION: region,
        known.ZONE: zone,
        known.CINDER_ZONE: zone,
        known.OVH_NODE_TYPE: "gpu" if gpus else "standard",
        known.OVH_POOL: pool.spec.name,
    }
    return labels | {alias: labels[modern] for alias, modern in known.ALIASES.items()}


def _amounts(resources: Resources) -> dict[str, str]:
    """Quantities as a kubelet writes them: whole cores without a unit, everything else in its smallest."""
    return {name: _quantity(name, amount) for name, amount in resources}


def _quantity(name: str, amount: int) -> str:
    if name != CPU:
        return str(amount)
    return f"{amount}m" if amount % 1000 else str(amount // 1000)


def _status(node: NodeRecord) -> dict[str, object]:
    up_since = date(node.deployed_at)
    conditions = [
        {
            "type": kind, "status": status, "reason": reason, "message": "",
            "lastHeartbeatTime": up_since, "lastTransitionTime": up_since,
        }
        for kind, status, reason in (
            ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
            ("PIDPressure", "False", "KubeletHasSufficientPID"),
            ("Ready", "True", "KubeletReady"),
        )
    ]
    return {
        "addresses": [
            {"type": "InternalIP", "address": str(FIRST_ADDRESS + node.serial)},
            {"type": "Hostname", "address": node.name},
        ],
        "conditions": conditions,
        "nodeInfo": {
            "architecture": "amd64", "bootID": node.id, "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.8.0-generic", "kubeProxyVersion": "", "kubeletVersion": f"v{VERSION}",
            "machineID": (node.instance_id or "").replace("-", ""), "operatingSystem": "linux",
            "osImage": "Ubuntu 22.04 LTS", "systemUUID": node.instance_id or "",
        },
    }
