"""An API server in memory that remembers every change, and does on request what real ones do now and then."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gitops.cluster.live import Answer
from gitops.errors import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.cluster.kinds import Kind

Object = dict[str, Any]
STATUS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
GONE = {**STATUS, "reason": "Expired", "code": 410, "message": "too old resource version"}


@dataclass
class ScriptedStream:
    """Lines that are there, and how they end."""

    given: list[bytes]
    breaks: bool = False
    closed: bool = False

    def lines(self) -> Iterator[bytes]:
        yield from self.given
        if self.breaks:
            raise Waiting("https://cluster.example does not answer: the connection was reset")

    def close(self) -> None:
        self.closed = True


@dataclass
class ScriptedApi:
    """Objects by kind, namespace and name. A watch tells all changes after its version, then ends.

    ``refused`` answers for lists of a kind, ``refused_watches`` for its watches. Of ``faults``, the next watch takes
    one: ``break`` (after what it had to tell), ``gone`` (all changes are forgotten: 410 as an event), ``gone at once``
    (likewise, as a status), ``bookmark`` (told at its end), ``nonsense``.
    """

    address: str = "https://cluster.example"
    page: int = 2
    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    changes: list[tuple[int, str, str, Object]] = field(default_factory=list)
    refused: dict[str, Answer] = field(default_factory=dict)
    refused_watches: dict[str, Answer] = field(default_factory=dict)
    faults: deque[str] = field(default_factory=deque)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    serial: int = 1
    forgotten: int = 0

    def put(self, *objects: Object) -> None:
        for one in objects:
            key = self._key(one)
            self.serial += 1
            kept = {**one, "metadata": {**one["metadata"], "resourceVersion": str(self.serial)}}
            self.changes.append((self.serial, "MODIFIED" if key in self.objects else "ADDED", one["kind"], kept))
            self.objects[key] = kept

    def remove(self, *keys: tuple[str, str, str]) -> None:
        for key in keys:
            self.serial += 1
            gone = self.objects.pop(key)
            gone = {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self.serial)}}
            self.changes.append((self.serial, "DELETED", key[0], gone))

    @staticmethod
    def _key(one: Object) -> tuple[str, str, str]:
        return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]

    def list(self, kind: Kind, *, limit: int, token: str) -> Answer:
        self.asked.append(("list", kind.kind, token))
        if kind.kind in self.refused:
            return self.refused[kind.kind]
        mine = [self.objects[key] for key in sorted(self.objects) if key[0] == kind.kind]
        start = int(token or 0)
        end = start + self.page if limit else len(mine)
        metadata = {"resourceVersion": str(self.serial), **({"continue": str(end)} if end < len(mine) else {})}
        bare = [{name: one[name] for name in one if name not in ("apiVersion", "kind")} for one in mine[start:end]]
        return Answer(200, json.dumps({"metadata": metadata, "items": bare}).encode())

    def watch(self, kind: Kind, *, version: str, seconds: int, silence: float) -> ScriptedStream | Answer:
        self.asked.append(("watch", kind.kind, version))
        if kind.kind in self.refused_watches:
            return self.refused_watches[kind.kind]
        fault = self.faults.popleft() if self.faults else ""
        if fault.startswith("gone"):
            self.serial += 1
            self.forgotten = self.serial
        if int(version) < self.forgotten:
            return Answer(410, json.dumps(GONE).encode()) if fault == "gone at once" else ScriptedStream([line("ERROR", GONE)])
        lines = [line(told, one) for serial, told, name, one in self.changes if name == kind.kind and serial > int(version)]
        lines += {
            "nonsense": [b"<html>"],
            "bookmark": [line("BOOKMARK", {"metadata": {"resourceVersion": str(self.serial)}})],
        }.get(fault, [])  # fmt: skip
        return ScriptedStream(lines, breaks=fault == "break")


def line(told: str, one: Object) -> bytes:
    return json.dumps({"type": told, "object": one}).encode()
