"""The cluster itself: what can be asked of it, and how it settles after every change.

It is level-triggered: ``settle`` looks at the objects alone, and runs the controllers and the scheduler until nothing
changes any more. Everything here may be called from any thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING

from gitops.sandbox.cluster import deployments, lifecycle, sets
from gitops.sandbox.cluster.admission import admit, check, joined, new_of_client
from gitops.sandbox.cluster.jsonvalues import (
    Json,
    Object,
    as_object,
    changed,
    number_at,
    object_at,
    objects_at,
    pairs_at,
    text_at,
)
from gitops.sandbox.cluster.ownership import name_of
from gitops.sandbox.cluster.patches import APPLY, MERGE, apply_patch, difference
from gitops.sandbox.cluster.refusals import Refusal, conflict
from gitops.sandbox.cluster.resources import BY_NAME
from gitops.sandbox.cluster.scheduling import Scheduler, bind, is_waiting
from gitops.sandbox.cluster.selectors import matching
from gitops.sandbox.cluster.store import Key, Store, all_of, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from gitops.clock import Clock

BUILT_IN = ("default", "kube-node-lease", "kube-public", "kube-system")
STEPS: tuple[Callable[[Store], None], ...] = (
    lifecycle.collect_garbage, lifecycle.evict_by_taint, deployments.sync_deployments, deployments.sync_replica_sets,
    sets.sync_stateful_sets, sets.sync_daemon_sets, sets.sync_jobs,
)
MOST_ROUNDS = 1000  # more than any honest change needs: an ordered StatefulSet takes one for each of its pods
JOINED_BY = "poolplan.dev/sandbox"
SEVERAL_BUDGETS = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


class SandboxCluster:
    """A small Kubernetes cluster in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = RLock()
        self._depth = 0
        self._scheduler = Scheduler()
        self._sent: dict[str, Object] = {}
        self.store = Store(clock.now())
        self.closed = False
        self.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in BUILT_IN)

    def now(self) -> datetime:
        """The clock's time."""
        return self._clock.now()

    @contextmanager
    def locked(self) -> Iterator[Store]:
        """The objects, which nobody else changes meanwhile."""
        with self._lock:
            yield self.store

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Calls ``listener`` after every change, in the thread that made it."""
        with self._lock:
            self.store.listeners.append(listener)
        try:
            yield
        finally:
            with self._lock:
                self.store.listeners.remove(listener)

    def close(self) -> None:
        """End every watch, so that a server can stop."""
        with self._lock:
            self.closed = True
            for listener in self.store.listeners:
                listener()

    @contextmanager
    def _changing(self) -> Iterator[Store]:
        """The objects, to change; the cluster settles once the outermost change is done."""
        with self._lock:
            self.store.now = self.now()
            self._depth += 1
            try:
                yield self.store
            finally:
                self._depth -= 1
                if not self._depth:
                    self.settle(self.store.now)

    def settle(self, now: datetime) -> None:
        """Let every controller and the scheduler do what there is to do at ``now``."""
        with self._lock:
            self.store.now = now
            for _ in range(MOST_ROUNDS):
                before = self.store.serial
                for step in STEPS:
                    step(self.store)
                self._scheduler.run(self.store)
                lifecycle.run_pods(self.store)
                lifecycle.sync_budgets(self.store)
                if self.store.serial == before:
                    return

    def seed(self, objects: Iterable[Object]) -> None:
        """Put these objects there, status and uid and all, in the place of those of their names. Raises Refusal.

        An owner that is not among them nor there already is forgotten, so that a part of a cluster can live alone.
        """
        with self._changing() as store:
            items = all_of(objects)
            known = {text_at(one, "metadata", "uid") for one in (*items, *store.everything())}
            for given in items:
                item = _set_free(given, lambda uid: uid not in known)
                resource = BY_NAME[key_of(item).resource]
                key, kept = admit(store, resource, item, namespace=key_of(item).namespace)
                if store.find(key):
                    store.remove(key)
                store.create(key, kept)

    def join(self, node: Mapping[str, object]) -> None:
        """A node is up: its Node object is there from now on. Raises Refusal."""
        self.seed([_as_json(node)])

    def leave(self, name: str) -> None:
        """A node is gone, and with it its Node object, where there was one."""
        with self._changing() as store:
            if store.find(Key("nodes", "", name)):
                store.delete(Key("nodes", "", name))

    def sync(self, wanted: Mapping[str, Mapping[str, object]]) -> None:
        """Let just these Nodes be there, beside those that a sandbox did not put there (see NodeRegistrar).

        They come and go all at once. A node that stays is written again only where the sandbox's own wish has changed,
        so that a client's cordon outlives it.
        """
        with self._changing() as store:
            for node in store.items("nodes"):
                if JOINED_BY in pairs_at(node, "metadata", "annotations") and name_of(node) not in wanted:
                    self._sent.pop(name_of(node), None)
                    self.leave(name_of(node))
            for name in sorted(wanted):
                wish = _as_json(wanted[name])
                if self._sent.get(name) != wish:
                    self._write_wish(name, wish)
                    self._sent[name] = wish

    def _write_wish(self, name: str, wish: Object) -> None:
        there = self.store.find(Key("nodes", "", name))
        old = self._sent.get(name)
        if there is None:
            self.join(wish)
        elif old is not None:
            self.patch(Key("nodes", "", name), difference(old, wish), MERGE)

    def read(self, key: Key) -> Object:
        """One object. Raises a 404."""
        with self._lock:
            return self.store.get(key)

    def listing(self, resource: str, namespace: str = "", *, labels: str = "", fields: str = "") -> list[Object]:
        """The objects that both selectors mean, by namespace and name. Raises a 400."""
        meant = matching(labels, fields)
        with self._lock:
            return [item for item in self.store.items(resource, namespace) if meant(item)]

    def create(self, resource: str, namespace: str, item: Object, *, dry: bool = False) -> Object:
        """A new object. Raises a 400, 404, 409 or 422. ``dry`` keeps nothing."""
        with self._lock:
            kind = BY_NAME[resource]
            key, kept = admit(self.store, kind, new_of_client(kind, item), namespace=namespace)
            if dry:
                return kept
            with self._changing() as store:
                return store.create(key, kept)

    def replace(self, key: Key, item: Object, *, part: str = "", dry: bool = False) -> Object:
        """Another object in its place; ``part`` is ``status`` or nothing. Raises a 400, 404, 409 or 422."""
        resource = BY_NAME[key.resource]
        with self._lock:
            old = self.store.get(key)
            if text_at(item, "metadata", "name") != key.name:
                raise conflict(key.name, "the name of the object does not match the name of the request")
            kept = check(self.store, resource, joined(old, item, part, resource))
            if dry:
                return kept
            with self._changing() as store:
                return store.replace(key, kept)

    def patch(self, key: Key, patch: Json, kind: str, *, part: str = "", dry: bool = False) -> Object:
        """The object after a patch of this content type; an apply makes it where it is missing. Raises like replace."""
        with self._lock:
            old = self.store.find(key)
            if old is None and kind == APPLY:
                return self.create(key.resource, key.namespace, as_object(patch), dry=dry)
            return self.replace(key, apply_patch(self.store.get(key), patch, kind), part=part, dry=dry)

    def delete(self, key: Key, options: Object) -> Object:
        """Delete an object, and what it owns unless the options say Orphan. Raises a 404 or 409."""
        with self._lock:
            item = self.store.get(key)
            for name in ("resourceVersion", "uid"):
                expected = text_at(options, "preconditions", name)
                if expected and expected != text_at(item, "metadata", name):
                    raise conflict(key.name, f"the {name} in the precondition does not match")
            if text_at(options, "dryRun"):
                return item
            with self._changing() as store:
                if text_at(options, "propagationPolicy") == "Orphan":
                    for one in store.everything():
                        store.replace(key_of(one), _set_free(one, lambda uid: uid == text_at(item, "metadata", "uid")))
                return store.delete(key)

    def evict(self, key: Key, options: Object) -> None:
        """Delete a pod unless its PodDisruptionBudget forbids it now: a 429, as the eviction API has it.

        Raises a 500 for a pod that two budgets select.
        """
        with self._lock:
            budgets = lifecycle.budgets_of(self.store, self.store.get(key))
            if len(budgets) > 1:
                raise Refusal(500, "", SEVERAL_BUDGETS)
            if budgets and not number_at(budgets[0], "status", "disruptionsAllowed"):
                raise _too_many(budgets[0])
            self.delete(key, object_at(options, "deleteOptions"))

    def bind(self, key: Key, binding: Object) -> None:
        """Give a pending pod its node, as a scheduler does. Raises a 404 or 409."""
        with self._changing() as store:
            pod = store.get(key)
            if not is_waiting(pod):
                raise conflict(key.name, f'pod is already assigned to node "{text_at(pod, "spec", "nodeName")}"')
            bind(store, pod, name_of(store.get(Key("nodes", "", text_at(binding, "target", "name")))))

    def dump(self) -> Object:
        """Everything a state file must hold, as JSON."""
        with self._lock:
            return {**self.store.dump(), "sent": dict(self._sent)}

    def load(self, state: Object) -> None:
        """Become what ``dump`` gave."""
        with self._changing() as store:
            store.load(state)
            self._sent = {name: object_at(state, "sent", name) for name in object_at(state, "sent")}


def scale_of(item: Object) -> Object:
    """The Scale subresource of a workload."""
    labels = pairs_at(item, "spec", "selector", "matchLabels")
    kept = ("creationTimestamp", "name", "namespace", "resourceVersion", "uid")
    return {
        "apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {name: object_at(item, "metadata")[name] for name in kept},
        "spec": {"replicas": deployments.replicas_of(item)},
        "status": {
            "replicas": number_at(item, "status", "replicas"),
            "selector": ",".join(f"{name}={labels[name]}" for name in sorted(labels)),
        },
    }


def _as_json(value: Mapping[str, object]) -> Object:
    done: Object = json.loads(json.dumps(dict(value)))
    return done


def _set_free(item: Object, is_gone: Callable[[str], bool]) -> Object:
    """The object without the owners that are gone."""
    owners = objects_at(item, "metadata", "ownerReferences")
    rest: list[Json] = [owner for owner in owners if not is_gone(text_at(owner, "uid"))]
    return item if len(rest) == len(owners) else changed(item, "metadata", "ownerReferences", to=rest)


def _too_many(budget: Object) -> Refusal:
    needed, healthy = (number_at(budget, "status", name) for name in ("desiredHealthy", "currentHealthy"))
    told = f"The disruption budget {name_of(budget)} needs {needed} healthy pods and has {healthy} currently"
    causes: list[Json] = [{"reason": "DisruptionBudget", "message": told}]
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    return Refusal(429, "TooManyRequests", message, details={"causes": causes})
