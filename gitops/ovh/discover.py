"""Finds out what nobody wrote down: which cluster it is, and its region, plan and version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.errors import InputError
from gitops.ovh.failures import RightMissing

if TYPE_CHECKING:
    from gitops.ovh.answers import Cluster
    from gitops.ovh.client import OvhClient


def find_cluster(client: OvhClient) -> Cluster:
    """The cluster that the client names, else the only one of its project.

    ``client.of_cluster(found.id)`` goes on from there. Raises InputError with the list where there are several.
    """
    if client.kube_id:
        return client.cluster()
    return client.of_cluster(_only_cluster(client)).cluster()


def _only_cluster(client: OvhClient) -> str:
    try:
        found = client.cluster_ids()
    except RightMissing as error:
        raise InputError(f"set OVH_KUBE_ID, since the project's clusters cannot be listed: {error}") from error
    if not found:
        raise InputError(f"project {client.service_name} has no managed cluster; check OVH_SERVICE_NAME")
    if len(found) > 1:
        listed = ", ".join(_described(client, kube_id) for kube_id in found)
        raise InputError(f"project {client.service_name} has {len(found)} clusters; set OVH_KUBE_ID to one of {listed}")
    return found[0]


def _described(client: OvhClient, kube_id: str) -> str:
    """The id, with name and region where the credentials may see them."""
    try:
        cluster = client.of_cluster(kube_id).cluster()
    except RightMissing:
        return kube_id
    return f"{kube_id} ({cluster.name or 'unnamed'}, {cluster.region})"
