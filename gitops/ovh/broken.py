"""Nodes that OVHcloud counts and that will never be any: given up by it, stuck, or machines that never joined.

Asked for only where a pool has fewer nodes than it should, so that a pass over pools that are well costs no call.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from planner.onorder import joined
from planner.pools import FAILED_STATES, LEAVING_STATES, PoolSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.ovh.answers import ProviderNode
    from gitops.ovh.client import OvhClient
    from planner.nodes import Node
    from planner.pools import Pool

BROKEN = (FAILED_STATES | {"FLAVOR_OUT_OF_STOCK_ERROR"}) - LEAVING_STATES
"""A node in one of these states never joins."""
STUCK, LOST = timedelta(minutes=90), timedelta(minutes=30)
"""So long a machine may be made (an apply waits an hour for it), and may run before it has joined."""
NEVER_JOINED = "it runs and never joined the cluster"


def with_broken(
    pools: PoolSet, client: OvhClient, nodes: Sequence[Node] | None, now: datetime
) -> PoolSet:  # fmt: skip
    """The observed pools, each with its broken nodes. ``nodes`` are the cluster's; None: they are not of this moment.

    Machines that never joined are told only where others of the same pools did: else it may be another cluster.
    """
    there = joined(nodes) if nodes is not None else None
    names = {node.name for node in nodes or ()}
    return PoolSet.of(
        _with_broken(pool, client.nodes(pool.state.id), names, now)
        if pool.state is not None and _is_short(pool, there[pool.name] if there else None) else pool
        for pool in pools
    )  # fmt: skip


def _is_short(pool: Pool, there: int | None) -> bool:
    assert pool.state is not None, "observed pools have a state"  # noqa: S101 - for the type checker
    return pool.state.available_nodes < pool.desired or (there is not None and there < pool.state.available_nodes)


def _with_broken(pool: Pool, nodes: Sequence[ProviderNode], names: set[str], now: datetime) -> Pool:
    found = [(one.name, why) for one in nodes if one.name not in names and (why := _why(one, names, now))]
    assert pool.state is not None, "observed pools have a state"  # noqa: S101 - for the type checker
    return replace(pool, state=replace(pool.state, broken=tuple(sorted(found)))) if found else pool


def _why(node: ProviderNode, names: set[str], now: datetime) -> str:
    """Why a node that is not in the cluster will never be; empty where it may."""
    if node.status in BROKEN:
        return node.status
    if node.status == "INSTALLING" and _older(node.created_at, STUCK, now):
        return "INSTALLING for more than 90 minutes"
    return NEVER_JOINED if names and node.status == "READY" and _older(node.deployed_at, LOST, now) else ""


def _older(text: str | None, span: timedelta, now: datetime) -> bool:
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return False
    return at is not None and (at if at.tzinfo else at.replace(tzinfo=UTC)) + span <= now
