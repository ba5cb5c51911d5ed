"""What a controller serves over HTTP: health for the kubelet, webhooks, and whatever else is mounted beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gitops.controller.metrics import exposition
from gitops.forges.webhooks import SHORTEST_SECRET, webhook_app
from gitops.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from gitops.clock import Clock
    from gitops.controller.view import View

HOOKS = "/hooks"


def controller_app(
    views: Callable[[], Sequence[View]], routes: Sequence[BaseRoute] = (), *, secret: str = "",
    look: Callable[[], None] = lambda: None, clock: Clock, tally: Tally | None = None,
) -> Starlette:  # fmt: skip
    """``/healthz`` says that the process runs, ``/readyz`` that every cluster has been read, ``/metrics`` all figures.
    ``/hooks`` takes a forge's webhooks where there is a ``secret`` of enough characters, and calls ``look``.
    """

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        unread = {view.cluster: _unread(view) for view in views()}
        missing = {name: kinds for name, kinds in unread.items() if kinds}
        if missing:
            return JSONResponse({"ready": False, "unread": missing}, status_code=503)
        return JSONResponse({"ready": True})

    async def figures(_: Request) -> Response:
        return Response(exposition(views(), tally or Tally(), clock.now()), media_type=CONTENT_TYPE_LATEST)

    # Its routes and no mount: a mount answers /hooks with a redirect, which a forge does not follow.
    hooked = len(secret) >= SHORTEST_SECRET
    hooks = webhook_app(lambda: secret, lambda _: look(), clock, path=HOOKS).routes if hooked else ()
    return Starlette(routes=[
        Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", figures),
        *hooks, *routes,
    ])  # fmt: skip


def _unread(view: View) -> list[str]:
    return [str(one.kind) for one in view.health if not one.synced]
