"""The real scheduler judges the replay: on the same cluster, both see the same nodes pass, with the same scores.

``--update-golden`` keeps what the scheduler did, for tests that run without it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.planner.recording import disagreements
from tests.real.controlplane import SCHEDULER, bound_node
from tests.real.scheduler_log import VERBOSITY, steps_of
from tests.real.test_controlplane import node
from tests.real.test_scheduler_agrees import all_pods_are_made

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.real.controlplane import ControlPlane, Object

CASES = sorted(Path(__file__).with_name("scoring").glob("*.yaml"))
RECORDED = Path(__file__).parents[1] / "planner" / "recorded"
METADATA = ("name", "namespace", "labels", "ownerReferences")
SPEC = (
    "affinity", "containers", "hostNetwork", "initContainers", "nodeName", "nodeSelector", "overhead", "priority",
    "resources", "schedulingGates", "selector", "taints", "tolerations", "topologySpreadConstraints", "unschedulable",
)  # fmt: skip
STATUS = ("allocatable", "capacity", "conditions")
CONTAINER = ("name", "ports", "resources", "restartPolicy")


@pytest.fixture(params=CASES, ids=lambda path: path.stem)
def case(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def recording(case: Path, running_plane: ControlPlane) -> Iterator[Object]:
    try:
        with case.open(encoding="utf-8") as file:
            yield record(YAML(typ="safe", pure=True).load_all(file), running_plane)
    finally:
        running_plane.clear()


def record(objects: Iterable[Object], plane: ControlPlane) -> Object:
    """What the scheduler does with a cluster, all of whose nodes and pods are there when it starts."""
    plane.create(objects)
    plane.start_controllers()
    plane.wait("the pods of every workload", lambda: all_pods_are_made(plane))
    kinds = ("Namespace", "Node", "Pod", "Service")
    before = [{"apiVersion": "v1", "kind": kind, **item} for kind in kinds for item in plane.listed(kind)]
    said = plane.folder / f"{SCHEDULER}.log"
    start = said.stat().st_size if said.exists() else 0
    plane.start_scheduler(VERBOSITY)
    plane.settled_pods()
    plane.stop(SCHEDULER)
    steps = steps_of(said.read_bytes()[start:].decode().splitlines())
    items = [essence(item) for item in before]
    return {"cluster": {"apiVersion": "v1", "kind": "List", "items": items}, "steps": steps}


def essence(item: Object) -> Object:
    """What scheduling looks at."""
    spec, status = item.get("spec", {}), item.get("status", {})
    kept = {key: spec[key] for key in SPEC if key in spec}
    for key in ("containers", "initContainers"):
        if key in kept:
            kept[key] = [{name: one[name] for name in CONTAINER if name in one} for one in kept[key]]
    phase = {"phase": "Running" if bound_node(item) else "Pending"} if item["kind"] == "Pod" else {}
    return {
        "apiVersion": "v1", "kind": item["kind"],
        "metadata": {key: item["metadata"][key] for key in METADATA if key in item["metadata"]},
        "spec": kept, "status": {**{key: status[key] for key in STATUS if key in status}, **phase},
    }  # fmt: skip


def test_the_replay_sees_what_the_scheduler_sees(case: Path, recording: Object, request: pytest.FixtureRequest) -> None:
    assert recording["steps"]
    if request.config.getoption("--update-golden"):
        RECORDED.mkdir(exist_ok=True)
        lines = ",\n".join(json.dumps(item, sort_keys=True) for item in recording["cluster"]["items"])
        steps = ",\n".join(json.dumps(step) for step in recording["steps"])
        head = '{"cluster": {"apiVersion": "v1", "kind": "List", "items": [\n'
        (RECORDED / f"{case.stem}.json").write_text(f'{head}{lines}\n]}}, "steps": [\n{steps}\n]}}\n', "utf-8")
    assert disagreements(recording) == []


def many_nodes() -> Iterator[Object]:
    """More nodes than the scheduler looks at for one pod, of three zones and sizes, and pods of three sizes."""
    for number in range(130):
        made = node(f"node-{number:03d}", cpu=str(2 + number % 3 * 2))
        zone = {"topology.kubernetes.io/zone": "abc"[number % 3]}
        made["metadata"]["labels"] = zone | {"kubernetes.io/hostname": made["metadata"]["name"]}
        yield made
    for name, cpu in (("small", "100m"), ("middle", "900m"), ("large", "1700m")):
        container = {"name": "main", "image": "app", "resources": {"requests": {"cpu": cpu, "memory": "300Mi"}}}
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
        yield {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
            "spec": {"replicas": 20, "selector": {"matchLabels": {"app": name}}, "template": template},
        }  # fmt: skip


def test_of_many_nodes_both_look_at_as_many(running_plane: ControlPlane) -> None:
    try:
        recording = record(many_nodes(), running_plane)
    finally:
        running_plane.clear()
    assert {len(step["scores"]) for step in recording["steps"]} == {100}
    assert disagreements(recording) == []
