"""Sandbox nodes in a real cluster: they join, the real scheduler uses them, and the one that is named leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ovh
import pytest

from gitops.clock import SystemClock
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from tests.real.controlplane import bound_node
from tests.real.test_controlplane import pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.controlplane import ControlPlane, Object

POOLS = f"/cloud/project/{PROJECT}/kube/{CLUSTER}/nodepool"
TAINT = {"key": "tier", "value": "front", "effect": "NoSchedule"}


@pytest.fixture
def api(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """OVHcloud's own Python client for a sandbox whose nodes join the control plane."""
    moment = timedelta(milliseconds=100)
    options = SandboxOptions(kubeconfig=plane.kubeconfig, timing=Timing(join_after=moment, settle_after=moment))
    with start_sandbox(options, SystemClock()) as sandbox:
        monkeypatch.setitem(ovh.client.ENDPOINTS, "sandbox", sandbox.url)
        keys = ("application_key", "application_secret", "consumer_key")
        yield ovh.Client(endpoint="sandbox", **dict.fromkeys(keys, "sandbox"))


def template(*, label: str) -> Object:
    metadata = {"labels": {"tier": label}, "annotations": {}, "finalizers": []}
    return {"metadata": metadata, "spec": {"taints": [TAINT], "unschedulable": False}}


def create_pool(api: Any, plane: ControlPlane, *, size: int) -> str:
    """A pool whose nodes have all joined; gives its id."""
    pool = api.post(
        POOLS, name="front", flavorName="b3-8", desiredNodes=size, availabilityZones=["eu-west-par-b"],
        template=template(label="front"),
    )
    plane.wait(f"{size} nodes", lambda: len(plane.listed("Node")) == size)
    plane.wait("a pool that is ready", lambda: api.get(f"{POOLS}/{pool['id']}")["status"] == "READY")
    return str(pool["id"])


def test_the_scheduler_binds_a_pod_to_a_node_of_a_new_pool(api: Any, plane: ControlPlane) -> None:
    create_pool(api, plane, size=1)
    choosy = pod("choosy", cpu="1500m")
    choosy["spec"]["nodeSelector"] = {
        "nodepool": "front", "tier": "front", "topology.kubernetes.io/zone": "eu-west-par-b",
        "node.kubernetes.io/instance-type": "b3-8",
    }
    choosy["spec"]["tolerations"] = [{**TAINT, "operator": "Equal"}]
    plane.create([choosy, pod("intolerant", cpu="100m")])

    plane.start_scheduler()
    first, second = plane.settled_pods()

    [node] = plane.listed("Node")
    assert (bound_node(first), bound_node(second)) == (node["metadata"]["name"], "")


def test_the_node_that_is_named_is_the_one_that_leaves(api: Any, plane: ControlPlane) -> None:
    pool = create_pool(api, plane, size=3)
    before = [node["metadata"]["name"] for node in plane.listed("Node")]
    oldest = api.get(f"{POOLS}/{pool}/nodes")[0]["name"]

    api.put(f"{POOLS}/{pool}", desiredNodes=2, nodesToRemove=[oldest])
    plane.wait("a node to leave", lambda: len(plane.listed("Node")) == 2)

    assert [node["metadata"]["name"] for node in plane.listed("Node")] == [name for name in before if name != oldest]


def test_a_new_label_in_the_template_reaches_the_nodes(api: Any, plane: ControlPlane) -> None:
    pool = create_pool(api, plane, size=1)

    api.put(f"{POOLS}/{pool}", template=template(label="back"))

    plane.wait("the label", lambda: plane.listed("Node")[0]["metadata"]["labels"]["tier"] == "back")
