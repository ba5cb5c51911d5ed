"""A sandbox as a running thing: starting, stopping, wrong options, and time that passes though nobody asks."""

from __future__ import annotations

import logging
import socket
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from gitops.errors import InputError, Waiting
from gitops.sandbox import server
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions

from .conftest import POOLS, HandClock, Starter, connected, wish

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 30


class Watcher:
    """Remembers what it was told last and how often, and lets a test wait for a number of nodes."""

    def __init__(self, *, failures: int = 0) -> None:
        self.names: list[str] | None = None
        self.changed = Event()
        self._failures = failures

    def sync(self, wanted: Mapping[str, Any]) -> None:
        if self._failures and wanted:
            self._failures -= 1
            raise Waiting("the cluster sleeps")
        self.names = sorted(wanted)
        self.changed.set()

    def wait_for(self, count: int) -> None:
        while self.names is None or len(self.names) != count:
            assert self.changed.wait(PATIENCE), f"{self.names} and not {count} nodes"
            self.changed.clear()


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TICK_SECONDS", 0.01)


def test_nodes_join_and_leave_though_nobody_asks(start: Starter, clock: HandClock) -> None:
    watcher = Watcher()
    with connected(start(registrar=watcher)) as client:
        pool = client.post(POOLS, **wish(desiredNodes=2))
        clock.advance(5)
        watcher.wait_for(2)
        client.put(f"{POOLS}/{pool['id']}", desiredNodes=1)
        clock.advance(1)
        watcher.wait_for(1)
        client.delete(f"{POOLS}/{pool['id']}")
        clock.advance(1)
        watcher.wait_for(0)


def test_trouble_with_the_cluster_is_said_once_and_passes(
    start: Starter, clock: HandClock, caplog: pytest.LogCaptureFixture,
) -> None:
    watcher = Watcher(failures=3)
    with caplog.at_level(logging.WARNING), connected(start(registrar=watcher)) as client:
        client.post(POOLS, **wish())
        clock.advance(5)
        watcher.wait_for(1)
    assert [record.getMessage() for record in caplog.records if "sandbox:" in record.getMessage()] == [
        "sandbox: the cluster sleeps",
    ]


def test_stopping_frees_the_port_and_may_be_repeated(clock: HandClock) -> None:
    with start_sandbox(SandboxOptions(), clock) as sandbox:
        assert sandbox.url == f"http://127.0.0.1:{sandbox.port}/1.0"
        sandbox.stop()
        sandbox.wait()
        with start_sandbox(SandboxOptions(port=sandbox.port), clock) as second:
            assert second.port == sandbox.port


def test_stopping_does_not_wait_for_a_slow_answer(
    start: Starter, caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox = start()
    sandbox.model.failures.add(b'{"scenario": "slow", "delay": 3600}')
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as waiting:
        waiting.sendall(b"GET /1.0/auth/time HTTP/1.1\r\nHost: here\r\n\r\n")
        while sandbox.model.failures.listing():
            Event().wait(0.01)
        sandbox.stop()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_port_that_is_taken_is_named(clock: HandClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port: cannot listen on 127\.0\.0\.1:{port}: .*choose another port"):
            start_sandbox(SandboxOptions(port=port), clock)


@pytest.mark.parametrize(("options", "complaint"), [
    (SandboxOptions(port=70_000), "port: cannot listen on 127.0.0.1:70000"),
    (SandboxOptions(region="MOON1"), "region: unknown region MOON1; there are AP-SOUTH-MUM, "),
    (SandboxOptions(plan="gold"), "plan: unknown plan gold; there are free, standard"),
])  # fmt: skip
def test_option_that_makes_no_sense_is_named(clock: HandClock, options: SandboxOptions, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        start_sandbox(options, clock)
    assert str(error.value).startswith(complaint)
