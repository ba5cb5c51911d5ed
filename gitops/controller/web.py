"""The read-only web page: at ``/`` the only cluster or a list of all, at ``/clusters/<name>`` one of them.

It takes no input but a name and a wish to reload, sets no cookie, runs no script and loads nothing from elsewhere; the
headers say so to the browser. It is worked out in the thread of who asks for it, never in that of a pass, and once for
each view.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from gitops.controller.page import page_of
from renderer.page.style import STYLE
from renderer.page.whole import RELOAD, cluster_page, index_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from gitops.controller.view import View
    from renderer.page.facts import ClusterPage


@cache
def headers() -> dict[str, str]:
    """What every page is sent with: nothing runs, nothing is loaded but the one style sheet that is in it."""
    style = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = (
        "default-src 'none'", f"style-src 'sha256-{style}'", "img-src data:", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'",
    )  # fmt: skip
    return {
        "content-security-policy": "; ".join(policy), "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer", "cache-control": "no-store", "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
    }  # fmt: skip


def page_routes(views: Callable[[], Sequence[View]]) -> tuple[BaseRoute, ...]:
    """Routes to be served beside others; only GET and HEAD are answered."""
    shelf = _Shelf()

    def front(request: Request) -> Response:  # no coroutine: Starlette gives it a thread of its own
        found = views()
        if len(found) == 1:
            return _answer(request, shelf.text(found[0], alone=True))
        return _answer(request, index_page([shelf.page(view) for view in found]))

    def one(request: Request) -> Response:
        found = views()
        view = next((view for view in found if view.cluster == request.path_params["name"]), None)
        if view is None:
            return PlainTextResponse("no such cluster\n", status_code=404, headers=headers())
        return _answer(request, shelf.text(view, alone=len(found) == 1))

    return (Route("/", front), Route("/clusters/{name}", one))


def _answer(request: Request, text: str) -> Response:
    reload = {"refresh": str(RELOAD)} if request.query_params.get("reload") == str(RELOAD) else {}
    return HTMLResponse(text, headers={**headers(), **reload})


@dataclass
class _Kept:
    """The page of the views with this key. The view itself is not kept: a snapshot of a large cluster hangs on it."""

    key: tuple[object, ...]
    page: ClusterPage
    texts: dict[bool, str] = field(default_factory=dict)


class _Shelf:
    """The newest page of each cluster; one is worked out at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def page(self, view: View) -> ClusterPage:
        with self._lock:
            return self._of(view).page

    def text(self, view: View, *, alone: bool) -> str:
        with self._lock:
            kept = self._of(view)
            if alone not in kept.texts:
                kept.texts[alone] = cluster_page(kept.page, alone=alone)
            return kept.texts[alone]

    def _of(self, view: View) -> _Kept:
        known, key = self._kept.get(view.cluster), _key(view)
        if known is None or known.key != key:
            self._kept[view.cluster] = known = _Kept(key=key, page=page_of(view))
        return known


def _key(view: View) -> tuple[object, ...]:
    """Equal for views that show the same: what is planned and proposed is new with each pass that is counted."""
    return view.passes, view.failures, view.at, view.succeeded, view.leads, view.problem, view.applying
