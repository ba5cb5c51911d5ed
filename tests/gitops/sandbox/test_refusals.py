"""What the API grants and refuses, from tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from gitops.catalogs.bundle import bundled
from gitops.sandbox import routes
from gitops.sandbox.model import SandboxModel
from gitops.sandbox.refusals import ApiError
from gitops.sandbox.settings import Quota, SandboxOptions

from .conftest import POOLS, HandClock, wish

if TYPE_CHECKING:
    from collections.abc import Callable

Case = dict[str, Any]


def cases(name: str) -> list[Any]:
    text = (Path(__file__).parent / "cases" / f"{name}.yaml").read_text(encoding="utf-8")
    return [pytest.param(case, id=case["case"]) for case in YAML(typ="safe", pure=True).load(text)]


@pytest.mark.parametrize("case", cases("creation"))
def test_creation(case: Case, clock: HandClock) -> None:
    model = prepared(case, clock)
    body = case.get("raw") or json.dumps(laid_over(wish(), case.get("send", {})))
    check(case, lambda: call(model, "POST", POOLS, body))


@pytest.mark.parametrize("case", cases("change"))
def test_change(case: Case, clock: HandClock) -> None:
    model = prepared(case, clock)
    pool = call(model, "POST", POOLS, json.dumps(laid_over(wish(desiredNodes=3), case.get("pool", {}))))
    if not case.get("at_once"):
        clock.advance(5)
    path = f"{POOLS}/{pool['id']}"
    nodes = call(model, "GET", f"{path}/nodes")
    body = case["put"] | victims(case, nodes)
    check(case, lambda: call(model, "PUT", path, json.dumps(body)))
    if "left" in case:
        clock.advance(1)
        assert call(model, "GET", f"{path}/nodes") == [nodes[number] for number in case["left"]]


def prepared(case: Case, clock: HandClock) -> SandboxModel:
    """A sandbox as the case wants it, with the pools that are there already."""
    options = dict(case.get("options", {}))
    if "quota" in options:
        options["quota"] = Quota(**options["quota"])
    model = SandboxModel(SandboxOptions(**options), bundled(), clock=clock)
    for pool in case.get("there", []):
        call(model, "POST", POOLS, json.dumps(wish(**pool)))
    if "sold_out" in case:
        model.failures.add(json.dumps({"scenario": "flavor-unavailable", "flavor": case["sold_out"]}).encode())
    return model


def victims(case: Case, nodes: list[Any]) -> dict[str, list[str]]:
    if "victims" not in case:
        return {}
    by, chosen = case["victims"]["by"], [nodes[number] for number in case["victims"]["nodes"]]
    if by == "providerID":
        return {"nodesToRemove": [f"openstack:///{node['instanceId']}" for node in chosen]}
    return {"nodesToRemove": [node[by] for node in chosen]}


def call(model: SandboxModel, method: str, path: str, body: str = "") -> Any:
    return json.loads(json.dumps(routes.answer(model, method=method, path=path, query={}, body=body.encode())))


def check(case: Case, request: Callable[[], Any]) -> None:
    if "refused" in case:
        with pytest.raises(ApiError) as refusal:
            request()
        assert [refusal.value.status, refusal.value.message] == case["refused"]
    else:
        answer = request()
        assert {field: answer[field] for field in case["granted"]} == case["granted"]


def laid_over(base: Case, changes: Case) -> Case:
    return {field: value for field, value in (base | changes).items() if value is not None}


def test_cluster_takes_a_hundred_pools_and_no_more(model: SandboxModel) -> None:
    for number in range(100):
        call(model, "POST", POOLS, json.dumps(wish(name=f"p{number}", desiredNodes=0)))
    with pytest.raises(ApiError, match="at most 100 NodePools"):
        call(model, "POST", POOLS, json.dumps(wish(desiredNodes=0)))


def test_standard_plan_ends_at_five_hundred_nodes(clock: HandClock) -> None:
    model = prepared({}, clock)
    for number in range(5):
        call(model, "POST", POOLS, json.dumps(wish(name=f"p{number}", desiredNodes=100)))
    with pytest.raises(ApiError, match="plan standard has at most 500 nodes, not 501"):
        call(model, "POST", POOLS, json.dumps(wish()))


@pytest.mark.parametrize(("method", "status"), [("PUT", "update"), ("DELETE", "delete")])
def test_pool_on_its_way_out_accepts_nothing_more(
    model: SandboxModel, clock: HandClock, method: str, status: str,
) -> None:
    pool = call(model, "POST", POOLS, json.dumps(wish()))
    clock.advance(5)
    call(model, "DELETE", f"{POOLS}/{pool['id']}")
    with pytest.raises(ApiError) as refusal:
        call(model, method, f"{POOLS}/{pool['id']}", "{}")
    words = f"[IntegrityError] 400: Cannot {status} NodePool: NodePool status is DELETING"
    assert (refusal.value.status, refusal.value.message) == (400, words)
