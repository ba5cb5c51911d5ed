"""A large cluster: the whole of ``poolplan plan`` on a snapshot file, and planning again after one pod has changed.

``python benchmarks/cluster.py [--nodes 5000] [--running 100000] [--pending 2000] [--runs N] [--json] [--no-check]``

The snapshot is a ``v1 List`` as kubectl writes it, indented and with all that a pod carries besides what decides a plan
(environment, probes, volumes, statuses). The nodes are in pools of a hundred that poolplan does not own; three daemon
sets run on each, the other pods belong to Deployments. The pods that wait are of Deployments too, with the rules of the
mix ``everything``. OVHcloud lets a cluster have 500 nodes, so none may be ordered beyond that: the planner looks for
room on the nodes that are there, and says of the rest why it waits.

The second time is that of planning again in one process, when one more pod waits on the same cluster.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import made
from benchmarks.mixes import FAMILIES, made_mix
from gitops.catalogs.bundle import bundled
from gitops.cluster import read_inputs
from gitops.gather import pools_of_nodes
from planner.decide import Inputs, decide
from planner.memory import Memory
from planner.pools import PoolSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.made import Object

AGENTS = ("network", "proxy", "logs")
PER_POOL = 100
REPLICAS = 65
IMAGE = "registry.example.org/team/service"
CREATED = "2026-02-01T08:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One cluster's figures. ``again_seconds`` is for one more pod, in the same process."""

    nodes: int
    running: int
    pending: int
    file_bytes: int
    seconds: float
    peak_rss_bytes: int
    placed: int
    unplaced: int
    first_seconds: float
    again_seconds: float
    faults: tuple[str, ...] | None


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--running", type=int, default=100_000)
    parser.add_argument("--pending", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3, help="the times are medians of so many")
    chosen = parser.parse_args()
    told = measure(chosen.nodes, chosen.running, chosen.pending, runs=chosen.runs, check=not chosen.no_check)
    print(json.dumps({**made.machine(), **asdict(told)}, indent=2) if chosen.json else table(told))


def measure(nodes: int, running: int, pending: int, *, runs: int = 1, check: bool = True) -> Measured:
    """Write the snapshot, plan it in a process of its own, then again and again in this one."""
    objects = list(made_cluster(nodes, running, pending))
    with tempfile.TemporaryDirectory() as folder:
        snapshot, out = Path(folder, "snapshot.json"), Path(folder, "plan.json")
        write(objects, snapshot)
        given = ["plan", "--snapshot", str(snapshot), "--now", made.NOW.isoformat(), "--out", str(out)]
        files = [*given, "--nodes-out", str(Path(folder, "nodes.json"))]
        seconds, peaks = zip(*(made.run(files) for _ in range(runs)), strict=True)
        plan = json.loads(out.read_bytes())
        new = json.loads(Path(folder, "nodes.json").read_bytes())["items"]
        first, again = replanned(snapshot, runs)
        size = snapshot.stat().st_size
    placements = [(one["node"], one["pods"]) for one in plan["placements"]]
    return Measured(
        nodes=nodes, running=running, pending=pending, file_bytes=size, seconds=round(statistics.median(seconds), 2),
        peak_rss_bytes=max(peaks), placed=sum(len(pods) for _, pods in placements),
        unplaced=sum(len(one["pods"]) for one in plan["unplaced"]), first_seconds=first, again_seconds=again,
        faults=tuple(made.faults_of(objects, new, placements)) if check else None,
    )  # fmt: skip


def replanned(snapshot: Path, runs: int) -> tuple[float, float]:
    """Seconds of the first plan in this process, and the median of plans after each of which one more pod waits."""
    read = read_inputs([snapshot], environment={})
    inputs = Inputs(
        snapshot=read.snapshot, policy=read.policy, catalog=bundled(), declared=PoolSet(),
        observed=pools_of_nodes(read.snapshot.nodes), region=made.REGION,
    )  # fmt: skip
    memory = Memory()
    first, again = _seconds(inputs, memory), []
    for number in range(runs):
        inputs = one_more(inputs, f"zz-another-{number}")
        again.append(_seconds(inputs, memory))
    return first, round(statistics.median(again), 3)


def one_more(inputs: Inputs, name: str) -> Inputs:
    """The same cluster when one more pod, like the last that waits, has come."""
    pods = inputs.snapshot.pods
    last = next(one for one in reversed(pods) if not one.node_name)
    more = tuple(sorted((*pods, replace(last, name=name, uid=name)), key=lambda one: (one.namespace, one.name)))
    return replace(inputs, snapshot=replace(inputs.snapshot, pods=more))


def _seconds(inputs: Inputs, memory: Memory) -> float:
    started = time.perf_counter()
    decide(inputs, now=made.NOW, memory=memory)
    return round(time.perf_counter() - started, 3)


# The cluster, with only what decides


def made_cluster(nodes: int, running: int, pending: int) -> Iterator[Object]:
    """Policy, daemon sets, nodes, pods that run and pods that wait."""
    yield from made.policy(made.flavors(*FAMILIES))
    yield from (made.daemon_set(name, "50m", "64Mi") for name in AGENTS)
    names = [f"worker-{number:05}" for number in range(nodes)]
    yield from (worker(name, number) for number, name in enumerate(names))
    yield from (one for number, name in enumerate(names) for one in daemons(name, number))
    yield from workloads(names, running - len(AGENTS) * nodes)
    yield from (one for one in made_mix("everything", pending) if one["kind"] == "Pod")


def worker(name: str, number: int) -> Object:
    """A node of 8 CPU in one of the pools."""
    allocatable = {"cpu": "7810m", "memory": "28900M", "ephemeral-storage": "165G", "pods": "110"}
    pool = f"workers-{number // PER_POOL:03}"
    one = made.node(name, "b3-32", made.ZONES[number // PER_POOL % 3], allocatable, nodepool=pool)
    one["metadata"]["creationTimestamp"] = CREATED
    return one


def daemons(node: str, number: int) -> Iterator[Object]:
    """The daemon sets' pods on a node."""
    for name in AGENTS:
        anywhere = [{"operator": "Exists"}]
        one = made.pod(f"{name}-{number:05}", 50, 64, labels={"agent": name}, owner=name, tolerations=anywhere)
        one["metadata"]["namespace"] = "kube-system"
        one["metadata"]["ownerReferences"][0]["kind"] = "DaemonSet"
        yield _on(one, node)


def workloads(nodes: list[str], count: int) -> Iterator[Object]:
    """Pods of Deployments, dealt out in turn: what a node has left differs from none to a third."""
    chance = random.Random(made.SEED)  # noqa: S311 - the same cluster every time is the point
    free = dict.fromkeys(nodes, 7600)
    for number in range(count):
        group = number // REPLICAS
        if number % REPLICAS == 0:
            cpu, memory = chance.choice((200, 300, 400, 500, 700)), chance.choice((256, 512, 1024, 1536))
        node = nodes[number % len(nodes)]
        asked = min(cpu, free[node])
        free[node] -= asked
        name = f"app-{group:04}"
        labels = {"app": name, "pod-template-hash": "7f6d5c4b3"}
        spec = {"topologySpreadConstraints": [made.spread(made.HOST, {"app": name}, 5)]} if group % 5 == 0 else {}
        one = made.pod(f"{name}-7f6d5c4b3-{number:06}", asked, memory, labels=labels, owner=f"{name}-7f6d5c4b3", **spec)
        yield _on(one, node)


def _on(pod: Object, node: str) -> Object:
    pod["spec"]["nodeName"] = node
    pod["status"] = {"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "True"}]}
    return pod


# The file, as kubectl writes it


def write(objects: list[Object], path: Path) -> None:
    """One object at a time, for all of them at once would need far more memory than the planner does."""
    seen: Counter[str] = Counter()
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n    "apiVersion": "v1",\n    "items": [\n')
        for number, one in enumerate(objects):
            seen[one["kind"]] += 1
            whole = dressed(one, seen["Pod"]) if one["kind"] == "Pod" else one
            text = json.dumps(whole, indent=4, sort_keys=True).replace("\n", "\n        ")
            file.write(f"{',' * bool(number)}\n        {text}")
        file.write('\n    ],\n    "kind": "List",\n    "metadata": {"resourceVersion": ""}\n}\n')


def dressed(pod: Object, number: int) -> Object:
    """The pod with what the API server, the kubelet and people add to it and no plan looks at."""
    main = pod["spec"]["containers"][0]
    token = {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access", "readOnly": True}
    get = {"path": "/healthz", "port": "http", "scheme": "HTTP"}
    probe = {"failureThreshold": 3, "httpGet": get, "periodSeconds": 10}
    container = main | {
        "image": f"{IMAGE}:1.24.3", "imagePullPolicy": "IfNotPresent", "livenessProbe": probe,
        "readinessProbe": probe, "env": [{"name": f"SETTING_{one}", "value": f"value-{one}"} for one in range(6)],
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "terminationMessagePath": "/dev/termination-log", "volumeMounts": [token],
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
    }  # fmt: skip
    spec = pod["spec"] | {
        "containers": [container], "dnsPolicy": "ClusterFirst", "enableServiceLinks": True, "priority": 0,
        "restartPolicy": "Always", "schedulerName": "default-scheduler", "serviceAccountName": "default",
        "terminationGracePeriodSeconds": 30,
        "tolerations": [*pod["spec"].get("tolerations", ()), *_usual_tolerations()],
        "volumes": [{"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
        ]}}],
    }  # fmt: skip
    metadata = pod["metadata"] | {
        "creationTimestamp": CREATED, "resourceVersion": str(10**6 + number),
        "uid": f"00000000-0000-4000-8000-{number:012}",
        "annotations": {"prometheus.io/scrape": "true", "checksum/config": f"{number:064x}"},
    }  # fmt: skip
    return pod | {"metadata": metadata, "spec": spec, "status": _status(pod, number)}


def _usual_tolerations() -> list[Object]:
    """What admission adds to every pod."""
    return [
        {"effect": "NoExecute", "key": f"node.kubernetes.io/{name}", "operator": "Exists", "tolerationSeconds": 300}
        for name in ("not-ready", "unreachable")
    ]


def _status(pod: Object, number: int) -> Object:
    if "nodeName" not in pod["spec"]:
        message = "0/5000 nodes are available: 5000 Insufficient cpu. preemption: 0/5000 nodes are available."
        conditions = [{**pod["status"]["conditions"][0], "message": message}]
        return {**pod["status"], "conditions": conditions, "qosClass": "Burstable"}
    started = {"running": {"startedAt": CREATED}}
    status = {
        "containerID": f"containerd://{number:064x}", "imageID": f"{IMAGE}@sha256:{number:064x}",
        "image": f"{IMAGE}:1.24.3", "lastState": {}, "name": "main", "ready": True,
        "restartCount": 0, "started": True, "state": started,
    }  # fmt: skip
    conditions = [
        {"lastProbeTime": None, "lastTransitionTime": CREATED, "status": "True", "type": kind}
        for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return {
        "conditions": conditions, "containerStatuses": [status], "hostIP": "10.1.2.3", "phase": "Running",
        "podIP": address, "podIPs": [{"ip": address}], "qosClass": "Burstable", "startTime": CREATED,
    }  # fmt: skip


def table(one: Measured) -> str:
    """The figures as a Markdown table."""
    columns = ("nodes", "running", "pending", "file", "whole process", "peak memory", "placed", "unplaced",
               "planned first", "one more pod", "checked")  # fmt: skip
    row = (
        one.nodes, one.running, one.pending, f"{one.file_bytes / 10**6:.0f} MB", f"{one.seconds:.1f} s",
        f"{one.peak_rss_bytes / 10**6:.0f} MB", one.placed, one.unplaced, f"{one.first_seconds:.2f} s",
        f"{one.again_seconds:.2f} s", "–" if one.faults is None else len(one.faults) or "✓",
    )  # fmt: skip
    return f"{made.machine_line()}\n\n{made.table(columns, [row])}"


if __name__ == "__main__":
    main()
