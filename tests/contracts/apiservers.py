"""The API servers that the contract suite runs over: what poolplan reads is the same from each.

A new one joins by adding a maker to ``MAKERS``: it gets a folder of the test's own and an ExitStack for whatever has to
be stopped afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import kubernetes.client
import kubernetes.config

from gitops.clock import SystemClock
from gitops.cluster.connection import connect
from gitops.sandbox.cluster.cluster import SandboxCluster
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from gitops.cluster.connection import KubernetesApi

Object = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """An API server with a namespace ``default``. ``core`` is somebody else's way to it; ``forget`` lets every
    resourceVersion up to now be forgotten, where that can be done, and says of one that is."""

    api: KubernetesApi
    core: Any
    forget: Callable[[], str]


def sandboxed(folder: Path, stack: ExitStack) -> Server:
    clock = SystemClock()
    cluster = SandboxCluster(clock)
    sandbox = start_sandbox(SandboxOptions(), clock, cluster=cluster)
    stack.callback(sandbox.stop)
    file = folder / "kubeconfig"
    file.write_text(sandbox.model.kubeconfig, "utf-8")

    def forget() -> str:
        with cluster.locked() as store:
            store.events.clear()
        return "1"

    return server_at(file, stack, forget)


def server_at(kubeconfig: Path, stack: ExitStack, forget: Callable[[], str]) -> Server:
    """The server of a kubeconfig."""
    client = stack.enter_context(kubernetes.config.new_client_from_config(config_file=str(kubeconfig)))  # type: ignore[no-untyped-call]
    return Server(connect({}, kubeconfig=kubeconfig), kubernetes.client.CoreV1Api(client), forget)


MAKERS: tuple[Callable[[Path, ExitStack], Server], ...] = (sandboxed,)


def node(name: str, **labels: str) -> Object:
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
        "status": {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]},
    }  # fmt: skip


def pod(name: str, cpu: str = "1", **spec: Any) -> Object:
    container = {"name": "main", "image": "pause", "resources": {"requests": {"cpu": cpu}}}
    metadata = {"name": name, "namespace": "default", "labels": {"app": "web"}, "annotations": {"note": "none"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **spec}}
