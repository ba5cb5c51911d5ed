"""What controllers make of workloads, and how pods come and go with nodes, owners and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gitops.sandbox.cluster.patches import MERGE
from gitops.sandbox.cluster.refusals import Refusal
from gitops.sandbox.cluster.store import Key
from tests.gitops.sandbox.cluster.made import budget, node, pod, spread, workload

if TYPE_CHECKING:
    from gitops.sandbox.cluster.cluster import SandboxCluster
    from tests.gitops.sandbox.conftest import HandClock

WEB = Key("deployments.apps", "default", "web")


def names(cluster: SandboxCluster, resource: str = "pods") -> list[str]:
    found: list[Any] = cluster.listing(resource)
    return [item["metadata"]["name"] for item in found]


def homes(cluster: SandboxCluster) -> list[str]:
    """The pods' nodes, in order."""
    pods: list[Any] = cluster.listing("pods")
    return sorted(item["spec"].get("nodeName", "") for item in pods)


def scale(cluster: SandboxCluster, key: Key, replicas: int) -> None:
    cluster.patch(key, {"spec": {"replicas": replicas}}, MERGE)


def test_zero_to_three_to_zero(cluster: SandboxCluster) -> None:
    cluster.seed([workload("Deployment", "web", replicas=0)])
    assert names(cluster) == []
    scale(cluster, WEB, 3)
    assert homes(cluster) == ["", "", ""]
    cluster.join(node("one", cpu="2"))
    assert homes(cluster) == ["", "one", "one"]
    cluster.join(node("two", cpu="2"))
    status: Any = cluster.read(WEB)["status"]
    assert (homes(cluster), status["readyReplicas"]) == (["one", "one", "two"], 3)
    scale(cluster, WEB, 0)
    cluster.leave("one")
    assert (names(cluster), names(cluster, "nodes")) == ([], ["two"])


def test_six_pods_over_three_zones_are_two_and_two_and_two(cluster: SandboxCluster) -> None:
    cluster.seed([workload("Deployment", "web", replicas=6, pod=spread("zone", "web"))])
    cluster.sync({zone: node(f"node-{zone}", cpu="8" if zone == "a" else "2", labels={"zone": zone}) for zone in "abc"})
    assert homes(cluster) == ["node-a", "node-a", "node-b", "node-b", "node-c", "node-c"]


def test_the_same_changes_give_the_same_cluster(cluster: SandboxCluster, clock: HandClock) -> None:
    other = type(cluster)(clock)
    for one in (cluster, other):
        one.seed([node("one"), workload("Deployment", "web", replicas=3), workload("DaemonSet", "agent", cpu="10m")])
        scale(one, WEB, 1)
    assert cluster.dump() == other.dump()
    assert names(cluster) == ["agent-r4d76", "web-j5g8vjx4xr-lbr4n"]


def test_a_dump_can_be_loaded(cluster: SandboxCluster, clock: HandClock) -> None:
    cluster.sync({"one": node("one")})
    cluster.seed([workload("Deployment", "web", replicas=3)])
    other = type(cluster)(clock)
    other.load(cluster.dump())
    assert other.dump() == cluster.dump()
    scale(other, WEB, 4)
    assert set(names(cluster)) < set(names(other))


def test_the_pods_that_do_least_leave_first(cluster: SandboxCluster, clock: HandClock) -> None:
    cluster.seed([workload("Deployment", "web", replicas=1), node("one", cpu="2"), node("two", cpu="1")])
    (oldest,) = names(cluster)
    clock.advance(1)
    scale(cluster, WEB, 4)
    assert homes(cluster) == ["", "one", "one", "two"]
    scale(cluster, WEB, 3)
    assert homes(cluster) == ["one", "one", "two"]
    scale(cluster, WEB, 2)
    assert homes(cluster) == ["one", "two"]
    scale(cluster, WEB, 1)
    assert names(cluster) == [oldest]


def test_a_new_template_rolls_out_and_keeps_what_still_serves(cluster: SandboxCluster) -> None:
    cluster.seed([node("one", cpu="4"), workload("Deployment", "web", replicas=4)])
    changed: Any = {"spec": {"template": {"metadata": {"labels": {"rev": "2"}}}}}
    cluster.patch(WEB, changed, MERGE)
    status: Any = cluster.read(WEB)["status"]
    assert (status["updatedReplicas"], status["readyReplicas"], status["replicas"]) == (4, 4, 4)
    cluster.patch(WEB, {"spec": {"template": {"spec": {"nodeSelector": {"disk": "none"}}}}}, MERGE)
    status = cluster.read(WEB)["status"]
    assert (status["updatedReplicas"], status["readyReplicas"], status["replicas"]) == (2, 3, 5), "25 % up, 25 % down"


def test_recreate_takes_the_old_away_first(cluster: SandboxCluster) -> None:
    cluster.seed([node("one", cpu="2"), workload("Deployment", "web", replicas=2, strategy={"type": "Recreate"})])
    cluster.patch(WEB, {"spec": {"template": {"metadata": {"labels": {"rev": "2"}}}}}, MERGE)
    pods: list[Any] = cluster.listing("pods")
    assert [item["metadata"]["labels"]["rev"] for item in pods] == ["2", "2"]


def test_a_daemonset_runs_on_every_node_that_it_bears(cluster: SandboxCluster) -> None:
    cluster.seed([workload("DaemonSet", "agent", cpu="10m"), workload("DaemonSet", "big", cpu="9")])
    cluster.join(node("one"))
    cluster.join(node("two", taints=["gpu:NoSchedule"]))
    cluster.join(node("three", unschedulable=True))
    assert homes(cluster) == ["", "", "one", "three"], "one pod a node, the big one's have no room"
    cluster.leave("one")
    assert homes(cluster) == ["", "three"]


def test_a_statefulset_goes_one_by_one(cluster: SandboxCluster) -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    cluster.seed([workload("StatefulSet", "db", replicas=3, volumeClaimTemplates=[claim])])
    assert names(cluster) == ["db-0"], "the first is not ready yet"
    cluster.join(node("one", cpu="2"))
    assert names(cluster) == ["db-0", "db-1", "db-2"]
    assert names(cluster, "persistentvolumeclaims") == ["data-db-0", "data-db-1", "data-db-2"]
    scale(cluster, Key("statefulsets.apps", "default", "db"), 1)
    assert names(cluster) == ["db-0"]


def test_a_job_runs_until_enough_pods_have_succeeded(cluster: SandboxCluster) -> None:
    cluster.seed([node("one"), workload("Job", "sum", parallelism=2, completions=3)])
    for _ in range(3):
        pods = cluster.listing("pods", fields="status.phase=Running")
        name: Any = pods[0]["metadata"]
        cluster.patch(Key("pods", "default", name["name"]), {"status": {"phase": "Succeeded"}}, MERGE, part="status")
    status: Any = cluster.read(Key("jobs.batch", "default", "sum"))["status"]
    assert (status["active"], status["succeeded"], status["conditions"][0]["type"]) == (0, 3, "Complete")


def test_deletion_reaches_everything_below_unless_it_is_set_free(cluster: SandboxCluster) -> None:
    cluster.seed([workload("Deployment", "web", replicas=2), workload("Deployment", "api", replicas=1)])
    cluster.delete(WEB, {})
    assert [len(names(cluster, resource)) for resource in ("replicasets.apps", "pods")] == [1, 1]
    cluster.delete(WEB._replace(name="api"), {"propagationPolicy": "Orphan"})
    assert [len(names(cluster, resource)) for resource in ("replicasets.apps", "pods")] == [1, 1]


def test_a_namespace_takes_its_objects_with_it(cluster: SandboxCluster) -> None:
    shop: Any = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    cluster.seed([shop, pod("web", namespace="shop"), pod("api")])
    cluster.delete(Key("namespaces", "", "shop"), {})
    assert names(cluster) == ["api"]


def test_a_finalizer_holds_an_object_until_it_is_taken_off(cluster: SandboxCluster) -> None:
    held = node("one")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.join(held)
    cluster.leave("one")
    marked: Any = cluster.read(Key("nodes", "", "one"))
    assert marked["metadata"]["deletionTimestamp"] == "2026-03-01T12:00:00Z"
    cluster.patch(Key("nodes", "", "one"), {"metadata": {"finalizers": []}}, MERGE)
    assert names(cluster, "nodes") == []


def test_a_taint_drives_pods_off(cluster: SandboxCluster) -> None:
    bearing = {"tolerations": [{"operator": "Exists"}]}
    cluster.seed([node("one"), pod("web"), pod("agent", spec=bearing)])
    cluster.patch(Key("nodes", "", "one"), {"spec": {"taints": [{"key": "old", "effect": "NoExecute"}]}}, MERGE)
    assert names(cluster) == ["agent"]


@pytest.mark.parametrize(("limits", "allowed"), [
    ({"minAvailable": 2}, 1), ({"minAvailable": "50%"}, 1), ({"maxUnavailable": 2}, 2), ({"maxUnavailable": "30%"}, 1),
    ({"minAvailable": 3}, 0), ({"maxUnavailable": 0}, 0),
])  # fmt: skip
def test_a_budget_counts_ready_pods(cluster: SandboxCluster, limits: dict[str, Any], allowed: int) -> None:
    cluster.seed([node("one"), workload("Deployment", "web", replicas=3), budget("web", **limits)])
    found: Any = cluster.read(Key("poddisruptionbudgets.policy", "default", "web"))
    assert found["status"]["disruptionsAllowed"] == allowed
    assert (found["status"]["currentHealthy"], found["status"]["expectedPods"]) == (3, 3)


def test_an_eviction_asks_the_budget(cluster: SandboxCluster) -> None:
    cluster.seed([node("one", cpu="2"), workload("Deployment", "web", replicas=3), budget("web", minAvailable=1)])
    running: list[Any] = cluster.listing("pods", fields="spec.nodeName=one")
    placed = [Key("pods", "default", item["metadata"]["name"]) for item in running]
    cluster.patch(Key("nodes", "", "one"), {"spec": {"unschedulable": True}}, MERGE)
    cluster.evict(placed[0], {})
    with pytest.raises(Refusal) as caught:
        cluster.evict(placed[1], {})
    assert (caught.value.code, caught.value.status["details"]) == (429, {"causes": [{
        "reason": "DisruptionBudget", "message": "The disruption budget web needs 1 healthy pods and has 1 currently",
    }]})  # fmt: skip
    cluster.join(node("two", cpu="2"))
    cluster.evict(placed[1], {})
    assert homes(cluster) == ["", "two", "two"]


def test_an_eviction_heeds_one_budget_at_most(cluster: SandboxCluster) -> None:
    budgets = [budget("web", minAvailable=0), budget("more", minAvailable=0, selector={"matchLabels": {"app": "web"}})]
    cluster.seed([node("one"), pod("web", labels={"app": "web"}, node="one"), *budgets])
    with pytest.raises(Refusal, match="more than one PodDisruptionBudget") as caught:
        cluster.evict(Key("pods", "default", "web"), {})
    assert caught.value.code == 500


def test_a_pod_that_is_leaving_is_not_healthy_any_more(cluster: SandboxCluster) -> None:
    held, other = (pod(name, labels={"app": "web"}, node="one") for name in ("held", "other"))
    held["metadata"]["finalizers"] = ["example.com/held"]
    cluster.seed([node("one"), held, other, budget("web", minAvailable=1)])
    cluster.evict(Key("pods", "default", "held"), {})
    with pytest.raises(Refusal, match="disruption budget"):
        cluster.evict(Key("pods", "default", "other"), {})
    assert names(cluster, "pods") == ["held", "other"]


def test_the_wished_nodes_are_there_and_a_cordon_by_hand_lasts(cluster: SandboxCluster) -> None:
    mine, wished = node("mine"), {name: node(name, labels={"a": "1"}) for name in ("one", "two")}
    for item in wished.values():
        item["metadata"]["annotations"] = {"poolplan.dev/sandbox": "x"}
    cluster.join(mine)
    cluster.sync(wished)
    cluster.patch(Key("nodes", "", "one"), {"spec": {"unschedulable": True}}, MERGE)
    one = {**wished["one"], "metadata": {**wished["one"]["metadata"], "labels": {"b": "2"}}}
    cluster.sync({"one": one})
    kept: Any = cluster.read(Key("nodes", "", "one"))
    assert names(cluster, "nodes") == ["mine", "one"]
    assert (kept["metadata"]["labels"], kept["spec"]["unschedulable"]) == ({"b": "2"}, True)


def test_classes_give_priority_and_overhead(cluster: SandboxCluster) -> None:
    cluster.seed([
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "vital"}, "value": 9},
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "vm"},
         "overhead": {"podFixed": {"cpu": "1"}}},
        node("one", cpu="1"), pod("web", spec={"priorityClassName": "vital", "runtimeClassName": "vm"}),
    ])  # fmt: skip
    (found,) = cluster.listing("pods")
    spec: Any = found["spec"]
    assert (spec["priority"], spec["overhead"], "nodeName" in spec) == (9, {"cpu": "1"}, False)


def test_a_part_of_another_cluster_can_be_seeded(cluster: SandboxCluster) -> None:
    orphan = pod("web")
    orphan["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web-1", "uid": "7", "controller": True}]
    parent = {**workload("Deployment", "api", replicas=0)}
    parent["metadata"]["uid"] = "8"
    child = pod("api")
    child["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "api", "uid": "8"}]
    cluster.seed([{"apiVersion": "v1", "kind": "List", "items": [orphan, parent, child]}])
    assert names(cluster) == ["api", "web"]
    cluster.delete(WEB._replace(name="api"), {})
    assert names(cluster) == ["web"]
