"""What becomes of an object before it is kept: the checks that an API server makes, and the defaults it fills in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.sandbox.cluster.jsonvalues import (
    Json,
    Object,
    as_object,
    at,
    changed,
    number_at,
    object_at,
    pairs_at,
    text_at,
    without,
)
from gitops.sandbox.cluster.ownership import suffix
from gitops.sandbox.cluster.refusals import bad_request, invalid, not_found
from gitops.sandbox.cluster.selectors import selector_of
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.cluster.views import node_view, pod_view
from planner.errors import ValueRefused

if TYPE_CHECKING:
    from gitops.sandbox.cluster.resources import Resource
    from gitops.sandbox.cluster.store import Store

WORKLOADS = ("DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet")
SCALED = ("Deployment", "ReplicaSet", "StatefulSet")
SET_BY_SERVER = (
    "creationTimestamp", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid",
)


def admit(store: Store, resource: Resource, item: Object, *, namespace: str) -> tuple[Key, Object]:
    """A new object and where to keep it. Raises a 400, 404 or 422."""
    given = text_at(item, "metadata", "namespace")
    if resource.namespaced and given and namespace and given != namespace:
        raise bad_request(f"the namespace of the object ({given}) is not that of the request ({namespace})")
    inside = (given or namespace or "default") if resource.namespaced else ""
    if inside and store.find(Key("namespaces", "", inside)) is None:
        raise not_found(inside, "namespaces")
    key = Key(resource.name, inside, _name(store, resource, item))
    metadata = object_at(item, "metadata")
    if inside:
        metadata = {**metadata, "namespace": inside}
    return key, check(store, resource, {**item, "metadata": {**metadata, "name": key.name}})


def _name(store: Store, resource: Resource, item: Object) -> str:
    name, prefix = text_at(item, "metadata", "name"), text_at(item, "metadata", "generateName")
    if not name and not prefix:
        raise invalid(f"{resource.kind}: metadata.name: name or generateName is required")
    return name or prefix + suffix([resource.name, prefix, store.count(f"{resource.name}/{prefix}")])


def check(store: Store, resource: Resource, item: Object) -> Object:
    """The object with its kind and its defaults. Raises a 400 or 422 for one that an API server would not keep."""
    for name, wanted in (("apiVersion", resource.api_version), ("kind", resource.kind)):
        if item.get(name, wanted) != wanted:
            raise bad_request(f"{name} is {item[name]!r}; at this address it must be {wanted!r}")
    item = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
    try:
        return _checked(store, resource.kind, item)
    except ValueRefused as error:
        raise invalid(f'{resource.kind} "{text_at(item, "metadata", "name")}" is invalid: {error}') from error


def _checked(store: Store, kind: str, item: Object) -> Object:
    if kind == "Pod":
        item = _defaulted_pod(store, item)
        pod_view(item)
    elif kind == "Node":
        node_view(item)
    elif kind == "PodDisruptionBudget":
        selector_of(at(item, "spec", "selector"))
    elif kind in WORKLOADS:
        item = _checked_workload(kind, item)
    return item


def _defaulted_pod(store: Store, item: Object) -> Object:
    """Priority and overhead come from the pod's classes, where they exist; a new pod is pending."""
    named = text_at(item, "spec", "priorityClassName")
    priority = store.find(Key("priorityclasses.scheduling.k8s.io", "", named))
    runtime = store.find(Key("runtimeclasses.node.k8s.io", "", text_at(item, "spec", "runtimeClassName")))
    overhead = object_at(runtime, "overhead", "podFixed")
    if priority:
        item = changed(item, "spec", "priority", to=number_at(priority, "value"))
    if overhead:
        item = changed(item, "spec", "overhead", to=overhead)
    return item if at(item, "status", "phase") else changed(item, "status", "phase", to="Pending")


def _checked_workload(kind: str, item: Object) -> Object:
    template = object_at(item, "spec", "template")
    if not object_at(template, "spec").get("containers"):
        raise invalid(f"{kind}: spec.template.spec.containers: Required value")
    pod_view(template)
    if kind != "Job":
        _check_selector(kind, item, template)
    if kind in SCALED and at(item, "spec", "replicas") is None:
        item = changed(item, "spec", "replicas", to=1)
    return item


def _check_selector(kind: str, item: Object, template: Object) -> None:
    selector = selector_of(at(item, "spec", "selector"))
    if selector is None or not selector.items:
        raise invalid(f"{kind}: spec.selector: Required value")
    if not selector.allow(pairs_at(template, "metadata", "labels")):
        raise invalid(f"{kind}: spec.template.metadata.labels: `selector` does not match template `labels`")


def new_of_client(resource: Resource, item: Object) -> Object:
    """A client's new object: status is not its to say, but for nodes, where it is the kubelet's."""
    for name in SET_BY_SERVER:
        item = without(item, "metadata", name)
    return without(item, "status") if "status" in resource.parts and resource.kind != "Node" else item


def joined(old: Object, new: Object, part: str, resource: Resource) -> Object:
    """What a write to an object or to its ``part`` may change: the status there, all but the status elsewhere."""
    if part == "status":
        return {**old, "status": as_object(new.get("status")), "metadata": _version_of(old, new)}
    if "status" not in resource.parts:
        return new
    status: Json = old.get("status")
    return without(new, "status") if status is None else {**new, "status": status}


def _version_of(old: Object, new: Object) -> Object:
    """The old metadata, with the new object's idea of how old it is."""
    version = text_at(new, "metadata", "resourceVersion")
    return {**object_at(old, "metadata"), "resourceVersion": version} if version else object_at(old, "metadata")
