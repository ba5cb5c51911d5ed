"""Clusters for the planner's tests, read through the same doors as the user's files."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from gitops import settings_wire
from gitops.catalogs.files import read_catalog
from gitops.cluster import make_inputs, read_inputs
from gitops.cluster.files import Source
from gitops.cluster.items import items_of
from gitops.decoding import convert
from gitops.gather import managed, pools_of_nodes
from gitops.ovh.pools import pools_of
from gitops.settings_faults import Faults
from gitops.settings_planning import read_aims
from gitops.yamlfile import parse_yaml
from planner.decide import Inputs, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.aims import Aims
    from planner.catalog import Catalog
    from planner.plan import Plan
    from planner.pools import PoolSet

HERE = Path(__file__).parent
CASES, PARTS = HERE / "cases", HERE / "parts"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Object = dict[str, Any]


@cache
def catalog() -> Catalog:
    """The tests' own catalog."""
    return read_catalog(HERE / "catalog.yaml", warn=_refuse)


def documents(path: Path) -> list[Object]:
    """The YAML documents of a file."""
    with path.open(encoding="utf-8") as file:
        return [one for one in YAML(typ="safe").load_all(file) if one is not None]


def inputs_of_files(paths: Sequence[Path], options: Object) -> Inputs:
    """A case's files as inputs; its ``pools`` are the OVH API's JSON, else they are read off the nodes' labels."""
    read = read_inputs(paths, environment={})
    inputs = Inputs(
        snapshot=read.snapshot, policy=read.policy, catalog=catalog(), declared=managed(pools_of_nodes(read.snapshot.nodes)),
        observed=pools_of_nodes(read.snapshot.nodes), region=options.get("region", ""),
        cluster_plan=options.get("plan", "standard"),
    )  # fmt: skip
    inputs = replace(inputs, aims=aims_of(options.get("planning", {})))
    return with_pools(inputs, options["pools"]) if "pools" in options else inputs


def aims_of(planning: Object) -> Aims:
    """What the ``planning`` section of a cluster.yaml would say."""
    (document,) = parse_yaml("planning: {}", "cluster.yaml")
    faults = Faults(document)
    aims = read_aims(convert(planning, settings_wire.Planning), faults)
    faults.raise_all()
    return aims


def with_pools(inputs: Inputs, pools: Sequence[Object]) -> Inputs:
    """The same with these pools, given as the OVH API's JSON."""
    observed = pools_of([{"id": f"id-of-{one['name']}", **one} for one in pools])
    return replace(inputs, observed=observed, declared=managed(observed))


def inputs_of(objects: Iterable[Object], *, pools: PoolSet | None = None, cluster_plan: str = "standard") -> Inputs:
    """Kubernetes objects as inputs, through the JSON that kubectl would write."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).encode()
    read = make_inputs(items_of(Source("cluster.json", text)), environment={})
    observed = pools if pools is not None else pools_of_nodes(read.snapshot.nodes)
    return Inputs(
        snapshot=read.snapshot, policy=read.policy, catalog=catalog(), declared=managed(observed), observed=observed,
        cluster_plan=cluster_plan,
    )  # fmt: skip


def plan_of(objects: Iterable[Object], **options: Any) -> Plan:
    """The plan for these objects at the tests' noon."""
    return decide(inputs_of(objects, **options), now=NOW)


# Objects, with only what a test is about


def node_class(name: str = "default", **spec: Any) -> Object:
    return {
        "apiVersion": "karpenter.ovhcloud.sh/v1alpha1", "kind": "OVHNodeClass", "metadata": {"name": name},
        "spec": {"serviceName": "0" * 32, "region": "EU-WEST-PAR", **spec},
    }  # fmt: skip


def node_pool(name: str = "default", flavors: Sequence[str] = ("b3-8", "b3-16"), **options: Any) -> Object:
    """``options``: requirements (more), labels, taints, startupTaints, limits, weight, disruption, nodeClass."""
    requirements = [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": list(flavors)}]
    template = {
        "nodeClassRef": {"group": "karpenter.ovhcloud.sh", "kind": "OVHNodeClass", "name": options.pop("nodeClass", "default")},
        "requirements": [*requirements, *options.pop("requirements", [])],
        **{key: options.pop(key) for key in ("taints", "startupTaints") if key in options},
    }  # fmt: skip
    metadata = {"labels": options.pop("labels", {})}
    return {
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
        "spec": {"template": {"metadata": metadata, "spec": template}, **options},
    }  # fmt: skip


def node(name: str, *, pool: str = "", flavor: str = "b3-8", zone: str = "eu-west-par-a", **options: Any) -> Object:
    """``options``: labels, taints, allocatable, annotations, unschedulable, ready, created."""
    labels = {
        "kubernetes.io/hostname": name, "node.kubernetes.io/instance-type": flavor, "topology.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": "GRA11" if zone == "nova" else "EU-WEST-PAR", "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64", **({"nodepool": pool} if pool else {}), **options.get("labels", {}),
    }  # fmt: skip
    allocatable = options.get("allocatable") or {"cpu": "1840m", "memory": "6100M", "ephemeral-storage": "28G", "pods": "110"}
    created = options.get("created", "2026-03-01T10:00:00Z")
    ready = "True" if options.get("ready", True) else "False"
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name, "labels": labels, "annotations": options.get("annotations", {}), "creationTimestamp": created,
        },
        "spec": {
            "taints": options.get("taints", []), **({"unschedulable": True} if options.get("unschedulable") else {}),
        },
        "status": {
            "capacity": {"cpu": "2", "memory": "8G", "ephemeral-storage": "50G", "pods": "110"}, "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": created}],
        },
    }  # fmt: skip


def pod(name: str, cpu: str = "500m", memory: str = "512Mi", *, on: str = "", namespace: str = "default", **options: Any) -> Object:
    """A pod that runs on a node, or one that waits. ``options``: labels, status, owner, gates; all else is spec."""
    labels, status, owner = (options.pop(key, None) for key in ("labels", "status", "owner"))
    waiting = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    owners = [{"kind": owner[0], "name": owner[1], "controller": True, "apiVersion": "apps/v1", "uid": "1"}] if owner else []
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}, "ownerReferences": owners},
        "spec": {
            "containers": [{"name": "main", "image": "app", "resources": {"requests": {"cpu": cpu, "memory": memory}}}],
            **({"nodeName": on} if on else {}), **options,
        },
        "status": status or ({"phase": "Running"} if on else waiting),
    }  # fmt: skip


def _refuse(warning: str) -> None:
    raise AssertionError(warning)
