"""What a person is told where GitHub or GitLab refuses, fails, limits, lies or does not answer: and never a token."""

from __future__ import annotations

import socket
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from gitops import errors
from gitops.errors import PoolplanError, Stalled, Waiting
from gitops.forges.base import StatusState
from gitops.forges.rest import MOST_PAGES
from gitops.git.base import BranchName
from tests.gitops.forges import githubserver, gitlabserver, worlds
from tests.gitops.forges.serving import serving
from tests.gitops.git.tools import MAIN

if TYPE_CHECKING:
    from gitops.forges.base import Forge
    from tests.contracts.forges import World
    from tests.gitops.forges.serving import Fake

CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
    Path(__file__).parent.parent.parent / "data" / "forges" / "refusals.yaml"
)
TOKENS = (githubserver.TOKEN, gitlabserver.TOKEN)


@pytest.fixture(params=["github", "gitlab"])
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.getfixturevalue(request.param)
    return made


def fake_of(world: World) -> Fake:
    assert isinstance(world.people, worlds.GitHubPeople | worlds.GitLabPeople)
    return world.people.fake


def everything(error: BaseException) -> str:
    """All that a traceback, a log or a debugger of exceptions would show."""
    chain: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        chain += [repr(seen), *map(repr, seen.args), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "".join([*chain, *traceback.format_exception(error)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['forge']}-{case['status']}")
def test_a_refusal_tells_what_to_do(case: dict[str, Any], request: pytest.FixtureRequest) -> None:
    world: World = request.getfixturevalue(case["forge"])
    fake = fake_of(world)
    headers = dict(case.get("headers", {}))
    for name, value in headers.items():
        if value.startswith("NOW+"):  # the clock is a second later each time it is asked
            headers[name] = str(int(fake.model.clock.now().timestamp()) + 1 + int(value[4:]))
    fake.fail(case["status"], case["body"], **{name.replace("-", "_"): value for name, value in headers.items()})
    with pytest.raises(PoolplanError) as caught:
        world.forge.get(1)
    assert str(caught.value) == case["told"]
    assert type(caught.value) is getattr(errors, case["kind"])
    if isinstance(caught.value, Waiting):
        assert caught.value.retry_after == case["after"]
    assert len(fake.calls) == 1, "the SDK tried again"
    assert not any(token in everything(caught.value) for token in TOKENS)


ALL_CALLS = {
    "me": lambda forge: forge.me(),
    "open_requests": lambda forge: forge.open_requests(MAIN),
    "get": lambda forge: forge.get(1),
    "newest": lambda forge: forge.newest(BranchName("x"), MAIN),
    "votes": lambda forge: forge.votes(1),
    "protection": lambda forge: forge.protection(MAIN),
    "members": lambda forge: forge.members("acme/platform"),
    "set_status": lambda forge: forge.set_status("0" * 40, StatusState.PENDING, "x"),
    "bringing": lambda forge: forge.bringing("0" * 40, MAIN),
}


@pytest.mark.parametrize("name", ALL_CALLS)
def test_every_call_waits_for_a_server_in_trouble(world: World, name: str) -> None:
    fake_of(world).fail(503, {"message": "Service Unavailable"})
    with pytest.raises(Waiting, match="503"):
        ALL_CALLS[name](world.forge)


@pytest.mark.parametrize("name", ALL_CALLS)
def test_every_call_stalls_with_a_wrong_token(world: World, name: str) -> None:
    fake_of(world).tokens.clear()
    with pytest.raises(Stalled, match="refuses the token") as caught:
        ALL_CALLS[name](world.forge)
    assert not any(token in everything(caught.value) for token in TOKENS)


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_nobody_answers(world: World) -> None:
    """The connection error of ``requests`` holds the request with its headers; nothing of it is kept."""
    fake = fake_of(world)
    forge: Forge
    if isinstance(fake, githubserver.GitHubServer):
        forge = worlds.github_over(fake, closed_port())
    else:
        assert isinstance(fake, gitlabserver.GitLabServer)
        forge = worlds.gitlab_over(fake, closed_port())
    with pytest.raises(Waiting, match="does not answer") as caught:
        forge.get(1)
    assert caught.value.__context__ is None
    assert not any(token in everything(caught.value) for token in TOKENS)


def test_half_a_list_is_no_list(world: World) -> None:
    """The second page fails: what the first one had is not taken for everything."""
    for index in range(101):
        world.push(f"people/{index}")
        world.people.request("ada", BranchName(f"people/{index}"))
    fake = fake_of(world)
    assert len(world.forge.open_requests(MAIN)) == 101
    assert len(fake.calls) == 2
    fake.fail(500, {"message": "x"}, on="page=2")
    with pytest.raises(Waiting):
        world.forge.open_requests(MAIN)


def test_a_list_without_end_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_of(world)
    for _ in range(MOST_PAGES + 1):
        fake.fail(200, [], link='<x?page=2>; rel="next"', x_next_page="2")
    with pytest.raises(Stalled, match="more than 20000 items"):
        world.forge.open_requests(MAIN)
    assert len(fake.calls) == MOST_PAGES


def test_a_pass_with_nothing_to_do_is_one_call(world: World) -> None:
    world.push("poolplan/prod/up", "2\n")
    fake = fake_of(world)
    world.forge.open_requests(MAIN)
    assert len(fake.calls) == 1


def test_no_token_is_in_an_address_or_a_body(world: World) -> None:
    fake = fake_of(world)
    world.forge.me()
    world.forge.open_requests(MAIN)
    for ask in fake.sent:
        assert not any(token in f"{ask.url}{ask.query}{ask.body}" for token in TOKENS)


def test_no_redirect_takes_the_token_to_another_server(world: World) -> None:
    """Not even with a GET: ``requests`` would send GitLab's own header along."""
    fake, elsewhere = fake_of(world), githubserver.GitHubServer(fake_of(world).model)
    for status in (301, 302, 307, 308):
        for verb, ask in (("GET", lambda: world.forge.open_requests(MAIN)), ("POST", lambda: status_of(world))):
            with serving(elsewhere.app()) as url:
                fake.fail(status, {"message": "Moved"}, on=verb, location=f"{url.replace('127.0.0.1', 'localhost')}/api/v3/x")
                with pytest.raises(Stalled, match=r"elsewhere|another server"):
                    ask()
    assert elsewhere.calls == []


def status_of(world: World) -> None:
    world.forge.set_status(world.main, StatusState.PENDING, "Waits")


def test_a_secret_at_the_edge_of_a_message_is_not_half_shown(world: World) -> None:
    token = next(iter(fake_of(world).tokens))
    fake_of(world).fail(422, {"message": "x" * 290 + " " + token})
    with pytest.raises(Stalled) as caught:
        world.forge.open_requests(MAIN)
    assert token[:8] not in str(caught.value)
