"""The way to a cluster's API server through the ``kubernetes`` package: kubeconfig, or a pod's own service account."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitops.cluster.live.api import Answer
from gitops.errors import Stalled, Waiting
from gitops.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gitops.cluster.kinds import Kind

_TIMEOUT = (5, 60)  # seconds to connect, and between two bytes
_CONNECTIONS = 32  # every kind that is watched holds one
_METHODS = {"create": "POST", "replace": "PUT", "patch": "PATCH", "delete": "DELETE"}  # by the package's verbs
_LEASES = ("coordination.k8s.io", "v1")  # not by the package's own model, which rounds the times that others compare
_CORE = {
    "Pod": "list_pod_for_all_namespaces",
    "Node": "list_node",
    "PersistentVolumeClaim": "list_persistent_volume_claim_for_all_namespaces",
    "PersistentVolume": "list_persistent_volume",
    "Namespace": "list_namespace",
    "Service": "list_service_for_all_namespaces",
    "LimitRange": "list_limit_range_for_all_namespaces",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cluster-scoped object stands in an API."""

    group: str
    version: str
    plural: str
    name: str


class KubernetesApi:
    """An API server as ``gitops.cluster.live.Api``; answers are the server's own bytes, decoded by nobody before us."""

    def __init__(self, client: Any, tally: Tally | None = None) -> None:
        from kubernetes.client import CoreV1Api, CustomObjectsApi  # noqa: PLC0415 - a second of imports

        self.address = str(client.configuration.host)
        self._tally = tally or Tally()
        self._core = CoreV1Api(client)
        self._groups = CustomObjectsApi(client)

    def list(self, kind: Kind, *, limit: int, token: str) -> Answer:
        """One page. Raises Waiting when the server does not answer, Stalled when its certificate is not trusted."""
        options = {"limit": limit} if limit else {}
        if token:
            options["_continue"] = token  # type: ignore[assignment] # options of different types
        return self._answer(self._call(kind), **options)

    def watch(self, kind: Kind, *, version: str, seconds: int, silence: float) -> KubernetesStream | Answer:
        """See ``Api``. Raises as ``list`` does."""
        opened = self._open(
            self._call(kind), watch=True, resource_version=version, allow_watch_bookmarks=True,
            timeout_seconds=seconds, _request_timeout=(_TIMEOUT[0], silence),
        )  # fmt: skip
        return opened if isinstance(opened, Answer) else KubernetesStream(opened, self.address)

    def read_lease(self, namespace: str, name: str, *, timeout: float) -> Answer:
        """A ``coordination.k8s.io/v1`` Lease. Raises as ``list`` does."""
        read = self._groups.get_namespaced_custom_object
        return self._answer(read, *_LEASES, namespace, "leases", name, _request_timeout=timeout)

    def create_lease(self, namespace: str, body: Mapping[str, object], *, timeout: float) -> Answer:
        """A new Lease; 409 where it is there already. Raises as ``list`` does."""
        create = self._groups.create_namespaced_custom_object
        return self._answer(create, *_LEASES, namespace, "leases", body, _request_timeout=timeout)

    def replace_lease(self, namespace: str, name: str, body: Mapping[str, object], *, timeout: float) -> Answer:
        """The Lease written over, if it is still of the resourceVersion in ``body``: else 409. Raises as ``list``."""
        write = self._groups.replace_namespaced_custom_object
        return self._answer(write, *_LEASES, namespace, "leases", name, body, _request_timeout=timeout)

    def _answer(self, call: Callable[..., Any], *given: object, **options: object) -> Answer:
        opened = self._open(call, *given, **options)
        if isinstance(opened, Answer):
            return opened
        with _told(self.address):
            return Answer(int(opened.status), bytes(opened.data))

    def _open(self, call: Callable[..., Any], *given: object, **options: object) -> Any:
        """The response, not yet read, or the Answer of a server that refuses; either is counted."""
        verb = getattr(call, "__name__", "").partition("_")[0]
        outcome = "no answer"
        try:
            opened = self._send(call, *given, **options)
            outcome = str(opened.status)
        finally:
            self._tally.count("kubernetes", _METHODS.get(verb, "GET"), outcome)
        return opened

    def _send(self, call: Callable[..., Any], *given: object, **options: object) -> Any:
        from kubernetes.client import ApiException  # noqa: PLC0415 - as above

        options.setdefault("_request_timeout", _TIMEOUT)
        try:
            with _told(self.address):
                return call(*given, _preload_content=False, **options)
        except ApiException as error:
            status = int(error.status or 0)
            if not status:  # the package's word for a certificate that is not trusted
                raise Stalled(f"{self.address} cannot be trusted: {_one_line(error.reason)}") from error
            body: object = error.body  # bytes in older versions of the package, text in newer ones
            return Answer(status, body if isinstance(body, bytes) else str(body or "").encode())

    def read_node(self, name: str) -> Answer:
        """A Node. Raises as ``list`` does."""
        return self._answer(self._core.read_node, name)

    def patch_node(self, name: str, patch: Mapping[str, object]) -> Answer:
        """A Node merged with a patch, of the resourceVersion that it may name: else 409. Raises as ``list`` does."""
        return self._answer(self._core.patch_node, name, patch)

    def pods_on(self, node: str) -> Answer:
        """The pods that are bound to a node. Raises as ``list`` does."""
        return self._answer(self._core.list_pod_for_all_namespaces, field_selector=f"spec.nodeName={node}")

    def evict(self, namespace: str, name: str, body: Mapping[str, object]) -> Answer:
        """A ``policy/v1`` Eviction of a pod. Raises as ``list`` does."""
        return self._answer(self._core.create_namespaced_pod_eviction, name, namespace, body)

    def delete_pod(self, namespace: str, name: str, options: Mapping[str, object]) -> Answer:
        """A pod deleted with ``v1`` DeleteOptions. Raises as ``list`` does."""
        return self._answer(self._core.delete_namespaced_pod, name, namespace, body=options)

    def review(self, group: str, plural: str, body: Mapping[str, object]) -> Answer:
        """A question to the server about ourselves, as an object of version v1 that it answers. Raises as ``list``."""
        return self._answer(self._groups.create_cluster_custom_object, group, "v1", plural, body)

    def read_cluster_object(self, place: Place) -> Answer:
        """A cluster-scoped object of some group. Raises as ``list`` does."""
        return self._answer(
            self._groups.get_cluster_custom_object, place.group, place.version, place.plural, place.name
        )

    def create_cluster_object(self, place: Place, body: Mapping[str, object]) -> Answer:
        """A new one; 409 where it is there already. Raises as ``list`` does."""
        return self._answer(
            self._groups.create_cluster_custom_object, place.group, place.version, place.plural, body
        )

    def patch_cluster_status(self, place: Place, status: Mapping[str, object]) -> Answer:
        """Its status merged with this one, and nothing else of it. Raises as ``list`` does."""
        return self._answer(
            self._groups.patch_cluster_custom_object_status, place.group, place.version, place.plural, place.name,
            {"status": status},
        )  # fmt: skip

    def delete_cluster_object(self, place: Place) -> Answer:
        """It goes; 404 where it is not there. Raises as ``list`` does."""
        return self._answer(
            self._groups.delete_cluster_custom_object, place.group, place.version, place.plural, place.name
        )

    def create_event(self, namespace: str, body: Mapping[str, object]) -> Answer:
        """A ``v1`` Event. Raises as ``list`` does."""
        return self._answer(self._core.create_namespaced_event, namespace, body)

    def read_object(self, api_version: str, namespace: str, plural: str, name: str) -> Answer:
        """An object of a custom kind. Raises as ``list`` does."""
        group, _, version = api_version.partition("/")
        return self._answer(self._groups.get_namespaced_custom_object, group, version, namespace, plural, name)

    def read_secret(self, namespace: str, name: str) -> Answer:
        """A Secret with its annotations. Raises as ``list`` does."""
        return self._answer(self._core.read_namespaced_secret, name, namespace)

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """A Secret's data, in base64. Raises Stalled where it is not there or may not be read, Waiting otherwise."""
        from kubernetes.client import ApiException  # noqa: PLC0415 - as above
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as above

        try:
            found = self._core.read_namespaced_secret(name, namespace, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status in (401, 403, 404):
                fault = "is not there" if error.status == 404 else "may not be read: the role needs get on secrets"
                raise Stalled(f"Secret {namespace}/{name} {fault}") from error
            raise Waiting(f"Secret {namespace}/{name} could not be read: {_one_line(error.reason)}") from error
        except HTTPError as error:
            raise Waiting(f"{self.address} does not answer: {_one_line(error)}") from error
        data: dict[str, bytes | str] = found.data or {}
        return {key: value if isinstance(value, str) else value.decode() for key, value in data.items()}

    def _call(self, kind: Kind) -> Callable[..., Any]:
        if kind.kind in _CORE and "/" not in kind.api_version:
            method: Callable[..., Any] = getattr(self._core, _CORE[kind.kind])
            return method
        group, _, version = kind.api_version.partition("/")
        return lambda **options: self._groups.list_cluster_custom_object(group, version, kind.plural, **options)


class KubernetesStream:
    """The lines of a watch, as the ``kubernetes`` package's urllib3 gives them."""

    def __init__(self, response: Any, address: str) -> None:
        self._response, self._address = response, address
        self._closed = False

    def lines(self) -> Iterator[bytes]:
        """See ``Stream``."""
        rest = b""
        try:
            with _told(self._address):
                for piece in self._response.stream():  # in the server's own chunks: none waits for more to come
                    *whole, rest = (rest + piece).split(b"\n")
                    yield from whole
        except (Stalled, Waiting, OSError, ValueError, AttributeError):
            if not self._closed:  # a socket that is shut under it may say anything
                raise
        finally:
            self._response.close()

    def close(self) -> None:
        """See ``Stream``. Whoever waits for the next line sees the end of them."""
        self._closed = True
        with suppress(ValueError, RuntimeError, OSError):  # it has ended by itself
            self._response.shutdown()


@contextmanager
def _told(address: str) -> Iterator[None]:
    """What goes wrong on the way to the server, in our own words."""
    from urllib3.exceptions import HTTPError, SSLError  # noqa: PLC0415 - as above

    try:
        yield
    except SSLError as error:
        raise Stalled(f"{address} cannot be trusted: {_one_line(error)}") from error
    except HTTPError as error:
        raise Waiting(f"{address} does not answer: {_one_line(error)}") from error


def connect(
    environment: Mapping[str, str], *, kubeconfig: Path | None = None, context: str | None = None,
    tally: Tally | None = None,
) -> KubernetesApi:  # fmt: skip
    """The cluster of a kubeconfig, or of the pod this runs in. Raises Stalled where there is none.

    A kubeconfig that is named (by option or KUBECONFIG) wins; then the pod's service account; then ``~/.kube/config``.
    """
    from kubernetes import client, config  # noqa: PLC0415 - a second of imports that only a live cluster needs
    from yaml import YAMLError  # noqa: PLC0415 - comes with kubernetes

    settings = client.Configuration()
    named = str(kubeconfig) if kubeconfig else environment.get("KUBECONFIG") or None
    try:
        if named is None and context is None and environment.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=named, context=context, client_configuration=settings
            )
    except config.ConfigException as error:
        where = f"{named}: " if named else ""
        why = _one_line(error).rstrip(".")
        raise Stalled(
            f"{where}no cluster to read: {why}; give --kubeconfig or --context; plan and propose also take files "
            "with --snapshot"
        ) from error
    except (YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:  # it checks little itself
        what = named or "the kubeconfig"
        raise Stalled(f"{what} is no kubeconfig ({type(error).__name__}); name another with --kubeconfig") from error
    settings.retries = 0  # the caller decides when to try again
    settings.connection_pool_maxsize = _CONNECTIONS
    return KubernetesApi(client.ApiClient(settings), tally)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300]
