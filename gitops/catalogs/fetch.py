"""A fresh catalog from the OVH API, as ``poolplan catalog`` writes it: what a region sells, its size and its price.

Calls that the credentials may not make are done without where that is safe, each with a warning of what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from gitops.catalogs.bundle import bundled
from gitops.errors import InputError
from gitops.ovh.discover import find_cluster
from gitops.ovh.failures import NotFound, RightMissing
from planner.catalog import Catalog, Flavor
from planner.quantity import format_money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from gitops.ovh.answers import KubeFlavor, PlanCodes, ProjectFlavor, Quota
    from gitops.ovh.client import OvhClient
    from gitops.ovh.prices import PriceList
    from planner.catalog import Region

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshCatalog:
    """The catalog, the project's quota in its regions as far as it may be seen, and what people should know."""

    catalog: Catalog
    quotas: tuple[Quota, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What one region offers, by flavor name."""

    region: Region
    kube: dict[str, KubeFlavor]
    project: dict[str, ProjectFlavor] = field(default_factory=dict)

    def sells(self, name: str, prices: PriceList) -> bool:
        """Whether a node can be had here, at a price that is known."""
        return name in self.kube and self.kube[name].available and prices.get(self.hourly_plan(name)) is not None

    def hourly_plan(self, name: str) -> str:
        """As the API links it, else as OVHcloud names plans: those of regions with three zones end in ``.3AZ``."""
        codes = self._codes(name)
        linked = codes.hourly if codes else None
        return linked or f"{name}.consumption{'.3AZ' if self.region.zoned else ''}"

    def monthly_plan(self, name: str) -> str | None:
        """None where the API links none; by name where it says nothing of the flavor."""
        codes = self._codes(name)
        return codes.monthly if codes else f"{name}.monthly.postpaid"

    def _codes(self, name: str) -> PlanCodes | None:
        return self.project[name].plan_codes if name in self.project else None


def fetch_catalog(
    client: OvhClient, *, regions: Sequence[str] = (), subsidiary: str = "", now: datetime
) -> FreshCatalog:
    """Read the regions (default: the cluster's own) with the prices of a subsidiary (default: the account's).

    A flavor has one price in a catalog: regions whose prices differ, as one-zone and three-zone regions may, need a
    catalog each, and asking for both is refused. A flavor without a known price or disk is left out with a warning.
    """
    warnings: list[str] = []
    seller = subsidiary or _subsidiary(client)
    client, home = _at_home(client, warnings, needed=not regions)
    names = tuple(sorted(set(regions))) or (home,)
    _refuse_unknown(client, names, warnings)
    markets = [_market(client, name, warnings, home=home) for name in names]
    prices = client.catalog_prices(seller)
    catalog = Catalog(
        currency=prices.currency, source=_source(seller, names, now), regions=tuple(one.region for one in markets),
        flavors=tuple(_flavors(markets, prices, warnings)),
    )  # fmt: skip
    return FreshCatalog(catalog=catalog, quotas=_quotas(client, names, warnings), warnings=tuple(warnings))


def _source(subsidiary: str, regions: Sequence[str], now: datetime) -> str:
    where = ", ".join(regions)
    return f"OVHcloud API, prices without VAT of subsidiary {subsidiary} for {where} alone, read on {now:%Y-%m-%d}"


def _at_home(client: OvhClient, warnings: list[str], *, needed: bool) -> tuple[OvhClient, str]:
    """The client of the cluster, and its region: empty where it cannot be known and regions were named."""
    if not needed and not client.kube_id:
        return client, ""
    if not needed:
        lost = "the cluster's own view of flavors is not known"
        return client, _optional(lambda: client.cluster().region, warnings, lost) or ""
    found = find_cluster(client)
    return client.of_cluster(found.id), found.region


def _subsidiary(client: OvhClient) -> str:
    try:
        return client.me().subsidiary
    except RightMissing as error:
        raise InputError(f"name the subsidiary whose prices count, such as FR, CA or US: {error}") from error


def _refuse_unknown(client: OvhClient, names: Sequence[str], warnings: list[str]) -> None:
    known = _optional(client.regions, warnings, "region names are not checked")
    for name in names:
        if known is not None and name not in known:
            raise InputError(f"region {name} has no managed Kubernetes; there is {', '.join(known)}")


def _market(client: OvhClient, name: str, warnings: list[str], *, home: str) -> Market:
    region = _region(client, name, warnings)
    kube = {flavor.name: flavor for flavor in _kube_flavors(client, name, warnings, at_home=name == home)}
    lost = f"disk sizes of {name} come from the bundled catalog and order plans from the flavors' names"
    project = _optional(lambda: client.project_flavors(name), warnings, lost)
    return Market(region=region, kube=kube, project={flavor.name: flavor for flavor in project or ()})


def _region(client: OvhClient, name: str, warnings: list[str]) -> Region:
    try:
        return client.region(name)
    except NotFound:
        project = client.service_name
        raise InputError(f"project {project} has no region {name}; add it in the console or name another") from None
    except RightMissing as error:
        region = bundled().region(name)
        if region is None:
            raise InputError(f"the zones of {name} are unknown: {error}") from error
        warnings.append(f"zones of {name} come from the bundled catalog: {error}")
        return region


def _kube_flavors(client: OvhClient, region: str, warnings: list[str], *, at_home: bool) -> Iterable[KubeFlavor]:
    """The region's flavors; in the cluster's own region only those that the cluster lists as available are so."""
    try:
        offered = {flavor.name: flavor for flavor in client.flavors(region)}
    except RightMissing as error:
        if not at_home:
            raise
        warnings.append(f"flavors of {region} are those of the cluster: {error}")
        return client.cluster_flavors()
    if at_home:
        lost = "what the cluster itself cannot have is not known"
        seen = _optional(client.cluster_flavors, warnings, lost)
        return offered.values() if seen is None else _both(offered, {flavor.name: flavor for flavor in seen})
    return offered.values()


def _both(offered: dict[str, KubeFlavor], seen: dict[str, KubeFlavor]) -> Iterable[KubeFlavor]:
    """A flavor is available where the cluster says so and the region does not say no."""
    for name, flavor in sorted((offered | seen).items()):
        free = name in seen and seen[name].available and offered.get(name, flavor).available
        yield replace(flavor, state="available" if free else "unavailable")


def _quotas(client: OvhClient, names: Sequence[str], warnings: list[str]) -> tuple[Quota, ...]:
    found = [_optional(partial(client.quota, name), warnings, f"the quota of {name} is not known") for name in names]
    return tuple(quota for quota in found if quota is not None)


def _flavors(markets: Sequence[Market], prices: PriceList, warnings: list[str]) -> Iterable[Flavor]:
    for name in sorted({name for market in markets for name in market.kube}):
        disk = _disk(markets, name)
        hourly = _one_price({one.region.name: prices.get(one.hourly_plan(name)) for one in markets}, name)
        if hourly is None or disk is None:
            unknown = "price" if hourly is None else "disk size"
            warnings.append(f"flavor {name} is left out: no {unknown} is known for it")
            continue
        yield _flavor(name, markets, prices, hourly=hourly, disk=disk)


def _flavor(name: str, markets: Sequence[Market], prices: PriceList, *, hourly: int, disk: tuple[int, bool]) -> Flavor:
    seen = next(market.kube[name] for market in markets if name in market.kube)
    return Flavor(
        name=name, vcpus=seen.vcpus, ram_gb=seen.ram_gb, disk_gb=disk[0], gpus=seen.gpus, hourly=hourly,
        monthly=_one_price({one.region.name: prices.get(one.monthly_plan(name)) for one in markets}, name),
        unavailable=tuple(one.region.name for one in markets if not one.sells(name, prices)),
        disk_by_analogy=disk[1],
    )  # fmt: skip


def _disk(markets: Sequence[Market], name: str) -> tuple[int, bool] | None:
    """The smallest that a region tells, else the bundled catalog's; with whether it is by analogy."""
    told = [market.project[name].disk_gb for market in markets if name in market.project]
    if told:
        return min(told), False
    flavor = bundled().flavor(name)
    return (flavor.disk_gb, flavor.disk_by_analogy) if flavor else None


def _one_price(by_region: dict[str, int | None], name: str) -> int | None:
    """The price that all regions with a price share."""
    priced = {region: price for region, price in by_region.items() if price is not None}
    if len(set(priced.values())) > 1:
        listed = ", ".join(f"{format_money(price)} in {region}" for region, price in priced.items())
        raise InputError(f"flavor {name} has several prices ({listed}); write a catalog for each region")
    return next(iter(priced.values()), None)


def _optional(ask: Callable[[], T], warnings: list[str], lost: str) -> T | None:
    """The answer, or None and a warning where the right to ask is missing."""
    try:
        return ask()
    except RightMissing as error:
        warnings.append(f"{lost}: {error}")
        return None
