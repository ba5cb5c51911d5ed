"""Nodes that are ordered but have not joined: a pool's size above the nodes that carry its name."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from planner import labels as known
from planner.bins import Bin
from planner.candidates import daemon_overhead, ovh_labels
from planner.coming import shortfall
from planner.desired import free_names
from planner.figures import Figures, calibrate, figures_of
from planner.plan import ExpectedNode, PlacedNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.catalog import Catalog, Region
    from planner.nodes import Node
    from planner.pools import Pool, PoolSet
    from planner.snapshot import DaemonSet
    from planner.taints import Taint


def joined(nodes: Iterable[Node]) -> Counter[str]:
    """How many nodes of each pool are there: by OVHcloud's label, or by name where the label was lost."""
    names = (node.pool or node.name.rpartition("-node-")[0] for node in nodes if not node.deleting)
    return Counter(name for name in names if name)


def nodes_on_order(
    pools: PoolSet, nodes: Sequence[Node], catalog: Catalog, region: Region, *, passing: frozenset[Taint]
) -> tuple[PlacedNode, ...]:
    """The nodes still to come, as they are expected to look. Pools in a failed state deliver nothing, and others not
    what the provider has given up."""
    figures = calibrate(nodes)
    taken = frozenset(node.name for node in nodes)
    there = joined(nodes)
    found: list[PlacedNode] = []
    for pool in pools:
        flavor = catalog.flavor(pool.flavor)
        if flavor is None or pool.failed:
            continue
        zone = pool.zones[0] if pool.zones else region.zones[0]
        labels = {**ovh_labels(flavor, region, zone), **dict(pool.labels), known.OVH_POOL: pool.name}
        short = shortfall(pool, catalog, region, taken)
        missing = (short.stays if short else pool.desired) - there[pool.name]
        names = islice(free_names(pool.name, taken), max(0, missing))
        found += [_expected(pool, name, labels, figures_of(flavor, figures), passing) for name in names]
    return tuple(found)


def awaited(declared: PoolSet, observed: PoolSet, nodes: Sequence[Node]) -> dict[str, tuple[str, bool]]:
    """The names that nodes still to come were given: each one's pool, and whether the provider has been asked for it.

    The sizes alone are looked at: a node that will never come is among them until its pool is smaller.
    """
    there, taken = joined(nodes), frozenset(node.name for node in nodes)
    foreign = [pool for pool in observed if declared.get(pool.name) is None]
    found: dict[str, tuple[str, bool]] = {}
    for pool in (*declared, *foreign):
        seen = observed.get(pool.name)
        ordered = (seen.desired if seen else 0) - there[pool.name]
        names = islice(free_names(pool.name, taken), max(0, pool.desired - there[pool.name]))
        found |= {name: (pool.name, place < ordered) for place, name in enumerate(names)}
    return found


def order_bins(ordered: Iterable[PlacedNode], daemonsets: Sequence[DaemonSet]) -> list[Bin]:
    """The same nodes as containers, with the daemon sets' share taken off."""
    bins = []
    for node in ordered:
        if node.expected is None:
            continue
        labels, taints = dict(node.expected.labels), node.expected.taints
        free = node.expected.allocatable.minus(daemon_overhead(daemonsets, labels, taints))
        whole = dict(node.expected.allocatable.items)
        bins.append(Bin(
            name=node.name, pool=node.pool, labels=labels, taints=taints, free=dict(free.items), allocatable=whole,
        ))  # fmt: skip
    return bins


def _expected(
    pool: Pool, name: str, labels: dict[str, str], figures: Figures, passing: frozenset[Taint]
) -> PlacedNode:
    return PlacedNode(
        name=name, pool=pool.name,
        expected=ExpectedNode(
            labels=tuple(sorted({**labels, known.HOSTNAME: name}.items())), annotations=pool.annotations,
            taints=tuple(taint for taint in pool.taints if taint not in passing),
            capacity=figures.capacity, allocatable=figures.allocatable, source=figures.source,
        ),
    )  # fmt: skip
