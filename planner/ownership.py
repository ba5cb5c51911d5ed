"""Which pools are poolplan's, which NodePool a pool belongs to, and what the pool of a candidate looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner import labels as known
from planner.candidates import refused_by_policy, template_labels
from planner.pools import NODES_PER_ANTI_AFFINITY_POOL, NODES_PER_POOL, Pool, PoolName

if TYPE_CHECKING:
    from planner.candidates import Candidate
    from planner.catalog import Catalog, Region
    from planner.policy import NodePool, Policy
    from planner.taints import Taint

PREFIX: Final = "karpenter-"


def is_managed(pool: Pool) -> bool:
    """Whether a pool looks like poolplan's own, where no repository says which are: named as Karpenter's OVHcloud
    provider names its pools, or labelled by a NodePool, and not scaled by OVHcloud's own autoscaler."""
    named = pool.name.startswith(PREFIX) or known.NODEPOOL in dict(pool.labels)
    return named and not pool.autoscale


def pool_of(candidate: Candidate) -> Pool:
    """The pool a node of this candidate would be in, still without a name or a size."""
    node_pool, node_class = candidate.node_pool, candidate.node_class
    labels = {**template_labels(node_pool, node_class), **dict(candidate.chosen)}
    return Pool(
        name=PoolName(""),
        flavor=candidate.flavor.name,
        zones=(candidate.zone,) if candidate.region.zoned else (),
        maximum=NODES_PER_ANTI_AFFINITY_POOL if node_class.anti_affinity else NODES_PER_POOL,
        monthly_billed=candidate.monthly_billed,
        anti_affinity=node_class.anti_affinity,
        labels=tuple(sorted((key, value) for key, value in labels.items() if key not in known.SET_BY_OVH)),
        annotations=node_pool.annotations,
        taints=_taints(node_pool),
    )


def owners(pool: Pool, policy: Policy, catalog: Catalog, region: Region) -> tuple[NodePool, ...]:
    """The NodePools that could have made this pool: their template, billing and requirements agree with it.

    A pool that several could have made belongs to all of them: it counts against each one's limits.
    """
    flavor = catalog.flavor(pool.flavor)
    if flavor is None:
        return ()
    zone = pool.zones[0] if pool.zones else region.zones[0]
    found = []
    for node_pool in policy.node_pools:
        node_class = policy.node_class(node_pool.node_class)
        if node_class is None or refused_by_policy(node_pool, flavor, region, zone):
            continue
        wanted = template_labels(node_pool, node_class)
        carried = dict(pool.labels)
        agree = wanted.items() <= carried.items() and pool.taints == _taints(node_pool)
        billing = pool.monthly_billed == (node_class.monthly_billed and flavor.monthly is not None)
        named = carried.get(known.NODEPOOL, node_pool.name) == node_pool.name
        if agree and billing and named and pool.anti_affinity == node_class.anti_affinity:
            found.append(node_pool)
    return tuple(found)


def _taints(node_pool: NodePool) -> tuple[Taint, ...]:
    return tuple(sorted({*node_pool.taints, *node_pool.startup_taints}))
