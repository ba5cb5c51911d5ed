"""The OVH API and the cluster's API server without a network between: the sandbox's own answers, and faults on the way.

The clients are the real ones. Effects are counted here, so that nothing done twice goes unseen.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from requests import exceptions

from gitops.cluster.live.api import Answer
from gitops.errors import Waiting
from gitops.sandbox import routes
from gitops.sandbox.cluster.patches import MERGE
from gitops.sandbox.cluster.refusals import Refusal
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.refusals import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.cluster.kinds import Kind
    from gitops.sandbox.cluster.cluster import SandboxCluster
    from gitops.sandbox.model import SandboxModel
    from tests.reliability.trouble import Fault, Trouble

Object = dict[str, Any]
SLOWLY = timedelta(seconds=100)
"""Slow, and just within what the client waits for an answer."""


@dataclass
class Clock:
    """A clock that moves when somebody sleeps; then ``ticks`` are called."""

    time: datetime
    ticks: list[Callable[[], None]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.time += duration
        for tick in self.ticks:
            tick()


@dataclass(frozen=True)
class Response:
    """What the ``ovh`` package gives for a raw call."""

    status_code: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class OvhWire:
    """In the place of the ``ovh`` package's client: its ``raw_call``, answered by a sandbox in this process."""

    model: SandboxModel
    clock: Clock
    trouble: Trouble
    effects: Counter[str]
    _time_delta: int = 0

    def raw_call(self, method: str, path: str, data: Any = None, need_auth: bool = True) -> Response:
        del need_auth
        fault = self.trouble.meets("ovh", method, self.clock.now()) if path != "/auth/time" else None
        if fault is None:
            return self._answer(method, path, data)
        match fault.how:
            case "answer":
                return Response(fault.status, fault.body.encode(), dict(fault.headers))
            case "deaf":
                self.clock.sleep(timedelta(seconds=120))
                raise exceptions.ReadTimeout
            case "away":
                raise exceptions.ConnectionError
            case "slow":
                self.clock.sleep(SLOWLY)
                return self._answer(method, path, data)
            case "kill-before":
                self.trouble.kill()
        self._answer(method, path, data)
        if fault.how == "kill-after":
            self.trouble.kill()
        if fault.how == "garbled":
            return Response(200, b'{"id": 7, "na')
        raise exceptions.ChunkedEncodingError

    def _answer(self, method: str, path: str, data: Any) -> Response:
        where, _, query = path.partition("?")
        body = json.dumps(data).encode() if data is not None else b""
        try:
            found = routes.answer(self.model, method=method, path=where, query=dict(parse_qsl(query)), body=body)
        except ApiError as error:
            return Response(error.status, msgspec.json.encode(error.body()))
        if method != "GET":
            self.effects[f"{method} {data['name'] if method == 'POST' else where.rsplit('/', 1)[-1]}"] += 1
        return Response(200, msgspec.json.encode(found))


@dataclass
class ClusterWire:
    """The sandbox's cluster as ``gitops.cluster.node_calls.NodeApi``; ``delegate`` answers for a delegate's objects."""

    cluster: SandboxCluster
    clock: Clock
    trouble: Trouble
    effects: Counter[str]
    delegate: Any = None
    address: str = "https://cluster.example"

    def list(self, kind: Kind, *, limit: int, token: str) -> Answer:
        del limit, token
        return self._call("GET", lambda: {
            "kind": f"{kind.kind}List", "metadata": {}, "items": self.cluster.listing(kind.plural),
        })  # fmt: skip

    def watch(self, kind: Kind, *, version: str, seconds: int, silence: float) -> Answer:
        del kind, version, seconds, silence
        return Answer(501)

    def read_node(self, name: str) -> Answer:
        return self._call("GET", lambda: self.cluster.read(Key("nodes", "", name)))

    def pods_on(self, node: str) -> Answer:
        return self._call("GET", lambda: {
            "kind": "PodList", "metadata": {}, "items": self.cluster.listing("pods", fields=f"spec.nodeName={node}"),
        })  # fmt: skip

    def patch_node(self, name: str, patch: Mapping[str, object]) -> Answer:
        change = json.loads(json.dumps(dict(patch)))
        return self._call("PATCH", lambda: self.cluster.patch(Key("nodes", "", name), change, MERGE))

    def evict(self, namespace: str, name: str, body: Mapping[str, object]) -> Answer:
        def go() -> Object:
            pod: Any = self.cluster.read(Key("pods", namespace, name))
            self.cluster.evict(Key("pods", namespace, name), json.loads(json.dumps(dict(body))))
            self.effects[f"evict {pod['metadata']['uid']}"] += 1
            return {"kind": "Status", "status": "Success"}

        return self._call("POST", go, status=201)

    def delete_pod(self, namespace: str, name: str, options: Mapping[str, object]) -> Answer:
        body = json.loads(json.dumps(dict(options)))
        return self._call("DELETE", lambda: self.cluster.delete(Key("pods", namespace, name), body))

    def read_object(self, *where: str) -> Answer:
        """Of a delegate, where it can be seen."""
        fault = self.trouble.meets("delegate", "GET", self.clock.now())
        found: Answer = Answer(fault.status) if fault else self.delegate.read_object(*where)
        return found

    def read_secret(self, *where: str) -> Answer:
        found: Answer = self.delegate.read_secret(*where)
        return found

    def _call(self, verb: str, go: Callable[[], Any], *, status: int = 200) -> Answer:
        fault = self.trouble.meets("kubernetes", verb, self.clock.now())
        if fault is None:
            return _answered(go, status)
        return self._struck(fault, go, status)

    def _struck(self, fault: Fault, go: Callable[[], Any], status: int) -> Answer:
        match fault.how:
            case "answer":
                return Answer(fault.status, fault.body.encode())
            case "deaf" | "away":
                raise Waiting(f"{self.address} does not answer: it is away")
            case "slow":
                self.clock.sleep(timedelta(seconds=50))
                return _answered(go, status)
            case "kill-before":
                self.trouble.kill()
        _answered(go, status)
        if fault.how == "kill-after":
            self.trouble.kill()
        raise Waiting(f"{self.address} does not answer: the connection was cut")


def _answered(go: Callable[[], Any], status: int) -> Answer:
    try:
        return Answer(status, msgspec.json.encode(go()))
    except Refusal as refusal:
        return Answer(refusal.code, msgspec.json.encode(refusal.status))
