"""Nodes as containers: what is free on nodes that exist or are on order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from planner.candidates import daemon_overhead, runs_on
from planner.resources import Resources
from planner.taints import Taint, untolerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from planner.nodes import Node
    from planner.pods import Needs, Pod
    from planner.snapshot import DaemonSet

#: A node that is not Ready yet may still be starting: cluster-autoscaler's --max-node-provision-time.
START_UP = timedelta(minutes=15)


@dataclass
class Bin:
    """One node and what is left on it. ``allocatable`` is what it gives to all pods together, where that is known."""

    name: str
    pool: str
    labels: dict[str, str]
    taints: tuple[Taint, ...]
    free: dict[str, int]
    allocatable: Mapping[str, int] | None = None

    def admits(self, needs: Needs) -> bool:
        """Node name, node affinity and taints; amounts and topology are not looked at."""
        if needs.node_names is not None and self.name not in needs.node_names:
            return False
        return not untolerated(self.taints, needs.tolerations) and any(
            one.allow(self.labels) for one in needs.alternatives
        )


def usable(node: Node, now: datetime) -> bool:
    """Whether a node can take pods now or in a moment: not cordoned, not leaving, Ready or still starting."""
    if node.unschedulable or node.deleting:
        return False
    return node.ready or (node.created_at is not None and now - node.created_at < START_UP)


def node_bins(
    nodes: Iterable[Node], pods: Iterable[Pod], daemonsets: Iterable[DaemonSet], *, passing: frozenset[Taint]
) -> list[Bin]:
    """Existing nodes with what is free on them, sorted by name.

    Free is allocatable less the pods that run there and less the daemon sets that will run there but do not yet.
    ``passing`` are start-up taints that some agent will remove.
    """
    daemons = tuple(daemonsets)
    running: dict[str, list[Pod]] = {}
    for pod in pods:
        if (place := pod.node_name or pod.nominated_node) and not pod.phase.finished:
            running.setdefault(place, []).append(pod)
    return [
        _node_bin(node, running.get(node.name, []), daemons, passing)
        for node in sorted(nodes, key=lambda one: one.name)
    ]


def _node_bin(node: Node, pods: list[Pod], daemons: tuple[DaemonSet, ...], passing: frozenset[Taint]) -> Bin:
    taints = tuple(taint for taint in node.lasting_taints if taint not in passing)
    labels = node.label_map
    present = {(pod.namespace, *pod.controller) for pod in pods if pod.controller}
    missing = [one for one in daemons if (one.namespace, "DaemonSet", one.name) not in present]
    to_come = daemon_overhead([one for one in missing if runs_on(one, labels, taints)], labels, taints)
    used = Resources.total((to_come, *(pod.needs.requests for pod in pods)))
    return Bin(
        name=node.name, pool=node.pool, labels=labels, taints=taints, free=dict(node.allocatable.minus(used).items),
        allocatable=dict(node.allocatable.items),
    )  # fmt: skip
