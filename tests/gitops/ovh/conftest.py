"""A sandbox and a client of it, a server that answers what a test tells it, and a clock that notes who waited."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import Credentials, credentials_from
from gitops.ovh.transport import Transport
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class NotingClock:
    """Time moves when somebody sleeps, and only then."""

    time: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration.total_seconds())
        self.time += duration


@dataclass
class Spy:
    """A caller that notes every call, and may refuse some before they are made."""

    inner: Any
    refuse: Callable[[str, str], Exception | None] = lambda _method, _path: None
    calls: list[tuple[str, str]] = field(default_factory=list)

    def call(self, method: str, path: str, *, body: Mapping[str, object] | None = None, signed: bool = True) -> object:
        self.calls.append((method, path))
        if (error := self.refuse(method, path)) is not None:
            raise error
        return self.inner.call(method, path, body=body, signed=signed)


@dataclass
class Told:
    """Answers by path (without query): a value, or an exception to raise."""

    answers: dict[str, object]

    def call(self, method: str, path: str, *, body: Mapping[str, object] | None = None, signed: bool = True) -> object:
        answer = self.answers[path.partition("?")[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Canned:
    """Replies in their order, the last one again and again; ``/auth/time`` is answered apart from them."""

    replies: list[Reply]
    time: Reply = Reply(200, b"1700000000")
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str) -> Reply:
        if path == "/1.0/auth/time":
            return self.time
        self.asked.append(f"{method} {path}")
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(canned: Canned) -> Iterator[Canned]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = canned.answer(self.command, self.path)
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - named by http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        canned.url = f"http://127.0.0.1:{server.server_port}/1.0"
        try:
            yield canned
        finally:
            server.shutdown()
            thread.join()


def sandbox_credentials(url: str, **changed: str) -> Credentials:
    keys = {"application_key": "sandbox", "application_secret": "sandbox", "consumer_key": "sandbox", **changed}
    return credentials_from({"OVH_ENDPOINT": url, **{f"OVH_{name.upper()}": value for name, value in keys.items()}})


class Kit:
    """The helpers above for tests, which cannot import this file."""

    Canned, NotingClock, Reply, Spy, Told = Canned, NotingClock, Reply, Spy, Told
    credentials = staticmethod(sandbox_credentials)
    serving = staticmethod(serving)


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    return Kit


@pytest.fixture
def clock() -> NotingClock:
    return NotingClock()


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """One sandbox for all tests, where everything is done at once; ``client`` finds it empty."""
    at_once = Timing(join_after=timedelta(0), settle_after=timedelta(0))
    with start_sandbox(SandboxOptions(timing=at_once), NotingClock()) as running:
        yield running.url


@pytest.fixture
def spy(sandbox_url: str, clock: NotingClock) -> Spy:
    return Spy(Transport(sandbox_credentials(sandbox_url), clock))


@pytest.fixture
def client(spy: Spy) -> OvhClient:
    client = OvhClient(spy, service_name=PROJECT, kube_id=CLUSTER)
    for pool in client.pools():
        assert pool.state is not None
        client.delete_pool(pool.state.id)
    assert len(client.pools()) == 0
    spy.calls.clear()
    return client
