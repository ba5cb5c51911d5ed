"""The cluster as a person with kubectl sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.gitops.sandbox.cluster.made import node, workload

if TYPE_CHECKING:
    from gitops.sandbox.cluster.cluster import SandboxCluster
    from tests.gitops.sandbox.cluster.conftest import Kubectl
    from tests.gitops.sandbox.conftest import HandClock

SHOWN = [  # cell by cell, since the width of a column is kubectl's affair
    ["NAME", "STATUS", "ROLES", "VERSION", "AGE"],
    ["node/one", "Ready", "<none>", "90s"],
    [],
    ["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
    ["pod/web-j5g8vjx4xr-97w8x", "1/1", "Running", "0", "90s"],
    ["pod/web-j5g8vjx4xr-lbr4n", "0/1", "Pending", "0", "90s"],
    [],
    ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"],
    ["deployment.apps/web", "1/2", "2", "1", "90s"],
]


def test_apply_scale_get_and_delete(kubectl: Kubectl, clock: HandClock, cluster: SandboxCluster) -> None:
    web = json.dumps(workload("Deployment", "web", replicas=0))
    assert kubectl("apply", "-f", "-", stdin=web) == "deployment.apps/web created\n"
    assert kubectl("scale", "deployment", "web", "--replicas=2") == "deployment.apps/web scaled\n"
    kubectl("apply", "-f", "-", stdin=json.dumps(node("one", cpu="1")))
    clock.advance(90)
    assert [line.split() for line in kubectl("get", "nodes,pods,deployments").splitlines()] == SHOWN
    assert json.loads(kubectl("get", "deployment", "web", "-o", "json"))["status"]["readyReplicas"] == 1
    assert kubectl("delete", "deployment", "web") == 'deployment.apps "web" deleted\n'
    assert cluster.listing("pods") == []


def test_an_applied_change_keeps_what_it_does_not_name(kubectl: Kubectl, cluster: SandboxCluster) -> None:
    first = workload("Deployment", "web", replicas=1)
    kubectl("apply", "-f", "-", stdin=json.dumps(first))
    first["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    assert kubectl("apply", "-f", "-", stdin=json.dumps(first)) == "deployment.apps/web configured\n"
    assert kubectl("apply", "-f", "-", stdin=json.dumps(first)) == "deployment.apps/web unchanged\n"
    (found,) = json.loads(kubectl("get", "deployment", "web", "-o", "json"))["spec"]["template"]["spec"]["containers"]
    assert (found["image"], found["resources"]["requests"]["cpu"]) == ("other", "1")


def test_cordon_drain_and_wait(kubectl: Kubectl, cluster: SandboxCluster) -> None:
    cluster.seed([node("one"), workload("Deployment", "web", replicas=1), workload("DaemonSet", "agent", cpu="10m")])
    assert kubectl("cordon", "one") == "node/one cordoned\n"
    assert "Ready,SchedulingDisabled" in kubectl("get", "nodes")
    assert kubectl("drain", "one", "--ignore-daemonsets", "--timeout=20s").splitlines()[-1] == "node/one drained"
    kubectl("uncordon", "one")
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=20s")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    kubectl("taint", "node", "one", "gpu=yes:NoExecute")
    assert kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.phase}") == "Pending"
    assert 'nodes "two" not found' in kubectl("get", "node", "two", fails=True)


def test_a_list_comes_in_pages(kubectl: Kubectl, cluster: SandboxCluster) -> None:
    cluster.seed([node("one"), node("three"), node("two")])
    assert kubectl("get", "nodes", "--chunk-size=1", "-o", "name").split() == ["node/one", "node/three", "node/two"]
    assert len(kubectl("get", "nodes", "--chunk-size=1").splitlines()) == 4
