"""Leases in memory, as an API server keeps them; and a wire to it that loses requests or answers when told to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gitops.cluster.live import Answer
from gitops.errors import Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]


@dataclass
class FakeLeases:
    """What the server keeps, by namespace and name; ``default`` is the only namespace."""

    kept: dict[tuple[str, str], Object] = field(default_factory=dict)
    serial: int = 0

    def read_lease(self, namespace: str, name: str, *, timeout: float) -> Answer:
        found = self.kept.get((namespace, name))
        return Answer(404) if found is None else Answer(200, json.dumps(found).encode())

    def create_lease(self, namespace: str, body: Mapping[str, Any], *, timeout: float) -> Answer:
        if namespace != "default":
            return Answer(404)
        if (namespace, body["metadata"]["name"]) in self.kept:
            return Answer(409)
        return self._keep(namespace, body["metadata"]["name"], body, 201)

    def replace_lease(self, namespace: str, name: str, body: Mapping[str, Any], *, timeout: float) -> Answer:
        found = self.kept.get((namespace, name))
        if found is None:
            return Answer(404)
        if found["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            return Answer(409)
        return Answer(200, json.dumps(found).encode()) if found == body else self._keep(namespace, name, body, 200)

    def _keep(self, namespace: str, name: str, body: Mapping[str, Any], status: int) -> Answer:
        self.serial += 1
        kept = json.loads(json.dumps(body))
        kept["metadata"] |= {"namespace": namespace, "resourceVersion": str(self.serial)}
        self.kept[namespace, name] = kept
        return Answer(status, json.dumps(kept).encode())


@dataclass
class Wire:
    """One process's way to the server. ``cut``: requests are lost; ``deaf``: they arrive, and their answers are lost."""

    leases: FakeLeases
    cut: bool = False
    deaf: bool = False
    asked: int = 0

    def read_lease(self, namespace: str, name: str, *, timeout: float) -> Answer:
        return self._over("read_lease", namespace, name, timeout=timeout)

    def create_lease(self, namespace: str, body: Mapping[str, Any], *, timeout: float) -> Answer:
        return self._over("create_lease", namespace, body, timeout=timeout)

    def replace_lease(self, namespace: str, name: str, body: Mapping[str, Any], *, timeout: float) -> Answer:
        return self._over("replace_lease", namespace, name, body, timeout=timeout)

    def _over(self, call: str, *given: Any, timeout: float) -> Answer:
        self.asked += 1
        if self.cut:
            raise Waiting("the server does not answer")
        answer: Answer = getattr(self.leases, call)(*given, timeout=timeout)
        if self.deaf:
            raise Waiting("the server does not answer")
        return answer
