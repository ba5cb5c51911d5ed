"""Where the pods of nodes that leave find room: the scheduler's rules on the nodes that stay and those that come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.decide import decide, find_region
from planner.departing import stays
from planner.pods import Phase, Scheduling
from planner.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from planner.decide import Inputs
    from planner.pods import Pod
    from planner.pools import PoolSet


def resettle(inputs: Inputs, desired: PoolSet, leaving: Collection[str], *, now: datetime) -> dict[str, str]:
    """For each pod (``namespace/name``) that leaves one of these nodes and finds room, the node where it does.

    Nodes of ``desired`` that have not joined count by the names that a plan gives them. Pods that wait already look
    for room as well. Nothing is ordered for anybody. Raises ValueRefused where the region cannot be told.
    """
    gone = frozenset(leaving)
    snapshot = inputs.snapshot
    left = replace(
        snapshot, nodes=tuple(node for node in snapshot.nodes if node.name not in gone),
        pods=tuple(_loose(pod) if pod.node_name in gone else pod for pod in snapshot.pods if not _ends(pod, gone)),
    )  # fmt: skip
    # Without NodePools there is nothing to order and nobody to remove.
    alone = replace(
        inputs, snapshot=left, policy=Policy(), declared=desired, observed=desired, region=find_region(inputs).name
    )
    plan = decide(alone, now=now)
    moved = {pod.key for pod in snapshot.pods if pod.node_name in gone}
    return {pod: node.name for node in plan.placements for pod in node.pods if pod in moved}


def _ends(pod: Pod, gone: frozenset[str]) -> bool:
    """Whether a pod ends with its node, or has begun to end."""
    return pod.node_name in gone and (pod.deleting or stays(pod))


def _loose(pod: Pod) -> Pod:
    return replace(pod, node_name="", nominated_node="", phase=Phase.PENDING, scheduling=Scheduling.UNTRIED)
