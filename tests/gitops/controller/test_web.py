"""The page as it is served: where, with which headers, to whom not, and worked out once."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import httpx
import pytest
from starlette.applications import Starlette

from gitops.clock import SystemClock
from gitops.controller import web
from gitops.controller.serving import controller_app
from gitops.controller.view import View
from gitops.controller.web import page_routes
from tests.gitops.controller.story import NOW, view


class Client:
    """Asks an application without a network between."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def request(self, method: str, path: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://page") as client:
                return await client.request(method, path)

        return asyncio.run(ask())


def client(*views: View) -> Client:
    return Client(controller_app(lambda: views, page_routes(lambda: views), clock=SystemClock()))


def two() -> tuple[View, View]:
    return view(), View(cluster="a cluster/with signs?", at=NOW)


def test_the_only_cluster_is_the_front_page() -> None:
    one = client(view())
    assert one.get("/").text == one.get("/clusters/paris").text
    assert "<h1>paris</h1>" in one.get("/").text


def test_of_several_clusters_the_front_page_leads_to_each() -> None:
    several = client(*two())
    front = several.get("/").text
    assert 'href="clusters/paris"' in front
    assert 'href="clusters/a%20cluster%2Fwith%20signs%3F"' in front
    assert 'href="../"' in several.get("/clusters/paris").text


@pytest.mark.parametrize("path", ["/clusters/rome", "/clusters/", "/clusters/../paris", "/clusters/paris/more"])
def test_what_is_no_page_is_not_found(path: str) -> None:
    assert client(view()).get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/clusters/paris", "/clusters/rome"])
def test_the_headers_let_nothing_run_and_nothing_in(path: str) -> None:
    answer = client(view()).get(path)
    rules = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert {name: rules[name] for name in ("base-uri", "form-action", "frame-ancestors")} == dict.fromkeys(("base-uri", "form-action", "frame-ancestors"), "'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


def test_the_style_sheet_is_the_one_that_the_headers_allow() -> None:
    answer = client(view()).get("/")
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/clusters/paris"])
def test_nothing_but_reading_is_answered(path: str, method: str) -> None:
    assert client(view()).request(method, path).status_code == 405


def test_head_is_answered_without_a_body() -> None:
    answer = client(view()).request("HEAD", "/")
    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize(("query", "seconds"), [("", None), ("?reload=30", "30"), ("?reload=0", None), ("?reload=30;url=//evil", None)])
def test_it_reloads_by_itself_only_where_that_was_asked_for(query: str, seconds: str | None) -> None:
    assert client(view()).get(f"/{query}").headers.get("refresh") == seconds


def test_without_the_routes_there_is_no_page_and_health_is_served() -> None:
    bare = Client(controller_app(lambda: [view()], clock=SystemClock()))
    assert bare.get("/").status_code == 404
    assert bare.get("/healthz").text == "ok\n"


def test_a_view_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[View] = []
    real = web.page_of
    monkeypatch.setattr(web, "page_of", lambda seen: worked.append(seen) or real(seen))  # type: ignore[func-returns-value]
    views = [view()]
    one = Client(controller_app(lambda: _looked_at(views), page_routes(lambda: _looked_at(views)), clock=SystemClock()))
    assert one.get("/").text == one.get("/").text
    assert len(worked) == 1
    views[0] = replace(views[0], problem="main cannot be read")
    assert "main cannot be read" in one.get("/").text
    views[0] = replace(views[0], passes=views[0].passes + 1, planned=None)
    assert "Nothing is known yet" in one.get("/").text
    assert len(worked) == 3


def _looked_at(views: Sequence[View]) -> list[View]:
    """As a controller gives them: a new value each time, of the same parts."""
    return [replace(one, health=(), seconds={"plan": 1.0}) for one in views]
