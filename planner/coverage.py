"""What a policy speaks of and cannot be had: flavors that nobody knows or sells here, zones that the region lacks.

Whether such a gap stops anything is decided by the caller: a NodePool under which nothing can be ordered may stand
beside others that are fine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner import labels as known
from planner.candidates import candidate, refused_by_policy, too_few_values
from planner.policy import NodeClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planner.catalog import Catalog, Flavor, Region
    from planner.policy import NodePool, Policy


@dataclass(frozen=True, slots=True)
class Gap:
    """Something a NodePool names in vain, as a clause. ``total``: no flavor of the catalog meets its requirements."""

    node_pool: str
    text: str
    total: bool = False


def find_gaps(policy: Policy, catalog: Catalog, region: Region) -> tuple[Gap, ...]:
    """Every gap, by NodePool."""
    return tuple(gap for node_pool in policy.node_pools for gap in _gaps(node_pool, catalog, region))


def _gaps(node_pool: NodePool, catalog: Catalog, region: Region) -> Iterator[Gap]:
    listed = {one.key: one.choices() for one in node_pool.requirements}
    flavors = {name: catalog.flavor(name) for name in listed.get(known.INSTANCE_TYPE, ())}
    strange = [name for name, flavor in flavors.items() if flavor is None]
    if strange:
        yield Gap(node_pool.name, f"lists {', '.join(strange)}, which the catalog does not know")
    unsold = [name for name, flavor in flavors.items() if flavor and not _is_sold(flavor, region)]
    if unsold:
        yield Gap(node_pool.name, f"lists {', '.join(unsold)}, which {region.name} does not sell")
    elsewhere = [zone for zone in listed.get(known.ZONE, ()) if zone not in region.zones]
    if elsewhere:
        has = ", ".join(region.zones)
        yield Gap(node_pool.name, f"lists the zone {', '.join(elsewhere)}; {region.name} has {has}")
    allowed = [flavor for flavor in catalog.flavors if _allowed(node_pool, flavor, region)]
    if not allowed:
        yield Gap(node_pool.name, f"nothing can be ordered under it: {_why(node_pool, catalog, region)}", total=True)
    elif not any(_is_sold(flavor, region) for flavor in allowed):
        yield Gap(node_pool.name, f"nothing can be ordered under it: {region.name} sells none of its flavors")
    elif few := _too_few(node_pool, allowed, region):
        yield Gap(node_pool.name, f"it is not used: {few}")


def _is_sold(flavor: Flavor, region: Region) -> bool:
    return any(flavor.sold(region, zone) for zone in region.zones)


def _too_few(node_pool: NodePool, flavors: Iterable[Flavor], region: Region) -> str:
    """What ``minValues`` finds too few, as a clause; the node class has no say in it."""
    any_class = NodeClass(name=node_pool.node_class)
    offers = (candidate(node_pool, any_class, flavor, region, zone, {}) for flavor in flavors for zone in region.zones)
    return too_few_values([one for one in offers if one is not None])


def _allowed(node_pool: NodePool, flavor: Flavor, region: Region) -> bool:
    return any(not refused_by_policy(node_pool, flavor, region, zone) for zone in region.zones)


def _why(node_pool: NodePool, catalog: Catalog, region: Region) -> str:
    """The requirements that exclude everything, each alone or all together."""
    refused = [
        frozenset(refused_by_policy(node_pool, flavor, region, zone))
        for flavor in catalog.flavors
        for zone in region.zones
    ]
    alone = [one for one in node_pool.requirements if refused and all(one in each for each in refused)]
    if any(one.key == known.ZONE for one in alone):
        return f"{region.name} has the zones {', '.join(region.zones)}, and none of them is allowed"
    if alone:
        return f"no flavor of the catalog has {' or '.join(map(str, alone))}"
    return f"no flavor of the catalog meets all of its requirements in {region.name}"
