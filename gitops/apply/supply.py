"""Whether the project's quota and OVHcloud's stock hold what is about to be ordered: asked just before, judged here.

A courtesy, not a gate: what cannot be asked is left to the order itself, which OVHcloud then refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.apply.refusals import growing, shortage_of
from gitops.apply.shortages import Lack, Short
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


def refuse_lacking(plan: Plan, hands: Hands, so_far: str) -> bool:
    """Whether anything is about to be ordered; nothing is asked for no growth. Raises Short where the cloud cannot
    give it."""
    observed = hands.client.pools() if growing(plan) else None
    wanted = _wanted(plan, observed) if observed is not None else []
    if not wanted:
        return False
    try:
        region = hands.client.cluster().region
        flavors, quota = hands.client.cluster_flavors(), hands.client.quota(region).instance
    except Stalled as error:
        hands.say(f"stock and quota cannot be looked at beforehand: {error}")
        return True
    found = (*_sold_out(wanted, flavors, region), *_over_quota(wanted, flavors, quota, region))
    if found:
        raise Short(f"the cloud cannot give what the plan orders; {so_far}", found)
    return True


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
    """The pools from the first one on that does not fit in what is left, by name."""
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
        used = {name: used[name] + asked[name] for name in used}
        short = [name for name in used if 0 <= most[name] < most[name] - left[name] + used[name]]
        if short:
            name = short[0]
            text = f"{asked[name]} {name} are needed, and the project's quota leaves {max(0, left[name])}"
            found.append(shortage_of(pool, Lack.QUOTA, region, text))
    return tuple(found)
