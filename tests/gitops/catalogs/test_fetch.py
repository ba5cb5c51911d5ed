"""A catalog from the API: on the sandbox equal to the bundled one, which it sells; poorer where rights are missing."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gitops.catalogs.bundle import bundled
from gitops.catalogs.fetch import FreshCatalog, fetch_catalog
from gitops.errors import InputError
from gitops.ovh.client import OvhClient
from gitops.ovh.failures import RightMissing
from gitops.sandbox.settings import CLUSTER, PROJECT
from planner.catalog import Catalog

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOME, FLAT = "EU-WEST-PAR", "GRA11"


def fetch(client: OvhClient, *regions: str, subsidiary: str = "") -> FreshCatalog:
    return fetch_catalog(client, regions=regions, subsidiary=subsidiary, now=NOW)


def expected(*regions: str, analogy: bool = False) -> Catalog:
    """The bundled catalog for some regions, as the sandbox tells it: there, disk sizes are facts."""
    names = ", ".join(regions)
    return replace(
        bundled(),
        source=f"OVHcloud API, prices without VAT of subsidiary FR for {names} alone, read on 2026-03-01",
        regions=tuple(region for region in bundled().regions if region.name in regions),
        flavors=tuple(
            one if analogy else replace(one, disk_by_analogy=False) for one in bundled().flavors
        ),
    )  # fmt: skip


@pytest.mark.parametrize("regions", [(), (HOME,), (FLAT,), (HOME, FLAT)])
def test_what_the_sandbox_sells_is_the_bundled_catalog(regions: tuple[str, ...], client: OvhClient) -> None:
    fresh = fetch(client, *regions)
    assert fresh.catalog == expected(*(regions or (HOME,)))
    assert [quota.region for quota in fresh.quotas] == sorted(regions or (HOME,))
    assert fresh.warnings == ()


@pytest.mark.parametrize(
    ("denied", "analogy", "lost"),
    [
        ("/kube/regions", False, ["region names are not checked"]),
        (f"/region/{HOME}", False, [f"zones of {HOME} come from the bundled catalog"]),
        (
            "/flavor", True,
            [f"disk sizes of {HOME} come from the bundled catalog and order plans from the flavors' names"],
        ),
        ("/kube/flavors", False, [f"flavors of {HOME} are those of the cluster"]),
        (f"{CLUSTER}/flavors", False, ["what the cluster itself cannot have is not known"]),
        ("/quota", False, [f"the quota of {HOME} is not known"]),
    ],
)  # fmt: skip
def test_a_missing_right_costs_what_the_warning_says(
    denied: str, analogy: bool, lost: list[str], client: OvhClient, gate: Any
) -> None:
    gate.denied = (denied,)
    fresh = fetch(client)
    assert fresh.catalog == expected(HOME, analogy=analogy)
    assert [warning.partition(": no right GET /")[0] for warning in fresh.warnings] == lost


def test_everything_optional_denied_at_once_still_gives_a_catalog(client: OvhClient, gate: Any) -> None:
    gate.denied = ("/kube/regions", f"/region/{HOME}", "/flavor", "/kube/flavors", "/quota")
    fresh = fetch(client, subsidiary="FR")
    assert (fresh.catalog, fresh.quotas, len(fresh.warnings)) == (expected(HOME, analogy=True), (), 5)


def test_the_cluster_may_be_hidden_where_regions_are_named(client: OvhClient, gate: Any) -> None:
    gate.denied = (CLUSTER,)
    fresh = fetch(client, FLAT)
    assert fresh.catalog == expected(FLAT)
    assert [warning.partition(":")[0] for warning in fresh.warnings] == [
        "the cluster's own view of flavors is not known"
    ]


def test_without_flavors_there_is_no_catalog(client: OvhClient, gate: Any) -> None:
    gate.denied = ("/kube/flavors",)
    with pytest.raises(RightMissing):
        fetch(client, FLAT)


def test_without_the_account_the_subsidiary_must_be_named(client: OvhClient, gate: Any) -> None:
    gate.denied = ("/me",)
    with pytest.raises(
        InputError, match="name the subsidiary whose prices count, such as FR, CA or US: no right GET /me"
    ):
        fetch(client)
    assert fetch(client, subsidiary="FR").catalog == expected(HOME)


def test_without_a_region_the_only_cluster_decides(gate: Any) -> None:
    assert fetch(OvhClient(gate, service_name=PROJECT)).catalog == expected(HOME)


def test_no_cluster_and_no_region(gate: Any) -> None:
    gate.changed = {f"{PROJECT}/kube": []}
    with pytest.raises(InputError, match="has no managed cluster; check OVH_SERVICE_NAME"):
        fetch(OvhClient(gate, service_name=PROJECT))


def test_a_region_needs_no_cluster(gate: Any) -> None:
    assert fetch(OvhClient(gate, service_name=PROJECT), FLAT).catalog == expected(FLAT)


def test_a_region_without_managed_kubernetes(client: OvhClient) -> None:
    with pytest.raises(InputError, match="region GRA12 has no managed Kubernetes; there is AP-SOUTH-MUM, "):
        fetch(client, "GRA12")


def test_a_region_that_the_project_does_not_have(client: OvhClient, gate: Any) -> None:
    gate.changed = {"/kube/regions": ["GRA12"]}
    with pytest.raises(
        InputError, match=f"project {PROJECT} has no region GRA12; add it in the console or name another"
    ):
        fetch(client, "GRA12")


def order_catalog(prices: dict[str, int | list[dict[str, object]]]) -> dict[str, object]:
    addons = [
        {
            "planCode": code,
            "pricings": given if isinstance(given, list) else [{"price": given, "capacities": ["consumption"]}],
        }
        for code, given in prices.items()
    ]
    return {"locale": {"currencyCode": "EUR", "taxRate": 20}, "addons": addons}


def small(gate: Any, prices: dict[str, Any], *names: str) -> None:
    flavors = [{"name": name, "vCPUs": 2, "ram": 8, "gpus": 0, "state": "available"} for name in names]
    gate.changed = {"/kube/flavors": flavors, f"{CLUSTER}/flavors": flavors, "/cloud": order_catalog(prices)}


def test_a_flavor_without_a_price_is_left_out(client: OvhClient, gate: Any) -> None:
    small(gate, {"b3-8.consumption.3AZ": 5120000}, "b3-8", "b3-16")
    fresh = fetch(client)
    assert [flavor.name for flavor in fresh.catalog.flavors] == ["b3-8"]
    assert fresh.warnings == ("flavor b3-16 is left out: no price is known for it",)


def test_a_flavor_without_a_disk_is_left_out(client: OvhClient, gate: Any) -> None:
    small(gate, {"z9-8.consumption.3AZ": 5120000}, "z9-8")
    fresh = fetch(client)
    assert fresh.catalog.flavors == ()
    assert fresh.warnings == ("flavor z9-8 is left out: no disk size is known for it",)


def test_regions_of_two_prices_need_two_catalogs(client: OvhClient, gate: Any) -> None:
    small(gate, {"b3-8.consumption.3AZ": 6000000, "b3-8.consumption": 5120000}, "b3-8")
    says = r"flavor b3-8 has several prices \(0\.06 in EU-WEST-PAR, 0\.0512 in GRA11\); write a catalog for each region"
    with pytest.raises(InputError, match=says):
        fetch(client, FLAT, HOME)
    assert [fetch(client, region).catalog.flavors[0].hourly for region in (FLAT, HOME)] == [51200, 60000]


def test_a_flavor_without_a_price_in_one_region_is_not_sold_there(client: OvhClient, gate: Any) -> None:
    small(gate, {"b3-8.consumption": 5120000}, "b3-8")
    assert fetch(client, FLAT, HOME).catalog.flavors[0].unavailable == (HOME,)


def test_a_flavor_that_is_sold_out_is_unavailable(client: OvhClient, gate: Any) -> None:
    sold_out = [{"name": "b3-8", "vCPUs": 2, "ram": 8, "state": "unavailable"}]
    for teller, told in itertools.product(("/kube/flavors", f"{CLUSTER}/flavors"), (sold_out, [])):
        small(gate, {"b3-8.consumption.3AZ": 5120000}, "b3-8")
        gate.changed[teller] = told
        hidden = (teller, told) == ("/kube/flavors", [])  # the region says nothing, the cluster says yes
        assert fetch(client).catalog.flavors[0].unavailable == (() if hidden else (HOME,))


@pytest.mark.parametrize(
    ("pricings", "micros"),
    [
        ([{"price": 5120001, "capacities": ["consumption"]}], 51201),
        ([{"price": 9, "capacities": ["installation"]}, {"price": 100, "capacities": ["consumption", "renew"]}], 1),
        ([{"price": 100, "capacities": ["consumption"]}, {"price": 300, "capacities": ["consumption"]}], 3),
    ],
)
def test_the_dearest_price_of_consumption_counts_rounded_up(
    pricings: list[dict[str, object]], micros: int, client: OvhClient, gate: Any
) -> None:
    small(gate, {"b3-8.consumption.3AZ": pricings}, "b3-8")
    assert fetch(client).catalog.flavors[0].hourly == micros


def test_a_free_plan_is_no_price(client: OvhClient, gate: Any) -> None:
    small(gate, {"b3-8.consumption.3AZ": 0}, "b3-8")
    assert fetch(client).catalog.flavors == ()
