"""A ``coordination.k8s.io/v1`` Lease: who leads, and since when. It is written over only as it was last read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from gitops.decoding import decoder
from gitops.errors import Stalled, Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.cluster.live.api import Answer

TIMEOUT = 4.0
"""Seconds for one request: a leader must have time for a second one before it has to step down."""


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a Lease says; field for field what client-go writes. The times are for people: nobody decides by them.

    ``holder`` is empty where the last one has released it.
    """

    holder: str | None = msgspec.field(default=None, name="holderIdentity")
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A Lease as the API server keeps it; ``whole`` is all of it, for what others have written there must stay."""

    record: Record
    version: str
    whole: Mapping[str, object] = field(repr=False, compare=False)


class LeaseApi(Protocol):
    """The calls that a Lease needs; ``gitops.cluster.connection.KubernetesApi`` has them. Each raises Stalled or
    Waiting where no answer comes."""

    def read_lease(self, namespace: str, name: str, *, timeout: float) -> Answer: ...
    def create_lease(self, namespace: str, body: Mapping[str, object], *, timeout: float) -> Answer: ...
    def replace_lease(self, namespace: str, name: str, body: Mapping[str, object], *, timeout: float) -> Answer: ...


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Lease(msgspec.Struct, frozen=True):
    metadata: _Metadata
    spec: Record = Record()


class Lease:
    """One Lease. Its methods raise Stalled where a right is missing, and Waiting where the API server cannot answer."""

    def __init__(self, api: LeaseApi, namespace: str, name: str) -> None:
        self._api, self._namespace, self._name = api, namespace, name

    def __str__(self) -> str:
        return f"Lease {self._namespace}/{self._name}"

    def read(self) -> Held | None:
        """The Lease, or None where there is none."""
        answer = self._api.read_lease(self._namespace, self._name, timeout=TIMEOUT)
        return None if answer.status == 404 else self._held("get", answer)

    def write(self, record: Record, before: Held | None) -> Held | None:
        """Write it in the place of ``before`` (None: a new one). None where somebody else was quicker."""
        if before is None:
            body = self._body({}, record)
            answer = self._api.create_lease(self._namespace, body, timeout=TIMEOUT)
        else:
            body = self._body(before.whole, record)
            answer = self._api.replace_lease(self._namespace, self._name, body, timeout=TIMEOUT)
        if answer.status == 409 or (before is not None and answer.status == 404):
            return None
        return self._held("create" if before is None else "update", answer)

    def _body(self, whole: Mapping[str, object], record: Record) -> dict[str, object]:
        spec = whole.get("spec")
        metadata = whole.get("metadata", {"name": self._name, "namespace": self._namespace})
        return {
            **whole, "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata,
            "spec": {**(spec if isinstance(spec, dict) else {}), **msgspec.to_builtins(record)},
        }  # fmt: skip

    def _held(self, verb: str, answer: Answer) -> Held:
        match answer.status:
            case 200 | 201:
                pass
            case 401:
                raise Stalled(f"{self}: the API server does not accept these credentials")
            case 403:
                remedy = f"grant the verb {verb} on leases.coordination.k8s.io to poolplan in a Role"
                raise Stalled(f"no right to {verb} {self}: {remedy}")
            case 404:
                raise Stalled(f"{self} cannot be made: there is no namespace {self._namespace}")
            case _:
                raise Waiting(f"{self} cannot be {_DONE[verb]} now ({answer.status})", retry_after=2.0)
        try:
            read = decoder(_Lease).decode(answer.body)
            return Held(read.spec, read.metadata.resource_version, msgspec.json.decode(answer.body))
        except msgspec.DecodeError as error:
            raise Stalled(f"{self}: the API server answered with something that is no Lease") from error


_DONE = {"get": "read", "create": "made", "update": "written"}
