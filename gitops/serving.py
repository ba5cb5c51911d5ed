"""Serves a web application from a thread of this process, until it is stopped."""

from __future__ import annotations

import socket
from threading import Thread
from typing import TYPE_CHECKING, Self

import uvicorn

from gitops.errors import InputError

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"


def address_of(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; an IPv6 address stands in square brackets. Raises InputError."""
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdecimal()):
        raise InputError(f"--listen {text}: write it like 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def listen(port: int, *, host: str = LOOPBACK) -> socket.socket:
    """A listening socket, so that callers can connect before the server's thread is up. Raises InputError.

    The protocol is spelt out because asyncio turns Nagle's delay off only where it is: 40 ms a request otherwise.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or error
        raise InputError(f"cannot listen on {host}:{port}: {why}; choose another port", path="port") from error
    listener.listen(128)
    return listener


class Served:
    """An application that is served at ``port`` until ``stop`` or the end of its ``with`` block."""

    def __init__(self, app: ASGIApp, listener: socket.socket, *, name: str) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        config = uvicorn.Config(app, lifespan="off", ws="none", access_log=False, log_config=None, proxy_headers=False)
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=([listener],), name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops serving and returns when it has ended. Harmless when repeated."""
        self._server.should_exit = self._server.force_exit = True  # whoever keeps a connection open is not waited for
        self._thread.join()
        self._listener.close()

    def wait(self) -> None:
        """Returns when it has been stopped from elsewhere."""
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.stop()
