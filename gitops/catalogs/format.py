"""The catalog file's shape (``kind: Catalog``): from a parsed document to a ``Catalog`` and back, pure.

Where the document comes from, and where in a file a fault stands, is left to ``files`` and ``bundle``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import msgspec

from gitops.decoding import Misfit, convert
from planner.catalog import Catalog, Flavor, Region
from planner.errors import ValueRefused
from planner.quantity import format_money, parse_money

MOST_OF_ALL = 10**6  # CPUs, gigabytes and GPUs of one machine: more is a mistake
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
Text = Annotated[str, msgspec.Meta(min_length=1)]
Amount = str | int | float
Path = tuple[str | int, ...]
_CURRENCY = re.compile("[A-Z]{3}")


class RegionEntry(msgspec.Struct):
    """A region; one without availability zones has the one zone ``nova``."""

    zones: Annotated[Sequence[Text], msgspec.Meta(min_length=1)]


class FlavorEntry(msgspec.Struct, rename={"ram_gb": "ramGB", "disk_gb": "diskGB", "disk_by_analogy": "diskByAnalogy"}):
    """A flavor. Prices are decimals, best in quotes; ``monthly`` absent: no monthly plan."""

    name: Text
    vcpus: Annotated[int, msgspec.Meta(ge=1, le=MOST_OF_ALL)]
    ram_gb: Annotated[int, msgspec.Meta(ge=1, le=MOST_OF_ALL)]
    disk_gb: Annotated[int, msgspec.Meta(ge=0, le=MOST_OF_ALL)]
    hourly: Amount
    gpus: Annotated[int, msgspec.Meta(ge=0, le=MOST_OF_ALL)] = 0
    monthly: Amount | None = None
    unavailable: Sequence[str] = ()
    disk_by_analogy: bool = False


class CatalogEntry(msgspec.Struct, rename="camel"):
    """The whole document."""

    api_version: str
    kind: str
    currency: str
    regions: dict[str, object]
    flavors: Sequence[FlavorEntry]
    source: str = ""


def decode_catalog(document: object) -> Catalog:
    """From a parsed document. Unknown fields are ignored here, see ``unknown_fields``. Raises Misfit."""
    _check_kind(document)
    entry = convert(document, CatalogEntry)
    if not _CURRENCY.fullmatch(entry.currency):
        raise Misfit("must be a currency code of three capitals, like EUR", ("currency",))
    regions = tuple(_region(name, entry.regions[name]) for name in sorted(entry.regions))
    known = frozenset(name for region in regions for name in (region.name, *region.zones))
    first: dict[str, int] = {}
    for index, flavor in enumerate(entry.flavors):
        if flavor.name in first:
            message = f"flavor {flavor.name} is listed twice, first at flavors[{first[flavor.name]}]"
            raise Misfit(message, ("flavors", index, "name"))
        first[flavor.name] = index
    flavors = [_flavor(flavor, ("flavors", index), known) for index, flavor in enumerate(entry.flavors)]
    return Catalog(
        currency=entry.currency, source=entry.source, regions=regions,
        flavors=tuple(sorted(flavors, key=lambda flavor: flavor.name)),
    )  # fmt: skip


def encode_catalog(catalog: Catalog) -> dict[str, object]:
    """The document: regions and flavors by name, defaults left out, prices as quoted decimals."""
    return {
        "apiVersion": "poolplan.dev/v1alpha1",
        "kind": "Catalog",
        "currency": catalog.currency,
        "source": catalog.source,
        "regions": {one.name: {"zones": list(one.zones)} for one in sorted(catalog.regions, key=lambda one: one.name)},
        "flavors": [_flavor_document(one) for one in sorted(catalog.flavors, key=lambda one: one.name)],
    }


def unknown_fields(document: object) -> Iterator[Path]:
    """The paths of fields that a catalog does not have, in the document's order."""
    if not isinstance(document, dict):
        return
    yield from _unknown(document, CatalogEntry, ())
    regions, flavors = document.get("regions"), document.get("flavors")
    if isinstance(regions, dict):
        for name, region in regions.items():
            yield from _unknown(region, RegionEntry, ("regions", str(name)))
    if isinstance(flavors, list):
        for index, flavor in enumerate(flavors):
            yield from _unknown(flavor, FlavorEntry, ("flavors", index))


def _unknown(value: object, kind: type[msgspec.Struct], path: Path) -> Iterator[Path]:
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    if isinstance(value, Mapping):
        yield from ((*path, str(name)) for name in value if name not in known)


def _check_kind(document: object) -> None:
    """First of all: a file of another kind is refused as such, not field by field."""
    if not isinstance(document, dict):
        raise Misfit("must be a map with apiVersion, kind, currency, regions and flavors")
    for name, wanted in (("apiVersion", "poolplan.dev/v1alpha1"), ("kind", "Catalog")):
        if document.get(name) != wanted:
            raise Misfit(f"must be {wanted}: this is not a catalog", (name,))


def _region(name: str, value: object) -> Region:
    entry = convert(value, RegionEntry, ("regions", name))
    _check_name(name, ("regions", name))
    for index, zone in enumerate(entry.zones):
        _check_name(zone, ("regions", name, "zones", index))
    if len(set(entry.zones)) != len(entry.zones):
        raise Misfit("a zone is listed twice", ("regions", name, "zones"))
    return Region(name, tuple(entry.zones))


def _flavor(entry: FlavorEntry, path: Path, regions: frozenset[str]) -> Flavor:
    _check_name(entry.name, (*path, "name"))
    for index, region in enumerate(entry.unavailable):
        if region not in regions:
            text = f"{region} is not among the catalog's regions and zones"
            raise Misfit(text, (*path, "unavailable", index))
    return Flavor(
        name=entry.name, vcpus=entry.vcpus, ram_gb=entry.ram_gb, disk_gb=entry.disk_gb, gpus=entry.gpus,
        hourly=_money(entry.hourly, (*path, "hourly")),
        monthly=None if entry.monthly is None else _money(entry.monthly, (*path, "monthly")),
        unavailable=tuple(sorted(set(entry.unavailable))), disk_by_analogy=entry.disk_by_analogy,
    )  # fmt: skip


def _check_name(name: str, path: Path) -> None:
    """Names become values of node labels."""
    if not _NAME.fullmatch(name):
        raise Misfit(f"{name[:80]!a} is no name; use up to 63 letters, digits, -, _ and .", path)


def _money(amount: Amount, path: Path) -> int:
    try:
        return parse_money(str(amount))
    except ValueRefused as refused:
        raise Misfit(str(refused), path) from None


def _flavor_document(flavor: Flavor) -> dict[str, object]:
    document: dict[str, object] = {
        "name": flavor.name, "vcpus": flavor.vcpus, "ramGB": flavor.ram_gb, "diskGB": flavor.disk_gb,
        "gpus": flavor.gpus, "hourly": format_money(flavor.hourly, decimals=4),
    }  # fmt: skip
    if flavor.monthly is not None:
        document["monthly"] = format_money(flavor.monthly)
    if flavor.unavailable:
        document["unavailable"] = sorted(flavor.unavailable)
    if flavor.disk_by_analogy:
        document["diskByAnalogy"] = True
    return document
