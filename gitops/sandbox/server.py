"""A sandbox that runs: its HTTP server in one thread, and in another a ticker that lets time pass and nodes join.

It listens on loopback only. Nothing here decides anything; stopping it leaves the state file as it is.
"""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from gitops.catalogs.bundle import bundled
from gitops.errors import InputError, PoolplanError
from gitops.sandbox.app import create_app
from gitops.sandbox.cluster.api import cluster_routes, kubeconfig
from gitops.sandbox.joining import joined_nodes, node_builder
from gitops.sandbox.model import SandboxModel
from gitops.sandbox.registrar import KubernetesRegistrar, NullRegistrar
from gitops.sandbox.settings import PLANS
from gitops.sandbox.store import StateFile
from gitops.serving import LOOPBACK, Served, listen

if TYPE_CHECKING:
    import socket
    from types import TracebackType

    from starlette.routing import Route

    from gitops.clock import Clock
    from gitops.sandbox.cluster.cluster import SandboxCluster
    from gitops.sandbox.joining import NodeObject
    from gitops.sandbox.registrar import NodeRegistrar
    from gitops.sandbox.settings import SandboxOptions
    from planner.catalog import Catalog

TICK_SECONDS = 0.5
log = logging.getLogger(__name__)


def start_sandbox(
    options: SandboxOptions, clock: Clock, *, catalog: Catalog | None = None,
    registrar: NodeRegistrar | None = None, cluster: SandboxCluster | None = None,
) -> RunningSandbox:
    """Starts a sandbox and returns when it listens. InputError where an option makes no sense or the port is taken.

    ``catalog`` is the bundled one unless given; ``registrar`` follows from ``options.kubeconfig`` unless given. A
    ``cluster`` is served beside the API at the root of the same server, and nodes join it unless told otherwise.
    """
    catalog = catalog or bundled()
    _check(options, catalog)
    if registrar is None and cluster is not None:
        registrar = cluster
    if registrar is None:
        registrar = KubernetesRegistrar(options.kubeconfig) if options.kubeconfig else NullRegistrar()
    store = StateFile(options.state_file) if options.state_file else None
    model = SandboxModel(options, catalog, clock=clock, store=store)
    return RunningSandbox(model, registrar, listener=listen(options.port), cluster=cluster)


def _check(options: SandboxOptions, catalog: Catalog) -> None:
    known = ", ".join(sorted(region.name for region in catalog.regions))
    if catalog.region(options.region) is None:
        raise InputError(f"unknown region {options.region}; there are {known}", path="region")
    if options.plan not in PLANS:
        raise InputError(f"unknown plan {options.plan}; there are {', '.join(sorted(PLANS))}", path="plan")


class RunningSandbox:
    """A sandbox that listens at ``url`` until ``stop`` or the end of its ``with`` block."""

    def __init__(
        self, model: SandboxModel, registrar: NodeRegistrar, *, listener: socket.socket,
        cluster: SandboxCluster | None = None,
    ) -> None:
        self.model = model
        self.cluster = cluster
        self.port: int = listener.getsockname()[1]
        self.url = f"http://{LOOPBACK}:{self.port}/1.0"
        self._ticker = _Ticker(model, registrar)
        self._served = Served(create_app(model, self._serve_cluster()), listener, name="sandbox-http")
        self._ticker.start()

    def stop(self) -> None:
        """Stops serving and ticking; returns when both have ended. Harmless when repeated."""
        self._ticker.stop()
        if self.cluster is not None:
            self.cluster.close()
        self._served.stop()

    def _serve_cluster(self) -> list[Route]:
        if self.cluster is None:
            return []
        self.model.kubeconfig = kubeconfig(f"http://{LOOPBACK}:{self.port}")
        return cluster_routes(self.cluster)

    def wait(self) -> None:
        """Returns when the sandbox has been stopped from elsewhere."""
        self._served.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Ticker:
    """Lets time pass though nobody asks, and makes the cluster's Nodes agree after every change."""

    def __init__(self, model: SandboxModel, registrar: NodeRegistrar) -> None:
        self._model = model
        self._registrar = registrar
        self._build = node_builder(model.catalog, model.options.region)
        self._synced: dict[str, NodeObject] | None = None
        self._trouble = ""
        self._stopping = False
        self._wake = Event()
        self._thread = Thread(target=self._run, name="sandbox-ticker", daemon=True)

    def start(self) -> None:
        self._model.on_change = self._wake.set
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._report(self._tick())
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()

    def _tick(self) -> str:
        """What went wrong this time; it is tried again at the next tick."""
        try:
            wanted = joined_nodes(self._model.advance(), self._build)
            if wanted != self._synced:
                self._registrar.sync(wanted)
                self._synced = wanted
        except PoolplanError as error:
            return str(error)
        return ""

    def _report(self, trouble: str) -> None:
        """Each trouble once, however long it lasts."""
        if trouble and trouble != self._trouble:
            log.warning("sandbox: %s", trouble)
        self._trouble = trouble
