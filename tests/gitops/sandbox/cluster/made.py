"""Kubernetes objects for these tests, from as few words as each needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Mapping

Made = dict[str, Any]
CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[Made]:
    """The cases of a file."""
    found: list[Made] = YAML(typ="safe").load((CASES / f"{name}.yaml").read_text("utf-8"))
    return found


def node(
    name: str, *, cpu: str = "4", memory: str = "8Gi", labels: Mapping[str, str] | None = None, **more: Any
) -> Made:
    """A ready node. ``taints`` are written ``key=value:Effect``; ``more`` are further resources."""
    amounts = {"cpu": cpu, "memory": memory, "pods": more.get("pods", "110"), **more.get("more", {})}
    taints = []
    for text in more.get("taints", ()):
        head, _, effect = text.rpartition(":")
        taints.append({"key": head.partition("=")[0], "value": head.partition("=")[2], "effect": effect})
    spec = {"taints": taints, "unschedulable": more.get("unschedulable", False)}
    status = {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def pod(
    name: str, *, cpu: str = "100m", memory: str = "64Mi", labels: Mapping[str, str] | None = None, **more: Any
) -> Made:
    """A pod of one container; ``spec`` replaces parts of its spec, ``node`` is where it already is."""
    container = {"name": "main", "image": "pause", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    spec = {"containers": [container], **more.get("spec", {})}
    if "node" in more:
        spec["nodeName"] = more["node"]
    metadata = {"name": name, "namespace": more.get("namespace", "default"), "labels": dict(labels or {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def workload(kind: str, name: str, *, replicas: int | None = None, cpu: str = "1", **spec: Any) -> Made:
    """A workload of the group ``apps`` or ``batch`` whose pods carry ``app: NAME``; ``pod`` adds to their spec."""
    labels = {"app": name}
    pod_spec = pod("", cpu=cpu, memory="1Gi", spec=spec.pop("pod", {}))["spec"]
    template = {"metadata": {"labels": labels}, "spec": pod_spec}
    size = {} if replicas is None else {"replicas": replicas}
    selector = {} if kind == "Job" else {"selector": {"matchLabels": labels}}
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": "default"}, "spec": {**size, **selector, "template": template, **spec},
    }


def budget(name: str, **spec: Any) -> Made:
    """A PodDisruptionBudget for the pods of that app."""
    metadata = {"name": name, "namespace": "default"}
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata,
        "spec": {"selector": selector, **spec},
    }


def spread(key: str, app: str) -> Made:
    """A pod spec's part that spreads the pods of an app over the values of a label."""
    constraint = {
        "topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": app}},
    }
    return {"topologySpreadConstraints": [constraint]}


def ending(item: Made) -> str:
    """Where a pod is: its node, or the scheduler's words for why it has none."""
    refused = (one["message"] for one in item["status"].get("conditions", ()) if one["status"] == "False")
    return item["spec"].get("nodeName") or next(refused, "")
