"""Cordons nodes of a live cluster and tells which of them are in use, just before they are removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.cluster.inputs import make_inputs
from gitops.cluster.live import live_items
from planner.removal import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitops.cluster.connection import KubernetesApi


class LiveNodes:
    """The nodes of one cluster, through the ``kubernetes`` package."""

    def __init__(self, api: KubernetesApi, environment: Mapping[str, str]) -> None:
        self._api = api
        self._environment = environment

    def cordon(self, names: Sequence[str]) -> None:
        """Let no new pod onto these nodes; a node that is gone is fine. Raises Stalled or Waiting."""
        for name in sorted(names):
            self._api.cordon(name)

    def occupied(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the nodes that hold a pod which a removal would evict."""
        items, _ = live_items(self._api)
        pods = make_inputs(items, environment=self._environment).snapshot.pods
        return tuple(
            name for name in sorted(names)
            if not is_empty(pod for pod in pods if name in (pod.node_name, pod.nominated_node))
        )  # fmt: skip
