"""Which nodes of a pool leave where a person made it smaller, took it away, or wants it made of something else.

No demand says which. Empty nodes go first; where more must go, those whose leaving moves the fewest pods. They are
drained, so every pod that is evicted is named before anybody approves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.departing import protection, protection_of_node, stays
from planner.diff import FORCE_NEW
from planner.guardrails import nodes_removed
from planner.naming import is_valid, numbered
from planner.plan import Action
from planner.pools import PoolName, PoolSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from planner.nodes import Node
    from planner.plan import Plan
    from planner.pods import Pod
    from planner.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """The nodes of one pool that leave, by name. ``drains``: not all of them are empty."""

    nodes: tuple[str, ...] = ()
    drains: bool = False


def name_victims(plan: Plan, nodes: Sequence[Node], pods: Iterable[Pod], *, now: datetime) -> dict[str, Leaving]:
    """For each pool that shrinks or goes, the nodes to let go, as many as it takes: what is not protected first.

    Of those, empty ones come first, then those with the fewest pods to evict, the oldest first. Where a pool has fewer
    nodes than must go, all are named: ``without_victims`` then tells the pool.
    """
    on_node: dict[str, list[Pod]] = {node.name: [] for node in nodes}
    for pod in pods:
        if (place := pod.node_name or pod.nominated_node) in on_node and not stays(pod):
            on_node[place].append(pod)
    there = Counter(node.pool for node in nodes if not node.deleting)
    named = {}
    for change in plan.changes:
        if not nodes_removed(change):
            continue
        stay = change.after.desired if change.after is not None and change.action is Action.UPDATE else 0
        mine = [node for node in nodes if node.pool == change.pool and not node.deleting]
        mine.sort(key=lambda node: _ease(node, on_node[node.name], now))
        going = mine[: max(0, there[change.pool] - stay)]
        named[str(change.pool)] = Leaving(
            nodes=tuple(sorted(node.name for node in going)), drains=any(on_node[node.name] for node in going)
        )
    return named


def side_by_side(before: PoolSet, after: PoolSet, *, taken: Collection[str] = ()) -> PoolSet:
    """The pools after a change, each that OVHcloud could only change by destroying it under a new name.

    So it becomes two lines of the plan, a pool that is made and one that goes, and the new nodes are there before the
    old ones are drained (terraform-provider-ovh destroys first; two pools cannot have one name). ``taken`` are names
    in use besides.
    """
    used = {*before.names(), *after.names(), *taken}
    pools = []
    for pool in after:
        old = before.get(pool.name)
        if old is not None and any(getattr(old, field) != getattr(pool, field) for field in FORCE_NEW):
            name = _new_name(old, pool, used)
            used.add(name)
            pools.append(replace(pool, name=name, state=None))
        else:
            pools.append(pool)
    return PoolSet.of(pools)


def _new_name(old: Pool, pool: Pool, used: Collection[str]) -> PoolName:
    """The old name, speaking of the new flavor and zone where it spoke of the old ones; else the next number."""
    name = pool.name.replace(old.flavor, pool.flavor)
    for was, now in zip(old.zones, pool.zones, strict=False):
        name = name.replace(was, now)
    return PoolName(name) if name not in used and is_valid(name) else numbered(pool.name, used)


def _ease(node: Node, pods: Sequence[Pod], now: datetime) -> tuple[bool, int, int, str]:
    protected = bool(protection_of_node(node)) or any(protection(pod, now) for pod in pods)
    return (protected, len(pods), int(node.created_at.timestamp()) if node.created_at else 0, node.name)
