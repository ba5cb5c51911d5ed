"""Pools, nodes and the cluster in the API's JSON: every field, dates or null, empty maps rather than none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.sandbox.records import NodeStatus, PoolStatus
from gitops.sandbox.settings import CLUSTER, PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gitops.sandbox.records import Autoscaling, NodeRecord, PoolRecord, Template, World
    from gitops.sandbox.settings import SandboxOptions

Json = dict[str, object]
VERSION = "1.34.1"
CREATED_AT = "2026-01-05T08:00:00Z"


def date(instant: datetime | None) -> str | None:
    """RFC 3339 in UTC, or None: cluster-autoscaler cannot read an empty string."""
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def pool_body(pool: PoolRecord, world: World, *, now: datetime) -> Json:
    """A NodePool as GET shows it; ``flavor`` here is what POST calls ``flavorName``."""
    spec, nodes = pool.spec, world.nodes_of(pool.id)
    available = sum(node.status == NodeStatus.READY for node in nodes)
    denied = pool.denies_until is not None and now < pool.denies_until
    return {
        "antiAffinity": spec.anti_affinity,
        "attachFloatingIps": None if spec.floating_ips is None else {"enabled": spec.floating_ips},
        "autoscale": spec.autoscale,
        "autoscaling": _autoscaling_body(spec.autoscaling),
        "availabilityZones": list(spec.zones) or None,
        "availableNodes": available,
        "createdAt": date(pool.created_at),
        "currentNodes": len(nodes),
        "desiredNodes": spec.desired,
        "flavor": spec.flavor,
        "id": pool.id,
        "maxNodes": spec.maximum,
        "minNodes": spec.minimum,
        "monthlyBilled": spec.monthly_billed,
        "name": spec.name,
        "projectId": PROJECT,
        "sizeStatus": _size_status(available=available, current=len(nodes), desired=spec.desired),
        "status": PoolStatus.READY if denied else pool.status,
        "template": _template_body(spec.template),
        "upToDateNodes": len(nodes),
        "updatedAt": date(pool.updated_at),
    }


def _size_status(*, available: int, current: int, desired: int) -> str:
    if current > desired:
        return "OVER_CAPACITY"
    return "UNDER_CAPACITY" if available < desired else "CAPACITY_OK"


def _autoscaling_body(autoscaling: Autoscaling) -> Json:
    return {
        "scaleDownUnneededTimeSeconds": autoscaling.unneeded_seconds,
        "scaleDownUnreadyTimeSeconds": autoscaling.unready_seconds,
        "scaleDownUtilizationThreshold": autoscaling.utilization_threshold,
    }


def _template_body(template: Template) -> Json:
    return {
        "metadata": {
            "annotations": template.annotations,
            "finalizers": list(template.finalizers),
            "labels": template.labels,
        },
        "spec": {
            "taints": [{"effect": taint.effect, "key": taint.key, "value": taint.value} for taint in template.taints],
            "unschedulable": template.unschedulable,
        },
    }


def node_body(node: NodeRecord) -> Json:
    """A Node as GET shows it; ``instanceId`` is null until there is a machine."""
    return {
        "createdAt": date(node.created_at),
        "deployedAt": date(node.deployed_at),
        "deletedAt": date(node.deleted_at),
        "flavor": node.flavor,
        "id": node.id,
        "instanceId": node.instance_id,
        "isUpToDate": True,
        "name": node.name,
        "nodePoolId": node.pool_id,
        "projectId": PROJECT,
        "status": node.status,
        "updatedAt": date(node.updated_at),
        "version": VERSION,
    }


def node_bodies(nodes: Sequence[NodeRecord], *, history: bool) -> list[Json]:
    """The nodes there are, oldest first; with ``history`` those that are gone, newest first."""
    shown = [node for node in nodes if (node.status == NodeStatus.DELETED) == history]
    shown.sort(key=lambda node: -node.serial if history else node.serial)
    return [node_body(node) for node in shown]


def cluster_body(options: SandboxOptions) -> Json:
    """The one cluster of a sandbox."""
    host = f"{CLUSTER[:8]}.c1.{options.region.lower()}.k8s.ovh.net"
    return {
        "auditLogsSubscribed": False,
        "controlPlaneIsUpToDate": True,
        "createdAt": CREATED_AT,
        "customization": {"apiServer": {"admissionPlugins": {"enabled": ["NodeRestriction"], "disabled": []}}},
        "id": CLUSTER,
        "ipAllocationPolicy": {"podsIpv4Cidr": "10.2.0.0/16", "servicesIpv4Cidr": "10.3.0.0/16"},
        "isUpToDate": True,
        "kubeProxyMode": "iptables",
        "loadBalancersSubnetId": None,
        "name": "sandbox",
        "nextUpgradeVersions": [],
        "nodesSubnetId": None,
        "nodesUrl": host.replace(".c1.", ".nodes.c1."),
        "plan": options.plan,
        "privateNetworkConfiguration": None,
        "privateNetworkId": None,
        "region": options.region,
        "status": "READY",
        "updatePolicy": "ALWAYS_UPDATE",
        "updatedAt": CREATED_AT,
        "url": host,
        "version": VERSION,
    }
