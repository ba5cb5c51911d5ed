"""How long pods have waited and how urgent they are: what people and review rules ask of a plan."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from planner.plan import Pending

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from planner.demand import Demand
    from planner.pods import Pod
    from planner.problem import Opened


def find_pending(demand: Demand, pods: Iterable[Pod]) -> Pending:
    """The pods of the demand, those that no node could help included, and since when they wait.

    Pods that nobody has made yet (of what-if workloads and buffers) count, and wait since no time.
    """
    wanted = {pod for group in demand.groups for pod in group.pods}
    wanted.update(pod for one in demand.blocked for pod in one.pods)
    waiting = (pod for pod in pods if not pod.node_name and pod.key in wanted)
    times = sorted(since for pod in waiting if (since := pod.waiting_since))
    if not times:
        return Pending(pods=len(wanted))
    return Pending(pods=len(wanted), since=rfc3339(times[0]), newest=rfc3339(times[-1]))


def urgency(opened: Iterable[Opened], demand: Demand) -> int:
    """The highest priority among the pods on some new nodes; 0 where they have none."""
    placed = {pod for one in opened for pod in one.pods}
    if not placed:
        return 0
    return max((group.needs.priority for group in demand.groups if not placed.isdisjoint(group.pods)), default=0)


def rfc3339(time: datetime) -> str:
    """An aware time as UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
