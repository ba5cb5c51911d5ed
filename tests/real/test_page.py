"""The page in a real browser: it is complete without scripts, nothing is complained of, and it fits every screen."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.responses import HTMLResponse
from starlette.routing import Route

from gitops.clock import SystemClock
from gitops.controller.serving import controller_app
from gitops.controller.view import View
from gitops.controller.web import headers, page_routes
from gitops.serving import Served, listen
from renderer.page.style import DARK, LIGHT
from renderer.page.whole import cluster_page
from tests.gitops.controller.story import view
from tests.gitops.controller.test_boxes import cluster, drawn
from tests.gitops.controller.test_boxes import page as facts_of
from tests.real.browser import Browser, chromium, find_browser

SCHEMES = {"light": LIGHT, "dark": DARK}
WIDTHS = (360, 768, 1280)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is on PATH: install it, for instance Debian's package chromium")
    with chromium(program, tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    views = [view()]
    app = controller_app(lambda: views, page_routes(lambda: views), clock=SystemClock())
    with Served(app, listen(0), name="page") as served:
        yield f"http://127.0.0.1:{served.port}/"


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_nothing_is_complained_of_and_the_scheme_is_followed(browser: Browser, address: str, scheme: str, tmp_path: Path) -> None:
    shown = browser.open(address, scheme=scheme, scripts=False)
    assert shown.complaints == []
    assert corner(shown.picture(tmp_path / "page.png")) == SCHEMES[scheme]["page"]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_does_not_scroll_sideways(browser: Browser, address: str, width: int) -> None:
    assert browser.open(address, width=width, scripts=False).size()[0] <= width


def test_all_facts_are_there_without_scripts(browser: Browser, address: str) -> None:
    without = browser.open(address, scripts=False)
    told = re.sub(r"<[^>]*>", " ", without.markup())
    for fact in ("12 → 15", "covered by #12", "not covered: NodePool default", "ordered, joining", "not ready, cordoned",
                 "+€0.52/h", "b3-16 is out of stock", "maxNodes is 20 at the provider, 100 in Git"):  # fmt: skip
        assert fact in told
    assert without.markup() == browser.open(address, scripts=True).markup()


def test_names_behind_a_click_open_without_scripts(browser: Browser, address: str) -> None:
    shown = browser.open(address, scripts=False)
    before, closed = shown.size()[1], shown.box("details summary")
    shown.click(closed["x"] + 20, closed["y"] + 8)
    assert shown.size()[1] > before


def test_a_screen_reader_is_told_what_the_boxes_show(browser: Browser, address: str) -> None:
    names = browser.open(address, scripts=False).names()
    images = [name for role, name in names if role in ("image", "img", "graphics-document", "SvgRoot")]
    assert any("node-001a1f and 2 nodes like it: 1.7 of 1.8 cores" in name for name in images)
    assert any(name.startswith("Cost per hour of what was applied") for name in images)
    assert {"Pods that wait", "Open proposals", "Cost and history"} <= {name for role, name in names if role == "heading"}


def test_it_prints_in_the_light_scheme(browser: Browser, address: str, tmp_path: Path) -> None:
    shown = browser.open(address, scheme="dark", scripts=False, medium="print")
    assert corner(shown.picture(tmp_path / "print.png")) == "#ffffff"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_of_5000_nodes_is_shown(browser: Browser, width: int) -> None:
    text = cluster_page(facts_of(drawn(cluster(5000, 20, 1500, 50))))
    with served_as_is(text) as there:
        shown = browser.open(there, width=width, scripts=False)
        assert shown.complaints == []
        assert shown.size()[0] <= width
        assert shown.markup().count("<figure") >= 150


def test_the_headers_stop_what_a_page_may_not_do(browser: Browser) -> None:
    """And the browser tells of it: a test that sees no complaint would see one."""
    bad = "<!doctype html><title>x</title><style>b{}</style><script>document.title='ran'</script><img src=//e.invalid/x>"
    with served_as_is(bad) as there:
        shown = browser.open(there)
        assert sum("Content Security Policy" in one for one in shown.complaints) == 3
        assert "<title>x</title>" in shown.markup()


@contextmanager
def served_as_is(text: str) -> Iterator[str]:
    """Any text, with the headers of the page."""
    route = Route("/as-is", lambda _: HTMLResponse(text, headers=headers()))
    app = controller_app(lambda: [View(cluster="x")], (route,), clock=SystemClock())
    with Served(app, listen(0), name="page") as served:
        yield f"http://127.0.0.1:{served.port}/as-is"


def corner(png: Path) -> str:
    """The colour of the top left pixel: all that is needed of PNG is its first line, which no filter can refer back from."""
    data, place, packed = png.read_bytes(), 8, b""
    while place < len(data):
        (length,), kind = struct.unpack(">I", data[place : place + 4]), data[place + 4 : place + 8]
        if kind == b"IDAT":
            packed += data[place + 8 : place + 8 + length]
        place += 12 + length
    line = zlib.decompressobj().decompress(packed, 4)
    return f"#{line[1:4].hex()}"
