"""How a call travels: tries, pauses, empty answers, and servers that are no OVH API or not there at all."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ovh.client import ENDPOINTS

from gitops.errors import InputError, Waiting
from gitops.ovh.credentials import Credentials
from gitops.ovh.failures import CallRefused
from gitops.ovh.transport import Transport


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_read_is_tried_three_times(status: int, kit: Any, clock: Any) -> None:
    with kit.serving(
        kit.Canned([kit.Reply(status, b"busy"), kit.Reply(status, b"busy"), kit.Reply(200, b"[]")])
    ) as server:
        assert Transport(kit.credentials(server.url), clock).call("GET", "/x") == []
    assert clock.slept == [1.0, 4.0]


def test_a_read_gives_up_after_the_third_try(kit: Any, clock: Any) -> None:
    with kit.serving(kit.Canned([kit.Reply(500, b"busy")])) as server, pytest.raises(Waiting):
        Transport(kit.credentials(server.url), clock).call("GET", "/x")
    assert server.asked == ["GET /1.0/x"] * 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_change_is_never_repeated(method: str, kit: Any, clock: Any) -> None:
    with kit.serving(kit.Canned([kit.Reply(500, b"busy")])) as server, pytest.raises(Waiting):
        Transport(kit.credentials(server.url), clock).call(method, "/x")
    assert (server.asked, clock.slept) == ([f"{method} /1.0/x"], [])


def test_a_refusal_is_not_repeated(kit: Any, clock: Any) -> None:
    with kit.serving(kit.Canned([kit.Reply(400, b"{}")])) as server, pytest.raises(CallRefused):
        Transport(kit.credentials(server.url), clock).call("GET", "/x")
    assert server.asked == ["GET /1.0/x"]


def test_a_server_that_asks_for_a_pause_gets_it(kit: Any, clock: Any) -> None:
    replies = [kit.Reply(429, b"{}", (("Retry-After", "7"),)), kit.Reply(200, b"1")]
    with kit.serving(kit.Canned(replies)) as server:
        assert Transport(kit.credentials(server.url), clock).call("GET", "/x") == 1
    assert clock.slept == [7.0]


def test_a_long_pause_is_left_to_the_caller(kit: Any, clock: Any) -> None:
    replies = [kit.Reply(429, b"{}", (("Retry-After", "60"),))]
    with kit.serving(kit.Canned(replies)) as server, pytest.raises(Waiting) as caught:
        Transport(kit.credentials(server.url), clock).call("GET", "/x")
    assert (clock.slept, caught.value.retry_after) == ([], 60.0)


@pytest.mark.parametrize(("status", "body"), [(200, b""), (200, b"null"), (204, b"")])
def test_an_answer_without_a_body_is_none(status: int, body: bytes, kit: Any, clock: Any) -> None:
    with kit.serving(kit.Canned([kit.Reply(status, body)])) as server:
        assert Transport(kit.credentials(server.url), clock).call("PUT", "/x", body={"a": 1}) is None


@pytest.mark.parametrize("body", [b'"soon"', b"{}", b"", b"null"])
def test_a_server_that_tells_no_time_is_no_ovh_api(body: bytes, kit: Any, clock: Any) -> None:
    canned = kit.Canned([kit.Reply(200)], time=kit.Reply(200, body))
    with kit.serving(canned) as server, pytest.raises(CallRefused, match="tells no time: this is not an OVH API"):
        Transport(kit.credentials(server.url), clock).call("GET", "/x")


def test_an_endpoint_without_its_path_is_no_ovh_api(sandbox_url: str, kit: Any, clock: Any) -> None:
    with pytest.raises(CallRefused, match=r"whose URL ends in /1\.0$"):
        Transport(kit.credentials(sandbox_url.removesuffix("/1.0")), clock).call("GET", "/me")


def test_nobody_answers(kit: Any, clock: Any) -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/1.0"
        with pytest.raises(Waiting) as caught:
            Transport(kit.credentials(url), clock).call("GET", "/me")
    assert str(caught.value) == f"nothing answers at {url}; is the sandbox running?"


def test_beyond_this_machine_the_network_and_proxies_are_suspected(
    kit: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # refuses, so that no name is looked up
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(Waiting) as caught:
        Transport(kit.credentials("http://ovh.invalid/1.0"), clock).call("GET", "/me")
    assert str(caught.value) == "nothing answers at http://ovh.invalid/1.0; check the network and any proxy"


def test_no_proxy_stands_before_a_sandbox(
    sandbox_url: str, kit: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    answer = Transport(kit.credentials(sandbox_url), clock).call("GET", "/me")
    assert isinstance(answer, dict)


def test_two_families_of_keys_do_not_mix(kit: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVH_CLIENT_ID", "somebody")
    monkeypatch.setenv("OVH_CLIENT_SECRET", "something")
    with pytest.raises(InputError, match=r"do not fit together: .*; unset OVH_CLIENT_ID or mend ovh\.conf"):
        Transport(kit.credentials("http://127.0.0.1:1/1.0"), clock)


@pytest.mark.parametrize("name", ["ovh-eu", "ovh-ca", "ovh-us"])
def test_the_package_knows_the_named_endpoints_by_the_same_urls(name: str) -> None:
    assert (
        Credentials(endpoint=name, application_key="a", application_secret="b", consumer_key="c").url == ENDPOINTS[name]
    )
