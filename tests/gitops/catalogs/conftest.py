"""A client of a sandbox that notes its calls, and may be denied some of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import credentials_from
from gitops.ovh.failures import RightMissing
from gitops.ovh.transport import Transport
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitops.ovh.transport import Caller


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def sleep(self, duration: timedelta) -> None:
        raise AssertionError(f"nobody should wait, for {duration}")


@dataclass
class Gate:
    """Passes calls on, but answers ``changed`` paths itself and denies those that end in one of ``denied``."""

    inner: Caller
    denied: tuple[str, ...] = ()
    changed: dict[str, object] = field(default_factory=dict)

    def call(self, method: str, path: str, *, body: Mapping[str, object] | None = None, signed: bool = True) -> object:
        plain = path.partition("?")[0]
        if plain.endswith(self.denied):
            raise RightMissing(f"no right {method} {plain}")
        found = next((answer for end, answer in self.changed.items() if plain.endswith(end)), None)
        return found if found is not None else self.inner.call(method, path, body=body, signed=signed)


@pytest.fixture(scope="module")
def transport() -> Iterator[Transport]:
    keys = ("APPLICATION_KEY", "APPLICATION_SECRET", "CONSUMER_KEY")
    with start_sandbox(SandboxOptions(), StillClock()) as running:
        environment = {"OVH_ENDPOINT": running.url, **{f"OVH_{key}": "sandbox" for key in keys}}
        yield Transport(credentials_from(environment), StillClock())


@pytest.fixture
def gate(transport: Transport) -> Gate:
    return Gate(transport)


@pytest.fixture
def client(gate: Gate) -> OvhClient:
    return OvhClient(gate, service_name=PROJECT, kube_id=CLUSTER)
