"""A cluster in memory at the level of its API's answers, for tests of what is done to nodes.

It knows nodes, pods and disruption budgets, and the rules of the Eviction API; there is no scheduler, and no controller
that starts a pod again. Its kubelet stops pods whenever the clock moves, as soon as they are asked to, but for those
with the annotation SLOW, which only ``let_go`` stops.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gitops.cluster.live.api import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.cluster.kinds import Kind

Object = dict[str, Any]
SLOW = "test.poolplan.dev/slow"
BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class TickingClock:
    """A clock that moves only when somebody sleeps; then ``ticks`` are called. It may run beside a real one."""

    start: Callable[[], datetime] = lambda: BEGINNING
    slept: timedelta = timedelta()
    ticks: list[Callable[[], None]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.start() + self.slept

    def sleep(self, duration: timedelta) -> None:
        self.slept += duration
        for tick in self.ticks:
            tick()


@dataclass
class FakeCluster:
    """An API server as ``gitops.cluster.node_calls.NodeApi``. ``before`` and ``after`` are told of every call that
    changes something, and may raise; ``refused`` answers in place of a call."""

    clock: TickingClock = field(default_factory=TickingClock)
    address: str = "https://cluster.example"
    nodes: dict[str, Object] = field(default_factory=dict)
    pods: dict[tuple[str, str], Object] = field(default_factory=dict)
    budgets: dict[tuple[str, str], Object] = field(default_factory=dict)
    refused: dict[str, Answer] = field(default_factory=dict)
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None
    version: int = 0

    def __post_init__(self) -> None:
        self.clock.ticks.append(self.stop_pods)

    def put(self, *objects: Object) -> None:
        """Nodes, pods and budgets, each anew."""
        for one in objects:
            self.version += 1
            meta = one["metadata"]
            given = {"uid": f"uid-{self.version}", "creationTimestamp": _stamp(self.clock.now())}
            kept = {**one, "metadata": {**given, **meta, "resourceVersion": str(self.version)}}
            if one["kind"] == "Node":
                self.nodes[meta["name"]] = kept
            else:
                where = self.pods if one["kind"] == "Pod" else self.budgets
                where[meta["namespace"], meta["name"]] = kept

    def remove_node(self, name: str) -> None:
        """The node goes, and its pods with it."""
        del self.nodes[name]
        for key in [key for key, pod in self.pods.items() if pod["spec"].get("nodeName") == name]:
            del self.pods[key]

    def let_go(self, name: str, namespace: str = "default") -> None:
        """A slow pod stops at last, or will as soon as it is asked to."""
        pod = self.pods[namespace, name]
        pod["metadata"]["annotations"].pop(SLOW, None)
        if "deletionTimestamp" in pod["metadata"]:
            del self.pods[namespace, name]

    def stop_pods(self) -> None:
        """What kubelet does."""
        for key, pod in list(self.pods.items()):
            meta = pod["metadata"]
            if "deletionTimestamp" in meta and SLOW not in meta.get("annotations", {}):
                del self.pods[key]

    def list(self, kind: Kind, *, limit: int, token: str) -> Answer:
        found = {"Node": self.nodes, "Pod": self.pods}.get(kind.kind)
        if found is None:
            return Answer(404)
        return Answer(200, json.dumps({"kind": f"{kind.kind}List", "items": list(found.values())}).encode())

    def watch(self, kind: Kind, *, version: str, seconds: int, silence: float) -> Answer:
        return Answer(501)

    def read_node(self, name: str) -> Answer:
        return self._called("read_node", lambda: _found(self.nodes.get(name)))

    def pods_on(self, node: str) -> Answer:
        items = [pod for _, pod in sorted(self.pods.items()) if pod["spec"].get("nodeName") == node]
        return self._called("pods_on", lambda: _answer(200, {"kind": "PodList", "items": items}))

    def patch_node(self, name: str, patch: Mapping[str, object]) -> Answer:
        return self._changing("patch_node", lambda: self._patch(name, patch))

    def evict(self, namespace: str, name: str, body: Mapping[str, Any]) -> Answer:
        return self._changing("evict", lambda: self._evict((namespace, name), body.get("deleteOptions", {})))

    def delete_pod(self, namespace: str, name: str, options: Mapping[str, object]) -> Answer:
        return self._changing("delete_pod", lambda: self._delete((namespace, name), options))

    def _changing(self, what: str, change: Callable[[], Answer]) -> Answer:
        self.before(what)
        answer = self._called(what, change)
        self.after(what)
        return answer

    def _called(self, what: str, call: Callable[[], Answer]) -> Answer:
        return self.refused[what] if what in self.refused else call()

    def _patch(self, name: str, patch: Mapping[str, Any]) -> Answer:
        node = self.nodes.get(name)
        wanted = patch.get("metadata", {}).get("resourceVersion")
        if node is None or wanted not in (None, node["metadata"]["resourceVersion"]):
            return _answer(404 if node is None else 409, {"kind": "Status", "message": "no such node, or a newer one"})
        self.version += 1
        self.nodes[name] = _merged(
            node, {**patch, "metadata": {**patch.get("metadata", {}), "resourceVersion": str(self.version)}}
        )
        return _found(self.nodes[name])

    def _evict(self, key: tuple[str, str], options: Mapping[str, Any]) -> Answer:
        pod = self.pods.get(key)
        if pod is not None and pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]:
            mine = [one for one in self.budgets.values() if _selects(one, pod)]
            if len(mine) > 1:
                message = (
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
                )
                return _answer(500, {"kind": "Status", "message": message})
            for one in mine:
                healthy = [each for each in self.pods.values() if _selects(one, each) and is_healthy(each)]
                if len(healthy) <= one["spec"]["minAvailable"]:
                    return _answer(429, _says_no(one, len(healthy)))
        answer = self._delete(key, options)
        return Answer(201, answer.body) if answer.status == 200 else answer

    def _delete(self, key: tuple[str, str], options: Mapping[str, Any]) -> Answer:
        pod = self.pods.get(key)
        uid = options.get("preconditions", {}).get("uid")
        if pod is None or uid not in (None, pod["metadata"]["uid"]):
            return _answer(404 if pod is None else 409, {"kind": "Status", "message": "no such pod, or another one"})
        grace = options.get("gracePeriodSeconds", pod["spec"].get("terminationGracePeriodSeconds", 30))
        ends = _stamp(self.clock.now() + timedelta(seconds=grace))
        metadata = {**pod["metadata"], "deletionTimestamp": min(ends, pod["metadata"].get("deletionTimestamp", ends))}
        self.pods[key] = {**pod, "metadata": metadata}
        return _answer(200, {"kind": "Status", "status": "Success"})


def _answer(status: int, body: Object) -> Answer:
    return Answer(status, json.dumps(body).encode())


def _found(found: Object | None) -> Answer:
    return Answer(404) if found is None else _answer(200, found)


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _merged(old: Object, patch: Mapping[str, Any]) -> Object:
    """RFC 7386."""
    made = dict(old)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = _merged(made.get(key) or {}, value) if isinstance(value, dict) else value
    return made


def _selects(budget: Object, pod: Object) -> bool:
    wanted = budget["spec"]["selector"]["matchLabels"].items()
    same = budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and wanted <= pod["metadata"].get("labels", {}).items()


def is_healthy(pod: Object) -> bool:
    return pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]


def _says_no(budget: Object, healthy: int) -> Object:
    name, least = budget["metadata"]["name"], budget["spec"]["minAvailable"]
    told = f"The disruption budget {name} needs {least} healthy pods and has {healthy} currently"
    return {
        "kind": "Status",
        "reason": "TooManyRequests",
        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
        "details": {"causes": [{"reason": "DisruptionBudget", "message": told}]},
    }
