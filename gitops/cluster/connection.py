"""The way to a cluster's API server through the ``kubernetes`` package: kubeconfig, or a pod's own service account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitops.cluster.live import Answer
from gitops.errors import Stalled, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gitops.cluster.kinds import Kind

_TIMEOUT = (5, 60)  # seconds to connect, and between two bytes
_CORE = {
    "Pod": "list_pod_for_all_namespaces",
    "Node": "list_node",
    "PersistentVolumeClaim": "list_persistent_volume_claim_for_all_namespaces",
    "PersistentVolume": "list_persistent_volume",
    "Namespace": "list_namespace",
    "LimitRange": "list_limit_range_for_all_namespaces",
}


class KubernetesApi:
    """An API server as ``gitops.cluster.live.Api``; answers are the server's own bytes, decoded by nobody before us."""

    def __init__(self, client: Any) -> None:
        from kubernetes.client import CoreV1Api, CustomObjectsApi  # noqa: PLC0415 - a second of imports

        self.address = str(client.configuration.host)
        self._core = CoreV1Api(client)
        self._groups = CustomObjectsApi(client)

    def list(self, kind: Kind, *, limit: int, token: str) -> Answer:
        """One page. Raises Waiting when the server does not answer, Stalled when its certificate is not trusted."""
        from kubernetes.client import ApiException  # noqa: PLC0415 - as above
        from urllib3.exceptions import HTTPError, SSLError  # noqa: PLC0415 - as above

        options = {"limit": limit} if limit else {}
        if token:
            options["_continue"] = token  # type: ignore[assignment] # options of different types
        try:
            response = self._call(kind)(_preload_content=False, _request_timeout=_TIMEOUT, **options)
            return Answer(int(response.status), bytes(response.data))
        except ApiException as error:
            status = int(error.status or 0)
            if not status:  # the package's word for a certificate that is not trusted
                raise Stalled(f"{self.address} cannot be trusted: {_one_line(error.reason)}") from error
            body: object = error.body  # bytes in older versions of the package, text in newer ones
            return Answer(status, body if isinstance(body, bytes) else str(body or "").encode())
        except SSLError as error:
            raise Stalled(f"{self.address} cannot be trusted: {_one_line(error)}") from error
        except HTTPError as error:
            raise Waiting(f"{self.address} does not answer: {_one_line(error)}") from error

    def cordon(self, node: str) -> None:
        """Mark a node unschedulable; one that is gone is fine. Raises Stalled without the right, Waiting otherwise."""
        from kubernetes.client import ApiException  # noqa: PLC0415 - as above
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as above

        try:
            self._core.patch_node(node, {"spec": {"unschedulable": True}}, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status == 403:
                raise Stalled(f"no right to cordon node {node}: the role needs patch on nodes") from error
            if error.status != 404:
                raise Waiting(f"node {node} could not be cordoned: {_one_line(error.reason)}") from error
        except HTTPError as error:
            raise Waiting(f"{self.address} does not answer: {_one_line(error)}") from error

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


def connect(
    environment: Mapping[str, str], *, kubeconfig: Path | None = None, context: str | None = None
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
        raise Stalled(
            f"{where}no cluster to read: {_one_line(error)}; give --kubeconfig or --context, or files with --snapshot"
        ) from error
    except (YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:  # it checks little itself
        what = named or "the kubeconfig"
        raise Stalled(f"{what} is no kubeconfig ({type(error).__name__}); name another with --kubeconfig") from error
    settings.retries = 0  # the caller decides when to try again
    return KubernetesApi(client.ApiClient(settings))


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300]
