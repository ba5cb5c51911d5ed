"""Who is let in: signatures over exactly what was sent, keys, clocks and tokens."""

from __future__ import annotations

import hashlib
import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from ovh.exceptions import APIError, InvalidCredential, InvalidKey, NotCredential

from .conftest import BEGINNING, KUBE, POOLS, HandClock, connected

if TYPE_CHECKING:
    from gitops.sandbox.server import RunningSandbox

NOW = int(BEGINNING.timestamp())


def signature(method: str, url: str, body: str, time: int) -> str:
    text = f"sandbox+sandbox+{method}+{url}+{body}+{time}"
    return "$1$" + hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - the API's own scheme


def send(
    sandbox: RunningSandbox, method: str, target: str, *, body: str = "", time: int = NOW,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any, dict[str, str]]:
    """A request byte for byte as given, signed unless told otherwise."""
    url = f"http://127.0.0.1:{sandbox.port}{target}"
    signed = {
        "X-Ovh-Application": "sandbox", "X-Ovh-Consumer": "sandbox", "X-Ovh-Timestamp": str(time),
        "X-Ovh-Signature": signature(method, url, body, time),
    }
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port)
    try:
        connection.request(method, target, body.encode(), headers or signed)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), dict(response.getheaders())
    finally:
        connection.close()


def test_escapes_in_the_target_are_signed_as_they_were_sent(sandbox: RunningSandbox) -> None:
    status, body, _ = send(sandbox, "GET", f"/1.0{KUBE}/node%2Dpool/%41?history=%74rue&x=a+b")
    assert (status, body["class"]) == (404, "Client::NotFound")


def test_body_is_signed_as_it_was_sent(sandbox: RunningSandbox) -> None:
    wordy = '{ "flavorName" : "b3-8", "availabilityZones":["eu-west-par-a"], "name": "\\u0061\\u0062" }'
    status, body, _ = send(sandbox, "POST", f"/1.0{POOLS}", body=wordy)
    assert (status, body["name"]) == (200, "ab")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST"])
def test_host_header_is_part_of_what_is_signed(sandbox: RunningSandbox, host: str) -> None:
    url = f"http://{host}:{sandbox.port}/1.0/me"
    status, body, _ = send(sandbox, "GET", "/1.0/me", headers={
        "Host": f"{host}:{sandbox.port}", "X-Ovh-Application": "sandbox", "X-Ovh-Consumer": "sandbox",
        "X-Ovh-Timestamp": str(NOW), "X-Ovh-Signature": signature("GET", url, "", NOW),
    })
    assert (status, body["nichandle"]) == (200, "sandbox-ovh")


@pytest.mark.parametrize("seconds", [-301, 301])
def test_stale_timestamp_is_refused(sandbox: RunningSandbox, seconds: int) -> None:
    status, body, _ = send(sandbox, "GET", "/1.0/me", time=NOW + seconds)
    assert (status, body["errorCode"], body["httpCode"]) == (403, "QUERY_TIME_OUT", "403 Forbidden")


@pytest.mark.parametrize("seconds", [-300, 300])
def test_clocks_may_differ_a_little(sandbox: RunningSandbox, seconds: int) -> None:
    assert send(sandbox, "GET", "/1.0/me", time=NOW + seconds)[0] == 200


@pytest.mark.parametrize("timestamp", ["soon", "-5", "", "9" * 5000])
def test_timestamp_that_is_no_number_is_refused(sandbox: RunningSandbox, timestamp: str) -> None:
    status, body, _ = send(sandbox, "GET", "/1.0/me", headers={
        "X-Ovh-Application": "sandbox", "X-Ovh-Consumer": "sandbox",
        "X-Ovh-Timestamp": timestamp, "X-Ovh-Signature": "$1$00",
    })
    assert status == 403
    assert body["errorCode"] in {"QUERY_TIME_OUT", "NOT_CREDENTIAL"}


def test_wrong_secret_is_refused(sandbox: RunningSandbox) -> None:
    with (
        connected(sandbox, application_secret="wrong") as client,
        pytest.raises(APIError, match="Invalid signature") as no,
    ):
        client.get("/me")
    assert (no.value.response.status_code, no.value.response.json()["errorCode"]) == (403, "INVALID_SIGNATURE")


def test_unknown_application_is_refused(sandbox: RunningSandbox) -> None:
    with connected(sandbox, application_key="wrong") as client, pytest.raises(InvalidKey, match="key is invalid"):
        client.get("/me")


def test_unknown_consumer_is_refused(sandbox: RunningSandbox) -> None:
    with connected(sandbox, consumer_key="wrong") as client, pytest.raises(InvalidCredential, match="not valid"):
        client.get("/me")


def test_no_signature_is_refused(sandbox: RunningSandbox) -> None:
    with connected(sandbox) as client, pytest.raises(NotCredential, match="must login first"):
        client.get("/me", _need_auth=False)


def test_client_with_a_wrong_clock_gets_in_by_asking_the_time(sandbox: RunningSandbox, clock: HandClock) -> None:
    clock.advance(86_400)
    with connected(sandbox) as client:
        assert client.get("/me")["nichandle"] == "sandbox-ovh"


@pytest.mark.parametrize(("token", "status"), [("sandbox", 200), ("OpenStack/sandbox", 200), ("other", 403), ("", 403)])
def test_bearer_token(sandbox: RunningSandbox, token: str, status: int) -> None:
    answer, body, _ = send(sandbox, "GET", "/1.0/me", headers={"Authorization": f"Bearer {token}"})
    assert answer == status
    assert status == 200 or body["httpCode"] == "403 Forbidden"


@pytest.mark.parametrize("target", [
    "/1.0/auth/time", "/v1/auth/time", "/1.0/order/catalog/public/cloud?ovhSubsidiary=FR",
])  # fmt: skip
def test_public_paths_need_no_signature(sandbox: RunningSandbox, target: str) -> None:
    assert send(sandbox, "GET", target, headers={"Accept": "*/*"})[0] == 200


@pytest.mark.parametrize("target", ["/", "/1.0", "/2.0/me", "/1.0/me", "/1.0/auth/time", "/sandbox/nope", "/1.0//me"])
def test_every_answer_has_a_query_id_and_is_json(sandbox: RunningSandbox, target: str) -> None:
    _, _, headers = send(sandbox, "GET", target, headers={"Accept": "*/*"})
    assert headers["x-ovh-queryid"].startswith("EU.ext-1.")
    assert headers["content-type"] == "application/json; charset=utf-8"
