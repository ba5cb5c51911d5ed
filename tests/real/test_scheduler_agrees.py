"""The real scheduler judges the planner: on the nodes that a plan promises, it binds the pods that the plan has placed.

Each case is a folder with a cluster and a policy. The real controllers make the pods and the real scheduler refuses
them; poolplan plans from what the API server then says; and the nodes of the plan are put into that same cluster.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from gitops.process import run
from tests.real.controlplane import SCHEDULER, bound_node
from tests.real.test_controlplane import node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.real.controlplane import ControlPlane, Object

CASES = sorted(Path(__file__).with_name("cases").iterdir())
UNPLACED = {"gated": {"later"}, "nowhere": {"arm", "giant"}}  # the apps of pods that belong nowhere
WORKLOADS = {"Deployment", "ReplicaSet", "DaemonSet"}
MAIN = "from gitops.commands.main import main; main()"
TAINTED = {"taints": [{"key": "CriticalAddonsOnly", "effect": "NoSchedule"}]}
SYSTEM_NODE = {**node("system", cpu="2"), "spec": TAINTED}  # a cluster is never without a node; this one takes no pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a case; pods are ``namespace/name``.

    ``apps`` has the pods to plan for and the app of each, ``placed`` the plan's own word, ``joined`` where pods went
    once the plan's nodes were there, ``pinned`` the same when each may go to its planned node only.
    """

    apps: dict[str, str]
    placed: dict[str, str]
    joined: dict[str, str]
    pinned: dict[str, str]

    def count(self, pods: Iterable[str]) -> Counter[str]:
        """How many pods of each app: those of one app are alike, and the scheduler may take either."""
        return Counter(self.apps[pod] for pod in pods if pod in self.apps)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


@pytest.fixture(scope="module")
def verdict(case: Path, running_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdict]:
    """One case from its workloads to the scheduler's word; told once, because it takes seconds."""
    try:
        yield judge(case, running_plane, tmp_path_factory.mktemp(case.name))
    finally:
        running_plane.clear()


def judge(case: Path, plane: ControlPlane, folder: Path) -> Verdict:
    cluster = refused_by_the_scheduler(case, plane)
    placed, nodes = plan_for(cluster, case, folder)
    pods = [item for item in cluster["items"] if item["kind"] == "Pod" and not bound_node(item)]
    verdict = Verdict(
        apps={name_of(pod): pod["metadata"]["labels"]["app"] for pod in pods}, placed=placed, joined={}, pinned={},
    )
    # The plan speaks of its nodes together; while only the first is there, pods may fill it that the others were for.
    plane.stop(SCHEDULER)
    plane.create([nodes])
    plane.start_scheduler()
    plane.wait("the scheduler's rest", plane.is_at_rest)
    joined = bound(plane)
    plane.clear()
    plane.create([*(pinned(item, placed) for item in cluster["items"] if item["kind"] not in WORKLOADS), nodes])
    plane.start_scheduler()
    plane.wait("the scheduler's rest", plane.is_at_rest)
    return replace(verdict, joined=joined, pinned=bound(plane))


def refused_by_the_scheduler(case: Path, plane: ControlPlane) -> Object:
    """The cluster of a case when the controllers have made its pods and the scheduler has done what it can."""
    with (case / "cluster.yaml").open(encoding="utf-8") as file:
        plane.create([SYSTEM_NODE, *YAML(typ="safe", pure=True).load_all(file)])
    plane.start_controllers()
    plane.start_scheduler()
    plane.wait("the pods of every workload", lambda: all_pods_are_made(plane))
    plane.settled_pods()
    return plane.snapshot()


def plan_for(cluster: Object, case: Path, folder: Path) -> tuple[dict[str, str], Object]:
    """Where poolplan places each pod, and the ``List`` of nodes that it expects to join."""
    (folder / "cluster.json").write_text(json.dumps(cluster), "utf-8")
    options = ["--snapshot", "cluster.json", "--policy", str(case / "policy.yaml")]
    files = ["--out", "plan.json", "--nodes-out", "nodes.json"]
    # No variable of the machine's: poolplan would ask a real API if it found the keys of one.
    done = run([sys.executable, "-c", MAIN, "plan", *options, *files], cwd=folder, env={"HOME": str(folder)})
    assert done.code == 0, done.err
    plan, nodes = (json.loads((folder / name).read_text("utf-8")) for name in ("plan.json", "nodes.json"))
    return {pod: each["node"] for each in plan["placements"] for pod in each["pods"]}, nodes


def all_pods_are_made(plane: ControlPlane) -> bool:
    made = [each["status"].get("replicas", 0) == each["spec"]["replicas"] for each in plane.listed("Deployment")]
    daemons = [each["status"] for each in plane.listed("DaemonSet")]
    seen = [bool(each.get("observedGeneration")) for each in daemons]
    running = [each["currentNumberScheduled"] == each["desiredNumberScheduled"] for each in daemons]
    return all([*made, *seen, *running])


def name_of(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def bound(plane: ControlPlane) -> dict[str, str]:
    return {name_of(pod): bound_node(pod) for pod in plane.listed("Pod") if bound_node(pod)}


def pinned(item: Object, placed: dict[str, str]) -> Object:
    """A pod that is placed may go to its own node only; all else about it still has to hold."""
    if item["kind"] != "Pod" or name_of(item) not in placed:
        return item
    pod: Object = json.loads(json.dumps(item))
    here = {"key": "metadata.name", "operator": "In", "values": [placed[name_of(item)]]}
    for constraint in pod["spec"].get("topologySpreadConstraints", ()):
        # The server wrote these keys into the selector when it made the pod, and refuses to find them there again.
        keys, selector = constraint.get("matchLabelKeys", ()), constraint.get("labelSelector", {})
        found = selector.pop("matchExpressions", ())
        selector["matchExpressions"] = [each for each in found if each["key"] not in keys]
    affinity = pod["spec"].setdefault("affinity", {}).setdefault("nodeAffinity", {})
    required = affinity.setdefault("requiredDuringSchedulingIgnoredDuringExecution", {"nodeSelectorTerms": [{}]})
    for term in required["nodeSelectorTerms"]:
        term.setdefault("matchFields", []).append(here)
    return pod


def test_the_plan_places_every_pod_that_can_be_placed(case: Path, verdict: Verdict) -> None:
    assert verdict.apps
    assert set(verdict.count(verdict.apps.keys() - verdict.placed.keys())) == UNPLACED.get(case.name, set())


def test_the_scheduler_binds_what_the_plan_places(verdict: Verdict) -> None:
    assert verdict.count(verdict.joined) == verdict.count(verdict.placed)


def test_the_scheduler_binds_nothing_that_the_plan_leaves_out(verdict: Verdict) -> None:
    assert verdict.count(verdict.joined) <= verdict.count(verdict.placed)


def test_the_scheduler_accepts_each_placement_as_it_is(verdict: Verdict) -> None:
    assert {pod: verdict.pinned.get(pod, "") for pod in verdict.placed} == verdict.placed
