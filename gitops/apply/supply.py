"""Whether the project's quota and OVHcloud's stock hold what is about to be ordered: asked just before, judged here.

A courtesy, not a gate: what cannot be asked is left to the order itself, which OVHcloud then refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.apply.refusals import growing, shortage_of
from gitops.apply.shortages import Lack
from gitops.errors import Stalled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitops.apply.hands import Hands
    from gitops.apply.shortages import Shortage
    from gitops.ovh.answers import InstanceQuota, KubeFlavor
    from planner.plan import Plan
    from planner.pools import Pool, PoolSet

Growth = tuple["Pool", int]
"""A pool as it is to be, and how many nodes it has less now."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Whether anything is about to be ordered, and what of it the cloud cannot give."""

    orders: bool
    lacking: tuple[Shortage, ...] = ()


def supply_for(plan: Plan, hands: Hands) -> Supply:
    """What is about to be ordered, against stock and quota; nothing is asked for no growth."""
    observed = hands.client.pools() if growing(plan) else None
    wanted = _wanted(plan, observed) if observed is not None else []
    if not wanted:
        return Supply(orders=False)
    try:
        region = hands.client.cluster().region
        flavors, quota = hands.client.cluster_flavors(), hands.client.quota(region).instance
    except Stalled as error:
        hands.say(f"stock and quota cannot be looked at beforehand: {error}")
        return Supply(orders=True)
    found = (*_sold_out(wanted, flavors, region), *_over_quota(wanted, flavors, quota, region))
    return Supply(orders=True, lacking=found)


def _wanted(plan: Plan, observed: PoolSet) -> list[Growth]:
    sizes = {pool.name: pool.desired for pool in observed}
    missing = [(pool, pool.desired - sizes.get(pool.name, 0)) for pool in growing(plan)]
    return [(pool, count) for pool, count in missing if count > 0]


def _sold_out(wanted: Iterable[Growth], flavors: Sequence[KubeFlavor], region: str) -> tuple[Shortage, ...]:
    sold_out = {flavor.name for flavor in flavors if not flavor.available}
    return tuple(
        shortage_of(pool, Lack.OUT_OF_STOCK, region, f"{pool.flavor} is not available in {region} now")
        for pool, _ in wanted if pool.flavor in sold_out
    )  # fmt: skip


def _over_quota(
    wanted: Iterable[Growth], flavors: Sequence[KubeFlavor], quota: InstanceQuota | None, region: str
) -> tuple[Shortage, ...]:
    """The pools that do not fit in what is left beside those before them, by name."""
    if quota is None:
        return ()
    sizes = {flavor.name: flavor for flavor in flavors}
    left = {"vCPUs": quota.max_cores - quota.used_cores, "instances": quota.max_instances - quota.used_instances,
            "MB of memory": quota.max_ram_mb - quota.used_ram_mb}  # fmt: skip
    most = {"vCPUs": quota.max_cores, "instances": quota.max_instances, "MB of memory": quota.max_ram_mb}
    found, used = [], dict.fromkeys(left, 0)
    for pool, count in wanted:
        flavor = sizes.get(pool.flavor)
        if flavor is None:
            continue
        asked = {"vCPUs": flavor.vcpus * count, "instances": count, "MB of memory": flavor.ram_gb * 1000 * count}
        short = [name for name in used if 0 <= most[name] < most[name] - left[name] + used[name] + asked[name]]
        if not short:
            used = {name: used[name] + asked[name] for name in used}
        else:
            name = short[0]
            rest = max(0, left[name] - used[name])
            text = f"{asked[name]} {name} are needed, and the project's quota leaves {rest}"
            found.append(shortage_of(pool, Lack.QUOTA, region, text))
    return tuple(found)
