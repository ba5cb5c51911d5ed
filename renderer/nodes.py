"""The nodes a plan expects to join, as Kubernetes objects: enough for a kube-scheduler to place the pods on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from planner.labels import HOSTNAME
from planner.resources import ATTACHABLE, Resources, format_amount

if TYPE_CHECKING:
    from planner.plan import ExpectedNode, Plan
    from planner.taints import Taint

_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory"), ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID"), ("Ready", "True", "KubeletReady"),
)  # fmt: skip


def node_list(plan: Plan) -> dict[str, object]:
    """A ``v1 List`` of the Node objects that do not exist yet, sorted by name."""
    placed = sorted(plan.placements, key=lambda node: node.name)
    items = [_node(node.name, node.expected) for node in placed if node.expected is not None]
    return {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}


def node_text(plan: Plan) -> str:
    """The same as JSON text."""
    return json.dumps(node_list(plan), indent=2, ensure_ascii=False) + "\n"


def _node(name: str, expected: ExpectedNode) -> dict[str, object]:
    """Ready, and without a provider id: no machine stands behind it yet."""
    labels = dict(sorted({**dict(expected.labels), HOSTNAME: name}.items()))
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": dict(expected.annotations)},
        "spec": {"taints": [_taint(taint) for taint in expected.taints]},
        "status": {
            "capacity": quantities(expected.capacity),
            "allocatable": quantities(expected.allocatable),
            "conditions": [
                {"type": kind, "status": status, "reason": reason} for kind, status, reason in _CONDITIONS
            ],
            "addresses": [{"type": "Hostname", "address": name}],
        },
    }  # fmt: skip


def quantities(amounts: Resources) -> dict[str, str]:
    """Amounts as Kubernetes quantities, without the volumes that a node attaches: its CSINode says those."""
    return {name: format_amount(name, amount) for name, amount in amounts if not name.startswith(ATTACHABLE)}


def _taint(taint: Taint) -> dict[str, str]:
    """The API leaves an empty value out."""
    return {"key": taint.key, "effect": taint.effect} | ({"value": taint.value} if taint.value else {})
