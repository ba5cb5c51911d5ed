"""What the API grants and refuses: one rule after the other until one says no.

Rules follow OVHcloud's documentation, its web console and refusals seen in the wild. Where only the refusal is known
and not its words, the words are the sandbox's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.sandbox.refusals import ApiError
from gitops.sandbox.settings import PLANS, Quota
from gitops.sandbox.wishes import MAX_ANTI_AFFINITY_NODES, MAX_NODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.sandbox.records import NodeRecord, PoolRecord, PoolSpec, World
    from planner.catalog import Catalog, Flavor

MAX_POOLS = 100
NAME_PATTERN = re.compile(r"[a-z]([a-z0-9-]{0,49}[a-z0-9])?")
"""What the console, the guides and terraform-provider-ovh all accept; 51 leaves room for ``-node-`` and six digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a wish is judged against. ``sold_out`` names flavors made unavailable for now."""

    world: World
    catalog: Catalog
    plan: str
    quota: Quota
    sold_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A pool as somebody wants it; ``pool`` is what there is today, None for a new one."""

    spec: PoolSpec
    pool: PoolRecord | None = None

    @property
    def growth(self) -> int:
        """Nodes more than the pool was to have so far."""
        return self.spec.desired - (self.pool.spec.desired if self.pool else 0)


def refuse_busy(pool: PoolRecord, verb: str) -> None:
    """A pool that something happens to accepts no other change. Words as seen: terraform-provider-ovh issue 404."""
    if pool.status.busy:
        raise ApiError(400, f"[IntegrityError] 400: Cannot {verb} NodePool: NodePool status is {pool.status}")


def find_victims(
    pool: PoolRecord, nodes: Sequence[NodeRecord], *, names: Sequence[str], room: int,
) -> tuple[NodeRecord, ...]:
    """The nodes that ``nodesToRemove`` names. Refuses strangers and more than ``room`` nodes."""
    found: dict[str, NodeRecord] = {}
    for name in names:
        node = next((node for node in nodes if node.answers_to(name)), None)
        if node is None:
            raise ApiError(400, f"[nodesToRemove] Node {name} is not a node of NodePool {pool.spec.name}")
        found[node.id] = node
    if len(found) > max(room, 0):
        raise ApiError(
            400, f"[nodesToRemove] {len(found)} nodes are named but desiredNodes is lowered by {max(room, 0)}",
        )
    return tuple(found.values())


def judge(wish: Wish, ground: Ground) -> None:
    """Raises the first refusal that a rule has."""
    rules = CHANGE_RULES if wish.pool else CREATION_RULES
    for rule in rules:
        refusal = rule(wish, ground)
        if refusal is not None:
            raise refusal


def _pool_count(_wish: Wish, ground: Ground) -> ApiError | None:
    if len(ground.world.pools) >= MAX_POOLS:
        return ApiError(400, f"A cluster has at most {MAX_POOLS} NodePools")
    return None


def _name(wish: Wish, ground: Ground) -> ApiError | None:
    name = wish.spec.name
    if not NAME_PATTERN.fullmatch(name):
        return ApiError(
            400, f"[name] Given data ({name}) is not valid: 1 to 51 lower-case letters, digits and -, "
            "beginning with a letter and not ending with -",
        )
    if any(pool.spec.name == name for pool in ground.world.pools):
        return ApiError(409, f"NodePool with name {name} already exists")
    return None


def _flavor(wish: Wish, ground: Ground) -> ApiError | None:
    flavor, region = ground.catalog.flavor(wish.spec.flavor), ground.world.region
    if flavor is None:
        return ApiError(400, f"[flavorName] Flavor {wish.spec.flavor} is unknown")
    if region in flavor.unavailable or flavor.name in ground.sold_out:
        return ApiError(400, f"[flavorName] Flavor {flavor.name} is not available in region {region}")
    if wish.spec.monthly_billed and flavor.monthly is None:
        return ApiError(400, f"[monthlyBilled] Flavor {flavor.name} has no monthly plan")
    return None


def _zones(wish: Wish, ground: Ground) -> ApiError | None:
    region, zones = ground.world.region, wish.spec.zones
    offered = zones_to_ask_for(ground.catalog, region)
    if not offered:
        wrong = f"[availabilityZones] Region {region} has no availability zones" if zones else ""
    elif not zones:
        wrong = "[availabilityZones] availabilityZones is mandatory"
    elif len(zones) > 1:
        wrong = "[availabilityZones] A NodePool has exactly one availability zone"
    else:
        wrong = f"[availabilityZones] {zones[0]} is not a zone of region {region}" if zones[0] not in offered else ""
    return ApiError(400, wrong) if wrong else None


def zones_to_ask_for(catalog: Catalog, region: str) -> tuple[str, ...]:
    """The region's availability zones; none where it has only one zone, whose pools never name it."""
    found = catalog.region(region)
    return found.zones if found and found.zoned else ()


def _bounds(wish: Wish, _ground: Ground) -> ApiError | None:
    spec = wish.spec
    most = MAX_ANTI_AFFINITY_NODES if spec.anti_affinity else MAX_NODES
    why = " with antiAffinity" if spec.anti_affinity else ""
    for field, value in (("desiredNodes", spec.desired), ("minNodes", spec.minimum), ("maxNodes", spec.maximum)):
        if not 0 <= value <= most:
            return ApiError(400, f"[{field}] Given data ({value}) is not between 0 and {most}{why}")
    if spec.minimum > spec.maximum:
        return ApiError(400, f"[minNodes] minNodes ({spec.minimum}) is above maxNodes ({spec.maximum})")
    if spec.minimum > spec.desired:
        return ApiError(400, f"[minNodes] minNodes ({spec.minimum}) is above desiredNodes ({spec.desired})")
    if spec.desired > spec.maximum:
        return ApiError(400, f"[maxNodes] maxNodes ({spec.maximum}) is below desiredNodes ({spec.desired})")
    return None


def _autoscaling_figures(wish: Wish, _ground: Ground) -> ApiError | None:
    figures = wish.spec.autoscaling
    if figures.unneeded_seconds < 0 or figures.unready_seconds < 0:
        return ApiError(400, "[autoscaling] Times must not be negative")
    if not 0 <= figures.utilization_threshold <= 1:
        return ApiError(400, "[autoscaling.scaleDownUtilizationThreshold] The threshold is between 0 and 1")
    return None


def _plan(wish: Wish, ground: Ground) -> ApiError | None:
    total = sum(pool.spec.desired for pool in ground.world.pools) + wish.growth
    if wish.growth > 0 and total > PLANS[ground.plan]:
        return ApiError(400, f"A cluster of plan {ground.plan} has at most {PLANS[ground.plan]} nodes, not {total}")
    if wish.spec.floating_ips and ground.plan == "free":
        return ApiError(400, "[attachFloatingIps] Floating IPs need plan standard")
    return None


def _quota(wish: Wish, ground: Ground) -> ApiError | None:
    flavor = ground.catalog.flavor(wish.spec.flavor)
    if flavor is None or wish.growth <= 0:
        return None
    used, quota = usage(ground.world, ground.catalog), ground.quota
    needs = (
        ("Instances", used.instances + wish.growth, quota.instances),
        ("VCPUs", used.cores + wish.growth * flavor.vcpus, quota.cores),
        ("RAM", used.ram_mb + wish.growth * flavor.ram_gb * 1000, quota.ram_mb),
    )
    for what, needed, granted in needs:
        if needed > granted:
            where = ground.world.region
            return ApiError(412, f"[Insufficient{what}Quota] {needed} needed, {granted} granted in {where}")
    return None


def usage(world: World, catalog: Catalog) -> Quota:
    """What the nodes that exist use of the project's quota."""
    sizes: list[Flavor] = []
    for pool in world.pools:
        flavor = catalog.flavor(pool.spec.flavor)
        if flavor is not None:
            sizes += [flavor] * len(world.nodes_of(pool.id))
    return Quota(
        cores=sum(flavor.vcpus for flavor in sizes), ram_mb=sum(flavor.ram_gb * 1000 for flavor in sizes),
        instances=len(sizes),
    )


SIZE_RULES = (_bounds, _autoscaling_figures, _plan, _quota)
CREATION_RULES = (_pool_count, _name, _flavor, _zones, *SIZE_RULES)
CHANGE_RULES = SIZE_RULES
