"""The controller, as one process: it sees pods, proposes, applies what is merged, and ends in order."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import requests

from gitops.clock import SystemClock
from gitops.controller.logs import Log
from gitops.controller.running import Running, RunOptions
from gitops.controller.serving import controller_app
from gitops.controller.web import page_routes
from gitops.gather import Sources, Surroundings
from gitops.serving import Served, listen
from tests.commands.test_main_path import clear, placed, pods, sizes
from tests.commands.tools import Desk, FleetRepository, new_repository, policy
from tests.commands.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.controller.view import View
    from tests.commands.world import World

UP = "poolplan/demo/up"
#: Each key of the sandbox, in base64.
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: default}
data: {applicationKey: c2FuZGJveA==, applicationSecret: c2FuZGJveA==, consumerKey: c2FuZGJveA==}
"""


@pytest.fixture
def fleet(world: World, desk: Desk) -> FleetRepository:
    clear(world)
    made = new_repository(desk.folder / "fleet.git")
    settings = world.settings().replace("engine: terraform", "engine: ovh-api")
    settings = settings.replace("  terraform: {backend: {local: {path: state/terraform.tfstate}}}\n", "")
    made.commit({"cluster.yaml": settings, "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    return made


class Process:
    """A controller that runs, and what it says."""

    def __init__(
        self, world: World, desk: Desk, fleet: FleetRepository, *, name: str = "one", lease: str = "",
        reached_at: str = "", program: str = "",
    ) -> None:  # fmt: skip
        self.lines: list[dict[str, Any]] = []
        self.views: list[View] = []
        log = Log(clock=SystemClock(), write=lambda line: self.lines.append(json.loads(line)))
        around = Surroundings(environment=desk.environment, clock=SystemClock(), remark=lambda _: None)
        options = RunOptions(
            repo=str(fleet.path), clusters=("demo",), state=desk.home / name, every=timedelta(seconds=30), lease=lease,
            reached_at=reached_at, program=program, cli_config=world.cli_config,
            sources=lambda _name, _settings: Sources(kubeconfig=str(world.folder / "kubeconfig")),
        )  # fmt: skip
        self.running = Running(options, around, log, observers=(self.views.append,))
        self.running.start()

    def told(self, event: str) -> list[dict[str, Any]]:
        return [line for line in list(self.lines) if line["event"] == event]

    def stop(self) -> None:
        self.running.stop()


@pytest.fixture
def process(world: World, desk: Desk, fleet: FleetRepository) -> Iterator[Process]:
    made = Process(world, desk, fleet)
    yield made
    made.stop()


def test_pods_become_a_proposal_and_once_merged_nodes(
    world: World, fleet: FleetRepository, process: Process
) -> None:
    until("it has passed once", lambda: bool(process.told("pass")))
    pods(world, "one", "two")
    until("it has proposed", lambda: UP in fleet.branches())
    assert sizes(world) == {}, "nobody has approved yet"
    fleet.merge(UP)
    process.running.look_now()
    until("it has applied", lambda: bool(process.told("applied")))
    until("the pods run", lambda: all(placed(world).values()))
    until("nothing is left", lambda: UP not in fleet.branches())
    view = process.running.views[0]
    assert (view.cluster, view.leads, view.problem) == ("demo", True, "")
    assert list(view.seconds) == ["read", "plan", "propose"]
    assert min(view.seconds.values()) >= 0
    assert view.applying is not None
    assert view.applying.problem == ""
    assert not process.told("pass failed")


def test_it_ends_in_order_and_the_next_one_goes_on(
    world: World, desk: Desk, fleet: FleetRepository
) -> None:
    first = Process(world, desk, fleet)
    pods(world, "one")
    until("it has proposed", lambda: UP in fleet.branches())
    waiter = Thread(target=first.running.wait)
    waiter.start()
    first.running.end()
    waiter.join()
    first.stop()
    fleet.merge(UP)
    second = Process(world, desk, fleet)
    until("the pod runs", lambda: all(placed(world).values()))
    second.stop()
    assert sizes(world) == {"karpenter-b3-8-eu-west-par-a": 1}


def test_of_two_one_acts_and_the_other_takes_over(world: World, desk: Desk, fleet: FleetRepository) -> None:
    lease = "default/poolplan"
    first = Process(world, desk, fleet, name="one", lease=lease)
    until("the first leads", lambda: bool(first.told("leads")))
    second = Process(world, desk, fleet, name="two", lease=lease)
    until("the second follows the cluster", lambda: all(one.synced for one in second.running.views[0].health))
    assert not second.running.leads()
    pods(world, "one")
    until("the first has proposed", lambda: UP in fleet.branches())
    assert not second.told("pass")
    first.stop()
    until("the second leads", second.running.leads)
    fleet.merge(UP)
    second.running.look_now()
    until("the pod runs", lambda: all(placed(world).values()))
    second.stop()


def scale_up(world: World, desk: Desk, fleet: FleetRepository) -> None:
    """A controller of its own covers a pod, as soon as a person has merged."""
    process = Process(world, desk, fleet)
    pods(world, "one")
    until("it has proposed", lambda: UP in fleet.branches())
    fleet.merge(UP)
    process.running.look_now()
    until("the pod runs", lambda: all(placed(world).values()))
    process.stop()


def test_keys_may_stand_in_the_secret_that_the_node_class_names(
    world: World, desk: Desk, fleet: FleetRepository
) -> None:
    world.seed(SECRET)
    named = policy("b3-8").replace("  region: EU-WEST-PAR", "  region: EU-WEST-PAR\n  credentialsSecretRef: {name: keys}")
    fleet.commit({"policy/policy.yaml": named}, "Name the Secret")
    desk.environment = {name: text for name, text in desk.environment.items() if not name.endswith(("_KEY", "_SECRET"))}
    scale_up(world, desk, fleet)


def test_a_cluster_yaml_may_leave_the_id_to_be_found(world: World, desk: Desk, fleet: FleetRepository) -> None:
    kube_id = desk.environment.pop("OVH_KUBE_ID")
    settings = fleet.read("cluster.yaml").replace(f"kubeId: {kube_id}", "kubeId: ${OVH_KUBE_ID}")
    assert "${OVH_KUBE_ID}" in settings
    fleet.commit({"cluster.yaml": settings}, "Let the id be found")
    scale_up(world, desk, fleet)


def test_what_waits_too_long_for_people_is_applied_by_itself_and_said(
    world: World, desk: Desk, fleet: FleetRepository
) -> None:
    rules = "  emergency: {automatic: {priority: 0, after: 10m}}\n"
    fleet.commit({"cluster.yaml": fleet.read("cluster.yaml") + rules}, "Let poolplan act by itself")
    pods(world, "one")
    long_ago = (SystemClock().now() - timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert desk.run("propose", "--repo", "fleet.git", "--now", long_ago).code == 0
    process = Process(world, desk, fleet)
    try:
        until("it has acted", lambda: any("applied without review" in str(one) for one in process.told("remark")))
        until("the pod runs", lambda: all(placed(world).values()))
    finally:
        process.stop()
    assert sum(sizes(world).values()) == 1


def test_health_says_what_is_not_read_yet(process: Process) -> None:
    app = controller_app(lambda: process.running.views, clock=SystemClock())
    with Served(app, listen(0), name="http") as served:
        root = f"http://127.0.0.1:{served.port}"
        until("it is ready", lambda: requests.get(f"{root}/readyz", timeout=5).status_code == 200)
        assert requests.get(f"{root}/healthz", timeout=5).text == "ok\n"
        assert requests.post(f"{root}/hooks", timeout=5).status_code == 404, "without a secret there are no hooks"


def test_the_page_tells_of_the_pods_that_wait(world: World, process: Process) -> None:
    pods(world, "one", "two")
    routes = page_routes(lambda: process.running.views)
    app = controller_app(lambda: process.running.views, routes, clock=SystemClock())
    with Served(app, listen(0), name="http") as served:
        root = f"http://127.0.0.1:{served.port}"
        until("both are proposed for", lambda: "covered by" in requests.get(root, timeout=30).text)
        page = requests.get(f"{root}/clusters/demo", timeout=30).text
        for told in ("leads", "default/one", "default/two", "karpenter-b3-8-eu-west-par-a", "comes with the plan", "up, branch poolplan/demo/up"):
            assert told in page


def test_a_signed_hook_leads_to_a_look_at_the_address_that_is_documented() -> None:
    secret, body, looks = "0123456789abcdef", b"{}", []
    app = controller_app(lambda: (), secret=secret, look=lambda: looks.append(1), clock=SystemClock())
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    signed = {"X-GitHub-Event": "push", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": f"sha256={signature}"}
    with Served(app, listen(0), name="http") as served:
        for headers, status in (({}, 401), (signed, 202)):
            address = f"http://127.0.0.1:{served.port}/hooks"
            answer = requests.post(address, data=body, headers=headers, timeout=5, allow_redirects=False)
            assert answer.status_code == status
    assert looks == [1]


def test_wrong_options_are_told(desk: Desk, fleet: FleetRepository) -> None:
    assert fleet.branches() == ["main"]
    for given, told in (
        (["--lease", "poolplan"], "--lease poolplan: write it like poolplan/poolplan, a namespace and a name"),
        (["--reached-at", "poolplan:8080"], "--reached-at poolplan:8080: write it like 10.2.0.7:8080, with an IP"),
        (["--listen", "8080"], "--listen 8080: write it like 127.0.0.1:8080"),
        (["--cluster", "none"], "clusters/none/cluster.yaml: there is no such file on the main branch"),
    ):
        outcome = desk.run("run", "--repo", "fleet.git", *given)
        assert outcome.code == 1
        assert told in outcome.err, outcome


def test_the_cluster_shows_what_is_planned_for_whom(world: World, fleet: FleetRepository, process: Process) -> None:
    until("it has passed once", lambda: bool(process.told("pass")))
    pods(world, "seen")
    until("the pod has an Event", lambda: bool(events(world, "seen")))
    until("it is proposed", lambda: "CapacityProposed" in {one["reason"] for one in events(world, "seen")})
    told = next(one for one in events(world, "seen") if one["reason"] == "CapacityProposed")
    assert told["message"] == (
        "covered by branch poolplan/demo/up: karpenter-b3-8-eu-west-par-a +1, waiting for review"
    )
    until("a ScalePlan stands", lambda: any("status" in one for one in world.cluster.listing("scaleplans.poolplan.dev")))
    (shown,) = world.cluster.listing("scaleplans.poolplan.dev")
    assert shown["metadata"]["name"] == "demo-up"  # type: ignore[index, call-overload]
    status: Any = shown["status"]  # type: ignore[index, call-overload]
    assert (status["state"], status["nodesAdded"], status["summary"]) == (
        "proposed", 1, "karpenter-b3-8-eu-west-par-a +1",
    )  # fmt: skip
    fleet.merge(UP)
    process.running.look_now()
    until("the pod runs", lambda: all(placed(world).values()))
    until("the ScalePlan is gone", lambda: not world.cluster.listing("scaleplans.poolplan.dev"))


def events(world: World, pod: str) -> list[Any]:
    found: list[Any] = list(world.cluster.listing("events"))
    return [one for one in found if one["involvedObject"].get("name") == pod and one["source"]["component"] == "poolplan"]
