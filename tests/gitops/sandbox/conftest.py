"""A clock that tests move, sandboxes that run by it, and the real ``ovh`` client pointed at them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import ovh
import ovh.client
import pytest

from gitops.catalogs.bundle import bundled
from gitops.sandbox.model import SandboxModel
from gitops.sandbox.server import RunningSandbox, start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BEGINNING = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
KUBE = f"/cloud/project/{PROJECT}/kube/{CLUSTER}"
POOLS = f"{KUBE}/nodepool"


class HandClock:
    """A clock that only moves by hand."""

    def __init__(self) -> None:
        self._now = BEGINNING

    def now(self) -> datetime:
        return self._now

    def sleep(self, duration: timedelta) -> None:
        self._now += duration

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Starter(Protocol):
    """Starts a sandbox that the test need not stop."""

    def __call__(self, options: SandboxOptions = ..., **seams: Any) -> RunningSandbox: ...


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def stopper() -> Iterator[Callable[[RunningSandbox], None]]:
    """Stops sandboxes aside, as each takes its server a fifth of a second; all have stopped when the tests are over."""
    with ThreadPoolExecutor() as threads:
        stops: list[Future[None]] = []
        yield lambda sandbox: stops.append(threads.submit(sandbox.stop))
        for stop in stops:
            stop.result()


@pytest.fixture
def start(clock: HandClock, stopper: Callable[[RunningSandbox], None]) -> Iterator[Starter]:
    with ExitStack() as stack:

        def start_one(options: SandboxOptions = SandboxOptions(), **seams: Any) -> RunningSandbox:  # noqa: B008
            sandbox = start_sandbox(options, clock, **seams)
            stack.callback(stopper, sandbox)
            return sandbox

        yield start_one


@pytest.fixture
def sandbox(start: Starter) -> RunningSandbox:
    return start()


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[ovh.Client]:
    with connected(sandbox) as one:
        yield one


@pytest.fixture
def model(clock: HandClock) -> SandboxModel:
    return SandboxModel(SandboxOptions(), bundled(), clock=clock)


@contextmanager
def connected(sandbox: RunningSandbox, **keys: str) -> Iterator[ovh.Client]:
    """The real client with the sandbox's keys, or with others."""
    name = f"sandbox-{sandbox.port}"
    ovh.client.ENDPOINTS[name] = sandbox.url
    names = ("application_key", "application_secret", "consumer_key")
    client = ovh.Client(name, **{key: keys.get(key, "sandbox") for key in names})
    try:
        yield client
    finally:
        client._session.close()
        del ovh.client.ENDPOINTS[name]


def wish(**fields: Any) -> dict[str, Any]:
    """A pool that is granted in the default region, with some fields of it changed."""
    return {"name": "workers", "flavorName": "b3-8", "availabilityZones": ["eu-west-par-a"], **fields}
