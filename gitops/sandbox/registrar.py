"""Where sandbox nodes join: a real cluster's Node objects, or nowhere.

``sync`` is level-triggered: it is told which nodes there are to be, and makes the cluster agree. It touches only Nodes
that a sandbox put there (by their annotation), so it can be pointed at a cluster that has nodes of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gitops.decoding import read_input
from gitops.errors import InputError, Place, Waiting
from gitops.sandbox.joining import MARK
from gitops.sandbox.settings import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitops.sandbox.joining import NodeObject

LIMITS = {"_request_timeout": 10}


class NodeRegistrar(Protocol):
    """Makes a cluster's Nodes agree with the sandbox's."""

    def sync(self, wanted: Mapping[str, NodeObject]) -> None:
        """Adds, changes and removes Nodes until just ``wanted`` (by name) are there; Waiting where that fails."""


class NullRegistrar:
    """No cluster: nodes exist in the OVH API only."""

    def sync(self, wanted: Mapping[str, NodeObject]) -> None:
        """Does nothing."""


class KubernetesRegistrar:
    """Nodes as ``v1 Node`` objects through the kubernetes package."""

    def __init__(self, kubeconfig: Path) -> None:
        from kubernetes import client  # noqa: PLC0415 - a second of imports that only this class needs
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        self._api: Any = client.CoreV1Api(_connection(kubeconfig))  # kubernetes' own types leave half of this untyped
        self._api_error = client.ApiException
        self._trouble = (client.ApiException, HTTPError)
        self._sent: dict[str, NodeObject] = {}

    def sync(self, wanted: Mapping[str, NodeObject]) -> None:
        """See NodeRegistrar."""
        try:
            self._sync(wanted)
        except self._trouble as error:
            raise Waiting(f"the cluster that nodes join does not answer: {_reason(error)}") from error

    def _sync(self, wanted: Mapping[str, NodeObject]) -> None:
        present = {node.metadata.name for node in self._api.list_node(**LIMITS).items if _is_ours(node.metadata)}
        for name in sorted(present - wanted.keys()):
            self._remove(name)
        for name in sorted(wanted):
            if name not in present:
                self._api.create_node(body=wanted[name], **LIMITS)
            elif self._sent.get(name) != wanted[name]:
                self._api.patch_node(name, body=_patch(self._sent.get(name), wanted[name]), **LIMITS)
            self._sent[name] = wanted[name]

    def _remove(self, name: str) -> None:
        self._sent.pop(name, None)
        try:
            self._api.delete_node(name, **LIMITS)
        except self._api_error as error:
            if error.status != 404:
                raise


def _connection(kubeconfig: Path) -> Any:
    """A client of the cluster that the file's current context names; InputError where it names none."""
    from kubernetes import config  # noqa: PLC0415 - see above

    from gitops.yamlfile import parse_yaml  # noqa: PLC0415 - loads ruamel

    documents = parse_yaml(read_input(kubeconfig, "a kubeconfig", megabytes=5), str(kubeconfig))
    if not documents or not isinstance(documents[0].value, dict):
        raise InputError("not a kubeconfig: not a map", place=Place(str(kubeconfig)))
    try:
        return config.new_client_from_config(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]
    except config.ConfigException as error:
        raise InputError(f"not a usable kubeconfig: {error}", place=Place(str(kubeconfig))) from error


def _is_ours(metadata: object) -> bool:
    return (getattr(metadata, "annotations", None) or {}).get(MARK) == CLUSTER


def _patch(old: NodeObject | None, new: NodeObject) -> NodeObject:
    """A merge patch of what a template can change; a label or annotation that is gone is sent as null."""
    return {
        "metadata": {
            field: {**dict.fromkeys(_metadata(old, field)), **_metadata(new, field)}
            for field in ("labels", "annotations")
        },
        "spec": {field: _section(new, "spec")[field] for field in ("taints", "unschedulable")},
    }


def _metadata(node: NodeObject | None, field: str) -> dict[str, object]:
    member = _section(node, "metadata").get(field)
    return member if isinstance(member, dict) else {}


def _section(node: NodeObject | None, section: str) -> dict[str, object]:
    found = (node or {}).get(section)
    return found if isinstance(found, dict) else {}


def _reason(error: Exception) -> str:
    """One line: kubernetes' own text goes on with headers and body."""
    return str(getattr(error, "reason", None) or error).splitlines()[0]
