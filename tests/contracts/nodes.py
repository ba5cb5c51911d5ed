"""The clusters that the contract suite of nodes runs over, and the objects that it puts there.

A new cluster joins by adding a maker to ``MAKERS``: it gets an ExitStack for whatever has to be stopped afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from gitops.cluster.connection import connect
from gitops.cluster.nodes_live import LiveNodes
from gitops.sandbox.cluster.cluster import SandboxCluster
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions
from tests.gitops.cluster.fakecluster import SLOW, FakeCluster, TickingClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from gitops.cluster.node_calls import NodeApi
    from gitops.cluster.node_hands import Drained, DrainLimits

Object = dict[str, Any]
OWNED_BY = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "uid-of-web", "controller": True}


class Cluster(Protocol):
    """What a test does to a cluster behind poolplan's back. Its pods are in the namespace ``default``."""

    @property
    def api(self) -> NodeApi: ...
    @property
    def clock(self) -> TickingClock: ...

    def put(self, *objects: Object) -> None:
        """New objects. A pod with a node runs at once, and stops as soon as it is asked to, once the clock moves."""

    def note(self, node: str, **annotations: str | None) -> None:
        """Write annotations of ``poolplan.dev`` on a node, by somebody else."""

    def open(self, node: str) -> None:
        """Uncordon a node, by somebody else."""

    def node(self, name: str) -> Object: ...
    def remove_node(self, name: str) -> None: ...
    def pods(self) -> list[str]:
        """The names of all pods, sorted; those that are stopping too."""

    def let_go(self, name: str) -> None:
        """A pod that was made slow stops at last, or will as soon as it is asked to."""


@dataclass
class World:
    """A cluster, and what poolplan says while it works there."""

    cluster: Cluster
    said: list[str] = field(default_factory=list)

    def nodes(self, limits: DrainLimits | None = None) -> LiveNodes:
        """As a process that has just started."""
        more = {} if limits is None else {"limits": limits}
        return LiveNodes(self.cluster.api, {}, clock=self.cluster.clock, **more)

    def drain(self, *names: str, limits: DrainLimits | None = None, mark: str = "sha256:aa") -> Drained:
        made = self.nodes(limits)
        made.cordon(names, mark=mark)
        return made.drain(names, self.said.append)


def node(name: str, *, cordoned: bool = False, pool: str = "", **annotations: str) -> Object:
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": name, **({"nodepool": pool} if pool else {})}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": {"unschedulable": True} if cordoned else {},
        "status": {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]},
    }  # fmt: skip


def pod(
    name: str, on: str, *, app: str = "web", owner: str = "ReplicaSet", slow: bool = False, phase: str = "Running",
    annotations: dict[str, str] | None = None, **spec: Any,
) -> Object:  # fmt: skip
    """A pod on a node. ``owner`` is the kind of its controller, empty for none."""
    notes = {**(annotations or {}), **({SLOW: "true"} if slow else {})}
    references = [{**OWNED_BY, "kind": owner}] if owner else []
    ready = {"type": "Ready", "status": "True" if phase == "Running" else "False"}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "default", "labels": {"app": app}, "annotations": notes,
            "ownerReferences": references,
        },
        "spec": {
            "nodeName": on, "containers": [{"name": "main", "image": "pause"}], "terminationGracePeriodSeconds": 30,
            **spec,
        },
        "status": {"phase": phase, "conditions": [ready]},
    }  # fmt: skip


def budget(name: str, *, least: int, app: str = "web") -> Object:
    """A PodDisruptionBudget that wants so many pods of an app to stay."""
    metadata = {"name": name, "namespace": "default", "generation": 1}
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": app}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}


@dataclass
class InMemory:
    """The fake of the tests."""

    api: FakeCluster

    @property
    def clock(self) -> TickingClock:
        return self.api.clock

    def put(self, *objects: Object) -> None:
        self.api.put(*objects)

    def note(self, node: str, **annotations: str | None) -> None:
        self.api.patch_node(node, {"metadata": {"annotations": own(annotations)}})

    def open(self, node: str) -> None:
        self.api.patch_node(node, {"spec": {"unschedulable": None}})

    def node(self, name: str) -> Object:
        return self.api.nodes[name]

    def remove_node(self, name: str) -> None:
        self.api.remove_node(name)

    def pods(self) -> list[str]:
        return sorted(name for _, name in self.api.pods)

    def let_go(self, name: str) -> None:
        self.api.let_go(name)


@dataclass
class Sandboxed:
    """The sandbox's cluster, over HTTP. What is slow there is held by a finalizer."""

    cluster: SandboxCluster
    api: NodeApi
    clock: TickingClock

    def put(self, *objects: Object) -> None:
        owner: Any = self.cluster.read(Key("namespaces", "", "default"))
        self.cluster.seed(_adopted(one, owner["metadata"]["uid"]) for one in objects)

    def note(self, node: str, **annotations: str | None) -> None:
        self.api.patch_node(node, {"metadata": {"annotations": own(annotations)}})

    def open(self, node: str) -> None:
        self.api.patch_node(node, {"spec": {"unschedulable": None}})

    def node(self, name: str) -> Object:
        return self.cluster.read(Key("nodes", "", name))

    def remove_node(self, name: str) -> None:
        self.cluster.leave(name)

    def pods(self) -> list[str]:
        found: list[Any] = self.cluster.listing("pods")
        return sorted(one["metadata"]["name"] for one in found)

    def let_go(self, name: str) -> None:
        held = {"metadata": {"finalizers": None}}
        self.cluster.patch(Key("pods", "default", name), held, "application/merge-patch+json")


def own(annotations: dict[str, str | None]) -> dict[str, str | None]:
    """Annotations by the names that poolplan gives them."""
    return {f"poolplan.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}


def _adopted(one: Object, uid: str) -> Object:
    """Pods of an owner that exists: those of others are garbage there."""
    meta = one["metadata"]
    owners = [{**each, "uid": uid} for each in meta.get("ownerReferences", ())]
    held = {"finalizers": ["test.poolplan.dev/slow"]} if SLOW in meta.get("annotations", {}) else {}
    return {**one, "metadata": {**meta, **held, **({"ownerReferences": owners} if owners else {})}}


def in_memory(folder: Path, stack: ExitStack) -> Cluster:
    return InMemory(FakeCluster())


def sandboxed(folder: Path, stack: ExitStack) -> Cluster:
    clock = TickingClock()
    cluster = SandboxCluster(clock)
    sandbox = start_sandbox(SandboxOptions(), clock, cluster=cluster)
    stack.callback(sandbox.stop)
    file = folder / "kubeconfig"
    file.write_text(sandbox.model.kubeconfig, "utf-8")
    return Sandboxed(cluster, connect({}, kubeconfig=file), clock)


MAKERS: tuple[Callable[[Path, ExitStack], Cluster], ...] = (in_memory, sandboxed)
