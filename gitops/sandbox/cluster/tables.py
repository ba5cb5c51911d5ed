"""Lists as kubectl shows them: Kubernetes' Table objects, whose columns the server decides."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from gitops.sandbox.cluster.jsonvalues import Json, Object, at, number_at, objects_at, pairs_at, text_at
from gitops.sandbox.cluster.ownership import is_ready, name_of, phase

if TYPE_CHECKING:
    from collections.abc import Callable

    Cells = Callable[[Object], list[Json]]

LAYOUTS: dict[str, tuple[str, Cells]] = {}
"""By kind: the columns between Name and Age, after a bar those of ``-o wide``, and the cells of them all."""


def table(kind: str, items: list[Object], metadata: Object, now: datetime) -> Object:
    """The Table of these objects at ``now``, with the list's metadata."""
    columns, cells = LAYOUTS.get(kind, ("", _none))
    narrow, _, wide = columns.partition("|")
    names = ["Name", *narrow.split(), "Age", *wide.split()]
    split = len(narrow.split())
    definitions: list[Json] = [
        {
            "name": name.replace("_", " "), "type": "string", "format": "name" if name == "Name" else "",
            "description": "", "priority": 1 if place > split + 1 else 0,
        }
        for place, name in enumerate(names)
    ]
    rows: list[Json] = []
    for item in items:
        told, old = cells(item), age(text_at(item, "metadata", "creationTimestamp"), now)
        rows.append({"cells": [name_of(item), *told[:split], old, *told[split:]], "object": item})
    return {
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions, "rows": rows,
    }


def age(since: str, now: datetime) -> str:
    """How long ago, in two units at most."""
    if not since:
        return "<unknown>"
    seconds = max(0, int((now - datetime.fromisoformat(since)).total_seconds()))
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if seconds >= 2 * size:
            rest = seconds % size // part
            return f"{seconds // size}{unit}" + (f"{rest}{smaller}" if rest and seconds < 10 * size else "")
    return f"{seconds}s"


def _none(_: Object) -> list[Json]:
    return []


def _pod(item: Object) -> list[Json]:
    containers = len(objects_at(item, "spec", "containers"))
    state = "Terminating" if at(item, "metadata", "deletionTimestamp") else phase(item)
    ready = containers if is_ready(item) else 0
    return [f"{ready}/{containers}", state, "0", "<none>", text_at(item, "spec", "nodeName") or "<none>"]


def _node(item: Object) -> list[Json]:
    status = "Ready" if is_ready(item) else "NotReady"
    if at(item, "spec", "unschedulable") is True:
        status += ",SchedulingDisabled"
    labels = pairs_at(item, "metadata", "labels")
    return [status, "<none>", text_at(item, "status", "nodeInfo", "kubeletVersion"), *_where(labels)]


def _where(labels: dict[str, str]) -> list[Json]:
    return [labels.get(name, "") for name in ("node.kubernetes.io/instance-type", "topology.kubernetes.io/zone")]


def _counts(*paths: str) -> Cells:
    """Cells of numbers at these paths; ``a/b`` shows two of them as one."""
    return lambda item: ["/".join(str(number_at(item, *path.split("."))) for path in cell.split("/")) for cell in paths]


LAYOUTS |= {
    "Pod": ("Ready Status Restarts|IP Node", _pod),
    "Node": ("Status Roles Version|Instance-Type Zone", _node),
    "Deployment": (
        "Ready Up-to-date Available",
        _counts("status.readyReplicas/spec.replicas", "status.updatedReplicas", "status.availableReplicas"),
    ),
    "ReplicaSet": ("Desired Current Ready", _counts("spec.replicas", "status.replicas", "status.readyReplicas")),
    "StatefulSet": ("Ready", _counts("status.readyReplicas/spec.replicas")),
    "DaemonSet": (
        "Desired Current Ready",
        _counts("status.desiredNumberScheduled", "status.currentNumberScheduled", "status.numberReady"),
    ),
    "Job": ("Active Succeeded", _counts("status.active", "status.succeeded")),
    "PodDisruptionBudget": ("Allowed_Disruptions", _counts("status.disruptionsAllowed")),
}
