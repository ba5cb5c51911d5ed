"""The control plane that other tests stand on: it binds a pod that fits and says why another one does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real.controlplane import Object, bound_node, refusal

if TYPE_CHECKING:
    from tests.real.controlplane import ControlPlane


def node(name: str, *, cpu: str) -> Object:
    amounts = {"cpu": cpu, "memory": "4Gi", "pods": "110"}
    status = {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


def pod(name: str, *, cpu: str, namespace: str = "default") -> Object:
    container = {"name": "main", "image": "pause", "resources": {"requests": {"cpu": cpu}}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def test_the_scheduler_binds_a_pod_that_fits_and_says_why_another_does_not(plane: ControlPlane) -> None:
    plane.create([pod("small", cpu="1"), pod("large", cpu="8", namespace="shop"), node("made", cpu="2")])

    plane.start_scheduler()
    small, large = plane.settled_pods()

    assert (bound_node(small), refusal(small)) == ("made", "")
    assert (bound_node(large), "Insufficient cpu" in refusal(large)) == ("", True)


def test_a_cleared_cluster_holds_no_pod_and_no_node(plane: ControlPlane) -> None:
    plane.create([pod("small", cpu="1"), node("made", cpu="2")])

    plane.clear()

    assert (plane.listed("Pod"), plane.listed("Node")) == ([], [])


def test_the_controllers_make_the_pods_of_a_deployment(plane: ControlPlane) -> None:
    template = {"metadata": {"labels": {"app": "inflate"}}, "spec": pod("inflate", cpu="1")["spec"]}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "inflate"}}, "template": template}
    plane.create([{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "inflate"}, "spec": spec}])

    plane.start_controllers()
    plane.wait("three pods", lambda: len(plane.listed("Pod")) == 3)
    plane.start_scheduler()

    assert [bool(refusal(each)) for each in plane.settled_pods()] == [True, True, True]
