"""Which nodes may go: empty ones of pools that poolplan manages, long enough empty, within the disruption budgets.

Empty means no pod but daemon sets' and mirror pods, and nothing planned onto it (Karpenter's emptiness). When a node
became empty is read from its ``poolplan.dev/empty-since`` annotation where there is one; else the latest sign of
life is taken: the node's creation, its becoming Ready, or the end of the last pod that finished on it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from planner import labels as known
from planner.policy import DisruptionReason
from planner.schedule import is_active

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.nodes import Node
    from planner.pods import Pod
    from planner.policy import NodePool
    from planner.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A node that leaves, and why."""

    node: str
    pool: str
    text: str


def find_victims(
    pools: Mapping[str, tuple[Pool, tuple[NodePool, ...]]],
    nodes: Sequence[Node],
    pods: Iterable[Pod],
    *,
    wanted: frozenset[str],
    now: datetime,
) -> tuple[Victim, ...]:
    """The nodes to remove, by pool and name. ``pools`` are managed pools with the NodePools whose rules hold for them.

    ``wanted`` are nodes the solution puts pods on. A pool for which no rules hold keeps its nodes.
    """
    if not pools:
        return ()
    on_node: dict[str, list[Pod]] = {node.name: [] for node in nodes if node.pool in pools}
    for pod in pods if on_node else ():
        if (place := pod.node_name or pod.nominated_node) in on_node:
            on_node[place].append(pod)
    there = Counter(node.pool for node in nodes if not node.deleting)
    left = {name: _allowance(name, pools, nodes, there, now) for name in _names(pools)}
    under_way = {name: _surplus(pool, there) for name, (pool, _) in pools.items()}
    leaving: dict[str, int] = {}
    victims: list[Victim] = []
    for node in sorted(nodes, key=lambda one: (one.pool, _age(one), one.name)):
        if node.pool not in pools or node.name in wanted or node.deleting:
            continue
        pool, owners = pools[node.pool]
        quiet = _quiet_for(node, on_node[node.name], now)
        if quiet is None or not _may_go(node, owners, quiet) or any(left[one.name] <= 0 for one in owners):
            continue
        if pool.desired - leaving.get(node.pool, 0) <= pool.minimum:
            continue
        if under_way[node.pool]:
            under_way[node.pool] -= 1
            continue
        leaving[node.pool] = leaving.get(node.pool, 0) + 1
        for one in owners:
            left[one.name] -= 1
        victims.append(Victim(node=node.name, pool=node.pool, text=f"{node.name} has been empty for {_span(quiet)}"))
    return tuple(sorted(victims, key=lambda victim: (victim.pool, victim.node)))


def _surplus(pool: Pool, there: Mapping[str, int]) -> int:
    """How many nodes are there beyond the pool's size: the provider is removing them, and the size counts them out."""
    return max(0, there.get(pool.name, 0) - pool.desired)


def is_empty(pods: Iterable[Pod]) -> bool:
    """Whether a node with these pods could go without evicting anything."""
    return all(pod.by_daemonset or pod.mirror or pod.phase.finished for pod in pods)


def empty_since(node: Node, pods: Iterable[Pod]) -> datetime | None:
    """When the node became empty, as far as can be known; None where nothing tells."""
    noted = dict(node.annotations).get(known.EMPTY_SINCE, "")
    try:
        return datetime.fromisoformat(noted).astimezone(UTC)
    except ValueError:
        signs = [node.created_at, node.ready_since, *(pod.finished_at for pod in pods)]
        return max((sign for sign in signs if sign is not None), default=None)


def _names(pools: Mapping[str, tuple[Pool, tuple[NodePool, ...]]]) -> list[str]:
    return sorted({one.name for _, owners in pools.values() for one in owners})


def _quiet_for(node: Node, pods: list[Pod], now: datetime) -> int | None:
    """Seconds since the node became empty, or None while it is not, or nobody knows since when."""
    since = empty_since(node, pods) if is_empty(pods) else None
    return None if since is None else int((now - since).total_seconds())


def _may_go(node: Node, owners: tuple[NodePool, ...], quiet: int) -> bool:
    protected = dict(node.annotations).get(known.DO_NOT_DISRUPT, "").lower() == "true"
    if protected or not owners:
        return False
    return all(one.consolidate_after is not None and quiet >= one.consolidate_after for one in owners)


def _allowance(
    name: str,
    pools: Mapping[str, tuple[Pool, tuple[NodePool, ...]]],
    nodes: Sequence[Node],
    there: Mapping[str, int],
    now: datetime,
) -> int:
    """How many nodes of a NodePool its budgets let go at once; no budget written means no limit for empty nodes."""
    node_pool = next(one for _, owners in pools.values() for one in owners if one.name == name)
    mine = [node for node in nodes if node.pool in pools and node_pool in pools[node.pool][1]]
    gone = sum(1 for node in mine if node.deleting)
    gone += sum(_surplus(pool, there) for pool, owners in pools.values() if node_pool in owners)
    allowed = len(mine)
    for budget in node_pool.budgets or ():
        if DisruptionReason.EMPTY in budget.reasons and is_active(budget.schedule, budget.duration, now):
            share = -(-len(mine) * (budget.percent or 0) // 100)
            allowed = min(allowed, share if budget.nodes is None else budget.nodes)
    return allowed - gone


def _age(node: Node) -> tuple[int, str]:
    """Newest first, as OVHcloud itself removes nodes."""
    return (-int(node.created_at.timestamp()) if node.created_at else 0, node.name)


def _span(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(0, seconds)}s"
