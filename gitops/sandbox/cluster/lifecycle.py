"""What nodes, owners and budgets do to pods: running where they have a place, leaving with their node or owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.sandbox.cluster.deployments import replicas_of, share_of
from gitops.sandbox.cluster.jsonvalues import (
    Json,
    Object,
    at,
    changed,
    object_at,
    objects_at,
    pairs_at,
    text_at,
)
from gitops.sandbox.cluster.ownership import (
    FINISHED,
    controller_uid,
    is_ready,
    name_of,
    namespace_of,
    phase,
    remove,
    set_status,
    uid_of,
)
from gitops.sandbox.cluster.resources import BY_NAME
from gitops.sandbox.cluster.scheduling import set_condition
from gitops.sandbox.cluster.selectors import selector_of
from gitops.sandbox.cluster.store import Key, key_of
from gitops.sandbox.cluster.views import taints_of, tolerations_of
from planner.taints import NO_EXECUTE, untolerated

if TYPE_CHECKING:
    from gitops.sandbox.cluster.store import Store


def collect_garbage(store: Store) -> None:
    """Objects whose owners or whose namespace are gone, and pods whose node is gone, go as well."""
    uids = {uid_of(item) for item in store.everything()}
    for resource in BY_NAME.values():
        for item in store.items(resource.name):
            owners = {text_at(owner, "uid") for owner in objects_at(item, "metadata", "ownerReferences")}
            lost = resource.namespaced and store.find(Key("namespaces", "", namespace_of(item))) is None
            if lost or (owners and not owners & uids):
                remove(store, item)
    for pod in store.items("pods"):
        node = text_at(pod, "spec", "nodeName")
        if node and store.find(Key("nodes", "", node)) is None:
            remove(store, pod)


def evict_by_taint(store: Store) -> None:
    """Pods leave a node at once whose NoExecute taints they do not tolerate."""
    taints = {
        name_of(node): [taint for taint in taints_of(node) if taint.effect == NO_EXECUTE]
        for node in store.items("nodes")
    }
    for pod in store.items("pods"):
        here = taints.get(text_at(pod, "spec", "nodeName"), [])
        if here and untolerated(here, tolerations_of(pod.get("spec"))):
            remove(store, pod)


def run_pods(store: Store) -> None:
    """A pod with a place on a ready node runs and is ready at once."""
    ready = {name_of(node) for node in store.items("nodes") if is_ready(node)}
    for pod in store.items("pods"):
        if phase(pod) == "Pending" and text_at(pod, "spec", "nodeName") in ready:
            store.replace(key_of(pod), _running(pod, store))


def _running(pod: Object, store: Store) -> Object:
    for kind in ("ContainersReady", "Initialized", "PodScheduled", "Ready"):
        pod = set_condition(pod, store, kind=kind, status="True")
    started: Object = {"running": {"startedAt": store.stamp()}}
    containers: list[Json] = [
        {
            "name": text_at(one, "name"), "image": text_at(one, "image"), "imageID": "", "ready": True, "started": True,
            "restartCount": 0, "state": started,
        }
        for one in objects_at(pod, "spec", "containers")
    ]
    status: Object = {"phase": "Running", "startTime": store.stamp(), "containerStatuses": containers}
    return changed(pod, "status", to={**object_at(pod, "status"), **status})


def sync_budgets(store: Store) -> None:
    """Every PodDisruptionBudget says how many of its pods may be evicted now."""
    for budget in store.items("poddisruptionbudgets.policy"):
        pods = guarded_pods(store, budget)
        expected = _expected(store, pods)
        healthy = sum(is_ready(pod) and not at(pod, "metadata", "deletionTimestamp") for pod in pods)
        desired = _desired(budget, expected)
        set_status(store, budget, {
            "currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": expected,
            "disruptionsAllowed": max(0, healthy - desired) if expected else 0,
            "observedGeneration": at(budget, "metadata", "generation"),
        })  # fmt: skip


def guarded_pods(store: Store, budget: Object) -> list[Object]:
    """The pods that a budget speaks of and that have not ended."""
    selector = selector_of(at(budget, "spec", "selector"))
    pods = store.items("pods", namespace_of(budget)) if selector is not None else []
    return [
        pod for pod in pods
        if selector and phase(pod) not in FINISHED and selector.allow(pairs_at(pod, "metadata", "labels"))
    ]  # fmt: skip


def _expected(store: Store, pods: list[Object]) -> int:
    """What the pods' controllers want together; a pod without one counts for itself."""
    sizes = {
        uid_of(owner): replicas_of(owner)
        for name in ("replicasets.apps", "statefulsets.apps") for owner in store.items(name)
    }
    owners = {controller_uid(pod) for pod in pods}
    alone = sum(controller_uid(pod) not in sizes for pod in pods)
    return alone + sum(size for uid, size in sizes.items() if uid in owners)


def _desired(budget: Object, expected: int) -> int:
    spec = object_at(budget, "spec")
    if "maxUnavailable" in spec:
        return max(0, expected - share_of(spec["maxUnavailable"], expected, up=True))
    return share_of(spec.get("minAvailable", 1), expected, up=True)


def budgets_of(store: Store, pod: Object) -> list[Object]:
    """The budgets that an eviction of the pod asks; one that does not run yet, or leaves already, may always go."""
    if phase(pod) in {*FINISHED, "Pending"} or at(pod, "metadata", "deletionTimestamp"):
        return []
    budgets = store.items("poddisruptionbudgets.policy", namespace_of(pod))
    return [one for one in budgets if uid_of(pod) in map(uid_of, guarded_pods(store, one))]
