"""The chart in a real API server, installed by a real Helm: its CRDs judge, and its rights are enough and no more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from gitops.clock import SystemClock
from gitops.controller.logs import Log
from gitops.controller.running import Running, RunOptions
from gitops.gather import Sources, Surroundings
from gitops.process import run
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from tests.commands.tools import DATA, Desk, new_repository, policy
from tests.commands.waiting import until
from tests.contracts.apiservers import node
from tests.real.controlplane import CONTROLLERS, ControlPlaneError, bound_node, namespace
from tests.real.parts import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.conftest import FindPart
    from tests.real.controlplane import ControlPlane, Object

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "poolplan"
NAMESPACE = "poolplan"
CASES: dict[str, Any] = YAML(typ="safe").load((Path(__file__).parent / "chart_objects.yaml").read_text("utf-8"))
PATHS = {
    "OVHNodeClass": "/apis/karpenter.ovhcloud.sh/v1alpha1/ovhnodeclasses", "NodePool": "/apis/karpenter.sh/v1/nodepools",
    "ScalePlan": "/apis/poolplan.dev/v1alpha1/scaleplans",
}  # fmt: skip
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True)
class Installed:
    """A release, and the API server that has it."""

    plane: ControlPlane
    helm: Path

    def set(self, *values: str) -> None:
        """Install it, or upgrade it to these values."""
        given = [f"--set={one}" for one in (f"ovh.serviceName={PROJECT}", *values)]
        self.run("upgrade", "poolplan", str(CHART), "--install", "--create-namespace", *given)

    def run(self, *arguments: str) -> str:
        kubeconfig = str(self.plane.kubeconfig)
        done = run([str(self.helm), *arguments, "--kubeconfig", kubeconfig, "--namespace", NAMESPACE], timeout=300)
        assert done.code == 0, done.err
        return done.out

    def kubeconfig(self, folder: Path) -> Path:
        """For a client that comes as the controller does: with a token of its service account."""
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/poolplan/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = self.plane.call("POST", path, request)["status"]["token"]
        made = json.loads(self.plane.kubeconfig.read_text("utf-8"))
        made["users"][0]["user"] = {"token": token}
        (folder / "kubeconfig").write_text(json.dumps(made), "utf-8")
        return folder / "kubeconfig"

    def may(self, verb: str, resource: str, *, namespace: str = "", name: str = "") -> bool:
        """Whether the service account may, in the API server's own words. ``resource`` is like ``pods/eviction``."""
        plural, _, group = resource.partition(".")
        plural, _, sub = plural.partition("/")
        asked = {"verb": verb, "resource": plural, "group": group, "subresource": sub, "namespace": namespace, "name": name}
        review = self.plane.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": f"system:serviceaccount:{NAMESPACE}:poolplan", "resourceAttributes": asked},
        })  # fmt: skip
        return bool(review["status"]["allowed"])


@pytest.fixture(scope="module")
def release(running_plane: ControlPlane, find_part: FindPart) -> Iterator[Installed]:
    made = Installed(running_plane, find_part("helm"))
    made.set()
    running_plane.wait("the kinds", lambda: all(_is_there(running_plane, path) for path in PATHS.values()))
    yield made
    made.run("uninstall", "poolplan")
    for name in _crds():
        running_plane.call("DELETE", f"{CRDS}/{name}")
    # Helm leaves a kind alone that is there, and for a moment one is there that is about to go.
    running_plane.wait("the end of the kinds", lambda: not any(_is_there(running_plane, f"{CRDS}/{one}") for one in _crds()))


def _is_there(plane: ControlPlane, path: str) -> bool:
    try:
        return bool(plane.call("GET", path))
    except ControlPlaneError:
        return False


def _crds() -> list[str]:
    return sorted(YAML(typ="safe").load(path.read_text("utf-8"))["metadata"]["name"] for path in CHART.glob("crds/*.yaml"))


def object_of(kind: str, spec: object) -> Object:
    group = PATHS[kind].split("/")[2:4]
    return {"apiVersion": "/".join(group), "kind": kind, "metadata": {"name": "tried"}, "spec": spec}


def dry_run(plane: ControlPlane, kind: str, body: Object) -> None:
    plane.call("POST", f"{PATHS[kind]}?dryRun=All&fieldValidation=Strict", body)


GOOD = [(kind, number) for kind in sorted(CASES) for number in range(len(CASES[kind]["good"]))]
BAD = [(kind, number) for kind in sorted(CASES) for number in range(len(CASES[kind]["bad"]))]


@pytest.mark.parametrize(("kind", "number"), GOOD)
def test_what_is_right_is_taken(release: Installed, kind: str, number: int) -> None:
    dry_run(release.plane, kind, object_of(kind, CASES[kind]["good"][number]))


@pytest.mark.parametrize(("kind", "number"), BAD)
def test_what_is_wrong_is_refused(release: Installed, kind: str, number: int) -> None:
    case = CASES[kind]["bad"][number]
    with pytest.raises(ControlPlaneError) as caught:
        dry_run(release.plane, kind, object_of(kind, case["spec"]))
    assert case["says"] in str(caught.value)


def test_every_policy_of_the_examples_is_taken(release: Installed) -> None:
    tried = 0
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        if "pools" in path.parts:
            continue
        for one in YAML(typ="safe").load_all(path.read_text("utf-8")):
            for item in one.get("items", [one]) if isinstance(one, dict) else ():
                kind, version = item.get("kind"), item.get("apiVersion")
                if kind in ("NodePool", "OVHNodeClass") and version in ("karpenter.sh/v1", "karpenter.ovhcloud.sh/v1alpha1"):
                    dry_run(release.plane, kind, {**item, "metadata": {"name": item["metadata"]["name"]}})
                    tried += 1
    assert tried > 10


def test_crds_that_are_there_are_left_alone(release: Installed) -> None:
    """Whoever has Karpenter's own keeps them."""
    path = f"{CRDS}/nodepools.karpenter.sh"
    release.plane.call("PATCH", path, {"metadata": {"labels": {"whose": "karpenter"}}})
    release.run("uninstall", "poolplan")
    release.set()
    assert release.plane.call("GET", path)["metadata"]["labels"]["whose"] == "karpenter"


VALUES = sorted((ROOT / "tests" / "charts" / "cases").glob("*.values.yaml"))


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.name)
def test_what_is_rendered_is_taken(release: Installed, values: Path) -> None:
    for name in ("flux-system", "argocd"):
        if not _is_there(release.plane, f"/api/v1/namespaces/{name}"):
            release.plane.call("POST", "/api/v1/namespaces", namespace(name))
    without = "--set=serviceMonitor.enabled=false,prometheusRule.enabled=false"  # of kinds that are not here
    try:
        release.run("install", "tried", str(CHART), "--values", str(values), without)
        assert _is_there(release.plane, f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/tried-poolplan")
    finally:
        release.run("uninstall", "tried")


READS = (
    "pods", "nodes", "daemonsets.apps", "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io",
    "csinodes.storage.k8s.io", "poddisruptionbudgets.policy", "priorityclasses.scheduling.k8s.io", "namespaces",
    "limitranges", "services", "runtimeclasses.node.k8s.io", "ovhnodeclasses.karpenter.ovhcloud.sh", "nodepools.karpenter.sh",
)  # fmt: skip
DRAINS = (("patch", "nodes"), ("create", "pods/eviction"), ("delete", "pods"))
NEVER = (
    ("get", "secrets"), ("list", "secrets"), ("create", "pods"), ("patch", "pods"), ("delete", "nodes"),
    ("create", "pods/exec"), ("update", "nodepools.karpenter.sh"), ("delete", "nodepools.karpenter.sh"),
    ("patch", "ovhnodeclasses.karpenter.ovhcloud.sh"), ("patch", "deployments.apps"), ("list", "configmaps"),
    ("create", "clusterrolebindings.rbac.authorization.k8s.io"), ("escalate", "clusterroles.rbac.authorization.k8s.io"),
    ("impersonate", "users"), ("delete", "namespaces"), ("create", "nodepools.kube.cloud.ovh.com"), ("patch", "events"),
)  # fmt: skip


def test_rights_follow_what_it_is_to_do(release: Installed) -> None:
    for values, drains in (([], False), (["git.repo=/fleet.git"], True), (["git.repo=/fleet.git", "apply=false"], False)):
        release.set(*values)
        assert all(release.may(verb, one) for one in READS for verb in ("list", "watch"))
        assert {release.may(*one) for one in DRAINS} == {drains}, values
        assert [one for one in NEVER if release.may(*one)] == []
        leases = "leases.coordination.k8s.io"
        assert release.may("update", leases, namespace=NAMESPACE, name="poolplan")
        assert not release.may("update", leases, namespace=NAMESPACE, name="another")
        assert not release.may("update", leases, namespace="kube-system", name="poolplan")


STATE = """
terraform {{
  backend "kubernetes" {{
    secret_suffix = "poolplan"
    namespace     = "{namespace}"
    config_path   = "{kubeconfig}"
  }}
}}
resource "terraform_data" "one" {{ input = "kept" }}
"""


def test_terraform_keeps_its_state_beside_the_release(
    release: Installed, find_part: FindPart, tmp_path: Path
) -> None:
    release.set("git.repo=/fleet.git", "terraform.state.inCluster=true")
    tofu, folder = str(find_part("tofu")), tmp_path / "tofu"
    folder.mkdir()
    text = STATE.format(namespace=NAMESPACE, kubeconfig=release.kubeconfig(tmp_path))
    (folder / "main.tf").write_text(text, "utf-8")
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TF_CLI_CONFIG_FILE": "/dev/null"}
    for command in (["init"], ["apply", "-auto-approve"], ["plan", "-detailed-exitcode"], ["destroy", "-auto-approve"]):
        done = run([tofu, *command, "-no-color"], cwd=folder, env=environment, timeout=120)
        assert done.code == 0, done.out + done.err
    assert not release.may("get", "secrets", namespace=NAMESPACE, name="ovh-credentials")
    release.set("git.repo=/fleet.git")
    denied = run([tofu, "plan", "-no-color"], cwd=folder, env=environment, timeout=120)
    assert denied.code == 1, "without that value there is no right to any Secret"


POD: Object = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waiting", "namespace": "default"},
    "spec": {"containers": [{"name": "main", "image": "pause", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]},
}  # fmt: skip


def test_a_controller_needs_no_right_that_it_does_not_have(
    release: Installed, plane: ControlPlane, tmp_path: Path
) -> None:
    """With the rights that the chart gives it leads, follows every kind, proposes, and shows that in the cluster."""
    release.set("git.repo=/fleet.git")
    (tmp_path / "client").mkdir()
    said: list[dict[str, Any]] = []
    with start_sandbox(SandboxOptions(timing=Timing(join_after=timedelta(0))), SystemClock()) as sandbox:
        for one in YAML(typ="safe").load_all(policy("b3-8")):
            plane.call("POST", PATHS[one["kind"]], one)
        plane.call("POST", "/api/v1/namespaces/default/pods", POD)
        running = _started(release, sandbox.url, tmp_path, said)
        try:
            until("an Event is on the pod", lambda: any(_events(plane)))
            until("an Event is on the NodePool", lambda: any(_events(plane, "default", "ChangeProposed")))
            until("the ScalePlan is there", lambda: any(one.get("status") for one in _all(plane, "ScalePlan")))
            until("the NodePool is Ready", lambda: "True" in _ready(plane, "NodePool"))
            until("the OVHNodeClass is Ready", lambda: "True" in _ready(plane, "OVHNodeClass"))
            shown = _shown(plane, "scaleplans"), _shown(plane, "nodepools.karpenter.sh")
            assert running.leads()
            (view,) = running.views
            assert [one.kind for one in view.health if not one.synced] == []
            assert view.problem == ""
        finally:
            running.stop()
            for kind in sorted(PATHS):
                plane.call("DELETE", PATHS[kind])
    assert _events(plane)[0]["message"].startswith("covered by branch poolplan/demo/up")
    assert shown[0][0].split() == ["NAME", "CHANGE", *["HOURLY", "BEFORE", "HOURLY", "AFTER", "CURRENCY", "STATE", "SINCE", "DIGEST", "AGE"]]
    assert shown[0][1].startswith("demo-up ")
    assert "karpenter-b3-8-eu-west-par-a +1" in shown[0][1]
    assert "sha256:" in shown[0][1]
    assert shown[1][1].split()[:3] == ["default", "default", "True"]
    words = ("right", "forbidden", "403", "cannot be written")
    assert [one for one in said if any(word in str(one) for word in words)] == []


def test_people_may_ask_in_the_pod(release: Installed, plane: ControlPlane, tmp_path: Path) -> None:
    """``kubectl exec deploy/poolplan -- poolplan plan``: nobody said which cluster, and no right is missing."""
    release.set()
    with start_sandbox(SandboxOptions(), SystemClock()) as sandbox:
        for one in YAML(typ="safe").load_all(policy("b3-8")):
            plane.call("POST", PATHS[one["kind"]], one)
        plane.call("POST", "/api/v1/namespaces/default/pods", POD)
        try:
            desk = Desk(folder=tmp_path, home=tmp_path, environment={
                "OVH_ENDPOINT": sandbox.url, "OVH_APPLICATION_KEY": "sandbox", "OVH_APPLICATION_SECRET": "sandbox",
                "OVH_CONSUMER_KEY": "sandbox", "OVH_SERVICE_NAME": PROJECT,
                "KUBECONFIG": str(release.kubeconfig(tmp_path)),
            })  # fmt: skip
            plan, checks = desk.run("plan"), desk.run("validate", "--live")
        finally:
            for kind in sorted(PATHS):
                plane.call("DELETE", PATHS[kind])
    assert plan.code == 0, plan
    assert "no right" not in plan.err
    assert "1 to add" in plan.out or "1 pod" in plan.out, plan
    assert "no right" not in checks.out + checks.err, checks


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.name)
def test_pods_keep_to_the_restricted_standard(release: Installed, values: Path) -> None:
    """As the API server's own admission judges it."""
    plane, name = release.plane, "restricted"
    if not _is_there(plane, f"/api/v1/namespaces/{name}"):
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        plane.call("POST", "/api/v1/namespaces", {**namespace(name), "metadata": {"name": name, "labels": labels}})
    rendered = values.with_name(values.name.replace(".values.", ".golden."))
    specs = [
        one["spec"]["template"]["spec"] if one["kind"] == "Deployment" else one["spec"]
        for one in YAML(typ="safe").load_all(rendered.read_text("utf-8")) if one["kind"] in ("Deployment", "Pod")
    ]  # fmt: skip
    assert len(specs) == 2
    path = f"/api/v1/namespaces/{name}/pods?dryRun=All"
    pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried"}}
    for spec in specs:
        plane.call("POST", path, {**pod, "spec": spec})
        with pytest.raises(ControlPlaneError, match="violates PodSecurity"):
            plane.call("POST", path, {**pod, "spec": {**spec, "hostNetwork": True}})


def test_two_pods_come_and_go_to_two_nodes(release: Installed, plane: ControlPlane) -> None:
    """By the real controllers and the real scheduler; there is no kubelet, so they do not run."""
    release.run("uninstall", "poolplan")
    release.set()
    for zone in ("a", "b"):
        labels = {"kubernetes.io/hostname": f"node-{zone}", "topology.kubernetes.io/zone": f"eu-west-par-{zone}"}
        plane.call("POST", "/api/v1/nodes", node(f"node-{zone}", **labels))
    plane.start_controllers()
    plane.start_scheduler()
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    plane.wait("both pods on nodes", lambda: len([1 for one in plane.call("GET", path)["items"] if bound_node(one)]) == 2)
    pods = plane.call("GET", path)["items"]
    assert sorted(map(bound_node, pods)) == ["node-a", "node-b"]
    assert {one["spec"]["priorityClassName"] for one in pods} == {"system-cluster-critical"}
    plane.stop(CONTROLLERS)
    release.run("uninstall", "poolplan")
    release.set()


def _started(release: Installed, sandbox: str, folder: Path, said: list[dict[str, Any]]) -> Running:
    fleet = new_repository(folder / "fleet.git")
    settings = (DATA / "base" / "settings.yaml").read_text("utf-8").replace("ENDPOINT", sandbox).replace("NAME", "demo")
    settings = settings.replace("  terraform: {backend: {local: {path: state/terraform.tfstate}}}\n", "")
    settings = settings.replace("engine: terraform", "engine: ovh-api")
    fleet.commit({"cluster.yaml": settings, "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    environment = {
        "OVH_ENDPOINT": sandbox, "OVH_APPLICATION_KEY": "sandbox", "OVH_APPLICATION_SECRET": "sandbox",
        "OVH_CONSUMER_KEY": "sandbox", "OVH_SERVICE_NAME": PROJECT, "OVH_KUBE_ID": CLUSTER,
    }  # fmt: skip
    kubeconfig = str(release.kubeconfig(folder / "client"))
    running = Running(
        RunOptions(
            repo=str(fleet.path), clusters=("demo",), state=folder / "state", lease=f"{NAMESPACE}/poolplan",
            sources=lambda _name, _settings: Sources(kubeconfig=kubeconfig),
        ),
        Surroundings(environment=environment, clock=SystemClock(), remark=lambda _: None),
        Log(clock=SystemClock(), write=lambda line: said.append(json.loads(line))),
    )  # fmt: skip
    running.start()
    return running


def _shown(plane: ControlPlane, plural: str) -> list[str]:
    """What ``kubectl get`` prints, a line each."""
    kubectl = find_program("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on PATH: install it")
    done = run([str(kubectl), "--kubeconfig", str(plane.kubeconfig), "get", plural], timeout=60)
    assert done.code == 0, done.err
    return done.out.splitlines()


def _all(plane: ControlPlane, kind: str) -> list[Object]:
    items: list[Object] = plane.call("GET", PATHS[kind])["items"]
    return items


def _ready(plane: ControlPlane, kind: str) -> list[str]:
    conditions = [each for one in _all(plane, kind) for each in one.get("status", {}).get("conditions", ())]
    return [each["status"] for each in conditions if each["type"] == "Ready"]


def _events(plane: ControlPlane, name: str = "waiting", reason: str = "CapacityProposed") -> list[Object]:
    found: list[Object] = plane.call("GET", "/api/v1/namespaces/default/events")["items"]
    return [one for one in found if one["involvedObject"]["name"] == name and one["reason"] == reason]
