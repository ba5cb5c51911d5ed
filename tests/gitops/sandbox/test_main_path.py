"""The life of a pool through the real ``ovh`` package and real HTTP."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ovh
import pytest
from ovh.exceptions import BadParametersError, ResourceConflictError, ResourceNotFoundError

from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions

from .conftest import KUBE, POOLS, HandClock, Starter, connected, wish

if TYPE_CHECKING:
    from gitops.sandbox.server import RunningSandbox

POOL_FIELDS = {
    "antiAffinity", "attachFloatingIps", "autoscale", "autoscaling", "availabilityZones", "availableNodes", "createdAt",
    "currentNodes", "desiredNodes", "flavor", "id", "maxNodes", "minNodes", "monthlyBilled", "name", "projectId",
    "sizeStatus", "status", "template", "upToDateNodes", "updatedAt",
}
NODE_FIELDS = {
    "createdAt", "deployedAt", "deletedAt", "flavor", "id", "instanceId", "isUpToDate", "name", "nodePoolId",
    "projectId", "status", "updatedAt", "version",
}
EMPTY_TEMPLATE = {
    "metadata": {"annotations": {}, "finalizers": [], "labels": {}}, "spec": {"taints": [], "unschedulable": False},
}


def sizes(pool: dict[str, Any]) -> tuple[Any, ...]:
    return (pool["status"], pool["desiredNodes"], pool["currentNodes"], pool["availableNodes"], pool["sizeStatus"])


def test_new_pool_installs_and_becomes_ready(client: ovh.Client, clock: HandClock) -> None:
    created = client.post(POOLS, **wish(desiredNodes=2))
    assert sizes(created) == ("INSTALLING", 2, 2, 0, "UNDER_CAPACITY")
    assert created["createdAt"] == created["updatedAt"] == "2026-03-01T12:00:00Z"
    clock.advance(4)
    assert client.get(f"{POOLS}/{created['id']}")["status"] == "INSTALLING"
    clock.advance(60)
    ready = client.get(f"{POOLS}/{created['id']}")
    assert sizes(ready) == ("READY", 2, 2, 2, "CAPACITY_OK")
    assert ready["updatedAt"] == "2026-03-01T12:00:05Z", "the instant it was due, not the instant somebody looked"


def test_pool_and_node_have_every_field_of_the_api(client: ovh.Client) -> None:
    created = client.post(POOLS, **wish(name="all"))
    (node,) = client.get(f"{POOLS}/{created['id']}/nodes")
    assert created.keys() == POOL_FIELDS
    assert node.keys() == NODE_FIELDS
    assert created["template"] == EMPTY_TEMPLATE
    assert created["projectId"] == node["projectId"] == PROJECT
    assert client.get(POOLS) == [created], "a list has whole pools, not ids"


def test_node_gets_its_machine_half_way_and_is_deployed_at_the_end(client: ovh.Client, clock: HandClock) -> None:
    pool = client.post(POOLS, **wish())
    (young,) = client.get(f"{KUBE}/node")
    assert (young["status"], young["instanceId"], young["deployedAt"]) == ("INSTALLING", None, None)
    assert re.fullmatch(r"workers-node-[0-9a-f]{6}", young["name"])
    clock.advance(3)
    (half,) = client.get(f"{POOLS}/{pool['id']}/nodes")
    assert half["status"] == "INSTALLING"
    assert half["instanceId"]
    clock.advance(2)
    grown = client.get(f"{KUBE}/node/{young['id']}")
    assert (grown["status"], grown["instanceId"]) == ("READY", half["instanceId"])
    assert datetime.fromisoformat(grown["deployedAt"]) == clock.now()


def test_size_goes_up_and_down(client: ovh.Client, clock: HandClock) -> None:
    path = f"{POOLS}/{client.post(POOLS, **wish())['id']}"
    clock.advance(5)
    assert sizes(client.put(path, desiredNodes=3)) == ("UPSCALING", 3, 3, 1, "UNDER_CAPACITY")
    clock.advance(5)
    assert sizes(client.get(path)) == ("READY", 3, 3, 3, "CAPACITY_OK")
    assert sizes(client.put(path, desiredNodes=1)) == ("DOWNSCALING", 1, 3, 1, "OVER_CAPACITY")
    clock.advance(1)
    assert sizes(client.get(path)) == ("READY", 1, 1, 1, "CAPACITY_OK")


def test_removed_nodes_are_history_newest_first(client: ovh.Client, clock: HandClock) -> None:
    pool = client.post(POOLS, **wish(desiredNodes=3))
    clock.advance(5)
    nodes = client.get(f"{KUBE}/node")
    client.put(f"{POOLS}/{pool['id']}", desiredNodes=1)
    clock.advance(1)
    assert client.get(f"{KUBE}/node") == nodes[:1]
    history = client.get(f"{POOLS}/{pool['id']}/nodes", history=True)
    assert [node["name"] for node in history] == [nodes[2]["name"], nodes[1]["name"]]
    assert {node["status"] for node in history} == {"DELETED"}
    assert {node["deletedAt"] for node in history} == {"2026-03-01T12:00:06Z"}


def test_deleting_a_node_makes_its_pool_smaller(client: ovh.Client, clock: HandClock) -> None:
    pool = client.post(POOLS, **wish(desiredNodes=2))
    clock.advance(5)
    oldest, newest = client.get(f"{KUBE}/node")
    assert client.delete(f"{KUBE}/node/{oldest['id']}")["status"] == "DELETING"
    assert sizes(client.get(f"{POOLS}/{pool['id']}")) == ("DOWNSCALING", 1, 2, 1, "OVER_CAPACITY")
    clock.advance(1)
    assert client.get(f"{KUBE}/node") == [newest]
    with pytest.raises(ResourceNotFoundError):
        client.delete(f"{KUBE}/node/{oldest['id']}")


def test_deleting_a_node_stops_at_the_minimum(client: ovh.Client, clock: HandClock) -> None:
    client.post(POOLS, **wish(minNodes=1))
    clock.advance(5)
    (node,) = client.get(f"{KUBE}/node")
    with pytest.raises(BadParametersError, match=r"minNodes \(1\) is above desiredNodes \(0\)"):
        client.delete(f"{KUBE}/node/{node['id']}")


def test_deleted_pool_shows_it_at_once_and_is_gone_later(client: ovh.Client, clock: HandClock) -> None:
    path = f"{POOLS}/{client.post(POOLS, **wish())['id']}"
    clock.advance(5)
    assert client.delete(path)["status"] == "DELETING"
    assert client.get(path)["status"] == "DELETING"
    clock.advance(1)
    with pytest.raises(ResourceNotFoundError, match="does not exist"):
        client.get(path)
    assert client.get(POOLS) == client.get(f"{KUBE}/node") == []


def test_busy_pool_cannot_be_deleted(client: ovh.Client, clock: HandClock) -> None:
    path = f"{POOLS}/{client.post(POOLS, **wish())['id']}"
    clock.advance(5)
    client.put(path, desiredNodes=2)
    words = r"\[IntegrityError\] 400: Cannot delete NodePool: NodePool status is UPSCALING"
    with pytest.raises(BadParametersError, match=words):
        client.delete(path)


def test_name_can_be_taken_again_after_its_pool_is_gone(client: ovh.Client, clock: HandClock) -> None:
    first = client.post(POOLS, **wish())
    with pytest.raises(ResourceConflictError, match="already exists"):
        client.post(POOLS, **wish())
    clock.advance(5)
    client.delete(f"{POOLS}/{first['id']}")
    clock.advance(1)
    assert client.post(POOLS, **wish())["id"] != first["id"]


def test_pool_without_a_name_gets_one_that_is_legal(client: ovh.Client) -> None:
    bodies = [client.post(POOLS, flavorName="b3-8", availabilityZones=["eu-west-par-c"]) for _ in range(2)]
    assert all(re.fullmatch(r"nodepool-[0-9a-f-]{36}", body["name"]) for body in bodies)
    assert bodies[0]["name"] != bodies[1]["name"]


def test_quota_counts_the_nodes_there_are(client: ovh.Client) -> None:
    client.post(POOLS, **wish(flavorName="b3-16", desiredNodes=3))
    instance = client.get(f"/cloud/project/{PROJECT}/region/EU-WEST-PAR/quota")["instance"]
    assert (instance["usedInstances"], instance["usedCores"], instance["usedRAM"]) == (3, 12, 48_000)
    others = {quota["instance"]["usedCores"] for quota in client.get(f"/cloud/project/{PROJECT}/quota")}
    assert others == {0, 12}


def test_both_spellings_of_the_version_lead_to_one_tree(client: ovh.Client) -> None:
    client.post(f"/v1{POOLS}", **wish())
    assert client.get(POOLS) == client.get(f"/v1{POOLS}")


def test_account_and_cluster_can_be_read(client: ovh.Client, clock: HandClock) -> None:
    assert client.get("/auth/time", _need_auth=False) == int(clock.now().timestamp())
    assert client.get("/auth/details")["allowedRoutes"][0] == {"method": "GET", "path": "/*"}
    assert client.get("/auth/currentCredential")["status"] == "validated"
    assert client.get("/me")["ovhSubsidiary"] == "FR"
    assert client.get("/cloud/project") == [PROJECT]
    assert client.get(f"/cloud/project/{PROJECT}")["project_id"] == PROJECT
    assert client.get(f"/cloud/project/{PROJECT}/kube") == [CLUSTER]
    cluster = client.get(KUBE)
    assert (cluster["id"], cluster["region"], cluster["status"]) == (CLUSTER, "EU-WEST-PAR", "READY")
    assert cluster["version"].count(".") == 2, "terraform-provider-ovh cuts the version at its last dot"


def test_kubeconfig_is_the_one_that_nodes_join_by(start: Starter, tmp_path: Any) -> None:
    given = tmp_path / "kubeconfig"
    given.write_text("apiVersion: v1\nkind: Config\n", encoding="utf-8")

    class Nobody:
        def sync(self, wanted: object) -> None:
            """Joins nothing."""

    with connected(start(SandboxOptions(kubeconfig=given), registrar=Nobody())) as client:
        assert client.post(f"{KUBE}/kubeconfig") == {"content": given.read_text(encoding="utf-8")}


def test_kubeconfig_without_a_cluster_has_one_cluster_and_one_user(client: ovh.Client) -> None:
    content = client.post(f"{KUBE}/kubeconfig")["content"]
    assert content.count("- name: ") == 3
    assert "server: https://" in content


@pytest.mark.parametrize("path", [
    "/nope", "/cloud/project/ffffffffffffffffffffffffffffffff/kube", f"/cloud/project/{PROJECT}/kube/other",
    f"{POOLS}/other", f"{POOLS}/other/nodes", f"{KUBE}/node/other", f"/cloud/project/{PROJECT}/region/NOWHERE1",
    f"/cloud/project/{PROJECT}/flavor/other",
])  # fmt: skip
def test_what_is_not_there_is_a_404_with_an_object(client: ovh.Client, path: str) -> None:
    with pytest.raises(ResourceNotFoundError) as refusal:
        client.get(path)
    assert refusal.value.query_id.startswith("EU.ext-1.")
    assert refusal.value.response.json()["class"] == "Client::NotFound"


def test_unknown_path_says_so_as_the_api_does(client: ovh.Client) -> None:
    with pytest.raises(ResourceNotFoundError, match=r"Got an invalid \(or empty\) URL"):
        client.get("/nope")


def test_every_call_is_remembered_until_told_to_forget(client: ovh.Client, sandbox: RunningSandbox) -> None:
    client.get(f"{KUBE}/node", history=True)
    control = sandbox.url.removesuffix("/1.0") + "/sandbox/calls"
    calls = client._session.get(control).json()
    assert calls == [
        {"method": "GET", "path": "/1.0/auth/time", "status": 200},
        {"method": "GET", "path": f"/1.0{KUBE}/node?history=true", "status": 200},
    ]
    client._session.delete(control)
    assert client._session.get(control).json() == []
