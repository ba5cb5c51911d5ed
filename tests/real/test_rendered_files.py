"""What poolplan renders, before those it is meant for: OVHcloud's own Terraform provider and a kube-scheduler."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gitops.clock import SystemClock
from gitops.process import run
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions, Timing
from planner.pools import Pool, PoolName, PoolSet
from planner.resources import Resources
from planner.taints import Taint
from renderer.files import FileSet
from renderer.layout import BACKEND
from renderer.nodes import node_text
from renderer.terraform_settings import TerraformSettings
from renderer.tree import render_files
from tests.real.controlplane import bound_node
from tests.renderer.cases import load_case

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.conftest import FindPart
    from tests.real.controlplane import ControlPlane, Object

PLAIN = Pool(name=PoolName("plain"), flavor="b3-8", zones=("eu-west-par-a",), desired=1)
DRESSED = Pool(
    name=PoolName("dressed"), flavor="b2-7", zones=("eu-west-par-b",), desired=0, maximum=5, monthly_billed=True,
    anti_affinity=True, labels=(("tier", "front"),), taints=(Taint("gpu"), Taint("boot", "yes", "NoExecute")),
    annotations=(("example.com/note", '${x} %{y} $${z} "q" \\ \n\ttwo é 漢'),),
)  # fmt: skip
POOLS = PoolSet.of([PLAIN, DRESSED, replace(PLAIN, name=PoolName("cordoned"), desired=0, unschedulable=True)])


class Folder:
    """A folder with rendered files, where Terraform runs with the real provider."""

    def __init__(self, program: Path, mirror: Path, path: Path) -> None:
        self._program, self._path = program, path
        settings = f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        (path / "cli.rc").write_text(settings, "utf-8")

    def write(self, files: FileSet) -> None:
        for path, text in files:
            if path != BACKEND and path.parent == BACKEND.parent:
                (self._path / path.name).write_text(text, "utf-8")

    def run(self, *arguments: str) -> str:
        keys = ("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY")
        environment = {"HOME": str(self._path), "TF_CLI_CONFIG_FILE": str(self._path / "cli.rc")}
        environment |= dict.fromkeys(keys, "sandbox")
        done = run([str(self._program), *arguments], cwd=self._path, env=environment, timeout=120)
        assert done.code == 0, f"terraform {' '.join(arguments)}\n{done.out}\n{done.err}"
        return done.out

    def plan(self) -> dict[str, list[str]]:
        """The actions of a plan, by address."""
        self.run("plan", "-input=false", "-no-color", "-out=plan")
        changes = json.loads(self.run("show", "-json", "plan"))["resource_changes"]
        return {change["address"].split(".")[1]: change["change"]["actions"] for change in changes}


def test_rendered_pools_are_applied_as_meant_and_then_show_no_difference(
    find_part: FindPart, find_provider: FindPart, tmp_path: Path
) -> None:
    folder = Folder(find_part("terraform"), find_provider("terraform"), tmp_path)
    moment = timedelta(milliseconds=100)
    options = SandboxOptions(region="EU-WEST-PAR", timing=Timing(join_after=moment, settle_after=moment))
    with start_sandbox(options, SystemClock()) as sandbox:
        settings = TerraformSettings(
            service_name="0123456789abcdef0123456789abcdef", kube_id="11111111-2222-3333-4444-555555555555",
            endpoint=sandbox.url,
        )  # fmt: skip
        folder.write(render_files(POOLS, settings))
        folder.run("init", "-input=false", "-no-color")
        folder.run("validate", "-no-color")
        assert set(map(tuple, folder.plan().values())) == {("create",)}
        folder.run("apply", "-input=false", "-no-color", "plan")
        assert folder.plan() == {"plain": ["no-op"], "dressed": ["no-op"], "cordoned": ["no-op"]}
        pools: dict[str, Any] = {str(pool["name"]): pool for pool in sandbox.model.list_pools()}
        grown = PoolSet.of([*(pool for pool in POOLS if pool != PLAIN), PLAIN.resized(4)])
        folder.write(render_files(grown, settings, existing=render_files(POOLS, settings)))
        assert folder.plan() == {"plain": ["update"], "dressed": ["no-op"], "cordoned": ["no-op"]}

    assert pools["dressed"]["template"]["metadata"]["annotations"] == dict(DRESSED.annotations)
    assert pools["dressed"]["availabilityZones"] == ["eu-west-par-b"]
    assert pools["cordoned"]["template"]["spec"]["unschedulable"] is True


def test_a_scheduler_puts_the_pods_on_the_nodes_that_a_plan_expects(plane: ControlPlane) -> None:
    plan = load_case("first-pool")
    (node,) = json.loads(node_text(plan))["items"]
    plane.create([node, *(_pod(key) for key in plan.placements[0].pods)])

    plane.start_scheduler()

    assert {bound_node(pod) for pod in plane.settled_pods()} == {plan.placements[0].name}


def test_the_api_takes_expected_nodes_with_taints(plane: ControlPlane) -> None:
    nodes = json.loads(node_text(load_case("mixed")))["items"]

    plane.create(nodes)

    taken = {node["metadata"]["name"]: node for node in plane.listed("Node")}
    assert sorted(taken) == [node["metadata"]["name"] for node in nodes]
    for node in nodes:
        assert taken[node["metadata"]["name"]]["spec"]["taints"] == node["spec"]["taints"]
        amounts = [one["status"]["allocatable"] for one in (taken[node["metadata"]["name"]], node)]
        assert Resources.parse(amounts[0]) == Resources.parse(amounts[1])


def _pod(key: str) -> Object:
    namespace, _, name = key.partition("/")
    container = {"name": "main", "image": "pause", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
