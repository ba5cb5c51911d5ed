"""Finds out what nobody wrote down: which cluster it is, and its region, plan and version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.errors import InputError
from gitops.ovh.failures import RightMissing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitops.ovh.answers import Cluster
    from gitops.ovh.client import OvhClient
    from planner.nodes import Node


def find_cluster(client: OvhClient, nodes: Iterable[Node] = ()) -> Cluster:
    """The cluster that the client names, else the only one of its project, else the one whose machines ``nodes`` are.

    ``client.of_cluster(found.id)`` goes on from there. Raises InputError with the list where none of these tells.
    """
    if client.kube_id:
        return client.cluster()
    machines = frozenset(node.provider_id for node in nodes if node.provider_id)
    return client.of_cluster(_unnamed_cluster(client, machines)).cluster()


def _unnamed_cluster(client: OvhClient, machines: frozenset[str]) -> str:
    try:
        found = client.cluster_ids()
    except RightMissing as error:
        raise InputError(f"set OVH_KUBE_ID, since the project's clusters cannot be listed: {error}") from error
    if not found:
        raise InputError(f"project {client.service_name} has no managed cluster; check OVH_SERVICE_NAME")
    if len(found) == 1:
        return found[0]
    ours = next((one for one in found if machines and _has_any(client.of_cluster(one), machines)), None)
    if ours is None:
        listed = ", ".join(_described(client, kube_id) for kube_id in found)
        raise InputError(f"project {client.service_name} has {len(found)} clusters; set OVH_KUBE_ID to one of {listed}")
    return ours


def _has_any(client: OvhClient, machines: frozenset[str]) -> bool:
    """Whether a cluster has any of these machines; one that the credentials may not see has none."""
    try:
        pools = [pool.state.id for pool in client.pools() if pool.state is not None]
        return any(node.provider_id in machines for pool in pools for node in client.nodes(pool))
    except RightMissing:
        return False


def _described(client: OvhClient, kube_id: str) -> str:
    """The id, with name and region where the credentials may see them."""
    try:
        cluster = client.of_cluster(kube_id).cluster()
    except RightMissing:
        return kube_id
    return f"{kube_id} ({cluster.name or 'unnamed'}, {cluster.region})"
