"""The stand-in provider's requests, waits and errors, against an API that does what a test tells it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tf.types import Unknown
from tf.utils import Diagnostics

from gitops.sandbox.provider import pools as module
from gitops.sandbox.provider.api import Api, ApiError
from gitops.sandbox.provider.pools import Pools
from gitops.sandbox.provider.resource import NodePoolResource
from gitops.sandbox.provider.servicer import OvhProvider
from tests.gitops.scripted_api import Script, scripted_api

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANNED: dict[str, Any] = {
    "service_name": "s", "kube_id": "k", "flavor_name": "b3-8", "name": "gpu", "desired_nodes": 1, "min_nodes": Unknown,
    "availability_zones": None, "template": [], "status": Unknown,
}
KEYS = {"application_key": "sandbox", "application_secret": "sandbox", "consumer_key": "sandbox"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.0)


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_api(Script()) as running:
        yield running


@pytest.fixture
def pools(script: Script) -> Pools:
    return Pools(Api({"endpoint": script.url, **KEYS}, {}), threading.Event())


def reads(script: Script) -> int:
    return sum(1 for method, path, _ in script.asked if method == "GET" and "/nodepool/" in path)


@pytest.mark.parametrize("status", sorted(module.BUSY))
def test_a_creation_waits_through_every_busy_status(status: str, script: Script, pools: Pools) -> None:
    script.after["POST"] = [status, status, "READY"]
    assert pools.create(PLANNED)["status"] == "READY"
    assert script.bodies("POST")[0]["desiredNodes"] == 1
    assert "minNodes" not in script.bodies("POST")[0]


def test_a_pool_that_ends_in_error_counts_as_created(script: Script, pools: Pools) -> None:
    script.after["POST"] = ["INSTALLING", "ERROR"]
    assert pools.create(PLANNED)["status"] == "ERROR"


@pytest.mark.parametrize("status", ["USER_QUOTA_ERROR", "MAINTENANCE", "DELETING"])
def test_any_other_status_fails_at_once(status: str, script: Script, pools: Pools) -> None:
    script.after["POST"] = [status]
    with pytest.raises(ApiError, match=f"unexpected state '{status}', wanted target 'READY, ERROR'"):
        pools.create(PLANNED)


def test_a_new_pool_may_be_missing_for_a_while(script: Script, pools: Pools) -> None:
    script.hidden_reads = 2
    assert pools.create(PLANNED)["status"] == "READY"
    assert reads(script) == 5  # twice missing, INSTALLING, READY, and the state in the end


def test_an_update_sends_everything_and_takes_no_error_for_an_end(script: Script, pools: Pools) -> None:
    current = pools.create(PLANNED)
    script.after["PUT"] = ["UPSCALING", "READY"]
    assert pools.update(current, {**current, "desired_nodes": 3})["desired_nodes"] == 3
    assert script.bodies("PUT")[0]["maxNodes"] == 100
    script.after["PUT"] = ["UPSCALING", "ERROR"]
    with pytest.raises(ApiError, match="unexpected state 'ERROR', wanted target 'READY'"):
        pools.update(current, current)


def test_a_removal_waits_until_the_pool_is_gone(script: Script, pools: Pools) -> None:
    current = pools.create(PLANNED)
    script.after["DELETE"] = ["DELETING", "DELETING", ""]
    pools.delete(current)
    assert script.pools == {}


def test_what_is_gone_is_removed_already_and_read_as_nothing(pools: Pools) -> None:
    gone = {**PLANNED, "id": "gone"}
    pools.delete(gone)
    assert pools.read(gone) is None


def test_a_pool_that_stays_ready_after_its_removal_is_an_error(script: Script, pools: Pools) -> None:
    current = pools.create(PLANNED)
    script.after["DELETE"] = ["READY"]
    with pytest.raises(ApiError, match="unexpected state 'READY', wanted target 'DELETED'"):
        pools.delete(current)


@pytest.mark.parametrize(("given", "seconds"), [({}, 3600), ({"create": "1h30m"}, 5400), ({"default": "500ms"}, 0.5)])
def test_timeouts_are_read_as_terraform_writes_them(given: dict[str, str], seconds: float) -> None:
    assert module._timeout({"timeouts": given}, "create") == seconds


def test_a_wait_ends_at_its_timeout(script: Script, pools: Pools) -> None:
    script.after["POST"] = ["INSTALLING"]
    with pytest.raises(ApiError, match="still INSTALLING after 0 s, wanted target 'READY, ERROR'"):
        pools.create({**PLANNED, "timeouts": {"create": "0s"}})


def test_a_wait_ends_when_terraform_stops(script: Script) -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(ApiError, match="was interrupted before it was READY, ERROR"):
        Pools(Api({"endpoint": script.url, **KEYS}, {}), stopping).create(PLANNED)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ((412, json.dumps({"class": "Client::PreconditionFailed", "message": "[InsufficientVCPUsQuota] no"})),
         '(status code 412): Client::PreconditionFailed: "[InsufficientVCPUsQuota] no"'),
        ((500, "<h1>oops"), '(status code 500): "<h1>oops"'),
        ((502, ""), '(status code 502): "Bad Gateway"'),
        ((409, "[]"), '(status code 409): "[]"'),
    ],
)
def test_a_refusal_is_told_as_the_real_provider_does(
    reply: tuple[int, str], told: str, script: Script, pools: Pools
) -> None:
    script.refusals[("POST", "/nodepool")] = reply
    with pytest.raises(ApiError) as caught:
        pools.create(PLANNED)
    assert str(caught.value) == (
        f"calling POST /cloud/project/s/kube/k/nodepool: OVHcloud API error {told} (X-OVH-Query-Id: EU.ext-test)"
    )
    assert caught.value.status == reply[0]


def test_a_server_that_is_down_is_told_in_the_words_of_the_system() -> None:
    with pytest.raises(ApiError, match=r"^calling GET /auth/details: Connection refused$"):
        Api({"endpoint": "http://127.0.0.1:9/1.0", **KEYS}, {}).call("GET", "/auth/details")


def test_an_access_token_replaces_the_signature_and_other_headers_come_along(script: Script) -> None:
    settings = {"endpoint": script.url, "http_headers": {"X-Extra": "1"}, "user_agent_extra": "tests"}
    Api(settings, {"OVH_ACCESS_TOKEN": "token"}).check()
    [headers] = script.headers
    assert (headers["Authorization"], headers["X-Extra"]) == ("Bearer token", "1")
    assert headers["User-Agent"].endswith(" - tests")
    assert "X-Ovh-Signature" not in headers


def test_an_endpoint_may_not_end_with_a_slash() -> None:
    with pytest.raises(ApiError, match="must not end with a slash"):
        Api({"endpoint": "http://127.0.0.1:9/1.0/", **KEYS}, {})


@pytest.fixture
def provider() -> OvhProvider:
    return OvhProvider({}, threading.Event())


def complaints(diags: Diagnostics) -> list[str]:
    return [diagnostic.summary for diagnostic in diags.diagnostics]


def test_only_one_way_to_authenticate_may_be_given(provider: OvhProvider) -> None:
    diags = Diagnostics()
    provider.validate_config(diags, {"application_key": "a", "client_id": "b"})
    assert complaints(diags) == ["give only one of application_key, client_id"]


def test_the_start_asks_who_we_are_unless_told_not_to(script: Script, provider: OvhProvider) -> None:
    diags = Diagnostics()
    provider.configure_provider(diags, {"endpoint": script.url, **KEYS})
    assert [path for _, path, _ in script.asked] == ["/1.0/auth/time", "/1.0/auth/details"]
    script.asked.clear()
    provider.configure_provider(diags, {"endpoint": script.url, "ignore_init_error": True, **KEYS})
    assert (script.asked, complaints(diags)) == ([], [])


def test_a_refused_key_stops_the_start(script: Script, provider: OvhProvider) -> None:
    script.refusals[("GET", "/auth/details")] = (403, '{"message": "Invalid application key"}')
    diags = Diagnostics()
    provider.configure_provider(diags, {"endpoint": script.url, **KEYS})
    [told] = complaints(diags)
    assert told.startswith("OVH client seems to be misconfigured: calling GET /auth/details: OVHcloud API error")


@pytest.mark.parametrize(
    ("taint", "told"),
    [
        ({"key": "k", "effect": "NoSchedule", "value": None}, []),
        ({"key": "k", "effect": Unknown}, []),
        ({"effect": "NoSchedule"}, ["key attribute is mandatory for taint"]),
        ({"key": "k"}, ["effect attribute is mandatory for taint"]),
        ({"key": "k", "effect": "Never"},
         ["effect: Never is not an allowable taint effect, which are NoExecute, NoSchedule, PreferNoSchedule"]),
    ],
)
def test_a_taint_must_be_whole(taint: dict[str, Any], told: list[str], provider: OvhProvider) -> None:
    diags = Diagnostics()
    config = {"template": [{"metadata": [], "spec": [{"taints": [taint]}]}]}
    NodePoolResource(provider).validate(diags, "ovh_cloud_project_kube_nodepool", config)
    assert complaints(diags) == told


@pytest.mark.parametrize("template", [Unknown, [], [Unknown], [{"spec": Unknown}], [{"spec": [{"taints": Unknown}]}]])
def test_a_template_that_is_not_known_yet_is_not_judged(template: Any, provider: OvhProvider) -> None:
    diags = Diagnostics()
    NodePoolResource(provider).validate(diags, "ovh_cloud_project_kube_nodepool", {"template": template})
    assert complaints(diags) == []
