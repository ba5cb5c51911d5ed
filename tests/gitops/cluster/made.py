"""Kubernetes objects for tests, as plain data, and the readers under test applied to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gitops.cluster import Inputs, read_inputs

if TYPE_CHECKING:
    from pathlib import Path

    from planner.pods import Pod
    from planner.snapshot import Snapshot

Object = dict[str, Any]
ENVIRONMENT = {"OVH_SERVICE_NAME": "0123456789abcdef0123456789abcdef", "OVH_KUBE_ID": "kube-1", "OVH_REGION": "GRA11"}


def pod(name: str = "web", *, spec: Object | None = None, status: Object | None = None, **metadata: Any) -> Object:
    written = {"containers": [container()], **(spec or {})}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": written, "status": status or {},
    }  # fmt: skip


def container(cpu: str = "", memory: str = "", limits: Object | None = None, **more: Any) -> Object:
    requests = {name: amount for name, amount in (("cpu", cpu), ("memory", memory)) if amount}
    return {"name": "c", "resources": {"requests": requests, "limits": limits or {}}, **more}


def node(name: str = "n1", **status: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {}, "status": status}


def workload(kind: str = "Deployment", name: str = "web", *, status: Object | None = None, **spec: Any) -> Object:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container("1")]}}
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": "shop"}, "spec": {"template": template, **spec}, "status": status or {},
    }  # fmt: skip


def plain(kind: str, name: str, api_version: str = "v1", **fields: Any) -> Object:
    metadata = {"name": name, **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def listed(*objects: Object) -> Object:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def read(folder: Path, *objects: Object) -> Inputs:
    """The objects as one JSON list in a file of the folder."""
    file = folder / "objects.json"
    file.write_text(json.dumps(listed(*objects)))
    return read_inputs([file], environment=ENVIRONMENT)


def snapshot(folder: Path, *objects: Object) -> Snapshot:
    return read(folder, *objects).snapshot


def one_pod(folder: Path, written: Object, *others: Object) -> Pod:
    found = snapshot(folder, written, *others).pods
    assert len(found) == 1
    return found[0]
