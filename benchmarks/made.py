"""What the benchmarks share: made clusters as manifests, their check, and how results are written.

Clusters are Kubernetes manifests, read through the same doors as a user's files; so the independent checker of the
tests can judge every plan without knowing a value of the planner's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitops.catalogs.bundle import bundled
from gitops.cluster import make_inputs
from gitops.cluster.files import Source
from gitops.cluster.items import items_of
from planner.decide import Inputs
from planner.pools import PoolSet
from tests.planner import checker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Object = dict[str, Any]
ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
REGION, ZONES = "EU-WEST-PAR", ("eu-west-par-a", "eu-west-par-b", "eu-west-par-c")
ZONE, HOST, TYPE = "topology.kubernetes.io/zone", "kubernetes.io/hostname", "node.kubernetes.io/instance-type"
REQUIRED = checker.REQUIRED
SEED = 42


@cache
def flavors(*families: str) -> tuple[str, ...]:
    """The bundled catalog's flavors of some families, by name."""
    return tuple(flavor.name for flavor in bundled().flavors if flavor.name.partition("-")[0] in families)


# Manifests


def policy(names: Sequence[str], **options: Any) -> list[Object]:
    """One NodePool of these flavors, with its node class."""
    requirement = {"key": TYPE, "operator": "In", "values": list(names)}
    reference = {"group": "karpenter.ovhcloud.sh", "kind": "OVHNodeClass", "name": "default"}
    node_class = {
        "apiVersion": "karpenter.ovhcloud.sh/v1alpha1", "kind": "OVHNodeClass", "metadata": {"name": "default"},
        "spec": {"serviceName": "0" * 32, "region": REGION},
    }  # fmt: skip
    node_pool = {
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"},
        "spec": {"template": {"spec": {"nodeClassRef": reference, "requirements": [requirement]}}, **options},
    }  # fmt: skip
    return [node_class, node_pool]


def node(name: str, flavor: str, zone: str, allocatable: Mapping[str, str], **labels: str) -> Object:
    """A node that is ready."""
    have = {
        HOST: name, TYPE: flavor, ZONE: zone, "topology.kubernetes.io/region": REGION, "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64", **labels,
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": have}, "spec": {},
        "status": {
            "capacity": dict(allocatable), "allocatable": dict(allocatable),
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        },
    }  # fmt: skip


def full_node() -> Object:
    """A cluster is never without a node; this one takes no pod."""
    one = node("full", "b3-8", ZONES[0], {"cpu": "1840m", "memory": "6100M", "pods": "110"})
    one["spec"]["taints"] = [{"key": "CriticalAddonsOnly", "effect": "NoSchedule"}]
    return one


def daemon_set(name: str, cpu: str, memory: str) -> Object:
    """A daemon set that is on every node."""
    container = {"name": "agent", "image": "agent", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    template = {
        "metadata": {"labels": {"agent": name}},
        "spec": {"containers": [container], "tolerations": [{"operator": "Exists"}]},
    }
    metadata = {"name": name, "namespace": "kube-system"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": {"template": template}}


def pod(name: str, cpu: int, memory: int, **options: Any) -> Object:
    """A pod that waits: millicores, MiB. ``options``: labels, owner (a ReplicaSet's name); all else is its spec."""
    labels, owner = options.pop("labels", {}), options.pop("owner", "")
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "controller": True}
    owned = {"ownerReferences": [reference]} if owner else {}
    requests = {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels, **owned},
        "spec": {"containers": [{"name": "main", "image": "app", "resources": {"requests": requests}}], **options},
        "status": {"phase": "Pending", "conditions": [unschedulable]},
    }  # fmt: skip


def spread(key: str, labels: Mapping[str, str], skew: int = 1) -> Object:
    """A topology spread constraint that forbids."""
    selector = {"matchLabels": dict(labels)}
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}


def beside(kind: str, key: str, labels: Mapping[str, str]) -> Object:
    """A required ``podAffinity`` or ``podAntiAffinity`` of one term."""
    return {kind: {REQUIRED: [{"topologyKey": key, "labelSelector": {"matchLabels": dict(labels)}}]}}


# Reading and checking


def inputs_of(objects: Sequence[Object]) -> Inputs:
    """Kubernetes objects as inputs, through the JSON that kubectl would write."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).encode()
    read = make_inputs(items_of(Source("cluster.json", text)), environment={})
    return Inputs(snapshot=read.snapshot, policy=read.policy, catalog=bundled(), declared=PoolSet(), region=REGION)


def faults_of(
    objects: Sequence[Object], new_nodes: Sequence[Object], placements: Iterable[tuple[str, Sequence[str]]]
) -> list[str]:
    """What the independent checker has against a plan: (node, its pods) of every node; nothing where it holds."""
    cluster = checker.cluster_of([*objects, *new_nodes])
    waiting = {checker.key(one): one for one in objects if one["kind"] == "Pod" and "nodeName" not in one["spec"]}
    placed = [(name, place) for place, pods in placements for name in pods]
    times = Counter(name for name, _ in placed)
    faults = [f"{name} is placed {count} times" for name, count in sorted(times.items()) if count > 1]
    faults += [f"{name} is no pod that waits" for name in sorted(times) if name not in waiting]
    faults += [f"{place} is no node" for place in sorted({place for _, place in placed}) if place not in cluster.nodes]
    if faults:
        return faults
    refused = checker.bind(cluster, waiting, dict(placed))
    return [f"{name} is refused: {', '.join(why)}" for name, why in sorted(refused.items())]


# Running


#: A small process between this one and the measured one: a child's peak memory counts that of whom it was forked from.
_STARTER = """
import json, os, sys, time
silent = os.open(os.devnull, os.O_WRONLY)
started = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, silent, 1)])
_, status, usage = os.wait4(child, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - started, usage.ru_maxrss]))
"""


def run(given: Sequence[str], *, environment: Mapping[str, str] | None = None) -> tuple[float, int]:
    """Seconds and peak bytes of one run of ``poolplan``; its output is thrown away. Ends the program where it fails."""
    program = str(Path(sys.executable).parent / "poolplan")
    around = {name: value for name, value in os.environ.items() if not name.startswith("OVH_")}
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, program, *given]
    done = subprocess.run(starter, env={**around, **(environment or {})}, capture_output=True, check=True)  # noqa: S603
    code, seconds, peak = json.loads(done.stdout)
    if code:
        sys.exit(f"poolplan {' '.join(given)} failed with exit code {code}: {done.stderr.decode()}")
    return seconds, _bytes(peak)


# Writing


def arguments(about: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a Markdown table")
    parser.add_argument("--no-check", action="store_true", help="do not let the independent checker judge the plans")
    return parser


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {"python": platform.python_version(), "processor": processor(), "cores": os.cpu_count()}


def machine_line() -> str:
    """The same for people."""
    return f"Python {platform.python_version()}, {processor()}, {os.cpu_count()} cores"


def processor() -> str:
    """The processor's name, as Linux knows it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def peak_bytes() -> int:
    """The largest resident memory of this process so far."""
    return _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _bytes(peak: int) -> int:
    """``ru_maxrss`` counts kilobytes, but on macOS bytes."""
    return peak if sys.platform == "darwin" else peak * 1024


def orders_of(certificate: Any) -> tuple[int, int] | None:
    """How many orders of arrival a plan survived, of how many; None where nothing was replayed."""
    return None if certificate is None else (certificate.survived, certificate.orders)


def orders_text(orders: Sequence[int] | None) -> str:
    """The same for people."""
    return "{}/{}".format(*orders) if orders else "–"


def euros(micros: int) -> str:
    """An hourly price with four places."""
    return f"{micros / 1_000_000:.4f}"


def percent(part: float, whole: float) -> str:
    """How much ``part`` is of ``whole``; a dash where there is nothing to compare."""
    return f"{100 * part / whole:.1f} %" if whole else "–"
