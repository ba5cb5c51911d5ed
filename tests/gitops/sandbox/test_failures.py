"""Failures on demand, as clients see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ovh
import pytest
from ovh.exceptions import APIError, InvalidResponse, ResourceConflictError, ResourceNotFoundError

from gitops.sandbox.failures import Scenario

from .conftest import KUBE, POOLS, HandClock, wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.sandbox.server import RunningSandbox



@pytest.fixture
def order(client: ovh.Client, sandbox: RunningSandbox) -> Callable[..., Any]:
    """Orders a failure as a user would, and returns the answer."""

    def send(**failure: Any) -> Any:
        return client._session.post(f"{sandbox.url.removesuffix('/1.0')}/sandbox/failures", json=failure)

    return send


def test_failure_hits_method_and_path_as_often_as_told(client: ovh.Client, order: Callable[..., Any]) -> None:
    order(method="GET", path="*/nodepool", status=409, message="Not now", times=2)
    client.post(POOLS, **wish())
    client.get(f"{KUBE}/node")
    for _ in range(2):
        with pytest.raises(ResourceConflictError, match="Not now"):
            client.get(POOLS)
    assert len(client.get(POOLS)) == 1


def test_failure_before_the_effect_has_no_effect(client: ovh.Client, order: Callable[..., Any]) -> None:
    order(method="POST", path="*/nodepool", status=500, message="Broken")
    with pytest.raises(APIError, match="Broken"):
        client.post(POOLS, **wish())
    assert client.get(POOLS) == []


def test_class_follows_from_the_status_unless_given(client: ovh.Client, order: Callable[..., Any]) -> None:
    assert order(status=404).json()["class"] == "Client::NotFound"
    assert order(status=503).json()["class"] == "Server::InternalServerError"
    assert order(status=409, **{"class": "Client::Odd"}).json()["class"] == "Client::Odd"


def test_rate_limit(client: ovh.Client, order: Callable[..., Any]) -> None:
    order(scenario="rate-limited", path=POOLS)
    with pytest.raises(APIError) as refusal:
        client.get(POOLS)
    assert refusal.value.response.status_code == 429
    assert client.get(POOLS) == []


def test_server_error_is_text_and_no_json(client: ovh.Client, order: Callable[..., Any]) -> None:
    order(scenario="server-error", path=POOLS)
    with pytest.raises(InvalidResponse):
        client.get(POOLS)


def test_slow_answer_is_the_usual_one(client: ovh.Client, order: Callable[..., Any]) -> None:
    order(scenario="slow", path=POOLS, delay=0.01)
    assert client.get(POOLS) == []


def test_new_pool_is_not_found_for_a_while(client: ovh.Client, clock: HandClock, order: Callable[..., Any]) -> None:
    order(scenario="not-found-after-create", seconds=10)
    path = f"{POOLS}/{client.post(POOLS, **wish())['id']}"
    clock.advance(9)
    for gone in (path, f"{path}/nodes"):
        with pytest.raises(ResourceNotFoundError):
            client.get(gone)
    assert client.get(POOLS) == []
    with pytest.raises(ResourceConflictError):
        client.post(POOLS, **wish())
    clock.advance(1)
    assert client.get(path)["status"] == "READY"


@pytest.mark.parametrize(("scenario", "status"), [
    ("pool-quota-error", "USER_QUOTA_ERROR"), ("pool-error", "ERROR"),
])  # fmt: skip
def test_pool_ends_badly(
    client: ovh.Client, clock: HandClock, order: Callable[..., Any], scenario: str, status: str,
) -> None:
    order(scenario=scenario)
    path = f"{POOLS}/{client.post(POOLS, **wish(desiredNodes=2))['id']}"
    clock.advance(5)
    pool = client.get(path)
    assert (pool["status"], pool["availableNodes"], pool["currentNodes"]) == (status, 0, 2)
    assert {(node["status"], node["instanceId"]) for node in client.get(f"{path}/nodes")} == {(status, None)}
    assert client.delete(path)["status"] == "DELETING", "a pool in error can be removed"


def test_flavor_runs_out_while_a_pool_grows(client: ovh.Client, clock: HandClock, order: Callable[..., Any]) -> None:
    path = f"{POOLS}/{client.post(POOLS, **wish())['id']}"
    clock.advance(5)
    order(scenario="node-out-of-stock")
    client.put(path, desiredNodes=2)
    clock.advance(5)
    pool = client.get(path)
    assert (pool["status"], pool["sizeStatus"], pool["availableNodes"]) == ("READY", "UNDER_CAPACITY", 1)
    assert [node["status"] for node in client.get(f"{path}/nodes")] == ["READY", "FLAVOR_OUT_OF_STOCK_ERROR"]
    client.put(path, desiredNodes=1)
    clock.advance(1)
    assert client.get(path)["sizeStatus"] == "CAPACITY_OK", "the newest, which is the broken one, has left"


def test_scale_down_does_not_use_up_a_failure_of_growth(
    client: ovh.Client, clock: HandClock, sandbox: RunningSandbox, order: Callable[..., Any],
) -> None:
    path = f"{POOLS}/{client.post(POOLS, **wish(desiredNodes=2))['id']}"
    clock.advance(5)
    order(scenario="pool-error")
    client.put(path, desiredNodes=1)
    clock.advance(1)
    assert client.get(path)["status"] == "READY"
    assert [failure.scenario for failure in sandbox.model.failures.listing()] == [Scenario.POOL_ERROR]


def test_deleted_pool_denies_it_for_a_while(client: ovh.Client, clock: HandClock, order: Callable[..., Any]) -> None:
    path = f"{POOLS}/{client.post(POOLS, **wish())['id']}"
    clock.advance(5)
    order(scenario="ready-after-delete", seconds=0.5)
    assert client.delete(path)["status"] == "READY"
    clock.advance(0.5)
    assert client.get(path)["status"] == "DELETING"


def test_flavor_is_sold_out_until_taken_back(
    client: ovh.Client, sandbox: RunningSandbox, order: Callable[..., Any],
) -> None:
    order(scenario="flavor-unavailable", flavor="b3-8")
    for _ in range(2):
        states = {flavor["name"]: flavor["state"] for flavor in client.get(f"{KUBE}/flavors")}
        assert (states["b3-8"], states["b3-16"]) == ("unavailable", "available")
    client._session.delete(f"{sandbox.url.removesuffix('/1.0')}/sandbox/failures")
    assert client.post(POOLS, **wish())["status"] == "INSTALLING"


def test_what_is_still_to_come_can_be_listed(
    client: ovh.Client, sandbox: RunningSandbox, order: Callable[..., Any],
) -> None:
    order(status=409, times=2, path="/me")
    order(scenario="pool-error")
    with pytest.raises(ResourceConflictError):
        client.get("/me")
    listed = client._session.get(f"{sandbox.url.removesuffix('/1.0')}/sandbox/failures").json()
    assert listed == [
        {"path": "/me", "status": 409, "class": "Client::Conflict", "times": 1}, {"scenario": "pool-error", "times": 1},
    ]


@pytest.mark.parametrize(("failure", "complaint"), [
    ({}, "A failure needs a scenario, a status or a delay"),
    ({"scenario": "nope"}, "[scenario] Invalid enum value 'nope'"),
    ({"scenario": "flavor-unavailable"}, "[flavor] Property is mandatory for flavor-unavailable"),
    ({"status": 99}, "[status] Given data (99) is not between 200 and 599"),
    ({"status": 500, "times": 0}, "[times] A failure happens at least once"),
    ({"status": 500, "often": 2}, "Received not described parameters: (often)"),
    ({"status": 500, "delay": -1}, "[delay] Given data (-1) is negative"),
])  # fmt: skip
def test_senseless_order_is_refused(order: Callable[..., Any], failure: dict[str, Any], complaint: str) -> None:
    answer = order(**failure)
    assert (answer.status_code, answer.json()["message"]) == (400, complaint)
