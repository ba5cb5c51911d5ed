"""The Node objects that sandbox nodes become, and a cluster that is kept in agreement with them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from gitops.catalogs.bundle import bundled
from gitops.errors import InputError, Waiting
from gitops.sandbox import lifecycle
from gitops.sandbox.joining import MARK, joined_nodes, node_builder
from gitops.sandbox.lifecycle import Fate, advance
from gitops.sandbox.records import NodeStatus, PoolSpec, Taint, Template, World
from gitops.sandbox.registrar import KubernetesRegistrar
from gitops.sandbox.settings import Timing

from .conftest import BEGINNING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATER = BEGINNING + timedelta(minutes=1)
TEMPLATE = Template(
    annotations={"note": "mine"}, labels={"tier": "front", "kubernetes.io/os": "plan9"},
    taints=(Taint(effect="NoSchedule", key="tier", value=""),),
)


def a_world(*, flavor: str = "b3-8", size: int = 1, zones: tuple[str, ...] = ("eu-west-par-b",), **more: Any) -> World:
    """A world with one pool whose nodes are up."""
    spec = PoolSpec(name="front", flavor=flavor, desired=size, minimum=0, maximum=100, zones=zones, **more)
    world, _ = lifecycle.create_pool(World(region="EU-WEST-PAR"), spec, now=BEGINNING, fate=Fate())
    return advance(world, LATER, timing=Timing())


def objects(world: World) -> dict[str, Any]:
    return joined_nodes(world, node_builder(bundled(), world.region))


def the_node(**world: Any) -> Any:
    (node,) = objects(a_world(**world)).values()
    return node


def test_node_carries_the_labels_that_mks_sets() -> None:
    node = the_node()
    name = node["metadata"]["name"]
    assert node["metadata"]["labels"] == {
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/instance-type": "b3-8",
        "failure-domain.beta.kubernetes.io/region": "EU-WEST-PAR",
        "failure-domain.beta.kubernetes.io/zone": "eu-west-par-b",
        "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
        "node.k8s.ovh/type": "standard", "node.kubernetes.io/instance-type": "b3-8", "nodepool": "front",
        "topology.cinder.csi.openstack.org/zone": "eu-west-par-b", "topology.kubernetes.io/region": "EU-WEST-PAR",
        "topology.kubernetes.io/zone": "eu-west-par-b",
    }  # fmt: skip


def test_template_reaches_the_node_but_not_over_mks_s_own_labels() -> None:
    node = the_node(template=TEMPLATE)
    assert (node["metadata"]["labels"]["tier"], node["metadata"]["labels"]["kubernetes.io/os"]) == ("front", "linux")
    assert node["metadata"]["annotations"]["note"] == "mine"
    assert node["spec"]["taints"] == [{"key": "tier", "value": "", "effect": "NoSchedule"}]
    assert "finalizers" not in node["metadata"]
    assert the_node(template=Template(finalizers=("a/b",)))["metadata"]["finalizers"] == ["a/b"]
    assert the_node(template=Template(unschedulable=True))["spec"]["unschedulable"] is True


def test_zone_is_nova_in_a_region_of_one_zone() -> None:
    labels = the_node(zones=())["metadata"]["labels"]
    assert {labels[key] for key in labels if key.endswith("zone")} == {"nova"}


def test_node_leaves_to_pods_what_mks_does() -> None:
    status = the_node()["status"]
    assert status["capacity"] == {
        "cpu": "2", "memory": "8000000000", "ephemeral-storage": "50000000000", "pods": "110",
    }  # fmt: skip
    assert status["allocatable"]["cpu"] == "1840m"
    assert status["allocatable"]["memory"] == "6100000000"
    assert 27 * 10**9 < int(status["allocatable"]["ephemeral-storage"]) <= 28.1 * 10**9


def test_gpu_node_says_so() -> None:
    node = the_node(flavor="t1-90")
    assert node["metadata"]["labels"]["node.k8s.ovh/type"] == "gpu"
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "2"


def test_node_is_known_by_its_machine() -> None:
    world = a_world()
    (node,) = objects(world).values()
    assert node["spec"]["providerID"] == f"openstack:///{world.nodes[0].instance_id}"
    (ready,) = [condition for condition in node["status"]["conditions"] if condition["type"] == "Ready"]
    assert (ready["status"], ready["lastTransitionTime"]) == ("True", "2026-03-01T12:00:05Z")


@pytest.mark.parametrize(("status", "present", "cordoned"), [
    (NodeStatus.INSTALLING, False, None), (NodeStatus.READY, True, False), (NodeStatus.DELETING, True, True),
    (NodeStatus.DELETED, False, None), (NodeStatus.FLAVOR_OUT_OF_STOCK_ERROR, False, None),
])  # fmt: skip
def test_only_nodes_that_are_up_are_in_the_cluster(status: NodeStatus, present: bool, cordoned: bool | None) -> None:
    world = a_world()
    found = objects(replace(world, nodes=tuple(replace(node, status=status) for node in world.nodes)))
    assert len(found) == present
    assert [node["spec"]["unschedulable"] for node in found.values()] == ([] if cordoned is None else [cordoned])


def test_node_that_never_came_up_does_not_join_on_its_way_out() -> None:
    world = a_world()
    never = tuple(replace(node, status=NodeStatus.DELETING, deployed_at=None) for node in world.nodes)
    assert objects(replace(world, nodes=never)) == {}


class NodesApi(ThreadingHTTPServer):
    """As much of a Kubernetes API as Nodes need. ``broken`` makes it answer 500."""

    def __init__(self) -> None:
        self.nodes: dict[str, Any] = {}
        self.asked: list[str] = []
        self.broken = False
        super().__init__(("127.0.0.1", 0), NodesHandler)


class NodesHandler(BaseHTTPRequestHandler):
    """Lists, takes, patches (as a merge patch) and removes Nodes."""

    server: NodesApi

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or "null")
        self.server.asked.append(self.command)
        status, answer = (500, {}) if self.server.broken else self.act(self.path.partition("?")[0], body)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names http.server looks for

    def act(self, path: str, body: Any) -> tuple[int, Any]:
        nodes, name = self.server.nodes, path.rpartition("/")[2]
        if self.command == "GET":
            return 200, {"apiVersion": "v1", "kind": "NodeList", "metadata": {}, "items": list(nodes.values())}
        if self.command == "POST":
            nodes[body["metadata"]["name"]] = body
            return 201, body
        if name not in nodes:
            return 404, {"kind": "Status", "status": "Failure", "reason": "NotFound"}
        if self.command == "PATCH":
            nodes[name] = merged(nodes[name], body)
            return 200, nodes[name]
        return 200, nodes.pop(name)

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


def merged(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict) or not isinstance(old, dict):
        return patch
    result = old | {key: merged(old.get(key), value) for key, value in patch.items()}
    return {key: value for key, value in result.items() if value is not None}


@pytest.fixture
def nodes_api() -> Iterator[NodesApi]:
    with NodesApi() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def registrar(nodes_api: NodesApi, tmp_path: Path) -> KubernetesRegistrar:
    return KubernetesRegistrar(kubeconfig(tmp_path, nodes_api.server_address[1]))


def kubeconfig(folder: Path, port: int) -> Path:
    path = folder / "kubeconfig"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }), encoding="utf-8")  # fmt: skip
    return path


def told(nodes: dict[str, Any]) -> dict[str, Any]:
    """The Nodes without their status, whose dates the client may spell otherwise."""
    return {name: (node["metadata"], node["spec"], node["status"]["allocatable"]) for name, node in nodes.items()}


def test_nodes_join_and_leave(registrar: KubernetesRegistrar, nodes_api: NodesApi) -> None:
    three = objects(a_world(size=3))
    registrar.sync(three)
    assert told(nodes_api.nodes) == told(three)
    two = dict(list(three.items())[:2])
    registrar.sync(two)
    assert told(nodes_api.nodes) == told(two)


def test_sync_without_a_change_only_looks(registrar: KubernetesRegistrar, nodes_api: NodesApi) -> None:
    wanted = objects(a_world(size=2))
    registrar.sync(wanted)
    nodes_api.asked.clear()
    registrar.sync(wanted)
    assert nodes_api.asked == ["GET"]


def test_new_template_reaches_nodes_that_are_there(registrar: KubernetesRegistrar, nodes_api: NodesApi) -> None:
    registrar.sync(objects(a_world(template=TEMPLATE)))
    (name,) = nodes_api.nodes
    nodes_api.nodes[name]["metadata"]["labels"]["theirs"] = "stays"
    registrar.sync(objects(a_world(template=Template(labels={"tier": "back"}))))
    metadata, spec = nodes_api.nodes[name]["metadata"], nodes_api.nodes[name]["spec"]
    assert (metadata["labels"]["tier"], metadata["labels"]["theirs"]) == ("back", "stays")
    assert metadata["annotations"].keys() == {MARK}
    assert spec["taints"] == []
    assert spec["providerID"].startswith("openstack:///")


def test_nodes_of_others_are_left_alone(registrar: KubernetesRegistrar, nodes_api: NodesApi) -> None:
    nodes_api.nodes["theirs"] = {"metadata": {"name": "theirs"}}
    registrar.sync(objects(a_world()))
    registrar.sync({})
    assert list(nodes_api.nodes) == ["theirs"]


def test_nodes_from_before_a_restart_are_known(nodes_api: NodesApi, tmp_path: Path) -> None:
    config = kubeconfig(tmp_path, nodes_api.server_address[1])
    KubernetesRegistrar(config).sync(objects(a_world(size=2)))
    KubernetesRegistrar(config).sync({})
    assert nodes_api.nodes == {}


def test_cluster_that_fails_is_worth_another_try(registrar: KubernetesRegistrar, nodes_api: NodesApi) -> None:
    nodes_api.broken = True
    with pytest.raises(Waiting, match="the cluster that nodes join does not answer: Internal Server Error"):
        registrar.sync(objects(a_world()))
    nodes_api.broken = False
    registrar.sync(objects(a_world()))
    assert len(nodes_api.nodes) == 1


def test_cluster_that_is_not_there_is_worth_another_try(nodes_api: NodesApi, tmp_path: Path) -> None:
    registrar = KubernetesRegistrar(kubeconfig(tmp_path, 1))
    with pytest.raises(Waiting, match="does not answer") as trouble:
        registrar.sync({})
    assert "\n" not in str(trouble.value)


@pytest.mark.parametrize(("text", "complaint"), [
    ("", ": not a kubeconfig: not a map"),
    ("nonsense", ": not a kubeconfig: not a map"),
    ("apiVersion: v1\nkind: Config\n", ": not a usable kubeconfig: "),
    ("a: [b", ":1:6: broken YAML: "),
    (None, ": cannot be read: No such file or directory"),
])  # fmt: skip
def test_kubeconfig_that_is_none_is_named(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(f"{path}{complaint}")) as error:
        KubernetesRegistrar(path)
    assert "\n" not in str(error.value)
