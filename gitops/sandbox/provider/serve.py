"""Lives as a Terraform plugin: a hand-shake on stdout, a TLS server on a private socket, an end when Terraform ends."""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc, tfplugin_pb2_grpc

from gitops.clock import SystemClock
from gitops.environment import environment
from gitops.sandbox.provider.certificate import self_signed
from gitops.sandbox.provider.servicer import OvhProvider, Servicer

if TYPE_CHECKING:
    from collections.abc import Iterator

COOKIE = "TF_PLUGIN_MAGIC_COOKIE"
PLUGIN_PROTOCOL, TERRAFORM_PROTOCOL = 1, 6
PARENT_CHECK_SECONDS = 2.0


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):  # type: ignore[misc]
    """Hears Terraform say that it is done."""

    def __init__(self, done: threading.Event) -> None:
        self._done = done

    def Shutdown(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self._done.set()
        return grpc_controller_pb2.Empty()


class _Stdio(grpc_stdio_pb2_grpc.GRPCStdioServicer):  # type: ignore[misc]
    """Has nothing to say beside its answers."""

    def StreamStdio(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: ARG002, N802
        return iter(())


def main() -> int:
    """Serve until Terraform says to stop, or is gone."""
    variables = environment()
    if COOKIE not in variables:
        sys.stderr.write("This is a Terraform provider. Terraform starts it; it does nothing by itself.\n")
        return 1
    done, stopping = threading.Event(), threading.Event()
    server = grpc.server(ThreadPoolExecutor(max_workers=10))
    tfplugin_pb2_grpc.add_ProviderServicer_to_server(Servicer(OvhProvider(variables, stopping)), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(_Controller(done), server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
    # The folder is readable by this user alone, which is what keeps others from the socket.
    with tempfile.TemporaryDirectory(prefix="poolplan-", dir=variables.get("PLUGIN_UNIX_SOCKET_DIR")) as folder:
        sys.stdout.write(_listen(server, f"{folder}/socket") + "\n")
        sys.stdout.flush()
        _wait(done)
        stopping.set()
        server.stop(grace=1.0).wait()
    return 0


def _listen(server: grpc.Server, socket: str) -> str:
    """Open the socket; the line that tells Terraform where it is and which certificate to trust."""
    key, certificate, der = self_signed(SystemClock().now())
    server.add_secure_port(f"unix:{socket}", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    trusted = base64.b64encode(der).decode().rstrip("=")
    return f"{PLUGIN_PROTOCOL}|{TERRAFORM_PROTOCOL}|unix|{socket}|grpc|{trusted}"


def _wait(done: threading.Event) -> None:
    """Until told, or until the Terraform that started us has died without a word."""
    parent = os.getppid()
    while not done.wait(PARENT_CHECK_SECONDS):
        if os.getppid() != parent:
            return
