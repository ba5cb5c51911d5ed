"""A live cluster: the same snapshot as from files, and what every refusal of the API server means."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gitops.cluster.connection import connect
from gitops.cluster.kinds import CLUSTER_KINDS, POLICY_LISTS
from gitops.cluster.live import Answer, live_items, read_cluster
from gitops.errors import InputError, Stalled, Waiting
from tests.gitops.cluster.made import ENVIRONMENT, Object, container, listed, node, plain, pod, read, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.cluster.kinds import Kind

CLUSTER = (
    node("n1", allocatable={"cpu": "4"}), node("n2"),
    *(pod(f"web-{number}", spec={"containers": [container("1")]}) for number in range(5)),
    workload("DaemonSet", "agent"),
    plain("PersistentVolumeClaim", "data", metadata={"namespace": "shop"}, spec={"volumeName": "pv"}),
    plain("PersistentVolume", "pv", spec={}),
    plain("StorageClass", "fast", "storage.k8s.io/v1"),
    plain("PodDisruptionBudget", "web", "policy/v1", metadata={"namespace": "shop"}, spec={"selector": {}}),
    plain("Service", "web", metadata={"namespace": "shop"}, spec={"selector": {"app": "web"}}),
    plain("PriorityClass", "usual", "scheduling.k8s.io/v1", value=3, globalDefault=True),
    plain("Namespace", "shop"),
    plain("RuntimeClass", "micro", "node.k8s.io/v1", handler="micro"),
    plain("OVHNodeClass", "default", "karpenter.ovhcloud.sh/v1alpha1", spec={"region": "GRA11"}),
    plain("NodePool", "general", "karpenter.sh/v1",
          spec={"template": {"spec": {"nodeClassRef": {"name": "default"}, "requirements": []}}}),
)  # fmt: skip
EVERY_KIND = (*CLUSTER_KINDS, *POLICY_LISTS)


def paged(kind: Kind, limit: int, token: str) -> Object:
    """A page as API servers answer: the items do not say of what kind they are."""
    mine = [one for one in CLUSTER if (one["apiVersion"], one["kind"]) == (kind.api_version, kind.kind)]
    start = int(token or 0)
    end = start + limit if limit else len(mine)
    bare = [{key: value for key, value in one.items() if key not in ("apiVersion", "kind")} for one in mine[start:end]]
    following = {"continue": str(end)} if end < len(mine) else {}
    return {"apiVersion": kind.api_version, "kind": f"{kind.kind}List", "metadata": following, "items": bare}


@dataclass
class FakeApi:
    """An API server in memory. ``refused`` answers for some kinds; pages hold two objects, whatever is asked."""

    address: str = "https://cluster.example"
    refused: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, int, str]] = field(default_factory=list)
    expire_once: bool = False

    def list(self, kind: Kind, *, limit: int, token: str) -> Answer:
        self.asked.append((kind.kind, limit, token))
        if self.expire_once and token:
            self.expire_once = False
            return Answer(410)
        if kind.kind in self.refused:
            return self.refused[kind.kind]
        return Answer(200, json.dumps(paged(kind, min(limit, 2), token)).encode())


def test_a_live_cluster_is_what_its_files_say(tmp_path: Path) -> None:
    assert read_cluster(FakeApi(), environment=ENVIRONMENT) == read(tmp_path, *CLUSTER)


def test_a_list_that_grew_too_old_is_read_again_whole() -> None:
    api = FakeApi(expire_once=True)
    assert len(read_cluster(api, environment={}).snapshot.pods) == 5
    assert [asked for asked in api.asked if asked[0] == "Pod"] == [("Pod", 500, ""), ("Pod", 500, "2"), ("Pod", 0, "")]


def test_what_if_files_stand_on_top_of_the_cluster(tmp_path: Path) -> None:
    bigger = workload("DaemonSet", "agent")
    bigger["spec"]["template"]["spec"]["containers"] = [container("3")]
    file = tmp_path / "what-if.json"
    file.write_text(json.dumps(listed(workload(replicas=4), bigger)))
    made = read_cluster(FakeApi(), environment={}, what_if=[file]).snapshot
    assert [one.replicas for one in made.workloads] == [4]
    assert [one.template.needs.requests.get("cpu") for one in made.daemonsets] == [3000]


@pytest.mark.parametrize("kind", [one.kind for one in EVERY_KIND if not one.lost])
def test_without_these_rights_there_is_no_plan(kind: str) -> None:
    with pytest.raises(Stalled, match=r"no right to list .*; grant the verb list"):
        live_items(FakeApi(refused={kind: Answer(403)}))


@pytest.mark.parametrize("kind", [one for one in EVERY_KIND if one.lost], ids=lambda one: one.kind)
def test_without_other_rights_there_is_a_warning_that_says_what_is_lost(kind: Kind) -> None:
    items, warnings = live_items(FakeApi(refused={kind.kind: Answer(403)}))
    (warning,) = warnings
    assert kind.plural in warning
    assert warning.endswith(kind.lost)
    assert kind.kind not in {item.kind for item in items}


def test_the_essential_kinds_are_pods_nodes_and_daemonsets() -> None:
    assert [one.kind for one in EVERY_KIND if not one.lost] == ["Pod", "Node", "DaemonSet"]


def test_apis_that_a_cluster_need_not_have() -> None:
    absent = {kind: Answer(404) for kind in ("NodePool", "OVHNodeClass", "RuntimeClass")}
    items, warnings = live_items(FakeApi(refused=absent))
    assert warnings == ()
    assert not {item.kind for item in items} & absent.keys()


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (Answer(401), Stalled, "does not accept these credentials"),
        (Answer(404), Stalled, "answered 404 when asked to list pods"),
        (Answer(429), Waiting, "cannot list pods now"),
        (Answer(500, b"Internal Server Error"), Waiting, r"cannot list pods now \(500\)"),
        (Answer(503, b'{"kind": "Status", "message": "etcd\\nis down"}'), Waiting, r"\(503: etcd\\nis down\)"),
        (Answer(200, b"<html>a login page</html>"), Stalled, "no Kubernetes list"),
        (Answer(410), Stalled, "answered 410"),
    ],
)
def test_refusals(answer: Answer, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        live_items(FakeApi(refused={"Pod": answer}))


def test_an_object_that_is_wrong_is_named() -> None:
    body = json.dumps({"items": [{"metadata": {"name": "n9"}, "status": {"allocatable": {"cpu": "x"}}}]}).encode()
    with pytest.raises(InputError, match=r"https://cluster\.example: status\.allocatable\.cpu: .* \(in Node n9\)"):
        read_cluster(FakeApi(refused={"Node": Answer(200, body)}), environment={})


# Through the kubernetes package


class Handler(BaseHTTPRequestHandler):
    refused: dict[str, int]

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        query = parse_qs(target.query)
        kind = next((one for one in EVERY_KIND if one.path == target.path), None)
        status = 404 if kind is None else self.refused.get(kind.kind, 200)
        body = b'{"kind": "Status", "message": "said no"}'
        if kind and status == 200:
            limit, token = int(query.get("limit", ["0"])[0]), query.get("continue", [""])[0]
            body = json.dumps(paged(kind, min(limit, 2), token)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    class Mine(Handler):
        refused: dict[str, int] = {}  # noqa: RUF012 - one for each test

    with ThreadingHTTPServer(("127.0.0.1", 0), Mine) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", Mine
        running.shutdown()
        thread.join()


def kubeconfig(folder: Path, address: str) -> Path:
    file = folder / "kubeconfig"
    file.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": address}}], "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }))  # fmt: skip
    return file


def test_reads_through_the_kubernetes_package(tmp_path: Path, server: tuple[str, type[Handler]]) -> None:
    api = connect({}, kubeconfig=kubeconfig(tmp_path, server[0]))
    assert api.address == server[0]
    assert read_cluster(api, environment=ENVIRONMENT) == read(tmp_path, *CLUSTER)


def test_the_environment_names_the_kubeconfig(tmp_path: Path, server: tuple[str, type[Handler]]) -> None:
    api = connect({"KUBECONFIG": str(kubeconfig(tmp_path, server[0])), "KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    assert api.address == server[0]


@pytest.mark.parametrize(("status", "error"), [(401, Stalled), (403, Stalled), (500, Waiting), (503, Waiting)])
def test_statuses_come_through(
    tmp_path: Path, server: tuple[str, type[Handler]], status: int, error: type[Exception]
) -> None:
    server[1].refused["Node"] = status
    with pytest.raises(error):
        live_items(connect({}, kubeconfig=kubeconfig(tmp_path, server[0])))


def test_a_cluster_without_karpenter(tmp_path: Path, server: tuple[str, type[Handler]]) -> None:
    server[1].refused.update({"NodePool": 404, "OVHNodeClass": 404})
    items, warnings = live_items(connect({}, kubeconfig=kubeconfig(tmp_path, server[0])))
    assert (len(items), warnings) == (len(CLUSTER) - 2, ())


def test_nobody_answers(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as closed:
        address = f"http://127.0.0.1:{closed.server_port}"
    with pytest.raises(Waiting, match="does not answer"):
        live_items(connect({}, kubeconfig=kubeconfig(tmp_path, address)))


def test_no_cluster_at_all(tmp_path: Path) -> None:
    with pytest.raises(Stalled, match=r"no cluster to read: .* found; give --kubeconfig .* files with --snapshot"):
        connect({}, kubeconfig=tmp_path / "missing")
    with pytest.raises(Stalled, match="no cluster to read"):
        connect({}, kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:1"), context="elsewhere")
