"""The chart as Helm renders it, whole in files, and what must be true of every object in them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from ruamel.yaml import YAML

from gitops.clock import SystemClock
from gitops.cluster.live.listing import READ_KINDS
from gitops.cluster.live.state import KindHealth
from gitops.commands.main import cli
from gitops.commands.propose import WEBHOOK_SECRET, interval
from gitops.commands.run import command
from gitops.controller.serving import controller_app
from gitops.controller.view import View
from gitops.fleet import GIT_LOGIN, GIT_TOKEN
from gitops.leading import address_in
from gitops.ovh.credentials import KEYS
from gitops.process import run
from gitops.serving import Served, listen
from tests.real.parts import cache_folder, find_program

if TYPE_CHECKING:
    from tests.conftest import CompareText

CHART = Path(__file__).parents[2] / "charts" / "poolplan"
CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.name.removesuffix(".values.yaml") for path in CASES.glob("*.values.yaml"))


def helm(*arguments: str) -> str:
    program = find_program("helm")
    if program is None:
        pytest.skip(f"helm is neither in {cache_folder() / 'bin'} nor on PATH: `python tests/real/parts.py helm` builds it")
    done = run([str(program), *arguments], timeout=120)
    assert done.code == 0, done.err
    return done.out


UNREAD = View(cluster="paris", health=(KindHealth(kind="Pod", synced=False, age=None, objects=0),))


def objects(name: str) -> list[dict[str, Any]]:
    """What was rendered of a case, from its file: this needs no Helm."""
    text = (CASES / f"{name}.golden.yaml").read_text("utf-8")
    return [one for one in YAML(typ="safe").load_all(text) if one]


def of_kind(name: str, kind: str) -> list[dict[str, Any]]:
    return [one for one in objects(name) if one["kind"] == kind]


def pods(name: str) -> list[dict[str, Any]]:
    return [
        *(one["spec"]["template"]["spec"] for one in of_kind(name, "Deployment")),
        *(one["spec"] for one in of_kind(name, "Pod")),
    ]


def rules(name: str, kind: str = "ClusterRole") -> set[tuple[str, str, str]]:
    """Group, resource and verb of everything that the controller may do, by roles of a kind."""
    roles = [one for one in of_kind(name, kind) if not one["metadata"]["name"].endswith("-view")]
    return {
        (group, resource, verb)
        for role in roles for rule in role["rules"]
        for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_helm_makes_of_values(name: str, golden: CompareText) -> None:
    made = helm(
        "template", "poolplan", str(CHART), "--namespace", "poolplan", "--kube-version", "1.34.1",
        "--values", str(CASES / f"{name}.values.yaml"),
    )  # fmt: skip
    golden(CASES / f"{name}.golden.yaml", made)


@pytest.mark.parametrize("name", NAMES)
def test_helm_finds_no_fault(name: str) -> None:
    said = helm(
        "lint", str(CHART), "--strict", "--kube-version", "1.34.1", "--values", str(CASES / f"{name}.values.yaml")
    )  # fmt: skip
    assert "0 chart(s) failed" in said


@pytest.mark.parametrize("name", NAMES)
def test_pods_may_do_no_more_than_they_need(name: str) -> None:
    for pod in pods(name):
        security = pod["securityContext"]
        assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
        assert security["runAsUser"] >= 1000
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            }  # fmt: skip
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
    (deployment,) = of_kind(name, "Deployment")
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 600


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_made_and_none_stands_in_a_pod(name: str) -> None:
    assert not of_kind(name, "Secret")
    (deployment,) = of_kind(name, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for one in container["env"]:
        secret = any(part in one["name"] for part in ("KEY", "SECRET", "TOKEN"))
        assert secret == ("secretKeyRef" in one.get("valueFrom", {})), one["name"]


@pytest.mark.parametrize("name", NAMES)
def test_selectors_find_the_controller_and_nothing_else(name: str) -> None:
    (deployment,) = of_kind(name, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        *(one["spec"]["selector"] for one in of_kind(name, "Service")),
        *(one["spec"]["selector"]["matchLabels"] for one in of_kind(name, "PodDisruptionBudget")),
        *(one["spec"]["podSelector"]["matchLabels"] for one in of_kind(name, "NetworkPolicy")),
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
        for pod in of_kind(name, "Pod"):
            assert not selector.items() <= pod["metadata"]["labels"].items(), "the test's pod takes no traffic"


@pytest.mark.parametrize("name", NAMES)
def test_exactly_what_a_plan_is_made_of_is_read(name: str) -> None:
    wanted = {(_group(kind.api_version), kind.plural, verb) for kind in READ_KINDS for verb in ("list", "watch")}
    assert {one for one in rules(name) if one[2] in ("list", "watch")} == wanted


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


SPEAKING = {
    ("", "events", "create"), ("karpenter.sh", "nodepools/status", "patch"), ("poolplan.dev", "scaleplans", "create"),
    ("karpenter.ovhcloud.sh", "ovhnodeclasses/status", "patch"), ("poolplan.dev", "scaleplans/status", "patch"),
    ("poolplan.dev", "scaleplans", "delete"),
}  # fmt: skip
DRAINING = {("", "nodes", "patch"), ("", "pods/eviction", "create"), ("", "pods", "delete")}


@pytest.mark.parametrize(
    ("name", "drains"),
    [("delegated", True), ("fleet", True), ("observing", False), ("persistent", False), ("proposing", False)],
)
def test_what_may_be_written(name: str, drains: bool) -> None:
    written = {one for one in rules(name) if one[2] not in ("get", "list", "watch")}
    assert written == (SPEAKING | DRAINING if drains else SPEAKING)


def test_secrets_are_read_by_name_only_but_for_terraforms_state() -> None:
    assert not any(resource == "secrets" for name in NAMES for _, resource, _ in rules(name))
    for name in NAMES:
        for role in of_kind(name, "Role"):
            for rule in role["rules"]:
                listed = rule["resources"] == ["secrets"] and "resourceNames" not in rule
                assert not listed or name == "fleet", (name, rule)


def container(name: str) -> dict[str, Any]:
    (deployment,) = of_kind(name, "Deployment")
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", NAMES)
def test_the_command_takes_what_the_chart_gives_it(name: str) -> None:
    known = {one["name"] for one in container(name)["env"]}
    arguments = [text.replace("$(POD_IP)", "10.2.0.7") for text in container(name)["args"]]
    assert not any("$(" in text for text in arguments)
    assert "POD_IP" in known
    assert arguments[0] == "run"
    given = command.make_context("run", arguments[1:], parent=click.Context(cli, **cli.context_settings)).params
    assert (given["listen"], given["lease"]) == ("0.0.0.0:8080", "poolplan/poolplan")
    assert address_in(given["reached_at"]) == "10.2.0.7:8080"
    assert interval({**given, "now": ""}) is not None


def test_tokens_and_words_are_where_they_are_looked_for() -> None:
    named = {one["name"] for one in container("fleet")["env"]}
    assert {GIT_TOKEN, WEBHOOK_SECRET, "FORGE_TOKEN", "POOLPLAN_STATE"} <= named
    assert {f"OVH_{key.upper()}" for key in KEYS} <= named
    assert GIT_LOGIN in {one["name"] for one in container("proposing")["env"]}


@pytest.mark.parametrize("ready", [False, True])
def test_helms_test_looks_whether_it_is_ready(ready: bool) -> None:
    (pod,) = of_kind("observing", "Pod")
    code = pod["spec"]["containers"][0]["command"][2]
    (service,) = of_kind("observing", "Service")
    address = f"http://{service['metadata']['name']}.poolplan.svc:{service['spec']['ports'][0]['port']}"
    assert address in code
    app = controller_app(lambda: () if ready else (UNREAD,), clock=SystemClock())
    with Served(app, listen(0), name="http") as served:
        done = run([sys.executable, "-c", code.replace(address, f"http://127.0.0.1:{served.port}")], timeout=60)
    assert (done.code == 0) == ready, done.err


def test_one_replica_where_one_node_has_the_state() -> None:
    (deployment,) = of_kind("persistent", "Deployment")
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert not of_kind("persistent", "PodDisruptionBudget")
