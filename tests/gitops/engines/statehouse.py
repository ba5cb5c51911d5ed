"""A server for Terraform's ``http`` backend on loopback: one state, a lock, and a password."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "terraform", "not-the-secret"


@dataclass
class Statehouse:
    """``lock`` is what its holder says of itself; ``asked`` the methods in the order they came."""

    url: str = ""
    state: bytes = b""
    lock: dict[str, Any] | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, body: bytes, authorization: str) -> tuple[int, bytes]:
        self.asked.append(method)
        if authorization != "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            return 401, b""
        if method == "LOCK":
            return self._locked(json.loads(body))
        if method == "UNLOCK":
            self.lock = None
        elif method == "POST":
            self.state = body
        elif method == "GET":
            return (200, self.state) if self.state else (204, b"")
        return 200, b""

    def _locked(self, info: dict[str, Any]) -> tuple[int, bytes]:
        if self.lock is not None:
            return 423, json.dumps(self.lock).encode()
        self.lock = info
        return 200, b""


@contextmanager
def statehouse() -> Iterator[Statehouse]:
    """A server that runs until the end of the block."""
    house = Statehouse()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = house.answer(self.command, body, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_LOCK = do_UNLOCK = answer  # noqa: N815 - named by http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server has it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    house.url = f"http://127.0.0.1:{server.server_address[1]}/state"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield house
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
