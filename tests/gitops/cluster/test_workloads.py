"""What-if: the workloads of files, how many pods they stand for, and which of two of a name counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gitops.cluster import read_inputs
from planner.pods import Owner

from .made import Object, container, one_pod, plain, pod, read, snapshot, workload

if TYPE_CHECKING:
    from pathlib import Path

    from planner.snapshot import Workload


def only(folder: Path, written: dict[str, Any]) -> Workload:
    (made,) = snapshot(folder, written).workloads
    return made


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_replicas(tmp_path: Path, kind: str) -> None:
    made = only(tmp_path, workload(kind, replicas=3))
    assert (made.owner, made.replicas) == (Owner(kind, "shop", "web"), 3)
    assert made.template.labels == (("app", "web"),)
    assert made.template.needs.requests.get("cpu") == 1000


def test_one_replica_where_none_is_written_and_none_when_it_is_going(tmp_path: Path) -> None:
    written = workload()
    assert only(tmp_path, written).replicas == 1
    written["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert only(tmp_path, written).replicas == 0


DONE = {"conditions": [{"type": "Complete", "status": "True"}]}
NOT_DONE = {"conditions": [{"type": "Failed", "status": "False"}]}


@pytest.mark.parametrize(
    ("spec", "status", "pods"),
    [
        ({}, {}, 1),
        ({"parallelism": 4}, {}, 4),
        ({"parallelism": 4}, {"succeeded": 1}, 0),
        ({"parallelism": 4, "completions": 10}, {}, 4),
        ({"parallelism": 4, "completions": 10}, {"succeeded": 8}, 2),
        ({"parallelism": 4, "completions": 3}, NOT_DONE, 3),
        ({"parallelism": 4, "completions": 10}, DONE, 0),
        ({"parallelism": 0}, {}, 0),
        ({"parallelism": 4, "suspend": True}, {}, 0),
    ],
)
def test_how_many_pods_a_job_wants_running(
    tmp_path: Path, spec: dict[str, Any], status: dict[str, Any], pods: int
) -> None:
    assert only(tmp_path, workload("Job", status=status, **spec)).replicas == pods


def test_a_replica_set_of_a_deployment_is_no_workload_of_its_own(tmp_path: Path) -> None:
    owned = workload("ReplicaSet", "web-5d8f7", replicas=3)
    owned["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "web", "controller": True}]
    inputs = read(tmp_path, owned, workload(replicas=3))
    assert [str(one.owner) for one in inputs.snapshot.workloads] == ["Deployment shop/web"]
    assert inputs.unknown_kinds == {}


def test_claims_that_each_pod_brings(tmp_path: Path) -> None:
    written = workload("StatefulSet", volumeClaimTemplates=[
        {"metadata": {"name": "data"}, "spec": {"storageClassName": "fast"}}, {"metadata": {"name": "log"}},
    ])  # fmt: skip
    written["spec"]["template"]["spec"]["volumes"] = [
        {"name": "scratch", "ephemeral": {}},
        {"name": "shared", "persistentVolumeClaim": {"claimName": "all"}},
    ]
    made = only(tmp_path, written)
    assert made.claim_templates == (("data", "fast"), ("log", ""), ("scratch", ""))
    assert made.template.needs.claims == ("all",)


def test_daemonsets(tmp_path: Path) -> None:
    written = workload("DaemonSet", "agent")
    written["spec"]["template"]["spec"] = {"containers": [container("100m")], "nodeSelector": {"disk": "ssd"}}
    (made,) = snapshot(tmp_path, written).daemonsets
    assert (made.namespace, made.name) == ("shop", "agent")
    assert dict(made.template.needs.requests) == {"cpu": 100, "pods": 1}


def test_kinds_that_are_not_read_are_counted_by_name(tmp_path: Path) -> None:
    inputs = read(
        tmp_path, plain("CronJob", "nightly", "batch/v1"), plain("ConfigMap", "a"), plain("ConfigMap", "b"),
        plain("ReplicationController", "old"), plain("NodePool", "p", "kube.cloud.ovh.com/v1alpha1"),
        plain("Deployment", "web", "extensions/v1beta1"),
    )  # fmt: skip
    assert inputs.unknown_kinds == {
        "ConfigMap": 2, "CronJob.batch": 1, "Deployment.extensions": 1, "NodePool.kube.cloud.ovh.com": 1,
        "ReplicationController": 1,
    }  # fmt: skip


def test_a_later_path_says_what_would_be(tmp_path: Path) -> None:
    live, mine = tmp_path / "live.json", tmp_path / "mine.json"
    agent = workload("DaemonSet", "agent")
    live.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [workload(replicas=1), agent, pod()]}))
    bigger = workload("DaemonSet", "agent")
    bigger["spec"]["template"]["spec"]["containers"] = [container("2")]
    mine.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [workload(replicas=9), bigger]}))
    there = read_inputs([live, mine], environment={}).snapshot
    back = read_inputs([mine, live], environment={}).snapshot
    assert [one.replicas for one in (*there.workloads, *back.workloads)] == [9, 1]
    assert [one.template.needs.requests.get("cpu") for one in (*there.daemonsets, *back.daemonsets)] == [2000, 1000]


# What admission gives to containers that request nothing


def limit_range(name: str = "limits", **amounts: Object) -> Object:
    spec = {"limits": [{"type": "Pod", "max": {"cpu": "64"}}, {"type": "Container", **amounts}]}
    return plain("LimitRange", name, metadata={"name": name, "namespace": "shop"}, spec=spec)


def asked(folder: Path, *limits: Object, containers: list[Object]) -> dict[str, int]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    found = snapshot(folder, workload(template=template), workload("DaemonSet", template=template), *limits)
    requests = found.workloads[0].template.needs.requests
    assert found.daemonsets[0].template.needs.requests == requests
    return {name: amount for name, amount in requests if name != "pods"}


BOTH = {"defaultRequest": {"cpu": "100m"}, "default": {"cpu": "1", "memory": "64Mi"}}


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([container()], {"cpu": 100, "memory": 64 * 1024**2}), ([container("2")], {"cpu": 2000, "memory": 64 * 1024**2}),
        ([container(limits={"cpu": "3"})], {"cpu": 3000, "memory": 64 * 1024**2}),
        ([container(), container()], {"cpu": 200, "memory": 128 * 1024**2}),
    ],
)  # fmt: skip
def test_limit_ranges_give_requests(tmp_path: Path, containers: list[Object], expected: dict[str, int]) -> None:
    assert asked(tmp_path, limit_range(**BOTH), containers=containers) == expected


@pytest.mark.parametrize(
    ("amounts", "cpu"),
    [({"max": {"cpu": "2"}, "min": {"cpu": "1"}}, 2000), ({"min": {"cpu": "1"}}, 1000), ({}, None)],
)  # fmt: skip
def test_what_a_limit_range_does_not_say_is_made_of_the_rest(tmp_path: Path, amounts: Object, cpu: int | None) -> None:
    assert asked(tmp_path, limit_range(**amounts), containers=[container()]).get("cpu") == cpu


def test_of_several_limit_ranges_the_first_by_name_decides(tmp_path: Path) -> None:
    ranges = (limit_range("b", defaultRequest={"cpu": "2", "memory": "1Gi"}), limit_range("a", defaultRequest={"cpu": "1"}))
    assert asked(tmp_path, *ranges, containers=[container()]) == {"cpu": 1000, "memory": 1024**3}


def test_pods_that_the_api_server_has_seen_have_what_they_were_given(tmp_path: Path) -> None:
    limits = limit_range(defaultRequest={"cpu": "1"})
    assert one_pod(tmp_path, pod(spec={"containers": [container()], "priority": 0}), limits).needs.requests.get("cpu") == 0
    assert one_pod(tmp_path, pod(spec={"containers": [container()]}), limits).needs.requests.get("cpu") == 1000
