"""How pools and nodes live: every change and every passage of time as a function from world to world.

Time is level-triggered: ``advance`` looks at recorded instants only, so it gives the same world however often it is
called on the way. What is legal to ask for is decided in ``validation``; here every order is carried out.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.sandbox.records import NodeRecord, NodeStatus, PoolRecord, PoolStatus, World
from gitops.sandbox.settings import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from gitops.sandbox.records import PoolSpec
    from gitops.sandbox.settings import Timing

REMEMBERED_DELETED_NODES = 500
NODE_OUTCOMES = {
    PoolStatus.ERROR: NodeStatus.ERROR,
    PoolStatus.USER_QUOTA_ERROR: NodeStatus.USER_QUOTA_ERROR,
    PoolStatus.USER_NODE_NOT_FOUND_ERROR: NodeStatus.USER_NODE_NOT_FOUND_ERROR,
    PoolStatus.USER_NODE_SUSPENDED_SERVICE: NodeStatus.USER_NODE_SUSPENDED_SERVICE,
    PoolStatus.MAINTENANCE: NodeStatus.INSTALLING,
    PoolStatus.INSTALLING: NodeStatus.INSTALLING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How the next change of a pool ends, and how long reads of it lie: good unless a failure was injected.

    One that ends in INSTALLING never ends.
    """

    pool: PoolStatus = PoolStatus.READY
    node: NodeStatus = NodeStatus.READY
    hidden_for: timedelta | None = None
    denied_for: timedelta | None = None

    @property
    def new_nodes(self) -> NodeStatus:
        """How the nodes of this change end."""
        return NODE_OUTCOMES.get(self.pool, self.node)


def advance(world: World, now: datetime, *, timing: Timing) -> World:
    """The world at ``now``: everything that was due by then has happened, at the instant it was due."""
    nodes = tuple(_advance_node(node, now, timing=timing) for node in world.nodes)
    pools = tuple(pool for old in world.pools if (pool := _advance_pool(old, now, timing=timing)) is not None)
    deleted = [node for node in nodes if node.status == NodeStatus.DELETED]
    forgotten = {node.id for node in deleted[:-REMEMBERED_DELETED_NODES]}
    return replace(world, pools=pools, nodes=tuple(node for node in nodes if node.id not in forgotten))


def _advance_node(node: NodeRecord, now: datetime, *, timing: Timing) -> NodeRecord:
    if node.status == NodeStatus.INSTALLING:
        return _advance_joining(node, now, join_after=timing.join_after)
    if node.status == NodeStatus.DELETING and node.leaving_at is not None:
        gone_at = node.leaving_at + timing.settle_after
        if gone_at <= now:
            return replace(node, status=NodeStatus.DELETED, deleted_at=gone_at, updated_at=gone_at)
    return node


def _advance_joining(node: NodeRecord, now: datetime, *, join_after: timedelta) -> NodeRecord:
    """The machine exists half-way; the node is up, or has failed, at the end. A failed one never has a machine."""
    works = node.outcome == NodeStatus.READY
    if works and node.instance_id is None and node.created_at + join_after / 2 <= now:
        node = replace(node, instance_id=make_id("instance", node.serial))
    up_at = node.created_at + join_after
    if up_at <= now:
        return replace(node, status=node.outcome, updated_at=up_at, deployed_at=up_at if works else None)
    return node


def _advance_pool(pool: PoolRecord, now: datetime, *, timing: Timing) -> PoolRecord | None:
    if not pool.status.busy or pool.outcome == pool.status:
        return pool
    slow = pool.status in {PoolStatus.INSTALLING, PoolStatus.UPSCALING}
    ends_at = pool.since + (timing.join_after if slow else timing.settle_after)
    if ends_at > now:
        return pool
    if pool.status == PoolStatus.DELETING:
        return None
    return replace(pool, status=pool.outcome, outcome=PoolStatus.READY, since=ends_at, updated_at=ends_at)


def create_pool(world: World, spec: PoolSpec, *, now: datetime, fate: Fate) -> tuple[World, PoolRecord]:
    """A new pool with its first nodes, all INSTALLING."""
    serial = world.serial + 1
    hidden_until = now + fate.hidden_for if fate.hidden_for else None
    pool = PoolRecord(
        id=make_id("pool", serial), spec=spec, created_at=now, updated_at=now, since=now, outcome=fate.pool,
        hidden_until=hidden_until,
    )
    world = replace(world, pools=(*world.pools, pool), serial=serial)
    return _add_nodes(world, pool, count=spec.desired, now=now, fate=fate), pool


def change_pool(
    world: World, pool: PoolRecord, *, spec: PoolSpec, now: datetime, fate: Fate, victims: Sequence[NodeRecord] = (),
) -> World:
    """The pool with another spec: nodes are added, or ``victims`` leave first and then the newest."""
    growth = spec.desired - len(world.staying(pool.id))
    if spec == pool.spec and growth == 0:
        return world
    if growth > 0:
        world = _add_nodes(world, replace(pool, spec=spec), count=growth, now=now, fate=fate)
    elif growth < 0:
        world = _send_away(world, _leavers(world.staying(pool.id), victims, count=-growth), now=now)
    changed = replace(pool, spec=spec, updated_at=now)
    status = _status_of_change(pool, spec, growth=growth)
    if status != pool.status:
        outcome = fate.pool if status == PoolStatus.UPSCALING else PoolStatus.READY
        outcome = status if outcome == PoolStatus.INSTALLING else outcome
        changed = replace(changed, status=status, outcome=outcome, since=now)
    return _with_pool(world, changed)


def _status_of_change(pool: PoolRecord, after: PoolSpec, *, growth: int) -> PoolStatus:
    """A change of the template alone is taken to show UPDATING: no source says what OVH shows."""
    if growth > 0:
        return PoolStatus.UPSCALING
    if growth < 0:
        return PoolStatus.DOWNSCALING
    return PoolStatus.UPDATING if pool.spec.template != after.template else pool.status


def delete_pool(world: World, pool: PoolRecord, *, now: datetime, fate: Fate) -> World:
    """The pool and all its nodes on their way out; it shows DELETING from now on."""
    world = _send_away(world, world.staying(pool.id), now=now)
    denies_until = now + fate.denied_for if fate.denied_for else None
    return _with_pool(
        world, replace(pool, status=PoolStatus.DELETING, since=now, updated_at=now, denies_until=denies_until),
    )


def _add_nodes(world: World, pool: PoolRecord, *, count: int, now: datetime, fate: Fate) -> World:
    taken = {node.name for node in world.nodes}
    nodes = list(world.nodes)
    serial = world.serial
    while count > 0:
        serial += 1
        name = f"{pool.spec.name}-node-{_suffix(pool.id, serial)}"
        if name in taken:
            continue
        taken.add(name)
        nodes.append(NodeRecord(
            id=make_id("node", serial), pool_id=pool.id, name=name, flavor=pool.spec.flavor, serial=serial,
            created_at=now, updated_at=now, outcome=fate.new_nodes,
        ))
        count -= 1
    return replace(world, nodes=tuple(nodes), serial=serial)


def _leavers(staying: Sequence[NodeRecord], victims: Sequence[NodeRecord], *, count: int) -> list[NodeRecord]:
    """Named nodes first; then the newest, as OVH does without a list."""
    named = {node.id for node in victims}
    newest_first = sorted(staying, key=lambda node: (node.id not in named, -node.serial))
    return newest_first[:count]


def _send_away(world: World, leavers: Sequence[NodeRecord], *, now: datetime) -> World:
    gone = {node.id for node in leavers}
    return replace(world, nodes=tuple(
        replace(node, status=NodeStatus.DELETING, leaving_at=now, updated_at=now) if node.id in gone else node
        for node in world.nodes
    ))


def _with_pool(world: World, pool: PoolRecord) -> World:
    return replace(world, pools=tuple(pool if old.id == pool.id else old for old in world.pools))


def make_id(kind: str, serial: int) -> str:
    """A UUID that depends on nothing but its arguments, so that a run can be repeated with equal ids."""
    return str(uuid.uuid5(uuid.UUID(CLUSTER), f"{kind}-{serial}"))


def _suffix(pool_id: str, serial: int) -> str:
    return hashlib.sha256(f"{pool_id}/{serial}".encode()).hexdigest()[:6]
