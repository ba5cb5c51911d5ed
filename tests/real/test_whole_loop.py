"""The whole loop on real parts: pods of a Deployment, a proposal on Gitea, a merge, Terraform, nodes, and all back again.

Real are etcd, kube-apiserver, kube-scheduler, kube-controller-manager, Gitea, Terraform with OVHcloud's own provider
where that is at hand, and ``poolplan run`` as a process of its own. OVHcloud is the sandbox, whose nodes join the API server as Node objects; there is no kubelet, so a
pod counts as there once kube-scheduler has bound it. How long each hop took is printed (``pytest -s``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitops.clock import SystemClock, monotonic
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from tests.commands.conftest import terraform  # noqa: F401 - a fixture
from tests.commands.tools import base, policy
from tests.contracts.forges import ADA
from tests.real.controlplane import bound_node
from tests.real.fleets import GiteaFleet
from tests.real.parts import find_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitops.sandbox.server import RunningSandbox
    from tests.real.controlplane import ControlPlane, Object
    from tests.real.giteaserver import Gitea

PATIENCE = 120.0
INFLATE: Object = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "inflate", "namespace": "default"},
    "spec": {
        "replicas": 0, "selector": {"matchLabels": {"app": "inflate"}},
        "template": {
            "metadata": {"labels": {"app": "inflate"}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "inflate", "image": "pause", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                }],
            },
        },
    },
}  # fmt: skip


@dataclass
class Timeline:
    """What happened when, in seconds since the first event."""

    began: float = field(default_factory=monotonic)
    hops: list[tuple[float, str]] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.hops.append((monotonic() - self.began, what))

    def __str__(self) -> str:
        lines, last = [], 0.0
        for at, what in self.hops:
            lines.append(f"{at:7.1f} s  +{at - last:5.1f} s  {what}")
            last = at
        return "\n".join(lines)


@dataclass
class Stage:
    """Everything at one place, and the controller as a process."""

    plane: ControlPlane
    fleet: GiteaFleet
    sandbox: RunningSandbox
    log: Path
    timeline: Timeline = field(default_factory=Timeline)

    def wait(self, what: str, reached: Callable[[], bool]) -> None:
        """Note when something has come true. What the controller said is shown where it does not."""
        clock, end = SystemClock(), monotonic() + PATIENCE
        while not reached():
            assert monotonic() < end, f"still not so: {what}\n{self.timeline}\n{self.log.read_text('utf-8')[-6000:]}"
            clock.sleep(timedelta(milliseconds=100))
        self.timeline.note(what)

    def scale(self, replicas: int) -> None:
        path = "/apis/apps/v1/namespaces/default/deployments/inflate/scale"
        self.plane.call("PATCH", path, {"spec": {"replicas": replicas}})
        self.timeline.note(f"kubectl scale deployment/inflate --replicas={replicas}")

    def pods(self) -> list[Object]:
        return self.plane.listed("Pod", "default")

    def request(self, kind: str) -> dict[str, Any] | None:
        return next((one for one in self.fleet.requests() if one["head"]["ref"] == f"poolplan/demo/{kind}"), None)

    def merge(self, kind: str) -> None:
        """A person approves and merges through Gitea's API, once the branch is as it will stay."""
        request = self.request(kind)
        assert request is not None
        number = int(request["number"])
        self.fleet.people.approve(ADA, number)
        self.timeline.note(f"#{number} is approved")
        self.wait(f"#{number} has the status that main's protection asks for", lambda: self._passes(number))
        self.fleet.gitea.call(ADA, "POST", f"/repos/{self.fleet.name}/pulls/{number}/merge", {"Do": "merge"})
        self.timeline.note(f"#{number} is merged through the forge's API")

    def _passes(self, number: int) -> bool:
        return self.fleet.status(self.fleet.request(number)["head"]["sha"])[0] == "success"

    def sizes(self) -> dict[str, int]:
        pools = self.sandbox.model.list_pools()
        return {str(one["name"]): int(one["desiredNodes"]) for one in pools}  # type: ignore[call-overload]


def provider_for(program: str, folder: Path) -> Path:
    """The CLI configuration that leads to OVHcloud's own provider, where it is at hand, and else to the stand-in."""
    mirror = find_mirror("tofu" if "tofu" in Path(program).name else "terraform")
    if mirror is None:
        return install_mirror(folder)
    folder.mkdir()
    path = folder / "real.tfrc"
    path.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n', "utf-8")
    return path


@pytest.fixture
def stage(
    plane: ControlPlane, gitea: Gitea, tmp_path: Path, terraform: str  # noqa: F811 - a fixture
) -> Iterator[Stage]:
    moment = timedelta(seconds=2)
    options = SandboxOptions(kubeconfig=plane.kubeconfig, timing=Timing(join_after=moment, settle_after=moment))
    with start_sandbox(options, SystemClock()) as sandbox:
        fleet = GiteaFleet(gitea=gitea, folder=tmp_path)
        settings = base("settings.yaml").replace("ENDPOINT", sandbox.url).replace("NAME", "demo")
        settings = settings.replace("proposals: {batch: {idle: 0s}}", f"forge: {fleet.forge()}")
        rules = policy("b3-8, b3-16, b3-32").replace("consolidateAfter: 1m", "consolidateAfter: 5s")
        rules = rules.replace("cpu: 20, memory: 40Gi", "cpu: 64, memory: 256Gi")
        fleet.commit({"cluster.yaml": settings, "policy/policy.yaml": rules}, "Describe cluster demo")
        fleet.protect()
        plane.start_scheduler()
        plane.start_controllers()
        plane.create([INFLATE])
        log = tmp_path / "controller.log"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OVH_", "TF_", "POOLPLAN_"))},
            **fleet.environment, "OVH_ENDPOINT": sandbox.url, "OVH_APPLICATION_KEY": "sandbox",
            "OVH_APPLICATION_SECRET": "sandbox", "OVH_CONSUMER_KEY": "sandbox", "OVH_SERVICE_NAME": PROJECT,
            "OVH_KUBE_ID": CLUSTER, "KUBECONFIG": str(plane.kubeconfig), "POOLPLAN_STATE": str(tmp_path / "state"),
        }  # fmt: skip
        command = [
            str(Path(sys.executable).with_name("poolplan")), "run", "--repo", fleet.address, "--every", "2s",
            "--lease", "default/poolplan", "--program", terraform, "--cli-config", str(provider_for(terraform, tmp_path / "rc")),
        ]  # fmt: skip
        with (
            log.open("wb") as said,
            subprocess.Popen(command, env=environment, stderr=said, stdout=said) as process,  # noqa: S603 - our own
        ):
            yield Stage(plane=plane, fleet=fleet, sandbox=sandbox, log=log)
            process.terminate()
            assert process.wait(60) == 0, log.read_text("utf-8")[-3000:]


def test_a_deployment_scaled_up_and_down_takes_its_nodes_with_it(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.wait("the controller leads", lambda: '"event": "leads"' in stage.log.read_text("utf-8"))
    stage.timeline = Timeline()
    stage.scale(16)
    stage.wait("16 pods are pending", lambda: len(stage.pods()) == 16)
    stage.wait("a proposal stands on Gitea", lambda: stage.request("up") is not None)
    stage.merge("up")
    stage.wait("OVHcloud has the pools", lambda: sum(stage.sizes().values()) > 0)
    stage.wait("every pod is bound by kube-scheduler", lambda: all(map(bound_node, stage.pods())))
    stage.wait("it is recorded as applied", lambda: "applied" in stage.fleet.records())
    # only now are all pools there: they are made one after the other
    stage.wait("all nodes have joined", lambda: len(stage.plane.listed("Node")) == sum(stage.sizes().values()))
    stage.scale(0)
    stage.wait("the pods are gone", lambda: not stage.pods())
    stage.wait("a proposal to remove the nodes stands", lambda: stage.request("down") is not None)
    stage.merge("down")
    stage.wait("the nodes are drained and gone", lambda: not stage.plane.listed("Node"))
    stage.wait("OVHcloud has no pool", lambda: stage.sizes() == {})
    with capsys.disabled():
        print(f"\n{stage.timeline}")  # noqa: T201 - the point of it
    lines = [json.loads(line) for line in stage.log.read_text("utf-8").splitlines()]
    assert not [line for line in lines if line["event"] == "pass failed"]
