"""The cluster through the ``kubernetes`` package and real HTTP, as poolplan itself meets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import kubernetes.client
import kubernetes.config
import kubernetes.watch
import pytest
from kubernetes.client import ApiException, AppsV1Api, CoreV1Api, CustomObjectsApi, PolicyV1Api
from ruamel.yaml import YAML

from gitops.cluster.connection import connect
from gitops.cluster.live import read_cluster
from gitops.sandbox.cluster import paging, watching
from gitops.sandbox.settings import CLUSTER, PROJECT
from planner.pods import Scheduling
from tests.gitops.sandbox.cluster.made import budget, node, pod, workload

if TYPE_CHECKING:
    from pathlib import Path

    from gitops.sandbox.cluster.cluster import SandboxCluster
    from gitops.sandbox.server import RunningSandbox
    from tests.gitops.sandbox.conftest import HandClock

POLICY: Any = {"template": {"spec": {
    "nodeClassRef": {"group": "karpenter.ovhcloud.sh", "kind": "OVHNodeClass", "name": "default"},
    "requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["b3-8"]}],
}}}
PATIENT = {"timeout_seconds": 60}  # a watch that sees nothing ends, and its test fails instead of waiting for ever
POOLS = f"/cloud/project/{PROJECT}/kube/{CLUSTER}/nodepool"


@pytest.fixture
def core(api: Any) -> Any:
    """The package's types say None wherever a field may be missing, so they are left aside."""
    return CoreV1Api(api)


@pytest.fixture
def apps(api: Any) -> Any:
    return AppsV1Api(api)


@pytest.fixture
def watch() -> Any:
    return kubernetes.watch.Watch()  # type: ignore[no-untyped-call]


def evict(core: Any, item: Any) -> None:
    name = item.metadata.name
    metadata = kubernetes.client.V1ObjectMeta(name=name, namespace="default")
    core.create_namespaced_pod_eviction(name, "default", kubernetes.client.V1Eviction(metadata=metadata))


def root(served: RunningSandbox) -> str:
    return served.url.removesuffix("/1.0")


def test_a_deployment_is_made_scaled_and_read(apps: Any, core: Any) -> None:
    core.create_node(node("one", cpu="2"))
    apps.create_namespaced_deployment("default", workload("Deployment", "web"))
    apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}})
    scale = apps.read_namespaced_deployment_scale("web", "default")
    made = apps.read_namespaced_deployment("web", "default")
    assert (scale.spec.replicas, scale.status.replicas, scale.status.selector) == (3, 3, "app=web")
    assert (made.status.ready_replicas, made.status.unavailable_replicas) == (2, 1)
    waiting = core.list_namespaced_pod("default", field_selector="status.phase=Pending").items
    assert [one.status.conditions[0].message for one in waiting] == ["0/1 nodes are available: 1 Insufficient cpu."]


def test_every_kind_can_be_listed(api: Any, apps: Any, core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([
        node("one"), workload("Deployment", "web"), workload("StatefulSet", "db"), workload("DaemonSet", "agent"),
        workload("Job", "sum"), budget("web", minAvailable=1),
    ])  # fmt: skip
    lists: list[Any] = [
        apps.list_deployment_for_all_namespaces, apps.list_replica_set_for_all_namespaces, core.list_node,
        apps.list_stateful_set_for_all_namespaces, apps.list_daemon_set_for_all_namespaces,
        kubernetes.client.BatchV1Api(api).list_job_for_all_namespaces,
        PolicyV1Api(api).list_pod_disruption_budget_for_all_namespaces,
    ]
    assert [len(each().items) for each in lists] == [1] * len(lists)
    assert len(core.list_pod_for_all_namespaces(watch=False).items) == 4
    custom: Any = CustomObjectsApi(api).list_cluster_custom_object("karpenter.sh", "v1", "nodepools")
    assert (custom["kind"], custom["items"]) == ("NodePoolList", [])


def test_a_node_is_cordoned_and_its_pod_evicted(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one"), workload("Deployment", "web"), budget("web", maxUnavailable=1)])
    core.patch_node("one", {"spec": {"unschedulable": True}})
    (first,) = core.list_pod_for_all_namespaces(field_selector="spec.nodeName=one").items
    evict(core, first)
    (second,) = core.list_pod_for_all_namespaces().items
    assert (second.metadata.name != first.metadata.name, second.spec.node_name) == (True, None)


def test_an_eviction_against_the_budget_is_a_429(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one"), workload("Deployment", "web"), budget("web", minAvailable=1)])
    (item,) = core.list_pod_for_all_namespaces().items
    with pytest.raises(ApiException, match="disruption budget") as caught:
        evict(core, item)
    assert caught.value.status == 429


def test_a_pod_is_bound_once(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one"), pod("web", cpu="99")])
    target = kubernetes.client.V1ObjectReference(kind="Node", name="one")
    body = kubernetes.client.V1Binding(metadata=kubernetes.client.V1ObjectMeta(name="web"), target=target)
    core.create_namespaced_pod_binding("web", "default", body, _preload_content=False)
    assert core.read_namespaced_pod("web", "default").spec.node_name == "one"
    with pytest.raises(ApiException) as caught:
        core.create_namespaced_pod_binding("web", "default", body, _preload_content=False)
    assert caught.value.status == 409


def test_status_and_spec_are_written_apart(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one")])
    core.patch_node_status("one", {"status": {"phase": "Odd"}, "spec": {"unschedulable": True}})
    core.patch_node("one", {"status": {"phase": "Lost"}, "spec": {"providerID": "openstack:///1"}})
    found = core.read_node("one")
    assert (found.status.phase, found.spec.unschedulable, found.spec.provider_id) == ("Odd", False, "openstack:///1")


@pytest.mark.parametrize(("path", "body", "code", "message"), [
    ("namespaces/default/pods", {"kind": "Node", "metadata": {"name": "a"}}, 400, (
        "kind is 'Node'; at this address it must be 'Pod'")),
    ("namespaces/none/pods", {"metadata": {"name": "a"}}, 404, 'namespaces "none" not found'),
    ("namespaces/default/pods", {"metadata": {}}, 422, "Pod: metadata.name: name or generateName is required"),
    ("namespaces/default/pods", {"metadata": {"name": "old"}}, 409, 'pods "old" already exists'),
    ("namespaces/default/pods", pod("a", cpu="1x"), 422, (
        "Pod \"a\" is invalid: '1x' is not a quantity; write a number with an optional suffix, like 500m, 2 or 1.5Gi")),
    ("namespaces/default/nothing", {}, 404, "the server could not find the requested resource"),
    ("nodes/one/eviction", {}, 404, "the server could not find the requested resource"),
    ("nodes", b"\x00", 400, "the body is not JSON: JSON is malformed: invalid character (byte 0)"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_a_status(
    served: RunningSandbox, cluster: SandboxCluster, path: str, body: Any, code: int, message: str
) -> None:
    cluster.seed([pod("old")])
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = httpx.post(f"{root(served)}/api/v1/{path}", **sent)
    assert (answer.status_code, answer.json()["message"]) == (code, message)
    assert (answer.json()["kind"], answer.json()["code"]) == ("Status", code)


def test_a_selector_that_misses_its_template_is_refused(apps: Any) -> None:
    wrong = workload("Deployment", "web", selector={"matchLabels": {"app": "other"}})
    with pytest.raises(ApiException, match="`selector` does not match template `labels`"):
        apps.create_namespaced_deployment("default", wrong)


def test_protobuf_is_refused_with_a_way_out(served: RunningSandbox) -> None:
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    answer = httpx.post(f"{root(served)}/api/v1/nodes", content=b"k8s\x00", headers=headers)
    assert (answer.status_code, "apply -f" in answer.json()["message"]) == (415, True)


def test_a_write_made_from_an_old_object_is_a_conflict(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one")])
    old = core.read_node("one")
    core.patch_node("one", {"metadata": {"labels": {"a": "1"}}})
    with pytest.raises(ApiException) as caught:
        core.replace_node("one", old)
    assert caught.value.status == 409


def test_writing_the_same_again_changes_nothing(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one")])
    before = core.read_node("one").metadata.resource_version
    assert core.patch_node("one", {"spec": {"unschedulable": False}}).metadata.resource_version == before


def test_a_deletion_may_name_the_object_it_means(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one")])
    other = kubernetes.client.V1DeleteOptions(preconditions=kubernetes.client.V1Preconditions(uid="other"))
    with pytest.raises(ApiException) as caught:
        core.delete_node("one", body=other)
    assert caught.value.status == 409
    core.delete_node("one")
    with pytest.raises(ApiException, match='"reason":"NotFound"') as caught:
        core.read_node("one")
    assert caught.value.status == 404


def test_a_collection_can_be_deleted_by_label(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([pod("a", labels={"app": "web"}), pod("b", labels={"app": "web"}), pod("c")])
    core.delete_collection_namespaced_pod("default", label_selector="app=web")
    assert [item.metadata.name for item in core.list_namespaced_pod("default").items] == ["c"]


def test_a_dry_run_keeps_nothing(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one")])
    before = cluster.dump()
    core.create_namespaced_pod("default", pod("web"), dry_run="All")
    core.patch_node("one", {"metadata": {"labels": {"a": "1"}}}, dry_run="All")
    core.delete_node("one", dry_run="All")
    assert cluster.dump() == before


@pytest.mark.parametrize(("token", "code"), [("Bearer sandbox", 200), ("", 200), ("Bearer other", 401)])
def test_a_wrong_token_is_refused(served: RunningSandbox, token: str, code: int) -> None:
    answer = httpx.get(f"{root(served)}/api/v1/nodes", headers={"Authorization": token} if token else {})
    assert answer.status_code == code


def test_a_watch_tells_what_is_there_and_what_comes(core: Any, cluster: SandboxCluster, watch: Any) -> None:
    cluster.seed([pod("web"), pod("db", labels={"app": "db"})])
    seen = []
    for event in watch.stream(core.list_namespaced_pod, "default", field_selector="status.phase=Pending", **PATIENT):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 2:
            cluster.join(node("one"))
        if len(seen) == 6:
            watch.stop()
    assert seen[:2] == [("ADDED", "db"), ("ADDED", "web")]
    assert sorted(seen[2:]) == [("DELETED", "db"), ("DELETED", "web"), ("MODIFIED", "db"), ("MODIFIED", "web")]


def test_a_watch_goes_on_from_a_version_and_says_when_that_is_forgotten(
    core: Any, cluster: SandboxCluster, watch: Any
) -> None:
    version = core.list_node().metadata.resource_version
    cluster.join(node("one"))
    for event in watch.stream(core.list_node, resource_version=version, **PATIENT):
        assert (event["type"], event["object"].metadata.name) == ("ADDED", "one")
        watch.stop()
    with pytest.raises(ApiException) as caught:
        list(watch.stream(core.list_node, resource_version="999999", **PATIENT))
    assert caught.value.status == 410


def test_a_bookmark_says_how_far_a_watch_has_come(core: Any, cluster: SandboxCluster) -> None:
    version = core.list_namespaced_pod("default").metadata.resource_version
    cluster.join(node("one"))
    lines = core.list_namespaced_pod("default", resource_version=version, allow_watch_bookmarks=True, watch=True,
                                     timeout_seconds=60, _preload_content=False).stream()  # fmt: skip
    told = json.loads(next(lines))
    cluster.close()
    assert (told["type"], told["object"]["kind"]) == ("BOOKMARK", "Pod")
    assert int(told["object"]["metadata"]["resourceVersion"]) > int(version)


def test_a_bookmark_comes_where_nothing_happens(core: Any, cluster: SandboxCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "BOOKMARK_SECONDS", 0.01)
    version = core.list_node().metadata.resource_version
    lines = core.list_node(resource_version=version, allow_watch_bookmarks=True, watch=True, timeout_seconds=60,
                           _preload_content=False).stream()  # fmt: skip
    told = json.loads(next(lines))
    cluster.close()
    assert (told["type"], told["object"]["metadata"]) == ("BOOKMARK", {"resourceVersion": version})


def test_a_list_that_was_forgotten_cannot_be_paged_on(core: Any, cluster: SandboxCluster) -> None:
    cluster.seed([node("one"), node("two")])
    first = core.list_node(limit=1)
    assert (first.metadata.remaining_item_count, [one.metadata.name for one in first.items]) == (1, ["one"])
    for _ in range(paging.KEPT_LISTS):
        core.list_node(limit=1)
    with pytest.raises(ApiException) as caught:
        core.list_node(limit=1, _continue=first.metadata._continue)
    assert caught.value.status == 410


def test_a_stopping_sandbox_ends_its_watches(core: Any, cluster: SandboxCluster) -> None:
    cluster.join(node("one"))
    lines = core.list_node(watch=True, _preload_content=False).stream()
    assert b'"type":"ADDED"' in next(lines)
    cluster.close()
    assert list(lines) == []


def test_the_ovh_api_hands_out_the_way_to_it(served: RunningSandbox, cluster: SandboxCluster) -> None:
    cluster.join(node("one"))
    path = f"{served.url}{POOLS.removesuffix('/nodepool')}/kubeconfig"
    handed = httpx.post(path, headers={"Authorization": "Bearer sandbox"}).json()["content"]
    client: Any = kubernetes.config.new_client_from_config_dict(YAML(typ="safe").load(handed))  # type: ignore[no-untyped-call]
    with client:
        found: Any = CoreV1Api(client).list_node()
    assert [item.metadata.name for item in found.items] == ["one"]


def test_nodes_of_the_sandbox_join_its_cluster(
    served: RunningSandbox, cluster: SandboxCluster, clock: HandClock, core: Any, watch: Any
) -> None:
    cluster.seed([workload("Deployment", "web", replicas=1)])
    headers = {"Authorization": "Bearer sandbox"}
    pools = served.url + POOLS
    wish = {"name": "workers", "flavorName": "b3-8", "availabilityZones": ["eu-west-par-a"], "desiredNodes": 1}
    pool = httpx.post(pools, json=wish, headers=headers).json()
    clock.advance(60)
    for event in watch.stream(core.list_namespaced_pod, "default", field_selector="status.phase=Running", **PATIENT):
        assert event["object"].spec.node_name.startswith("workers-node-")
        watch.stop()
    version = core.list_node().metadata.resource_version
    httpx.delete(f"{pools}/{pool['id']}", headers=headers)
    clock.advance(60)
    for event in watch.stream(core.list_node, resource_version=version, **PATIENT):
        if event["type"] == "DELETED":
            watch.stop()
    assert [item.spec.node_name for item in core.list_namespaced_pod("default").items] == [None]


def test_poolplan_reads_its_snapshot_from_it(kubeconfig: Path, cluster: SandboxCluster) -> None:
    cluster.seed([
        node("one", cpu="2"), workload("Deployment", "web", replicas=3), budget("web", minAvailable=1),
        {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "general"}, "spec": POLICY},
        {"apiVersion": "karpenter.ovhcloud.sh/v1alpha1", "kind": "OVHNodeClass", "metadata": {"name": "default"},
         "spec": {"serviceName": PROJECT}},
    ])  # fmt: skip
    inputs = read_cluster(connect({}, kubeconfig=kubeconfig), environment={})
    snapshot = inputs.snapshot
    assert [(one.name, one.ready) for one in snapshot.nodes] == [("one", True)]
    assert {str(one.owner) for one in snapshot.pods} == {"Deployment default/web"}
    assert sorted((one.node_name, one.scheduling) for one in snapshot.pods) == [
        ("", Scheduling.UNSCHEDULABLE), ("one", Scheduling.SCHEDULED), ("one", Scheduling.SCHEDULED),
    ]  # fmt: skip
    assert [(one.name, one.allowed) for one in snapshot.budgets] == [("web", 1)]
    assert [one.name for one in inputs.policy.node_pools] == ["general"]
    assert inputs.warnings == ()
