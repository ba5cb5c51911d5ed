"""Hands on to the replica that leads what another one is asked: only the leader knows the plan, and acts on a hook.

A Service leads to any replica. Where the leader is reached stands in its identity (``gitops.leading``), which is what
the Lease holds, so that nothing else has to be written, watched or allowed for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gitops.forges.webhooks import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

OWN = frozenset({"/healthz", "/readyz", "/metrics"})
"""What each replica says of itself."""
MARK = "x-poolplan-handed-on"
"""What was handed on once is answered where it arrives, whoever leads by then."""
TIMEOUT = (2.0, 10.0)  # seconds to connect, and between two bytes
_NOT_HANDED_ON = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})
_NOT_HANDED_BACK = frozenset({
    "connection", "content-length", "transfer-encoding", "content-encoding", "date", "server",
})  # fmt: skip


class HandedOn:
    """An application that asks the leader, where ``leader`` tells its address and this process does not lead."""

    def __init__(self, app: ASGIApp, leader: Callable[[], str]) -> None:
        self._app, self._leader = app, leader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = self._leader() if scope["type"] == "http" and scope["path"] not in OWN else ""
        request = Request(scope, receive)
        if not address or MARK in request.headers:
            await self._app(scope, receive, send)
            return
        body = await _body(request)
        if body is None:
            answer = Response(status_code=413)
        else:
            answer = await run_in_threadpool(_ask, address, request, body)
        await answer(scope, receive, send)


async def _body(request: Request) -> bytes | None:
    """The request's body; None where it is larger than any hook."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > LARGEST:
            return None
    return bytes(found)


def _ask(address: str, request: Request, body: bytes) -> Response:
    import requests  # noqa: PLC0415 - only where there are several replicas

    headers = {name: value for name, value in request.headers.items() if name not in _NOT_HANDED_ON}
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    session = requests.Session()
    session.trust_env = False  # another pod of this cluster is behind no proxy, and gets no login of somebody's
    try:
        found = session.request(
            request.method, f"http://{address}{path}", data=body or None, headers={**headers, MARK: "1"},
            timeout=TIMEOUT, allow_redirects=False,
        )  # fmt: skip
    except requests.RequestException:
        text = "the replica that leads does not answer; try again in some seconds\n"
        return Response(text, status_code=503, media_type="text/plain", headers={"retry-after": "5"})
    finally:
        session.close()
    kept = {name: value for name, value in found.headers.items() if name.lower() not in _NOT_HANDED_BACK}
    return Response(found.content, status_code=found.status_code, headers=kept)
