"""A soak: two controllers for half an hour, with random scaling, failing calls and leaders that are killed.

``python benchmarks/soak.py [--minutes 30] [--seed 1] [--json] [--log FOLDER]``

OVHcloud and the cluster are the sandbox, each controller is a process of its own (``poolplan run --lease``), and small
changes merge themselves. Deployments are scaled at random every some seconds, calls to the API fail at random, and the
leader is killed (SIGKILL) after a third and after two thirds of the time, and started again. At the end scaling stops,
and when nothing moves any more it is looked whether anything was lost or doubled: every pod runs, the provider's pools
and the cluster's nodes are those that Git declares, and nothing was applied twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from gitops.clock import SystemClock
from gitops.fleet import read_fleet
from gitops.gather import Surroundings
from gitops.git.opening import open_repository
from gitops.loop.ledger import read_ledger
from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import credentials_from
from gitops.sandbox.cluster.api import kubeconfig
from gitops.sandbox.cluster.cluster import SandboxCluster
from gitops.sandbox.cluster.patches import MERGE
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing

APPS = ("web", "api", "batch")
LEASE = "default/poolplan"
POLICY = """
apiVersion: karpenter.ovhcloud.sh/v1alpha1
kind: OVHNodeClass
metadata: {name: default}
spec: {serviceName: 0123456789abcdef0123456789abcdef, region: EU-WEST-PAR}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: default}
spec:
  template:
    spec:
      nodeClassRef: {group: karpenter.ovhcloud.sh, kind: OVHNodeClass, name: default}
      requirements:
      - {key: node.kubernetes.io/instance-type, operator: In, values: [b3-8, b3-16]}
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 15s, budgets: [{nodes: "100%"}]}
"""
FAULTS: tuple[dict[str, Any], ...] = (
    {"scenario": "rate-limited", "path": "*/nodepool*", "times": 2},
    {"scenario": "server-error", "method": "GET", "path": "*/nodepool*", "times": 4},
    {"scenario": "server-error", "method": "POST", "path": "*/nodepool", "times": 1},
    {"scenario": "server-error", "method": "PUT", "path": "*/nodepool/*", "times": 1},
    {"scenario": "slow", "path": "*/nodepool*", "delay": 3.0, "times": 2},
    {"method": "*", "path": "*/nodepool*", "status": 409, "class": "Client::Conflict", "message": "busy", "times": 1},
)


@dataclass
class Controllers:
    """The processes, by name, and what became of them."""

    command: list[str]
    environment: dict[str, str]
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)

    def start(self, name: str) -> None:
        self.starts[name] += 1
        state = self.folder / name
        log = (self.folder / f"{name}.log").open("ab")
        environment = {**self.environment, "POOLPLAN_STATE": str(state)}
        self.running[name] = subprocess.Popen(self.command, env=environment, stdout=log, stderr=log)  # noqa: S603

    def kill(self, name: str) -> None:
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def sample(self, at: float) -> None:
        for name, process in self.running.items():
            status = Path(f"/proc/{process.pid}/status")
            if status.is_file():
                line = next((one for one in status.read_text().splitlines() if one.startswith("VmRSS")), "VmRSS: 0 kB")
                key = f"{name} {self.starts[name]}"
                self.memory.setdefault(key, []).append((at, int(line.split()[1])))

    def leader(self) -> str:
        """Who said last that it leads."""
        last: tuple[str, str] = ("", "")
        for name in self.running:
            for line in (self.folder / f"{name}.log").read_text("utf-8").splitlines():
                if '"event": "leads"' in line:
                    last = max(last, (json.loads(line)["time"], name))
        return last[1]

    def stop(self) -> list[int]:
        for process in self.running.values():
            process.terminate()
        return [process.wait(90) for process in self.running.values()]


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """What a soak found. ``problems`` empty: nothing was lost or doubled. Memory is in MiB: early and late."""

    minutes: float
    scalings: int
    faults: int
    kills: int
    applied: int
    failed: int
    passes: int
    passes_failed: int
    settled_after_seconds: float
    memory: dict[str, tuple[int, int, int]]
    exit_codes: list[int]
    problems: list[str]


def soak(minutes: float, seed: int, folder: Path) -> Soaked:
    """Run one. Returns when everything has come to rest, or gave up on that."""
    dice = random.Random(seed)  # noqa: S311 - it shall do the same again
    cluster = SandboxCluster(SystemClock())
    timing = Timing(join_after=timedelta(seconds=4), settle_after=timedelta(seconds=1))
    with start_sandbox(SandboxOptions(timing=timing), SystemClock(), cluster=cluster) as sandbox:
        (folder / "kubeconfig").write_text(kubeconfig(sandbox.url.removesuffix("/1.0")), encoding="utf-8")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OVH_", "POOLPLAN_"))},
            "OVH_ENDPOINT": sandbox.url, "OVH_APPLICATION_KEY": "sandbox", "OVH_APPLICATION_SECRET": "sandbox",
            "OVH_CONSUMER_KEY": "sandbox", "OVH_SERVICE_NAME": PROJECT, "OVH_KUBE_ID": CLUSTER,
            "KUBECONFIG": str(folder / "kubeconfig"),
        }  # fmt: skip
        repository = _repository(folder, sandbox.url)
        for name in APPS:
            cluster.seed([_deployment(name)])
        program = Path(sys.executable).with_name("poolplan")
        controllers = Controllers(
            [str(program), "run", "--repo", str(repository), "--every", "5s", "--lease", LEASE], environment, folder
        )  # fmt: skip
        for name in ("one", "two"):
            controllers.start(name)
        began, kills, scalings, faults = time.monotonic(), 0, 0, 0
        while (at := time.monotonic() - began) < minutes * 60:
            if kills < 2 and at > (kills + 1) * minutes * 20:
                name = controllers.leader()
                controllers.kill(name)
                controllers.start(name)
                kills += 1
            app = dice.choice(APPS)
            cluster.patch(Key("deployments.apps", "default", app), {"spec": {"replicas": dice.randrange(0, 9)}}, MERGE)
            scalings += 1
            if dice.random() < 0.4:
                sandbox.model.failures.add(json.dumps(dice.choice(FAULTS)).encode())
                faults += 1
            controllers.sample(at)
            time.sleep(dice.uniform(4, 14))
        sandbox.model.failures.clear()
        rested = _rest(cluster, repository, environment, folder)
        codes = controllers.stop()
        problems = _problems(cluster, repository, environment, folder)
        return _figures(controllers, minutes, rested, codes, problems, scalings=scalings, faults=faults, kills=kills)


def _figures(
    controllers: Controllers, minutes: float, rested: float, codes: list[int], problems: list[str], **counts: int
) -> Soaked:
    lines = [
        json.loads(line) for name in controllers.running
        for line in (controllers.folder / f"{name}.log").read_text("utf-8").splitlines() if line.startswith("{")
    ]  # fmt: skip
    events = Counter(line["event"] for line in lines)
    memory = {}
    for name, samples in controllers.memory.items():
        sizes = [size // 1024 for _, size in samples]
        third = max(1, len(sizes) // 3)
        memory[name] = (sum(sizes[:third]) // third, sum(sizes[-third:]) // third, max(sizes))
    return Soaked(
        minutes=minutes, applied=events["applied"], failed=events["not applied"], passes=events["pass"],
        passes_failed=events["pass failed"], settled_after_seconds=round(rested, 1), memory=memory, exit_codes=codes,
        problems=[*problems, *(line["text"] for line in lines if "defect" in str(line.get("text", "")))], **counts,
    )  # fmt: skip


def _repository(folder: Path, url: str) -> Path:
    bare, work = folder / "fleet.git", folder / "work"
    git = ["git", "-c", "user.name=Robin", "-c", "user.email=robin@example.org"]
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)  # noqa: S603, S607
    subprocess.run(["git", "clone", "-q", str(bare), str(work)], check=True, capture_output=True)  # noqa: S603, S607
    place = work / "clusters" / "demo"
    (place / "policy").mkdir(parents=True)
    (place / "policy" / "policy.yaml").write_text(POLICY, "utf-8")
    (place / "cluster.yaml").write_text(
        "apiVersion: poolplan.dev/v1alpha1\nkind: Cluster\nmetadata: {name: demo}\nspec:\n"
        f"  provider: {{ovh: {{serviceName: {PROJECT}, kubeId: {CLUSTER}, region: EU-WEST-PAR, endpoint: '{url}'}}}}\n"
        "  engine: ovh-api\n  proposals: {batch: {idle: 0s}, perHour: 10000}\n  review: {default: {approvals: 0}}\n"
        "  guardrails: {maxNodes: 40}\n", "utf-8",
    )  # fmt: skip
    for arguments in (["add", "-A"], ["commit", "-qm", "Describe cluster demo"], ["push", "-q", "origin", "main"]):
        subprocess.run([*git, "-C", str(work), *arguments], check=True)  # noqa: S603
    return bare


def _deployment(name: str) -> Any:
    requests = {"cpu": "1500m" if name == "batch" else "700m", "memory": "1Gi"}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "pause", "resources": {"requests": requests}}]},
            },
        },
    }  # fmt: skip


def _rest(cluster: SandboxCluster, repository: Path, environment: dict[str, str], folder: Path) -> float:
    """Wait until nothing is wrong any more, for ten minutes at most; how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < 600:
        if not _problems(cluster, repository, environment, folder):
            return time.monotonic() - began
        time.sleep(3)
    return time.monotonic() - began


def _problems(cluster: SandboxCluster, repository: Path, environment: dict[str, str], folder: Path) -> list[str]:
    """What is lost, doubled, or not done."""
    found = []
    pods: list[Any] = list(cluster.listing("pods"))
    waiting = [one["metadata"]["name"] for one in pods if not one["spec"].get("nodeName")]
    found += [f"pod {name} waits" for name in waiting]
    around = Surroundings(environment=environment, clock=SystemClock(), remark=lambda _: None)
    opened = open_repository(str(repository), cache=folder / "look")
    opened.refresh()
    fleet = read_fleet(opened, "demo", around)
    client = OvhClient.connect(
        credentials_from(environment), service_name=PROJECT, kube_id=CLUSTER, clock=SystemClock()
    )  # fmt: skip
    there = client.pools()
    if there != fleet.declared:
        found.append(f"the provider has {_shown(there)}, Git declares {_shown(fleet.declared)}")
    records = read_ledger(opened, fleet.settings).records
    applied = Counter(one.commit for one in records if one.event.value == "applied")
    found += [f"commit {commit[:12]} was applied {count} times" for commit, count in applied.items() if count > 1]
    nodes = [str(one["metadata"]["name"]) for one in cluster.listing("nodes")]  # type: ignore[index, call-overload]
    if len(nodes) != sum(pool.desired for pool in there):
        found.append(f"{len(nodes)} nodes are there, {sum(pool.desired for pool in there)} are desired")
    return found


def _shown(pools: Any) -> str:
    return ", ".join(f"{pool.name} × {pool.desired}" for pool in pools) or "nothing"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--log", type=Path, help="keep the controllers' logs in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="poolplan-soak-") as made:
        folder = options.log or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        result = soak(options.minutes, options.seed, folder)
    if options.json:
        print(json.dumps(asdict(result), indent=2))
    else:
        for name, value in asdict(result).items():
            print(f"{name}: {value}")
    sys.exit(1 if result.problems else 0)


if __name__ == "__main__":
    main()
