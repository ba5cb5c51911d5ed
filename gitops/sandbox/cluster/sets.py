"""StatefulSets, DaemonSets and Jobs: which pods each of them has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.sandbox.cluster.deployments import replicas_of
from gitops.sandbox.cluster.jsonvalues import Json, Object, at, changed, number_at, object_at, objects_at, text_at
from gitops.sandbox.cluster.ownership import (
    active_pods,
    count_name,
    is_ready,
    make_pod,
    name_of,
    namespace_of,
    owned,
    phase,
    remove,
    set_status,
    suffix,
)
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.cluster.views import REQUIRED, node_view, pod_view
from planner.taints import untolerated

if TYPE_CHECKING:
    from gitops.sandbox.cluster.store import Store
    from gitops.sandbox.cluster.views import NodeView

#: What the DaemonSet controller lets its pods bear (``AddOrUpdateDaemonPodTolerations``): key and effect.
BORNE = (
    ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
)
JOB_LABELS = ("batch.kubernetes.io/job-name", "job-name")


def sync_stateful_sets(store: Store) -> None:
    """Pods 0 to n-1; unless told otherwise each waits for the one before to be ready, and the last goes first."""
    for owner in store.items("statefulsets.apps"):
        wanted = [f"{name_of(owner)}-{ordinal}" for ordinal in range(replicas_of(owner))]
        pods = {name_of(pod): pod for pod in active_pods(store, owner)}
        for name in sorted(pods.keys() - set(wanted), key=lambda name: int(name.rpartition("-")[2]), reverse=True):
            remove(store, pods[name])
        ordered = text_at(owner, "spec", "podManagementPolicy") != "Parallel"
        for ordinal, name in enumerate(wanted):
            if name not in pods:
                _make_member(store, owner, name, ordinal)
            if ordered and not (name in pods and is_ready(pods[name])):
                break
        _tell_counts(store, owner, active_pods(store, owner))


def _make_member(store: Store, owner: Object, name: str, ordinal: int) -> None:
    spec = object_at(owner, "spec", "template", "spec")
    volumes: list[Json] = list(objects_at(spec, "volumes"))
    for template in objects_at(owner, "spec", "volumeClaimTemplates"):
        claim = f"{name_of(template)}-{name}"
        volumes.append({"name": name_of(template), "persistentVolumeClaim": {"claimName": claim}})
        key = Key("persistentvolumeclaims", namespace_of(owner), claim)
        if store.find(key) is None:
            made: Object = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}
            store.create(key, {**template, **made})
    labels = {"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(ordinal)}
    make_pod(store, owner, name, spec=changed(spec, "volumes", to=volumes) if volumes else spec, labels=labels)


def _tell_counts(store: Store, owner: Object, pods: list[Object]) -> None:
    ready = sum(map(is_ready, pods))
    set_status(store, owner, {
        "replicas": len(pods), "currentReplicas": len(pods), "updatedReplicas": len(pods), "readyReplicas": ready,
        "availableReplicas": ready, "observedGeneration": at(owner, "metadata", "generation"),
    })  # fmt: skip


def sync_daemon_sets(store: Store) -> None:
    """One pod on every node that the template selects and tolerates, whether the node has room or not."""
    nodes = [node_view(node) for node in store.items("nodes")]
    for owner in store.items("daemonsets.apps"):
        spec = _daemon_spec(object_at(owner, "spec", "template", "spec"))
        fitting = {
            f"{name_of(owner)}-{suffix([name_of(owner), node.name])}": node for node in nodes if _runs_on(spec, node)
        }
        pods = {name_of(pod): pod for pod in active_pods(store, owner)}
        for name in sorted(pods.keys() - fitting.keys()):
            remove(store, pods[name])
        for name in sorted(fitting.keys() - pods.keys()):
            make_pod(store, owner, name, spec=_pinned(spec, fitting[name].name))
        _tell_daemons(store, owner, len(fitting))


def _daemon_spec(spec: Object) -> Object:
    borne: list[Json] = [
        {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect} for key, effect in BORNE
    ]
    return {**spec, "tolerations": [*objects_at(spec, "tolerations"), *borne]}


def _runs_on(spec: Object, node: NodeView) -> bool:
    view = pod_view({"spec": spec})
    return view.accepts(node) and not untolerated(node.taints, view.tolerations)


def _pinned(spec: Object, node: str) -> Object:
    """The spec for one node: the scheduler still decides, but only that node matches."""
    path = ("affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms")
    fields: list[Json] = [{"key": "metadata.name", "operator": "In", "values": [node]}]
    terms = objects_at(spec, *path) or [{}]
    return changed(spec, *path, to=[{**term, "matchFields": fields} for term in terms])


def _tell_daemons(store: Store, owner: Object, wanted: int) -> None:
    pods = active_pods(store, owner)
    placed, ready = sum(bool(at(pod, "spec", "nodeName")) for pod in pods), sum(map(is_ready, pods))
    set_status(store, owner, {
        "desiredNumberScheduled": wanted, "currentNumberScheduled": placed, "updatedNumberScheduled": placed,
        "numberReady": ready, "numberAvailable": ready, "numberUnavailable": wanted - ready, "numberMisscheduled": 0,
        "observedGeneration": at(owner, "metadata", "generation"),
    })  # fmt: skip


def sync_jobs(store: Store) -> None:
    """As many pods at a time as a Job allows, until enough have succeeded; pods end only when a client says so."""
    for owner in store.items("jobs.batch"):
        done = sum(phase(pod) == "Succeeded" for pod in owned(store, owner, "pods"))
        failed = sum(phase(pod) == "Failed" for pod in owned(store, owner, "pods"))
        parallelism = number_at(owner, "spec", "parallelism", otherwise=1)
        completions = number_at(owner, "spec", "completions", otherwise=parallelism)
        wanted = 0 if at(owner, "spec", "suspend") is True else min(parallelism, completions - done)
        pods, labels = active_pods(store, owner), dict.fromkeys(JOB_LABELS, name_of(owner))
        for pod in pods[max(0, wanted):]:
            remove(store, pod)
        for _ in range(wanted - len(pods)):
            make_pod(store, owner, count_name(store, owner), labels=labels)
        status: Object = {"active": max(0, wanted), "succeeded": done, "failed": failed}
        if done >= completions:
            status["conditions"] = [{"type": "Complete", "status": "True"}]
        set_status(store, owner, status)
