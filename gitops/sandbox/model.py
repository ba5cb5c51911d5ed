"""The sandbox as an object: it holds the world, moves it on by the clock before every look, and answers in JSON.

It knows nothing of HTTP. All methods may be called from any thread.
"""

from __future__ import annotations

from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING

from gitops.sandbox import answers, lifecycle
from gitops.sandbox.failures import Failures
from gitops.sandbox.records import World
from gitops.sandbox.refusals import missing_object
from gitops.sandbox.validation import Ground, Wish, find_victims, judge, refuse_busy, usage
from gitops.sandbox.wishes import changed_spec, new_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gitops.clock import Clock
    from gitops.sandbox.answers import Json
    from gitops.sandbox.bodies import CreationBody, UpdateBody
    from gitops.sandbox.records import NodeRecord, PoolRecord
    from gitops.sandbox.settings import Quota, SandboxOptions
    from gitops.sandbox.store import StateFile
    from planner.catalog import Catalog


class SandboxModel:
    """One project with one cluster in one region. ``on_change`` is called after every change of the world.

    ``kubeconfig`` is what the API hands out where the sandbox serves a Kubernetes cluster of its own.
    """

    def __init__(
        self, options: SandboxOptions, catalog: Catalog, *, clock: Clock, store: StateFile | None = None,
    ) -> None:
        self.options = options
        self.catalog = catalog
        self.failures = Failures()
        self.on_change: Callable[[], None] = lambda: None
        self.kubeconfig = ""
        self._clock = clock
        self._store = store
        self._lock = RLock()
        self._world = store.load(options.region) if store else World(region=options.region)

    def now(self) -> datetime:
        """The sandbox's time."""
        return self._clock.now()

    def advance(self) -> World:
        """Moves the world on to the clock's time and returns it."""
        with self._lock:
            self._become(lifecycle.advance(self._world, self.now(), timing=self.options.timing))
            return self._world

    def used_quota(self) -> Quota:
        """What the nodes that exist use."""
        return usage(self.advance(), self.catalog)

    def free_quota(self) -> Quota:
        """What is left of the quota."""
        used, quota = self.used_quota(), self.options.quota
        return replace(
            quota, cores=quota.cores - used.cores, ram_mb=quota.ram_mb - used.ram_mb,
            instances=quota.instances - used.instances,
        )

    def list_pools(self) -> list[Json]:
        """Every pool that can be seen, oldest first."""
        with self._lock:
            world = self.advance()
            return [self._pool_body(pool) for pool in world.pools if self._visible(pool)]

    def read_pool(self, pool_id: str) -> Json:
        """One pool; ApiError 404 where there is none."""
        with self._lock:
            self.advance()
            return self._pool_body(self._find_pool(pool_id))

    def create_pool(self, body: CreationBody) -> Json:
        """A new pool, INSTALLING; ApiError where it is refused."""
        with self._lock:
            world, now = self.advance(), self.now()
            spec = new_spec(body, f"nodepool-{lifecycle.make_id('name', world.serial)}")
            judge(Wish(spec=spec), self._ground())
            fate = self.failures.fate_of_growth(new_pool=True)
            world, pool = lifecycle.create_pool(world, spec, now=now, fate=fate)
            self._become(world)
            return self._pool_body(pool)

    def update_pool(self, pool_id: str, body: UpdateBody) -> Json:
        """The pool as it is from now on; ApiError where the change is refused."""
        with self._lock:
            world = self.advance()
            pool = self._find_pool(pool_id)
            refuse_busy(pool, "update")
            spec = changed_spec(pool.spec, body)
            judge(Wish(spec=spec, pool=pool), self._ground())
            room = pool.spec.desired - spec.desired
            victims = find_victims(pool, world.staying(pool.id), names=body.nodes_to_remove or (), room=room)
            fate = self.failures.fate_of_growth(new_pool=False) if room < 0 else lifecycle.Fate()
            self._become(lifecycle.change_pool(world, pool, spec=spec, now=self.now(), fate=fate, victims=victims))
            return self._pool_body(self._find_pool(pool_id))

    def delete_pool(self, pool_id: str) -> Json:
        """The pool, DELETING from now on."""
        with self._lock:
            world = self.advance()
            pool = self._find_pool(pool_id)
            refuse_busy(pool, "delete")
            fate = self.failures.fate_of_deletion()
            self._become(lifecycle.delete_pool(world, pool, now=self.now(), fate=fate))
            return self._pool_body(self._find_pool(pool_id))

    def list_nodes(self, pool_id: str | None = None, *, history: bool = False) -> list[Json]:
        """The nodes of one pool or of all; with ``history`` those that are gone."""
        with self._lock:
            nodes = self.advance().nodes
            if pool_id is not None:
                pool = self._find_pool(pool_id)
                nodes = tuple(node for node in nodes if node.pool_id == pool.id)
            return answers.node_bodies(nodes, history=history)

    def read_node(self, node_id: str) -> Json:
        """One node, also one that is gone."""
        with self._lock:
            self.advance()
            return answers.node_body(self._find_node(node_id))

    def delete_node(self, node_id: str) -> Json:
        """The node on its way out, and its pool one smaller."""
        with self._lock:
            world = self.advance()
            node = self._find_node(node_id)
            pool = world.pool(node.pool_id)
            if pool is None or node.status.leaving:
                raise missing_object("Node", node_id)
            refuse_busy(pool, "update")
            spec = replace(pool.spec, desired=pool.spec.desired - 1)
            judge(Wish(spec=spec, pool=pool), self._ground())
            self._become(lifecycle.change_pool(
                world, pool, spec=spec, now=self.now(), fate=lifecycle.Fate(), victims=(node,),
            ))
            return answers.node_body(self._find_node(node_id))

    def _ground(self) -> Ground:
        return Ground(
            world=self._world, catalog=self.catalog, plan=self.options.plan, quota=self.options.quota,
            sold_out=self.failures.sold_out(),
        )

    def _become(self, world: World) -> None:
        if world == self._world:
            return
        if self._store:
            self._store.save(world)
        self._world = world
        self.on_change()

    def _pool_body(self, pool: PoolRecord) -> Json:
        return answers.pool_body(pool, self._world, now=self.now())

    def _visible(self, pool: PoolRecord) -> bool:
        return pool.hidden_until is None or pool.hidden_until <= self.now()

    def _find_pool(self, pool_id: str) -> PoolRecord:
        pool = self._world.pool(pool_id)
        if pool is None or not self._visible(pool):
            raise missing_object("NodePool", pool_id)
        return pool

    def _find_node(self, node_id: str) -> NodeRecord:
        node = next((node for node in self._world.nodes if node.id == node_id), None)
        if node is None:
            raise missing_object("Node", node_id)
        return node
