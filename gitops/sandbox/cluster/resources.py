"""The kinds of object the cluster keeps, and what it tells clients of them (Kubernetes' discovery documents)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitops.sandbox.cluster.jsonvalues import Json, Object

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind: ``name`` is the plural with its group, unique in the cluster; ``parts`` are its subresources."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: str = ""
    parts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


SCALED = ("scale", "status")
RESOURCES = (
    Resource("", "v1", "namespaces", "Namespace", namespaced=False, short="ns", parts=("status",)),
    Resource("", "v1", "nodes", "Node", namespaced=False, short="no", parts=("status",)),
    Resource("", "v1", "pods", "Pod", short="po", parts=("binding", "eviction", "status")),
    Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False, short="pv", parts=("status",)),
    Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", short="pvc", parts=("status",)),
    Resource("", "v1", "services", "Service", short="svc", parts=("status",)),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", short="sa"),
    Resource("", "v1", "configmaps", "ConfigMap", short="cm"),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "limitranges", "LimitRange", short="limits"),
    Resource("", "v1", "events", "Event", short="ev"),
    Resource("apps", "v1", "deployments", "Deployment", short="deploy", parts=SCALED),
    Resource("apps", "v1", "replicasets", "ReplicaSet", short="rs", parts=SCALED),
    Resource("apps", "v1", "statefulsets", "StatefulSet", short="sts", parts=SCALED),
    Resource("apps", "v1", "daemonsets", "DaemonSet", short="ds", parts=("status",)),
    Resource("batch", "v1", "jobs", "Job", parts=("status",)),
    Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", short="pdb", parts=("status",)),
    Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False, short="pc"),
    Resource("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", namespaced=False),
    Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False, short="sc"),
    Resource("storage.k8s.io", "v1", "csinodes", "CSINode", namespaced=False),
    Resource("coordination.k8s.io", "v1", "leases", "Lease"),
    Resource("karpenter.sh", "v1", "nodepools", "NodePool", namespaced=False, parts=("status",)),
    Resource(
        "karpenter.ovhcloud.sh", "v1alpha1", "ovhnodeclasses", "OVHNodeClass", namespaced=False, parts=("status",),
    ),
    Resource("poolplan.dev", "v1alpha1", "scaleplans", "ScalePlan", namespaced=False, parts=("status",)),
    Resource("kube.cloud.ovh.com", "v1alpha1", "nodepools", "NodePool", namespaced=False, parts=("status",)),
)
BY_NAME = {resource.name: resource for resource in RESOURCES}
VERSIONS = tuple(dict.fromkeys((resource.group, resource.version) for resource in RESOURCES))
PART_KINDS = {
    "binding": ("", "v1", "Binding"), "eviction": ("policy", "v1", "Eviction"), "scale": ("autoscaling", "v1", "Scale"),
}


def find_resource(group: str, version: str, plural: str) -> Resource | None:
    """The resource that a path names."""
    found = BY_NAME.get(f"{plural}.{group}" if group else plural)
    return found if found and found.version == version else None


def resource_of(item_version: str, kind: str) -> Resource | None:
    """The resource an object belongs to, by its apiVersion and kind."""
    return next((one for one in RESOURCES if (one.api_version, one.kind) == (item_version, kind)), None)


def core_versions() -> Object:
    """What ``/api`` answers."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list() -> Object:
    """What ``/apis`` answers."""
    groups: list[Json] = [_group(group, version) for group, version in VERSIONS if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group_of(name: str) -> Object | None:
    """What ``/apis/NAME`` answers."""
    found = next((_group(group, version) for group, version in VERSIONS if name and group == name), None)
    return {"kind": "APIGroup", "apiVersion": "v1", **found} if found else None


def _group(name: str, version: str) -> Object:
    preferred: Object = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [preferred], "preferredVersion": preferred}


def resource_list(group: str, version: str) -> Object | None:
    """What ``/api/v1`` or ``/apis/GROUP/VERSION`` answers."""
    if (group, version) not in VERSIONS:
        return None
    told: list[Json] = []
    for resource in RESOURCES:
        if (resource.group, resource.version) == (group, version):
            told += [_told(resource), *(_told_part(resource, part) for part in resource.parts)]
    api_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": told}


def openapi_index() -> Object:
    """What ``/openapi/v3`` answers."""
    places = {f"apis/{group}/{version}" if group else f"api/{version}" for group, version in VERSIONS}
    paths: Object = {place: {"serverRelativeURL": f"/openapi/v3/{place}"} for place in sorted(places)}
    return {"paths": paths}


def openapi_document(place: list[str]) -> Object | None:
    """What ``/openapi/v3/apis/GROUP/VERSION`` answers: that objects may be sent for a trial and are checked."""
    group, version = ("", place[-1]) if place[0] == "api" else (place[-2], place[-1])
    found = [resource for resource in RESOURCES if (resource.group, resource.version) == (group, version)]
    paths: Object = {f"/{'/'.join(place)}/{one.plural}/{{name}}": {"patch": _told_patch(one)} for one in found}
    info: Object = {"title": "poolplan sandbox", "version": version}
    return {"openapi": "3.0.0", "info": info, "paths": paths} if found else None


def _told_patch(resource: Resource) -> Object:
    kind: Object = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    parameters: list[Json] = [{"name": name, "in": "query"} for name in ("dryRun", "fieldValidation")]
    return {"x-kubernetes-group-version-kind": kind, "parameters": parameters, "responses": {}}


def _told(resource: Resource) -> Object:
    short: list[Json] = [resource.short] if resource.short else []
    everyday = resource.group in {"apps", "batch"} or resource.plural in {"pods", "services"}
    return {
        "name": resource.plural, "singularName": resource.kind.lower(), "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": list(VERBS), "shortNames": short, "categories": ["all"] if everyday else [],
    }


def _told_part(resource: Resource, part: str) -> Object:
    told: Object = {"name": f"{resource.plural}/{part}", "singularName": "", "namespaced": resource.namespaced}
    if part not in PART_KINDS:
        return {**told, "kind": resource.kind, "verbs": ["get", "patch", "update"]}
    group, version, kind = PART_KINDS[part]
    verbs: list[Json] = ["get", "patch", "update"] if part == "scale" else ["create"]
    return {**told, "group": group, "version": version, "kind": kind, "verbs": verbs}
