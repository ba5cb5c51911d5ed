"""A saved snapshot plans as the cluster does, and holds nothing that does not decide a plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gitops.cluster import read_inputs
from gitops.cluster.inputs import file_items
from gitops.cluster.saving import save_snapshot
from gitops.errors import InputError

from .made import ENVIRONMENT, Object, container, listed, node, plain, pod, read, workload

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-hunter2"
NOISE = {"managedFields": [{"manager": SECRET}], "resourceVersion": SECRET, "selfLink": SECRET}
APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": SECRET, "karpenter.sh/do-not-disrupt": "true"}
TALKATIVE = {
    **container("1", limits={"memory": "1Gi"}), "image": SECRET, "command": [SECRET], "args": [SECRET],
    "env": [{"name": "PASSWORD", "value": SECRET}], "volumeMounts": [{"mountPath": SECRET}],
}  # fmt: skip


def everything() -> tuple[Object, ...]:
    template = workload(replicas=2)
    template["spec"]["template"]["spec"]["containers"] = [TALKATIVE]
    template["spec"]["template"]["metadata"]["annotations"] = APPLIED
    return (
        node("n1", allocatable={"cpu": "3830m"}, images=[{"names": [SECRET]}],
             conditions=[{"type": "Ready", "status": "True", "message": SECRET,
                          "lastTransitionTime": "2026-01-01T00:00:00Z"}]),
        pod("b", spec={"containers": [TALKATIVE], "volumes": [{"name": "x", "secret": {"secretName": SECRET}}]},
            status={"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
                                                        "reason": "Unschedulable", "message": SECRET}]},
            labels={"z": "1", "a": "2"}, annotations=APPLIED, creationTimestamp="2026-01-01T00:00:00Z", **NOISE),
        pod("a", ownerReferences=[{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "controller": True}]),
        template,
        workload("DaemonSet", "agent"),
        plain("StorageClass", "fast", "storage.k8s.io/v1", parameters={"key": SECRET},
              metadata={"annotations": {"storageclass.kubernetes.io/is-default-class": "true", **APPLIED}}),
        plain("PersistentVolumeClaim", "data", spec={"volumeName": "pv"}),
        plain("PersistentVolume", "pv", spec={"csi": {"volumeHandle": SECRET}}),
        plain("PodDisruptionBudget", "web", "policy/v1", spec={"selector": {}}, status={"disruptionsAllowed": 1}),
        plain("Service", "web", spec={"selector": {"app": "web"}, "externalName": SECRET, "ports": [{"name": SECRET}]}),
        plain("PriorityClass", "usual", "scheduling.k8s.io/v1", value=3, description=SECRET),
        plain("Namespace", "shop", metadata={"annotations": APPLIED}),
        plain("RuntimeClass", "micro", "node.k8s.io/v1", overhead={"podFixed": {"cpu": "10m"}}),
        plain("OVHNodeClass", "default", "karpenter.ovhcloud.sh/v1alpha1", spec={"region": "GRA11", "odd": 1},
              metadata={"annotations": APPLIED, **NOISE}, status={"message": SECRET}),
        plain("NodePool", "general", "karpenter.sh/v1", status={"message": SECRET},
              spec={"template": {"spec": {"nodeClassRef": {"name": "default"}, "requirements": []}}}),
        plain("Secret", "key", data={"key": SECRET}),
    )  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "from.json").write_text(json.dumps(listed(*everything())))
    file = tmp_path / "saved.json"
    assert save_snapshot(file_items([tmp_path / "from.json"]), file) == len(everything()) - 1
    return file


def test_plans_identically(tmp_path: Path, saved: Path) -> None:
    before, after = read(tmp_path, *everything()), read_inputs([saved], environment=ENVIRONMENT)
    assert after.snapshot == before.snapshot
    assert after.policy == before.policy
    assert len(after.warnings) == len(before.warnings) == 1


def test_holds_no_secret(saved: Path) -> None:
    assert SECRET not in saved.read_text()


def test_is_a_list_that_kubectl_could_have_written(saved: Path) -> None:
    document = json.loads(saved.read_text())
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    assert [one["kind"] for one in document["items"]] == sorted(one["kind"] for one in document["items"])
    assert [one["metadata"]["name"] for one in document["items"] if one["kind"] == "Pod"] == ["a", "b"]


def test_the_same_cluster_gives_the_same_bytes(tmp_path: Path, saved: Path) -> None:
    other = tmp_path / "again.json"
    (tmp_path / "turned.json").write_text(json.dumps(listed(*reversed(everything()))))
    save_snapshot(file_items([tmp_path / "turned.json"]), other)
    assert other.read_bytes() == saved.read_bytes()
    save_snapshot(file_items([saved]), other)
    assert other.read_bytes() == saved.read_bytes()


def test_an_empty_cluster(tmp_path: Path) -> None:
    file = tmp_path / "none.json"
    assert save_snapshot([], file) == 0
    assert json.loads(file.read_text())["items"] == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        save_snapshot([], tmp_path / "missing" / "saved.json")
