"""Whichever replica is asked, the one that leads answers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import requests
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gitops.clock import SystemClock
from gitops.controller.forwarding import HandedOn
from gitops.controller.serving import controller_app
from gitops.controller.web import page_routes
from gitops.forges.webhooks import LARGEST
from gitops.leading import address_in, identity_at
from gitops.serving import Served, listen
from tests.commands.test_main_path import pods
from tests.commands.test_run import UP, Process, fleet  # noqa: F401 - a fixture
from tests.commands.waiting import until
from tests.real.controlplane import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from gitops.controller.running import Running
    from tests.commands.tools import Desk, FleetRepository
    from tests.commands.world import World


def app_of(name: str) -> Starlette:
    """Says who it is, and what it was asked."""

    async def tell(request: Request) -> Response:
        body = (await request.body()).decode()
        text = f"{name} {request.method} {request.url.path}?{request.url.query} {request.headers.get('x-word')} {body}"
        return PlainTextResponse(text, status_code=202, headers={"content-security-policy": "default-src 'none'"})

    return Starlette(routes=[Route("/{path:path}", tell, methods=["GET", "POST"])])


@pytest.fixture
def leader() -> Iterator[str]:
    with Served(HandedOn(app_of("leader"), lambda: ""), listen(0), name="leader") as served:
        yield f"127.0.0.1:{served.port}"


def follower(stack: ExitStack, leader: str) -> str:
    served = stack.enter_context(Served(HandedOn(app_of("follower"), lambda: leader), listen(0), name="follower"))
    return f"http://127.0.0.1:{served.port}"


def test_what_a_follower_is_asked_the_leader_answers(leader: str) -> None:
    with ExitStack() as stack:
        root = follower(stack, leader)
        found = requests.get(f"{root}/clusters/paris?reload=1", headers={"x-word": "one"}, timeout=5)
        assert found.text == "leader GET /clusters/paris?reload=1 one "
        assert (found.status_code, found.headers["content-security-policy"]) == (202, "default-src 'none'")
        assert requests.post(f"{root}/hooks", data=b"{}", timeout=5).text == "leader POST /hooks? None {}"


def test_of_itself_each_replica_answers(leader: str) -> None:
    with ExitStack() as stack:
        root = follower(stack, leader)
        for path in ("/healthz", "/metrics", "/readyz"):
            assert requests.get(f"{root}{path}", timeout=5).text.startswith(f"follower GET {path}")


def test_nothing_is_handed_on_twice(leader: str) -> None:
    with ExitStack() as stack:
        first = follower(stack, leader)
        second = follower(stack, first.removeprefix("http://"))
        assert requests.get(second, timeout=5).text.startswith("follower GET /"), "the first one answers, and asks nobody"


def test_a_leader_that_is_gone_is_told() -> None:
    (port,) = free_ports(1)
    with ExitStack() as stack:
        found = requests.get(follower(stack, f"127.0.0.1:{port}"), timeout=5)
        assert (found.status_code, found.headers["retry-after"]) == (503, "5")


def test_no_more_is_taken_than_a_hook_has(leader: str) -> None:
    with ExitStack() as stack:
        assert requests.post(follower(stack, leader), data=b" " * (LARGEST + 1), timeout=20).status_code == 413


@pytest.mark.parametrize(
    ("identity", "address"),
    [
        (identity_at("poolplan-1", "uuid", "10.2.0.7:8080"), "10.2.0.7:8080"), (identity_at("poolplan-1", "uuid", ""), ""),
        (identity_at("poolplan-1", "uuid", "[fd00::7]:8080"), "[fd00::7]:8080"), ("", ""), ("poolplan-1", ""),
        ("poolplan-1_uuid_metadata.internal:80", ""), ("poolplan-1_uuid_10.2.0.7:8080/x", ""), ("a_b_10.2.0.7", ""),
        ("a_b_fd00::7:8080", ""), ("a_b_10.2.0.7:²", ""),
    ],
)  # fmt: skip
def test_an_address_in_an_identity_is_an_ip(identity: str, address: str) -> None:
    assert address_in(identity) == address


def served(running: Running, port: int) -> Served:
    app = controller_app(lambda: running.views, page_routes(lambda: running.views), clock=SystemClock())
    return Served(HandedOn(app, running.leader_elsewhere), listen(port), name=f"http-{port}")


def plans_something(process: Process) -> bool:
    planned = process.running.views[0].planned
    return planned is not None and bool(planned.plan.changes)


def test_both_replicas_show_what_the_leader_knows(
    world: World, desk: Desk, fleet: FleetRepository  # noqa: F811 - fixtures
) -> None:
    ports = free_ports(2)
    with ExitStack() as stack:
        processes = []
        for number, port in enumerate(ports):
            one = Process(
                world, desk, fleet, name=f"replica-{number}", lease="default/handing-on", reached_at=f"127.0.0.1:{port}"
            )
            stack.callback(one.stop)
            stack.enter_context(served(one.running, port))
            processes.append(one)
            if number == 0:
                until("the first leads", one.running.leads)
        pods(world, "one")
        until("it has proposed", lambda: UP in fleet.branches())
        until("that pass has ended", lambda: plans_something(processes[0]))
        second = processes[1].running
        until("the second knows who leads", lambda: second.leader_elsewhere() == f"127.0.0.1:{ports[0]}")
        assert second.views[0].planned is None
        pages = [requests.get(f"http://127.0.0.1:{port}/", timeout=20) for port in ports]
        assert [page.status_code for page in pages] == [200, 200]
        for page in pages:
            assert "karpenter-b3-8-eu-west-par-a" in page.text
        assert "content-security-policy" in pages[1].headers
