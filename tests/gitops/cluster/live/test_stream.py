"""A watch through the ``kubernetes`` package, from servers that break off, fall silent or refuse."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gitops.cluster.connection import connect
from gitops.cluster.kinds import CLUSTER_KINDS, POLICY_LISTS
from gitops.cluster.live import Answer
from gitops.errors import Waiting
from gitops.tally import Tally
from tests.gitops.cluster.live.test_listing import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.cluster.connection import KubernetesApi

PODS, POOLS = CLUSTER_KINDS[0], POLICY_LISTS[1]
LINES = b'{"type":"ADDED"}\n{"type":"MOD', b'IFIED"}\n'


class Handler(BaseHTTPRequestHandler):
    """Sends two lines in pieces that do not end where lines do, then does as ``way`` says."""

    protocol_version = "HTTP/1.1"
    way = "end"
    asked: list[str]
    let_go: threading.Event

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.way == "refuse":
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in LINES:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if self.way == "silence":
            self.let_go.wait(20)
        if self.way == "end":
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        pass


@pytest.fixture
def handler() -> type[Handler]:
    class Mine(Handler):
        asked: list[str] = []  # noqa: RUF012 - one for each test
        let_go = threading.Event()

    return Mine


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def api(handler: type[Handler], tally: Tally, tmp_path: Path) -> Iterator[KubernetesApi]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield connect({}, kubeconfig=kubeconfig(tmp_path, f"http://127.0.0.1:{running.server_port}"), tally=tally)
        handler.let_go.set()
        running.shutdown()
        thread.join()


def lines(api: KubernetesApi, *, silence: float = 20.0) -> Iterator[bytes]:
    stream = api.watch(PODS, version="7", seconds=300, silence=silence)
    assert not isinstance(stream, Answer)
    return stream.lines()


@pytest.mark.parametrize(("kind", "path"), [(PODS, "/api/v1/pods"), (POOLS, "/apis/karpenter.sh/v1/nodepools")])
def test_what_is_asked(api: KubernetesApi, handler: type[Handler], kind: Any, path: str) -> None:
    stream = api.watch(kind, version="7", seconds=300, silence=20.0)
    assert not isinstance(stream, Answer)
    assert len(list(stream.lines())) == 2
    asked = urlsplit(handler.asked[0])
    assert asked.path == path
    assert {key: value.lower() for key, (value,) in parse_qs(asked.query).items()} == {
        "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "7", "timeoutSeconds": "300",
    }  # fmt: skip


def test_lines_are_put_together(api: KubernetesApi) -> None:
    assert list(lines(api)) == [b'{"type":"ADDED"}', b'{"type":"MODIFIED"}']


@pytest.mark.parametrize(("way", "silence"), [("break", 20.0), ("silence", 0.05)])
def test_a_watch_that_breaks_off_says_so_after_what_it_told(
    api: KubernetesApi, handler: type[Handler], way: str, silence: float
) -> None:
    handler.way = way
    following = lines(api, silence=silence)
    assert [next(following), next(following)] == [b'{"type":"ADDED"}', b'{"type":"MODIFIED"}']
    with pytest.raises(Waiting, match="does not answer"):
        next(following)


def test_a_refusal_is_an_answer(api: KubernetesApi, handler: type[Handler]) -> None:
    handler.way = "refuse"
    assert api.watch(PODS, version="7", seconds=300, silence=20.0) == Answer(403, b"")


def test_each_call_is_counted_by_how_it_ended(
    api: KubernetesApi, handler: type[Handler], tally: Tally, tmp_path: Path
) -> None:
    handler.way = "refuse"
    api.list(POOLS, limit=0, token="")
    handler.way = "end"
    list(lines(api))
    nobody = connect({}, kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:9"), tally=tally)
    with pytest.raises(Waiting):
        nobody.patch_node("one", {})
    assert tally.counts() == {
        ("kubernetes", "GET", "200"): 1, ("kubernetes", "GET", "403"): 1, ("kubernetes", "PATCH", "no answer"): 1,
    }  # fmt: skip
