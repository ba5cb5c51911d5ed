"""A live cluster on a real kube-apiserver: what following it costs, and how soon a new pod is known.

``python benchmarks/live.py [--nodes 1000] [--running 20000] [--pending 1000] [--idle 300] [--json] [--no-check]``

Needs what ``make real-parts`` builds. The cluster is that of ``benchmarks/cluster.py``, written through the
API server, with all that a pod carries besides what decides a plan. Following it is measured in a process of its own:
the first sync is the time from the start of following to a state that is whole. Memory is that of the whole process,
before and after a plan; requests are counted where they are made.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http.client import HTTPSConnection
from itertools import islice
from pathlib import Path
from ssl import create_default_context
from typing import TYPE_CHECKING, Any

from benchmarks import made
from benchmarks.cluster import dressed, made_cluster
from benchmarks.mixes import FAMILIES
from gitops.catalogs.bundle import bundled
from gitops.clock import SystemClock
from gitops.cluster.connection import connect
from gitops.cluster.inputs import file_items
from gitops.cluster.lease import Lease
from gitops.cluster.live import LiveCluster, read_cluster
from gitops.gather import pools_of_nodes
from gitops.leading import Leadership
from planner.decide import Inputs, decide
from planner.memory import Memory
from planner.pools import PoolSet
from tests.real.controlplane import ADMIN, CONTROLLERS, SCHEDULER, ControlPlane, control_plane, path_of
from tests.real.parts import find_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.made import Object
    from gitops.cluster.connection import KubernetesApi

WRITERS = 4
TRIES = 20
POLICY = ("NodePool", "OVHNodeClass")
SERVER_MADE = ("uid", "resourceVersion", "creationTimestamp")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One cluster's figures; ``faults`` names what of the followed cluster differs from what is read anew."""

    nodes: int
    running: int
    pending: int
    sync_seconds: float
    sync_cpu_seconds: float
    snapshot_cpu_seconds: float
    again_cpu_seconds: float
    rss_bytes: int
    planned_rss_bytes: int
    peak_rss_bytes: int
    idle_seconds: float
    idle_cpu_percent: float
    watch_requests_per_minute: float
    lease_requests_per_minute: float
    pod_delay_milliseconds: float
    plan_delay_seconds: float
    faults: list[str] | None


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--running", type=int, default=20_000)
    parser.add_argument("--pending", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=300.0, help="seconds of looking on while nothing changes")
    parser.add_argument("--follow", metavar="KUBECONFIG", help="what the measured process is started with")
    chosen = parser.parse_args()
    if chosen.follow:
        print(json.dumps(follow(Path(chosen.follow), chosen.idle, check=not chosen.no_check)))
        return
    told = measure(chosen.nodes, chosen.running, chosen.pending, idle=chosen.idle, check=not chosen.no_check)
    print(json.dumps({**made.machine(), **asdict(told)}, indent=2) if chosen.json else table(told))


def measure(nodes: int, running: int, pending: int, *, idle: float, check: bool = True) -> Measured:
    """Start a control plane, fill it, and follow it from another process."""
    programs = {name: find_program(name) for name in ("etcd", "kube-apiserver", SCHEDULER, CONTROLLERS)}
    needed = {name: path for name, path in programs.items() if path}
    if {"etcd", "kube-apiserver"} - needed.keys():
        sys.exit("etcd and kube-apiserver are not there: `make real-parts` builds them")
    with tempfile.TemporaryDirectory() as folder, control_plane(needed, Path(folder)) as plane:
        fill(plane, made_cluster(nodes, running, pending))
        arguments = [sys.executable, __file__, "--follow", str(plane.kubeconfig), "--idle", str(idle)]
        done = subprocess.run(  # noqa: S603 - this very program
            [*arguments, *(() if check else ("--no-check",))], capture_output=True, text=True, check=False
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"following the cluster failed: {done.stderr}")
    return Measured(nodes=nodes, running=running, pending=pending, **json.loads(done.stdout))


# The cluster


def fill(plane: ControlPlane, objects: Iterable[Object]) -> None:
    """Write all objects, nodes before pods, by several connections at once."""
    wanted = [_acceptable(one) for one in objects if one["kind"] not in POLICY]
    plane.create(one for one in wanted if one["kind"] not in ("Node", "Pod"))
    for name in sorted({one["metadata"]["namespace"] for one in wanted if one["kind"] == "Pod"}):
        _namespace(plane, name)
    plane.hang_up()
    for kind in ("Node", "Pod"):
        mine = [one for one in wanted if one["kind"] == kind]
        with ThreadPoolExecutor(WRITERS) as pool:
            for done in [pool.submit(_write, plane, mine[first::WRITERS], first) for first in range(WRITERS)]:
                done.result()


def _acceptable(one: Object) -> Object:
    """With what an API server insists on, and without what it sets itself."""
    metadata = {key: value for key, value in one["metadata"].items() if key not in SERVER_MADE}
    for owner in metadata.get("ownerReferences", ()):
        owner.setdefault("uid", owner["name"])
        owner.setdefault("apiVersion", "apps/v1")
    if one["kind"] == "DaemonSet":
        labels = one["spec"]["template"]["metadata"]["labels"]
        one = {**one, "spec": {**one["spec"], "selector": {"matchLabels": labels}}}
    return {**one, "metadata": metadata}


def _namespace(plane: ControlPlane, name: str) -> None:
    if name not in {one["metadata"]["name"] for one in plane.listed("Namespace")}:
        plane.create([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])


def _write(plane: ControlPlane, objects: list[Object], first: int) -> None:
    """Each object, and its status where the API server takes that only by itself."""
    trust = create_default_context(cafile=str(plane.folder / "apiserver.crt"))
    line = HTTPSConnection("127.0.0.1", plane.port, context=trust)
    for number, bare in enumerate(objects):
        is_pod = bare["kind"] == "Pod"
        one = _acceptable(dressed(bare, first + WRITERS * number)) if is_pod else bare
        path = path_of(one["kind"], one["metadata"].get("namespace", ""))
        _send(plane, line, "POST", path, one)
        if is_pod:
            _send(plane, line, "PATCH", f"{path}/{one['metadata']['name']}/status", {"status": one["status"]})
    line.close()


def _send(plane: ControlPlane, line: HTTPSConnection, method: str, path: str, body: Object) -> None:
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"Authorization": f"Bearer {plane.tokens[ADMIN]}", "Content-Type": kind}
    line.request(method, path, json.dumps(body).encode(), headers)
    answer = line.getresponse()
    said = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status}: {said.decode(errors='replace')}")


# Following it


class Counting:
    """An API whose requests are counted."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self.asked: Counter[str] = Counter()

    @property
    def address(self) -> str:
        return self._api.address

    def __getattr__(self, name: str) -> Any:
        self.asked["lease" if name.endswith("_lease") else "watch"] += 1
        return getattr(self._api, name)


def follow(kubeconfig: Path, idle: float, *, check: bool) -> dict[str, Any]:
    """Everything that is measured in the process that follows; the check comes last, for it reads all anew."""
    api, clock = Counting(connect({}, kubeconfig=kubeconfig)), SystemClock()
    live = LiveCluster(api, environment={}, clock=clock)
    started, used = time.perf_counter(), time.process_time()
    live.start()
    while not live.synced:
        time.sleep(0.005)
    sync, used = time.perf_counter() - started, time.process_time() - used
    first = cpu_seconds(live.snapshot_inputs)
    rss = memory("VmRSS")
    again = statistics.median(cpu_seconds(live.snapshot_inputs) for _ in range(5))
    known = Memory()
    plan(live, known)
    planned = memory("VmRSS")
    leader = Leadership(Lease(api, "default", "benchmark"), "benchmark", clock=clock)
    leader.start()
    told = {
        "sync_seconds": round(sync, 2), "sync_cpu_seconds": round(used, 2),
        "snapshot_cpu_seconds": round(first, 3), "again_cpu_seconds": round(again, 3),
        "rss_bytes": rss, "planned_rss_bytes": planned, **at_rest(api, idle),
        "pod_delay_milliseconds": round(1000 * statistics.median(islice(delays(live, kubeconfig), TRIES)), 1),
        "plan_delay_seconds": round(statistics.median(planned_after(live, kubeconfig, known) for _ in range(3)), 2),
        "peak_rss_bytes": memory("VmHWM"), "faults": faults(live, api) if check else None,
    }  # fmt: skip
    leader.stop()
    live.stop()
    return told


def at_rest(api: Counting, seconds: float) -> dict[str, Any]:
    """CPU and requests while nothing changes in the cluster."""
    api.asked.clear()
    before, used = time.perf_counter(), time.process_time()
    time.sleep(seconds)
    lasted, used = time.perf_counter() - before, time.process_time() - used
    return {
        "idle_seconds": round(lasted, 1), "idle_cpu_percent": round(100 * used / lasted, 2),
        "watch_requests_per_minute": round(60 * api.asked["watch"] / lasted, 1),
        "lease_requests_per_minute": round(60 * api.asked["lease"] / lasted, 1),
    }  # fmt: skip


def planned_after(live: LiveCluster, kubeconfig: Path, known: Memory) -> float:
    """Seconds from the sending of a new pod to a plan that has looked at it; the batch window comes on top of that."""
    return next(delays(live, kubeconfig)) + seconds(lambda: plan(live, known))


def delays(live: LiveCluster, kubeconfig: Path) -> Iterator[float]:
    """Seconds from the sending of a new pod until it is in the state, again and again."""
    from kubernetes import client, config  # noqa: PLC0415 - only here

    core = client.CoreV1Api(config.new_client_from_config(config_file=str(kubeconfig)))
    while True:
        before = pods(live)
        one = made.pod(f"late-{before}", 100, 64, labels={"app": "late"}, owner="late")
        metadata = {"name": one["metadata"]["name"], "namespace": "default"}
        started = time.perf_counter()
        core.create_namespaced_pod("default", {**one, "metadata": metadata}, _preload_content=False)
        while pods(live) == before:
            time.sleep(0.0005)
        yield time.perf_counter() - started


def pods(live: LiveCluster) -> int:
    """How many pods are known."""
    return next(one.objects for one in live.health() if one.kind == "pods")


def plan(live: LiveCluster, known: Memory) -> None:
    """One plan: the policy is that of the made cluster, ``known`` what the plans before found out."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "policy.json")
        file.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": made.policy(made.flavors(*FAMILIES))}))
        read = live.snapshot_inputs(policy_items=file_items([file]))
    decide(Inputs(
        snapshot=read.snapshot, policy=read.policy, catalog=bundled(), declared=PoolSet(),
        observed=pools_of_nodes(read.snapshot.nodes), region=made.REGION,
    ), now=made.NOW, memory=known)  # fmt: skip


def faults(live: LiveCluster, api: Counting) -> list[str]:
    """Where what is followed differs from what is read anew."""
    followed, read = live.snapshot_inputs().snapshot, read_cluster(api, environment={}).snapshot
    return [name for name in followed.__slots__ if getattr(followed, name) != getattr(read, name)]


def seconds(what: Any) -> float:
    """What a call takes by the clock."""
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def cpu_seconds(what: Any) -> float:
    """What a call takes of the processor: on a machine with other work, that is what can be compared."""
    used = time.process_time()
    what()
    return time.process_time() - used


def memory(name: str) -> int:
    """Bytes of this process by Linux's name: VmRSS is resident now, VmHWM at most since the program began.

    Not ``ru_maxrss``, which goes on counting from the process that this one was started by.
    """
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024


def table(one: Measured) -> str:
    """The figures as a Markdown table."""
    columns = ("nodes", "running", "pending", "first sync", "CPU", "snapshot CPU", "again", "memory", "with a plan",
               "peak", "idle CPU", "watches/min", "Lease requests/min", "new pod known", "planned", "same")  # fmt: skip
    row = (
        one.nodes, one.running, one.pending, f"{one.sync_seconds:.1f} s", f"{one.sync_cpu_seconds:.1f} s",
        f"{one.snapshot_cpu_seconds:.2f} s", f"{one.again_cpu_seconds:.2f} s", *(f"{size / 2**20:.0f} MiB" for size in (
            one.rss_bytes, one.planned_rss_bytes, one.peak_rss_bytes)),
        f"{one.idle_cpu_percent:.1f} %", one.watch_requests_per_minute, one.lease_requests_per_minute,
        f"{one.pod_delay_milliseconds:.0f} ms", f"{one.plan_delay_seconds:.2f} s",
        "–" if one.faults is None else "✓" if not one.faults else one.faults,
    )  # fmt: skip
    return f"{made.machine_line()}\n\n{made.table(columns, [row])}"


if __name__ == "__main__":
    main()
