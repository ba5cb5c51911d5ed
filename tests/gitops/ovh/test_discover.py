"""Which cluster is meant, where nobody said so."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.errors import InputError
from gitops.ovh.client import OvhClient
from gitops.ovh.discover import find_cluster
from gitops.ovh.failures import NotFound, RightMissing
from gitops.sandbox.settings import CLUSTER, PROJECT
from planner.nodes import Node

OTHER = CLUSTER.replace("1", "a")
KUBE = f"/cloud/project/{PROJECT}/kube"


def cluster(kube_id: str, name: str) -> dict[str, object]:
    return {"id": kube_id, "name": name, "region": "GRA11", "version": "1.34.1", "plan": "standard", "status": "READY"}


def test_the_only_cluster_is_found(spy: Any) -> None:
    found = find_cluster(OvhClient(spy, service_name=PROJECT))
    assert (found.id, found.region, found.plan) == (CLUSTER, "EU-WEST-PAR", "standard")


def test_a_cluster_that_is_named_is_not_looked_for(client: OvhClient, spy: Any) -> None:
    assert find_cluster(client).id == CLUSTER
    assert ("GET", KUBE) not in spy.calls


def test_several_clusters_are_listed(kit: Any) -> None:
    told = kit.Told({
        KUBE: [OTHER, CLUSTER], f"{KUBE}/{CLUSTER}": cluster(CLUSTER, "shop"), f"{KUBE}/{OTHER}": RightMissing("no"),
    })  # fmt: skip
    with pytest.raises(InputError) as caught:
        find_cluster(OvhClient(told, service_name=PROJECT))
    assert str(caught.value) == (
        f"project {PROJECT} has 2 clusters; set OVH_KUBE_ID to one of {CLUSTER} (shop, GRA11), {OTHER}"
    )


def pool(pool_id: str) -> dict[str, object]:
    return {
        "id": pool_id, "name": f"pool-{pool_id}", "flavor": "b3-8", "desiredNodes": 1, "currentNodes": 1,
        "availableNodes": 1, "minNodes": 0, "maxNodes": 10, "status": "READY", "autoscale": False, "antiAffinity": False,
        "monthlyBilled": False, "availabilityZones": [], "createdAt": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def machine(name: str) -> dict[str, object]:
    return {"id": name, "name": name, "status": "READY", "instanceId": f"machine-of-{name}"}


def test_of_several_the_one_whose_machines_the_nodes_are(kit: Any) -> None:
    third = CLUSTER.replace("1", "b")
    told = kit.Told({
        KUBE: [third, OTHER, CLUSTER], f"{KUBE}/{OTHER}/nodepool": [pool("theirs")],
        f"{KUBE}/{OTHER}/nodepool/theirs/nodes": [machine("other"), {**machine("new"), "instanceId": None}],
        f"{KUBE}/{CLUSTER}/nodepool": RightMissing("no"), f"{KUBE}/{third}/nodepool": [pool("empty"), pool("ours")],
        f"{KUBE}/{third}/nodepool/empty/nodes": [], f"{KUBE}/{third}/nodepool/ours/nodes": [machine("here")],
        f"{KUBE}/{third}": cluster(third, "shop"), f"{KUBE}/{OTHER}": cluster(OTHER, "mail"),
        f"{KUBE}/{CLUSTER}": cluster(CLUSTER, "wiki"),
    })  # fmt: skip
    client = OvhClient(told, service_name=PROJECT)
    ours = Node(name="called-otherwise", provider_id="openstack:///machine-of-here")
    assert find_cluster(client, [Node(name="bare"), ours]).id == third
    for nodes in ([], [Node(name="bare")], [Node(name="here", provider_id="openstack:///machine-of-nobody")]):
        with pytest.raises(InputError, match="has 3 clusters; set OVH_KUBE_ID to one of"):
            find_cluster(client, nodes)


def test_a_project_without_clusters(kit: Any) -> None:
    with pytest.raises(InputError, match="has no managed cluster; check OVH_SERVICE_NAME"):
        find_cluster(OvhClient(kit.Told({KUBE: []}), service_name=PROJECT))


def test_clusters_that_may_not_be_listed(kit: Any) -> None:
    with pytest.raises(InputError, match="set OVH_KUBE_ID, since the project's clusters cannot be listed: no"):
        find_cluster(OvhClient(kit.Told({KUBE: RightMissing("no")}), service_name=PROJECT))


def test_a_cluster_that_is_gone_is_said_to_be_gone(spy: Any) -> None:
    with pytest.raises(NotFound):
        find_cluster(OvhClient(spy, service_name=PROJECT, kube_id=OTHER))
