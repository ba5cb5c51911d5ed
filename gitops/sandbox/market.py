"""What can be had and what it costs: flavors, regions, quota and the public order catalog in the API's JSON."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from gitops.sandbox.settings import CLUSTER
from gitops.sandbox.validation import zones_to_ask_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitops.sandbox.answers import Json
    from gitops.sandbox.settings import Quota
    from planner.catalog import Catalog, Flavor

UNITS_PER_MICRO = 100
"""Prices of the order catalog count 1e-8 of the currency: 5120000 is 0.0512 and 51200 micro-euros."""
CONTINENTS = {"BHS": ("NA", "CA"), "SGP": ("ASIA", "SG"), "SYD": ("ASIA", "AU"), "AP-SOUTH": ("ASIA", "IN")}
COUNTRIES = {"DE": "DE", "EU-SOUTH-MIL": "IT", "UK": "GB", "WAW": "PL"}
ONE_AZ, THREE_AZ = "region", "region-3-az"


def kube_flavors(catalog: Catalog, region: str, *, sold_out: frozenset[str]) -> list[Json]:
    """The flavors a node pool can have; ``ram`` in GB, and ``vCPUs`` spelt as here only."""
    return [
        {
            "category": flavor.name[0],
            "gpus": flavor.gpus,
            "name": flavor.name,
            "ram": flavor.ram_gb,
            "state": "available" if is_available(flavor, region, sold_out=sold_out) else "unavailable",
            "vCPUs": flavor.vcpus,
        }
        for flavor in catalog.flavors
    ]


def is_available(flavor: Flavor, region: str, *, sold_out: frozenset[str]) -> bool:
    """True where a new node of the flavor can be had."""
    return region not in flavor.unavailable and flavor.name not in sold_out


def region_type(catalog: Catalog, region: str) -> str:
    """The API's word for a region of one or of three availability zones."""
    return THREE_AZ if zones_to_ask_for(catalog, region) else ONE_AZ


def region_names(catalog: Catalog) -> list[str]:
    """The regions that have MKS, by name."""
    return sorted(region.name for region in catalog.regions)


def region_body(catalog: Catalog, region: str) -> Json:
    """GET /cloud/project/{s}/region/{r}."""
    continent, country = _where(region)
    return {
        "availabilityZones": list(zones_to_ask_for(catalog, region)),
        "continentCode": continent,
        "countryCode": country.lower(),
        "datacenterLocation": _datacenter(region),
        "ipCountries": [],
        "name": region,
        "services": [{"endpoint": "", "name": name, "status": "UP"} for name in ("instance", "network", "volume")],
        "status": "UP",
        "type": region_type(catalog, region),
    }


def product_availability(catalog: Catalog) -> Json:
    """GET …/capabilities/productAvailability: where MKS can be had, by plan and by product."""
    regions = [_product_region(catalog, region) for region in region_names(catalog)]
    one_az = [region for region in regions if region["type"] == ONE_AZ]
    three_az = [region for region in regions if region["type"] == THREE_AZ]
    return {
        "plans": [
            {"code": "mks.free.hour.consumption", "regions": one_az},
            {"code": "mks.standard.hour.consumption", "regions": one_az},
            {"code": "mks.standard.hour.consumption.3az", "regions": three_az},
        ],
        "products": [{"name": "kubernetes", "regions": regions}],
    }


def _product_region(catalog: Catalog, region: str) -> Json:
    continent, country = _where(region)
    return {
        "availabilityZones": list(zones_to_ask_for(catalog, region)),
        "continentCode": continent, "countryCode": country,
        "datacenter": _datacenter(region), "enabled": True, "name": region, "type": region_type(catalog, region),
    }


def _where(region: str) -> tuple[str, str]:
    for prefix, place in CONTINENTS.items():
        if region.startswith(prefix):
            return place
    return "EU", next((country for prefix, country in COUNTRIES.items() if region.startswith(prefix)), "FR")


def _datacenter(region: str) -> str:
    return region.rstrip("0123456789").rstrip("-")


def project_flavors(catalog: Catalog, region: str, *, left: Quota, sold_out: frozenset[str]) -> list[Json]:
    """GET …/flavor?region=: ``ram`` in MB and ``disk`` in GB as real answers have them, against their schema."""
    return [_project_flavor(catalog, flavor, region=region, left=left, sold_out=sold_out) for flavor in catalog.flavors]


def _project_flavor(
    catalog: Catalog, flavor: Flavor, *, region: str, left: Quota, sold_out: frozenset[str],
) -> Json:
    startable = min(left.instances, left.cores // flavor.vcpus, left.ram_mb // (flavor.ram_gb * 1000))
    capabilities = ("resize", "snapshot", "volume", "failoverip")
    return {
        "available": is_available(flavor, region, sold_out=sold_out),
        "capabilities": [{"enabled": True, "name": name} for name in capabilities],
        "disk": flavor.disk_gb,
        "id": str(uuid.uuid5(uuid.UUID(CLUSTER), f"flavor-{region}-{flavor.name}")),
        "inboundBandwidth": None,
        "name": flavor.name,
        "osType": "linux",
        "outboundBandwidth": None,
        "planCodes": {
            "hourly": hourly_plan(flavor, region_type(catalog, region)),
            "license": None,
            "monthly": None if flavor.monthly is None else monthly_plan(flavor),
        },
        "quota": max(startable, 0),
        "ram": flavor.ram_gb * 1000,
        "region": region,
        "type": f"ovh.ssd.{flavor.name[0]}",
        "vcpus": flavor.vcpus,
    }


def hourly_plan(flavor: Flavor, kind: str) -> str:
    """The order plan of an hourly node in a region of that type."""
    return f"{flavor.name}.consumption{'.3AZ' if kind == THREE_AZ else ''}"


def monthly_plan(flavor: Flavor) -> str:
    """The order plan of a monthly node."""
    return f"{flavor.name}.monthly.postpaid"


def quota_body(region: str, quota: Quota, *, used: Quota) -> Json:
    """The project's quota in a region; memory in MB, ``maxRam`` beside ``usedRAM`` as the API spells them."""
    return {
        "instance": {
            "maxCores": quota.cores, "maxInstances": quota.instances, "maxRam": quota.ram_mb,
            "usedCores": used.cores, "usedInstances": used.instances, "usedRAM": used.ram_mb,
        },
        "keymanager": None,
        "keypair": {"maxCount": 100},
        "loadbalancer": None,
        "network": {"maxNetworks": 500, "usedNetworks": 0},
        "region": region,
        "volume": {"maxGigabytes": 40000, "maxVolumeCount": 400, "usedGigabytes": 0, "volumeCount": 0},
    }


def order_catalog(catalog: Catalog, subsidiary: str) -> Json:
    """GET /order/catalog/public/cloud: one addon per flavor and plan."""
    return {
        "catalogId": 1,
        "locale": {"currencyCode": "EUR", "subsidiary": subsidiary, "taxRate": 20},
        "plans": [],
        "products": [],
        "addons": [addon for flavor in catalog.flavors for addon in _addons(catalog, flavor)],
        "planFamilies": [],
    }


def _addons(catalog: Catalog, flavor: Flavor) -> Iterable[Json]:
    for kind in (ONE_AZ, THREE_AZ):
        regions = [region for region in region_names(catalog) if region_type(catalog, region) == kind]
        yield _addon(flavor, hourly_plan(flavor, kind), pricing=_pricing(flavor.hourly, "hour"), regions=regions)
    if flavor.monthly is not None:
        yield _addon(
            flavor, monthly_plan(flavor), pricing=_pricing(flavor.monthly, "month"), regions=region_names(catalog),
        )


def _addon(flavor: Flavor, plan_code: str, *, pricing: Json, regions: list[str]) -> Json:
    technical: Json = {
        "cpu": {"cores": flavor.vcpus, "type": "vCore"},
        "memory": {"size": flavor.ram_gb, "unit": "GB"},
        "name": flavor.name,
        "os": {"family": "linux"},
        "storage": {"disks": [{"capacity": flavor.disk_gb, "number": 1, "technology": "SSD"}], "raid": "local"},
    }
    if flavor.gpus:
        technical["gpu"] = {"number": flavor.gpus}
    return {
        "addonFamilies": [],
        "blobs": {"commercial": {"brick": "compute", "name": flavor.name}, "tags": ["active"], "technical": technical},
        "configurations": [{"isCustom": False, "isMandatory": False, "name": "region", "values": regions}],
        "invoiceName": flavor.name,
        "planCode": plan_code,
        "pricingType": "consumption",
        "pricings": [pricing],
        "product": "publiccloud-instance",
    }


def _pricing(micros: int, unit: str) -> Json:
    return {
        "capacities": ["consumption"], "commitment": 0, "description": f"Price per {unit}",
        "formattedPrice": f"{micros / 1_000_000:.4f} €", "interval": 1, "intervalUnit": unit, "mode": "default",
        "phase": 1, "price": micros * UNITS_PER_MICRO, "strategy": "tiered", "tax": 0, "type": "consumption",
    }
