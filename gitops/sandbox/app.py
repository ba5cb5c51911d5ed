"""The sandbox over HTTP: it takes requests apart, checks who asks, lets injected failures happen, and words the answer.

The API lies under ``/1.0`` and ``/v1`` alike. Beside it, unsigned and only for whoever runs the sandbox:
``/sandbox/failures`` (see ``failures``) and ``/sandbox/calls`` (GET: the latest calls and their status; DELETE).
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from gitops.errors import PoolplanError
from gitops.sandbox import routes
from gitops.sandbox.auth import Call, authenticate, needs_signature
from gitops.sandbox.refusals import ApiError, missing_route

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from gitops.sandbox.model import SandboxModel

PREFIXES = ("/1.0", "/v1")
CONTROL = "/sandbox/"
REMEMBERED_CALLS = 10_000
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(model: SandboxModel, more: Sequence[Route] = ()) -> Starlette:
    """The ASGI application of one sandbox, ``more`` routes before its own. Building it does nothing but build it."""
    return Starlette(routes=[*more, Route("/{path:path}", _Front(model).handle, methods=METHODS)])


class _Front:
    """Turns requests into answers, and remembers which calls came."""

    def __init__(self, model: SandboxModel) -> None:
        self._model = model
        self._calls: deque[dict[str, object]] = deque(maxlen=REMEMBERED_CALLS)
        self._query_ids = itertools.count(1)

    async def handle(self, request: Request) -> Response:
        body = await request.body()
        path = str(request.scope["path"])
        if path.startswith(CONTROL):
            response = self._guarded(lambda: self._control(request.method, path, body=body))
        else:
            response = await self._api(request, path, body=body)
            self._calls.append({"method": request.method, "path": _target(request), "status": response.status_code})
        response.headers["X-OVH-QUERYID"] = f"EU.ext-1.{next(self._query_ids):08x}.sandbox"
        return response

    async def _api(self, request: Request, path: str, *, body: bytes) -> Response:
        prefix = next((prefix for prefix in PREFIXES if path.startswith(prefix + "/")), None)
        if prefix is None:
            return _failed(missing_route())
        below = path.removeprefix(prefix)
        interference = self._model.failures.interfere(request.method, below)
        if interference is not None:
            try:
                await asyncio.sleep(interference.delay)
            except asyncio.CancelledError:  # the server does not wait for those who wait
                return _failed(ApiError(503, "The sandbox was stopped"))
            if interference.error is not None:
                return _failed(interference.error, interference.raw_body)
        return self._guarded(lambda: self._answer(request, below, body=body))

    def _answer(self, request: Request, path: str, *, body: bytes) -> object:
        if needs_signature(path):
            authenticate(_call(request, body), self._model.now())
        return routes.answer(
            self._model, method=request.method, path=path, query=dict(request.query_params), body=body,
        )

    def _control(self, method: str, path: str, *, body: bytes) -> object:
        failures = self._model.failures
        match method, path:
            case "GET", "/sandbox/failures":
                return failures.listing()
            case "POST", "/sandbox/failures":
                return failures.add(body)
            case "DELETE", "/sandbox/failures":
                failures.clear()
            case "GET", "/sandbox/calls":
                return list(self._calls)
            case "DELETE", "/sandbox/calls":
                self._calls.clear()
            case _:
                raise missing_route()
        return None

    def _guarded(self, work: Callable[[], object]) -> Response:
        try:
            return _json(200, work())
        except ApiError as error:
            return _failed(error)
        except (PoolplanError, OSError) as error:
            return _failed(ApiError(500, str(error)))


def _call(request: Request, body: bytes) -> Call:
    """The request as its signer saw it: the URL from the Host header and the target exactly as they were sent."""
    return Call(
        method=request.method, url=f"{request.scope['scheme']}://{request.headers.get('host', '')}{_target(request)}",
        headers=request.headers, body=body,
    )


def _target(request: Request) -> str:
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json; charset=utf-8")


def _failed(error: ApiError, raw_body: str | None = None) -> Response:
    if raw_body is not None:
        return Response(raw_body, error.status, media_type="text/plain")
    return _json(error.status, error.body())
