"""A headless Chromium that is driven over its debugging pipe: pages as people with any screen and settings see them.

The protocol is the browser's own (Chrome DevTools Protocol): JSON messages, each ended by a zero byte, read by the
browser from descriptor 3 and written to descriptor 4.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import time
from base64 import b64decode
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 60.0
"""Seconds that an answer may take: a browser that starts on a busy machine is slow, one that never answers is broken."""


def find_browser() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser process. ``open`` gives a page of its own."""

    def __init__(self, pid: int, to: int, back: int) -> None:
        self.pid, self._to, self._back = pid, to, back
        self._number, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **given: Any) -> dict[str, Any]:
        """The answer to a command; what else comes meanwhile is kept in ``events``."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": given, **({"sessionId": session} if session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def until(self, method: str, session: str) -> None:
        """Wait for an event, unless it came already."""
        while not any(one.get("method") == method and one.get("sessionId") == session for one in self.events):
            self.events.append(self._next())

    def open(self, address: str, **looks: Any) -> Page:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(browser=self, session=session).show(address, **looks)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            more = os.read(self._back, 1 << 20)
            assert more, "the browser ended"
            self._rest += more
        first, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message


@dataclass
class Page:
    """A page in a browser: what it complains of, its text, its picture."""

    browser: Browser
    session: str
    width: int = 1280
    complaints: list[str] = field(default_factory=list)

    def show(
        self, address: str, *, scheme: str = "light", width: int = 1280, height: int = 900, scripts: bool = True,
        medium: str = "",
    ) -> Page:  # fmt: skip
        """Load an address on such a screen, with such settings. Waits until all of it is there."""
        self.width = width
        for domain in ("Page", "Log", "Runtime", "DOM"):
            self._call(f"{domain}.enable")
        self._call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._call("Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.browser.events.clear()
        self._call("Page.navigate", url=address)
        self.browser.until("Page.loadEventFired", self.session)
        self.markup()  # one more turn: what the page complains of while it is drawn is told before the answer
        self.complaints = [text for one in self.browser.events if (text := _complaint(one))]
        return self

    def markup(self) -> str:
        """The document as the browser understood it."""
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        text: str = self._call("DOM.getOuterHTML", nodeId=root)["outerHTML"]
        return text

    def size(self) -> tuple[float, float]:
        """How wide and high the content is, in CSS pixels: wider than the screen means that it scrolls sideways."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        return size["width"], size["height"]

    def box(self, selector: str) -> dict[str, float]:
        """Where the first element that matches is: x, y, width, height."""
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        found = self._call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert found, f"nothing matches {selector}"
        model = self._call("DOM.getBoxModel", nodeId=found)["model"]
        return {"x": model["border"][0], "y": model["border"][1], "width": model["width"], "height": model["height"]}

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path, *, of: dict[str, float] | None = None, scale: float = 1) -> Path:
        """The whole page, or a part of it, as a PNG file."""
        width, height = self.size()
        clip = {"x": 0, "y": 0, "width": width, "height": height, **(of or {}), "scale": scale}
        told = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(b64decode(told["data"]))
        return path

    def names(self) -> list[tuple[str, str]]:
        """What a screen reader is told: role and name of everything that has a name."""
        self._call("Accessibility.enable")
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        return [(one["role"]["value"], one["name"]["value"]) for one in nodes if one.get("name", {}).get("value")]

    def _call(self, method: str, **given: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **given)


@contextmanager
def chromium(program: str, folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in the folder, until the end of the block."""
    (theirs_in, to), (back, theirs_out) = os.pipe(), os.pipe()
    high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 20) for each in (theirs_in, theirs_out)]
    silent = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4),
               *((os.POSIX_SPAWN_DUP2, silent, one) for one in (0, 1, 2))]  # fmt: skip
    arguments = [program, *FLAGS, f"--user-data-dir={folder}"]
    pid = os.posix_spawn(program, arguments, {**os.environ, "HOME": str(folder)}, file_actions=actions, setpgroup=0)
    for each in (theirs_in, theirs_out, silent, *high):
        os.close(each)
    try:
        yield Browser(pid, to, back)
    finally:
        os.close(to)
        os.close(back)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # its helpers too: the group is its own
        os.waitpid(pid, 0)


def _complaint(event: dict[str, Any]) -> str:
    """What the console would show: broken rules of the Content-Security-Policy and files that are missing among it."""
    given = event.get("params", {})
    match event.get("method"):
        case "Log.entryAdded":
            return f"{given['entry']['level']}: {given['entry']['text']}"
        case "Runtime.consoleAPICalled":
            return f"{given['type']}: {given['args']}"
        case "Runtime.exceptionThrown":
            return str(given["exceptionDetails"].get("text"))
    return ""
