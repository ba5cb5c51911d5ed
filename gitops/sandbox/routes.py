"""Which path of the API is answered by what: a table, and a small function per line. No HTTP beyond method and path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.sandbox import account, answers, market
from gitops.sandbox.bodies import CreationBody, UpdateBody, decode_body
from gitops.sandbox.refusals import ApiError, missing_object, missing_route
from gitops.sandbox.settings import CLUSTER, PROJECT, Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.sandbox.answers import Json
    from gitops.sandbox.model import SandboxModel

Answer = object
"""Anything JSON can hold: the API answers with objects, arrays and bare numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a handler sees of a request: the path's variables, the query and the raw body."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


def answer(model: SandboxModel, *, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
    """The answer to a request for ``path`` (below /1.0). ApiError where there is none."""
    for wanted, pattern, handler in _COMPILED:
        match = pattern.fullmatch(path)
        if match and wanted == method:
            variables = match.groupdict()
            _check_owner(variables)
            return handler(model, Asked(path=variables, query=query, body=body))
    raise missing_route()


def _check_owner(variables: Mapping[str, str]) -> None:
    if variables.get("project", PROJECT) != PROJECT:
        raise ApiError(404, "This service does not exist")
    if variables.get("kube", CLUSTER) != CLUSTER:
        raise missing_object("Cluster", variables["kube"])


def _region(model: SandboxModel, asked: Asked) -> str:
    """The region a request speaks of, the sandbox's own where it names none."""
    region = asked.path.get("region") or asked.query.get("region") or model.options.region
    if region not in market.region_names(model.catalog):
        raise missing_object("Region", region)
    return region


def _time(model: SandboxModel, _asked: Asked) -> int:
    return int(model.now().timestamp())


def _credential(model: SandboxModel, _asked: Asked) -> Json:
    return account.credential_body(answers.date(model.now()) or "")


def _kubeconfig(model: SandboxModel, _asked: Asked) -> Json:
    if model.kubeconfig:
        return {"content": model.kubeconfig}
    path = model.options.kubeconfig
    return {"content": path.read_text(encoding="utf-8") if path else _empty_kubeconfig(model)}


def _empty_kubeconfig(model: SandboxModel) -> str:
    """A kubeconfig that leads nowhere, in the form the API sends: one cluster and one user."""
    url = answers.cluster_body(model.options)["url"]
    return "\n".join((
        "apiVersion: v1", "kind: Config", "preferences: {}", "current-context: kubernetes-admin@sandbox",
        "clusters:", "- name: sandbox", "  cluster:", f"    server: https://{url}",
        "contexts:", "- name: kubernetes-admin@sandbox",
        "  context: {cluster: sandbox, user: kubernetes-admin-sandbox}",
        "users:", "- name: kubernetes-admin-sandbox", "  user: {token: sandbox}", "",
    ))


def _kube_flavors(model: SandboxModel, asked: Asked) -> list[Json]:
    return market.kube_flavors(model.catalog, _region(model, asked), sold_out=model.failures.sold_out())


def _flavors(model: SandboxModel, asked: Asked) -> list[Json]:
    regions = [_region(model, asked)] if "region" in asked.query else market.region_names(model.catalog)
    sold_out = model.failures.sold_out()
    return [
        flavor for region in regions
        for flavor in market.project_flavors(model.catalog, region, left=_free(model, region), sold_out=sold_out)
    ]


def _flavor(model: SandboxModel, asked: Asked) -> Json:
    wanted = asked.path["flavor"]
    found = next((flavor for flavor in _flavors(model, asked) if flavor["id"] == wanted), None)
    if found is None:
        raise missing_object("Flavor", wanted)
    return found


def _free(model: SandboxModel, region: str) -> Quota:
    return model.free_quota() if region == model.options.region else model.options.quota


def _quota(model: SandboxModel, region: str) -> Json:
    used = model.used_quota() if region == model.options.region else Quota(cores=0, ram_mb=0, instances=0)
    return market.quota_body(region, model.options.quota, used=used)


def _order_catalog(model: SandboxModel, asked: Asked) -> Json:
    if "ovhSubsidiary" not in asked.query:
        raise ApiError(400, "[ovhSubsidiary] Property is mandatory")
    return market.order_catalog(model.catalog, asked.query["ovhSubsidiary"])


def _history(asked: Asked) -> bool:
    return asked.query.get("history", "").lower() == "true"


_P = "/cloud/project/{project}"
_K = _P + "/kube/{kube}"
ROUTES: tuple[tuple[str, str, Callable[[SandboxModel, Asked], Answer]], ...] = (
    ("GET", "/auth/time", _time),
    ("GET", "/auth/details", lambda _m, _a: account.auth_details_body()),
    ("GET", "/auth/currentCredential", _credential),
    ("GET", "/me", lambda _m, _a: account.me_body()),
    ("GET", "/order/catalog/public/cloud", _order_catalog),
    ("GET", "/cloud/project", lambda _m, _a: [PROJECT]),
    ("GET", _P, lambda _m, _a: account.project_body()),
    ("GET", _P + "/kube", lambda _m, _a: [CLUSTER]),
    ("GET", _K, lambda m, _a: answers.cluster_body(m.options)),
    ("POST", _K + "/kubeconfig", _kubeconfig),
    ("GET", _K + "/flavors", _kube_flavors),
    ("GET", _K + "/metrics/etcdUsage", lambda _m, _a: {"quota": 8_000_000_000, "usage": 1_000_000}),
    ("GET", _K + "/nodepool", lambda m, _a: m.list_pools()),
    ("POST", _K + "/nodepool", lambda m, a: m.create_pool(decode_body(a.body, CreationBody))),
    ("GET", _K + "/nodepool/{pool}", lambda m, a: m.read_pool(a.path["pool"])),
    ("PUT", _K + "/nodepool/{pool}", lambda m, a: m.update_pool(a.path["pool"], decode_body(a.body, UpdateBody))),
    ("DELETE", _K + "/nodepool/{pool}", lambda m, a: m.delete_pool(a.path["pool"])),
    ("GET", _K + "/nodepool/{pool}/nodes", lambda m, a: m.list_nodes(a.path["pool"], history=_history(a))),
    ("GET", _K + "/node", lambda m, a: m.list_nodes(history=_history(a))),
    ("GET", _K + "/node/{node}", lambda m, a: m.read_node(a.path["node"])),
    ("DELETE", _K + "/node/{node}", lambda m, a: m.delete_node(a.path["node"])),
    ("GET", _P + "/capabilities/kube/flavors", _kube_flavors),
    ("GET", _P + "/capabilities/kube/regions", lambda m, _a: market.region_names(m.catalog)),
    ("GET", _P + "/capabilities/productAvailability", lambda m, _a: market.product_availability(m.catalog)),
    ("GET", _P + "/flavor", _flavors),
    ("GET", _P + "/flavor/{flavor}", _flavor),
    ("GET", _P + "/quota", lambda m, _a: [_quota(m, region) for region in market.region_names(m.catalog)]),
    ("GET", _P + "/region", lambda m, _a: market.region_names(m.catalog)),
    ("GET", _P + "/region/{region}", lambda m, a: market.region_body(m.catalog, _region(m, a))),
    ("GET", _P + "/region/{region}/quota", lambda m, a: _quota(m, _region(m, a))),
)
_COMPILED = tuple(
    (method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), handler) for method, path, handler in ROUTES
)
