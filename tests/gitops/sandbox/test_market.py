"""What is on offer and what it costs, against the bundled catalog it comes from."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from gitops.catalogs.bundle import bundled
from gitops.sandbox.settings import PROJECT, Quota, SandboxOptions

from .conftest import KUBE, POOLS, Starter, connected, wish

if TYPE_CHECKING:
    import ovh

BASE = f"/cloud/project/{PROJECT}"
CATALOG = "/order/catalog/public/cloud"


@pytest.fixture
def addons(client: ovh.Client) -> dict[str, Any]:
    catalog = client.get(CATALOG, ovhSubsidiary="FR", _need_auth=False)
    return {addon["planCode"]: addon for addon in catalog["addons"]}


def test_kube_flavor_has_the_api_s_own_spelling(client: ovh.Client) -> None:
    flavors = {flavor["name"]: flavor for flavor in client.get(f"{KUBE}/flavors")}
    assert flavors["b3-8"] == {
        "category": "b", "gpus": 0, "name": "b3-8", "ram": 8, "state": "available", "vCPUs": 2,
    }  # fmt: skip
    assert flavors["t1-90"]["gpus"] == 2
    assert flavors.keys() == {flavor.name for flavor in bundled().flavors}


def test_capabilities_may_be_asked_of_any_region(client: ovh.Client) -> None:
    assert client.get(f"{BASE}/capabilities/kube/flavors", region="GRA11") == client.get(f"{KUBE}/flavors")
    regions = client.get(f"{BASE}/capabilities/kube/regions")
    assert regions == sorted(region.name for region in bundled().regions)
    assert "EU-SOUTH-MIL" in regions


@pytest.mark.parametrize(("region", "kind", "zones"), [
    ("EU-WEST-PAR", "region-3-az", ["eu-west-par-a", "eu-west-par-b", "eu-west-par-c"]), ("GRA11", "region", []),
])  # fmt: skip
def test_region_tells_its_type_and_zones(client: ovh.Client, region: str, kind: str, zones: list[str]) -> None:
    told = client.get(f"{BASE}/region/{region}")
    assert (told["name"], told["type"], told["availabilityZones"]) == (region, kind, zones)
    products = client.get(f"{BASE}/capabilities/productAvailability", ovhSubsidiary="FR")["products"]
    (listed,) = [entry for entry in products[0]["regions"] if entry["name"] == region]
    assert (listed["type"], listed["availabilityZones"], listed["enabled"]) == (kind, zones, True)


def test_plans_of_mks_are_split_by_the_regions_they_exist_in(client: ovh.Client) -> None:
    plans = client.get(f"{BASE}/capabilities/productAvailability", ovhSubsidiary="FR")["plans"]
    where = {plan["code"]: {region["name"] for region in plan["regions"]} for plan in plans}
    assert where["mks.standard.hour.consumption.3az"] == {"EU-WEST-PAR", "EU-SOUTH-MIL"}
    assert "EU-WEST-PAR" not in where["mks.free.hour.consumption"]


def test_project_flavor_counts_memory_in_megabytes_and_leads_to_its_plans(
    client: ovh.Client, addons: dict[str, Any],
) -> None:
    flavors = {flavor["name"]: flavor for flavor in client.get(f"{BASE}/flavor", region="GRA11")}
    b3 = flavors["b3-8"]
    assert (b3["ram"], b3["disk"], b3["vcpus"], b3["region"], b3["osType"]) == (8000, 50, 2, "GRA11", "linux")
    assert b3["planCodes"] == {"hourly": "b3-8.consumption", "license": None, "monthly": None}
    assert flavors["b2-7"]["planCodes"]["monthly"] == "b2-7.monthly.postpaid"
    assert client.get(f"{BASE}/flavor/{b3['id']}") == b3
    codes = {code for flavor in flavors.values() for code in flavor["planCodes"].values() if code}
    assert codes <= addons.keys()


def test_flavors_of_all_regions_have_one_entry_each(client: ovh.Client) -> None:
    flavors = client.get(f"{BASE}/flavor")
    assert len({flavor["id"] for flavor in flavors}) == len(flavors) == len(bundled().flavors) * len(bundled().regions)


def test_prices_count_a_hundred_millionth_of_the_currency(addons: dict[str, Any]) -> None:
    assert addons["b3-8.consumption"]["pricings"][0]["price"] == 5_120_000
    assert addons["b2-7.monthly.postpaid"]["pricings"][0]["price"] == 2_517_000_000
    for flavor in bundled().flavors:
        (pricing,) = addons[f"{flavor.name}.consumption.3AZ"]["pricings"]
        assert Decimal(pricing["price"]) / 10**8 == Decimal(flavor.hourly) / 10**6
        assert (pricing["intervalUnit"], pricing["capacities"]) == ("hour", ["consumption"])
        assert (f"{flavor.name}.monthly.postpaid" in addons) == (flavor.monthly is not None)


def test_addon_tells_its_regions_and_its_machine(addons: dict[str, Any]) -> None:
    (regions,) = addons["b3-8.consumption.3AZ"]["configurations"]
    assert (regions["name"], regions["values"]) == ("region", ["EU-SOUTH-MIL", "EU-WEST-PAR"])
    technical = addons["t1-90.consumption"]["blobs"]["technical"]
    assert (technical["cpu"]["cores"], technical["memory"]["size"], technical["gpu"]["number"]) == (18, 90, 2)
    assert {addon["product"] for addon in addons.values()} == {"publiccloud-instance"}


def test_catalog_is_of_the_subsidiary_asked_for(client: ovh.Client) -> None:
    locale = client.get(CATALOG, ovhSubsidiary="DE", _need_auth=False)["locale"]
    assert (locale["currencyCode"], locale["subsidiary"]) == ("EUR", "DE")
    assert client.raw_call("GET", CATALOG, need_auth=False).json()["message"] == "[ovhSubsidiary] Property is mandatory"


def test_flavor_tells_how_many_the_quota_leaves(start: Starter) -> None:
    with connected(start(SandboxOptions(quota=Quota(cores=9, ram_mb=10**6, instances=10)))) as client:
        client.post(POOLS, **wish(desiredNodes=2))
        left = {flavor["name"]: flavor["quota"] for flavor in client.get(f"{BASE}/flavor", region="EU-WEST-PAR")}
        assert (left["b3-8"], left["b3-16"], left["b3-32"]) == (2, 1, 0)
