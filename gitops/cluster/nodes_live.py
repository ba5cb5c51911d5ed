"""The nodes of a live cluster, as an apply handles them: cordoned for a plan, drained, opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.clock import SystemClock
from gitops.cluster.draining import Drain
from gitops.cluster.node_calls import NodeCalls
from gitops.cluster.node_hands import KEPT, MARK, SINCE, DrainLimits
from gitops.errors import Waiting
from planner.removal import is_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitops.clock import Clock
    from gitops.cluster.node_calls import NodeApi
    from gitops.cluster.node_hands import Drained
    from planner.nodes import Node

    Patch = Mapping[str, Mapping[str, object]]

TRIES = 5
"""How often a node is changed again that somebody else changed in the meantime: kubelets write to theirs."""
USUAL = DrainLimits()


class LiveNodes:
    """See ``gitops.cluster.node_hands.Nodes``. One object for each apply."""

    def __init__(
        self, api: NodeApi, environment: Mapping[str, str], *, clock: Clock | None = None, limits: DrainLimits = USUAL
    ) -> None:  # fmt: skip
        self._calls = NodeCalls(api, environment)
        self._clock, self._limits = clock or SystemClock(), limits

    def cordon(self, names: Sequence[str], *, mark: str) -> None:
        """See ``Nodes``."""
        for name in sorted(set(names)):
            self._change(name, lambda node: _cordoning(node, mark))

    def uncordon(self, mark: str) -> tuple[str, ...]:
        """See ``Nodes``."""
        opened = []
        for seen in self._calls.nodes():
            node = seen.node
            if _notes(node).get(MARK) == mark:
                self._change(node.name, lambda now: _opening(now, mark))
                if node.unschedulable and KEPT not in _notes(node):
                    opened.append(node.name)
        return tuple(sorted(opened))

    def occupied(self, names: Sequence[str]) -> tuple[str, ...]:
        """See ``Nodes``. A pod for which the scheduler makes room on a node counts as being there."""
        pods = self._calls.pods()
        return tuple(
            name for name in sorted(set(names))
            if not is_empty(pod for pod in pods if name in (pod.node_name, pod.nominated_node))
        )  # fmt: skip

    def drain(self, names: Sequence[str], say: Callable[[str], None]) -> Drained:
        """See ``Nodes``."""
        return Drain(self._calls, self._clock, self._limits, say).run(names)

    def _change(self, name: str, patch_of: Callable[[Node], Patch | None]) -> None:
        for _ in range(TRIES):
            seen = self._calls.node(name)
            patch = patch_of(seen.node) if seen else None
            if seen is None or patch is None or self._calls.patch(seen, patch):
                return
        raise Waiting(f"node {name} is changed all the time by others; nothing was done to it")


def _notes(node: Node) -> dict[str, str]:
    return dict(node.annotations)


def _cordoning(node: Node, mark: str) -> Patch | None:
    """A node of another mark is taken over with a time of its own: another plan, another drain."""
    notes = _notes(node)
    if node.unschedulable and notes.get(MARK) == mark:
        return None
    before = node.unschedulable and (MARK not in notes or KEPT in notes)
    annotations = {MARK: mark, KEPT: "true" if before else None, SINCE: None}
    return {"metadata": {"annotations": annotations}, "spec": {"unschedulable": True}}


def _opening(node: Node, mark: str) -> Patch | None:
    notes = _notes(node)
    if notes.get(MARK) != mark:
        return None
    gone = {"metadata": {"annotations": dict.fromkeys((MARK, KEPT, SINCE))}}
    return gone if KEPT in notes else {**gone, "spec": {"unschedulable": None}}
