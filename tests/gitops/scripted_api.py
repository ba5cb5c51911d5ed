"""A node pool API that does what a test tells it, and remembers what it was asked: for refusals and odd states.

It knows no rules of OVHcloud's; the sandbox does. Statuses advance with every read, so nothing waits for a clock.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Pool = dict[str, Any]
REPORTED = {
    "projectId": "p", "sizeStatus": "CAPACITY_OK", "createdAt": "2026-01-01T00:00:00Z",
    "updatedAt": "2026-01-01T00:00:00Z", "availableNodes": 0, "currentNodes": 0, "upToDateNodes": 0,
}
DEFAULTS = {"name": "generated", "desiredNodes": 1, "minNodes": 0, "maxNodes": 100, "attachFloatingIps": None}
AUTOSCALING = {
    "scaleDownUnneededTimeSeconds": 600, "scaleDownUnreadyTimeSeconds": 1200, "scaleDownUtilizationThreshold": 0.5,
}


@dataclass
class Script:
    """What the API does: statuses a pool walks through after each kind of call, and refusals by method and path end."""

    after: dict[str, list[str]] = field(default_factory=dict)
    refusals: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    zones: list[str] | None = None
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    pools: dict[str, Pool] = field(default_factory=dict)
    walks: dict[str, list[str]] = field(default_factory=dict)
    hidden_reads: int = 0
    url: str = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, str]:
        self.asked.append((method, path, body))
        for (refused, end), reply in self.refusals.items():
            if refused == method and path.endswith(end):
                return reply
        if path.startswith("/1.0/auth/"):
            return 200, "1700000000" if path.endswith("time") else "{}"
        return self._pool_answer(method, path.rpartition("/")[2], body)

    def bodies(self, method: str) -> list[Any]:
        return [body for asked, _, body in self.asked if asked == method]

    def _pool_answer(self, method: str, name: str, body: Any) -> tuple[int, str]:
        if method == "POST":
            return 200, json.dumps(self._create(body))
        hidden, self.hidden_reads = self.hidden_reads > 0, max(0, self.hidden_reads - 1)
        if name not in self.pools or hidden:
            return 404, json.dumps({"class": "Client::NotFound", "message": "NodePool not found"})
        pool = self.pools[name]
        if method == "GET":
            self._advance(name)
        else:
            self._change(pool, method, body)
        return 200, json.dumps(pool)

    def _create(self, body: Any) -> Pool:
        identity = f"00000000-0000-0000-0000-{len(self.pools):012}"
        pool = {**REPORTED, **DEFAULTS, **body, "id": identity, "flavor": body["flavorName"], "status": "INSTALLING"}
        pool["autoscaling"] = AUTOSCALING | body["autoscaling"]
        pool["availabilityZones"] = self.zones or body["availabilityZones"]
        self.pools[identity] = pool
        self.walks[identity] = list(self.after.get("POST", ["INSTALLING", "READY"]))
        return pool

    def _change(self, pool: Pool, method: str, body: Any) -> None:
        pool.update(body or {})
        self.walks[pool["id"]] = list(self.after.get(method, ["DELETING", ""] if method == "DELETE" else ["READY"]))
        self._advance(pool["id"])

    def _advance(self, name: str) -> None:
        walk = self.walks[name]
        if not walk:
            return
        status = walk.pop(0)
        if status:
            self.pools[name]["status"] = status
        else:
            del self.pools[name]


@contextmanager
def scripted_api(script: Script) -> Iterator[Script]:
    """Serve ``script`` on a loopback port of its own; ``script.url`` is the endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.headers.append(dict(self.headers))
            status, text = script.answer(self.command, self.path, json.loads(raw) if raw else None)
            self.send_response(status)
            self.send_header("X-OVH-QUERYID", "EU.ext-test")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - named by http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}/1.0"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
