"""What the fakes of GitHub's and GitLab's APIs have in common: a server on loopback, routes, pages, faults on demand.

The facts behind a fake are a ``MemoryServer``, with real commits in a repository; a fake only words them as its forge
does. It takes one call at a time.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Json = Any
HOST = "127.0.0.1"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    body: Json
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Refuse(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        self.answer = Answer(body, status, headers or {})
        super().__init__(status)


@dataclass(frozen=True)
class Ask:
    """A request, taken apart. ``who`` is the login behind its token."""

    method: str
    path: str
    query: dict[str, str]
    body: Json
    headers: dict[str, str]
    url: str
    who: str = ""


Handler = Callable[..., Json]


class Fake:
    """Routes calls to methods. ``calls`` are all that came; ``faults`` are given in place of the next answers."""

    prefix = ""
    routes: tuple[tuple[str, str, str], ...] = ()

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.sent: list[Ask] = []
        self.faults: list[tuple[str, Answer]] = []
        self._table = [(method, re.compile(pattern), getattr(self, name)) for method, pattern, name in self.routes]

    def fail(self, status: int, body: Json = None, *, on: str = "", **headers: str) -> None:
        """Let the next call whose ``METHOD path?query`` holds ``on`` be answered like this."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.append((on, Answer(body, status, named)))

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._handle, methods=METHODS)])

    def who(self, ask: Ask) -> str:
        """The login behind a call. Raises Refuse."""
        raise NotImplementedError

    def missing(self) -> Refuse:
        raise NotImplementedError

    def paged(self, ask: Ask, items: list[Json]) -> Answer:
        raise NotImplementedError

    async def _handle(self, request: Request) -> Response:
        raw = request.scope["raw_path"].decode()
        body = await request.body()
        query = {name: values[-1] for name, values in parse_qs(request.url.query, keep_blank_values=True).items()}
        ask = Ask(
            method=request.method, path=raw, query=query, body=json.loads(body) if body else None,
            headers={name.lower(): value for name, value in request.headers.items()},
            url=f"{request.url.scheme}://{request.url.netloc}{raw}",
        )  # fmt: skip
        self.calls.append((ask.method, raw.removeprefix(self.prefix)))
        self.sent.append(ask)
        try:
            answer = self._fault(ask) or self._answer(ask)
        except Refuse as refuse:
            answer = refuse.answer
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        return Response(text, answer.status, {"content-type": "application/json", **answer.headers})

    def _fault(self, ask: Ask) -> Answer | None:
        for fault in self.faults:
            if fault[0] in f"{ask.method} {ask.path}?{urlencode(ask.query)}":
                self.faults.remove(fault)
                return fault[1]
        return None

    def _answer(self, ask: Ask) -> Answer:
        asked = Ask(**{**ask.__dict__, "who": self.who(ask)})
        for method, pattern, handler in self._table:
            found = pattern.fullmatch(ask.path.removeprefix(self.prefix))
            if found and method == ask.method:
                given = handler(asked, *map(unquote, found.groups()))
                if isinstance(given, list) and method == "GET":
                    return self.paged(asked, given)
                return given if isinstance(given, Answer) else Answer(given)
        raise self.missing()


def page_of(ask: Ask, items: list[Json], *, default: int) -> tuple[list[Json], int, int, int]:
    """The items of the page that was asked for, its number, the last one's number and how many a page has."""
    size = min(int(ask.query.get("per_page", default)), 100)
    page = int(ask.query.get("page", 1))
    last = max(1, -(-len(items) // size))
    return items[(page - 1) * size : page * size], page, last, size


def links(ask: Ask, page: int, last: int, size: int) -> str:
    """The Link header of a page."""
    wanted = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    there = {rel: number for rel, number in wanted.items() if 1 <= number <= last and (rel != "last" or page != last)}
    query = {name: value for name, value in ask.query.items() if name != "page"}
    return ", ".join(
        f'<{ask.url}?{urlencode({**query, "per_page": size, "page": number})}>; rel="{rel}"'
        for rel, number in there.items()
    )


def stamp(at: datetime | None) -> str | None:
    """A time as both forges write it, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


class _Shared:
    """One server for all fakes of a test run, each below a number of its own: a server takes a while to stop."""

    def __init__(self) -> None:
        self.apps: dict[str, Starlette] = {}
        self.count = 0
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.listener.bind((HOST, 0))
        self.listener.listen(64)
        config = uvicorn.Config(
            self._route, lifespan="off", ws="none", access_log=False, log_config=None, interface="asgi3"
        )
        Thread(target=uvicorn.Server(config).run, args=([self.listener],), daemon=True).start()

    async def _route(self, scope: Any, receive: Any, send: Any) -> None:
        number, _, rest = scope["raw_path"].decode().lstrip("/").partition("/")
        path = {"raw_path": f"/{rest}".encode(), "path": unquote(f"/{rest}"), "root_path": ""}
        await self.apps.get(number, _GONE)({**scope, **path}, receive, send)


_GONE = Starlette()
_shared = cache(_Shared)


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The app's address on loopback, as long as the block runs; afterwards everything is missing there."""
    server = _shared()
    server.count += 1
    number = str(server.count)
    server.apps[number] = app
    yield f"http://{HOST}:{server.listener.getsockname()[1]}/{number}"
    del server.apps[number]
