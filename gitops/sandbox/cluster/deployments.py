"""Deployments and ReplicaSets: how many pods there are, which go first, and how a new template rolls out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gitops.sandbox.cluster.jsonvalues import as_text, at, changed, number_at, object_at, pairs_at, text_at, without
from gitops.sandbox.cluster.ownership import (
    active_pods,
    count_name,
    is_ready,
    make_owned,
    make_pod,
    name_of,
    owned,
    phase,
    remove,
    set_status,
    suffix,
)
from gitops.sandbox.cluster.store import key_of

if TYPE_CHECKING:
    from gitops.sandbox.cluster.jsonvalues import Json, Object
    from gitops.sandbox.cluster.store import Store

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
HASH = "pod-template-hash"


def sync_replica_sets(store: Store) -> None:
    """Every ReplicaSet has as many pods as it wants."""
    for owner in store.items("replicasets.apps"):
        _sync_replica_set(store, owner)


def _sync_replica_set(store: Store, owner: Object) -> None:
    pods, wanted = active_pods(store, owner), replicas_of(owner)
    for pod in leaving_first(pods)[: max(0, len(pods) - wanted)]:
        remove(store, pod)
    for _ in range(wanted - len(pods)):
        make_pod(store, owner, count_name(store, owner))
    pods = active_pods(store, owner)
    ready = sum(map(is_ready, pods))
    set_status(store, owner, {
        "replicas": len(pods), "fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": ready,
        "observedGeneration": at(owner, "metadata", "generation"),
    })  # fmt: skip


def replicas_of(owner: Object) -> int:
    """spec.replicas, 1 where it is not given."""
    return number_at(owner, "spec", "replicas", otherwise=1)


def leaving_first(pods: list[Object]) -> list[Object]:
    """In the ReplicaSet controller's order (``ActivePodsWithRanks``): without a node, pending, not ready, cheap,
    crowded on their node, newest."""
    crowd = Counter(text_at(pod, "spec", "nodeName") for pod in pods)
    by_name = sorted(pods, key=name_of)
    newest = sorted(by_name, key=lambda pod: text_at(pod, "metadata", "creationTimestamp"), reverse=True)
    return sorted(newest, key=lambda pod: _worth(pod, crowd[text_at(pod, "spec", "nodeName")]))


def _worth(pod: Object, crowd: int) -> tuple[bool, bool, bool, int, int]:
    cost = pairs_at(pod, "metadata", "annotations").get(DELETION_COST, "0")
    number = int(cost) if cost.removeprefix("-").isdigit() else 0
    return bool(text_at(pod, "spec", "nodeName")), phase(pod) != "Pending", is_ready(pod), number, -crowd


def sync_deployments(store: Store) -> None:
    """Every Deployment has one ReplicaSet for its template; those of older templates give way to it."""
    for owner in store.items("deployments.apps"):
        current = _current_set(store, owner)
        _roll(store, owner, current)
        _tell(store, owner, name_of(current))


def _current_set(store: Store, owner: Object) -> Object:
    template = object_at(owner, "spec", "template")
    word = suffix(template, 10)
    name = f"{name_of(owner)}-{word}"
    for one in owned(store, owner, "replicasets.apps"):
        if name_of(one) == name:
            return one
    labels: Object = {**pairs_at(template, "metadata", "labels"), HASH: word}
    selector = changed(object_at(owner, "spec", "selector"), "matchLabels", HASH, to=word)
    spec: Object = {"replicas": 0, "selector": selector, "template": changed(template, "metadata", "labels", to=labels)}
    metadata: Object = {"name": name, "labels": labels}
    return make_owned(store, owner, {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec})


def _roll(store: Store, owner: Object, current: Object) -> None:
    """One step of a rolling update, as far as maxSurge and maxUnavailable let it go; settling makes the next steps."""
    wanted = replicas_of(owner)
    others = [one for one in owned(store, owner, "replicasets.apps") if name_of(one) != name_of(current)]
    older = [one for one in others if replicas_of(one)]
    rolling = object_at(owner, "spec", "strategy", "rollingUpdate")
    surge = share_of(rolling.get("maxSurge", "25%"), wanted, up=True)
    spare = share_of(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    if text_at(owner, "spec", "strategy", "type") == "Recreate":
        surge, spare = 0, wanted
    _resize(store, current, min(wanted, max(replicas_of(current), wanted + surge - sum(map(replicas_of, older)))))
    healthy = sum(number_at(one, "status", "readyReplicas") for one in (current, *older))
    room = healthy - (wanted - max(spare, 0 if surge else 1))
    for one in older:
        unhealthy = replicas_of(one) - number_at(one, "status", "readyReplicas")
        going = min(replicas_of(one), max(0, unhealthy) + max(0, room))
        room -= max(0, going - unhealthy)
        _resize(store, one, replicas_of(one) - going)


def share_of(value: Json, total: int, *, up: bool) -> int:
    """A number, or a percentage of ``total`` rounded up or down; 0 for what is neither."""
    text = as_text(value)
    if text.endswith("%") and text[:-1].isdigit():
        part = int(text[:-1]) * total
        return -(-part // 100) if up else part // 100
    return value if isinstance(value, int) else 0


def _resize(store: Store, owner: Object, replicas: int) -> None:
    store.replace(key_of(owner), changed(owner, "spec", "replicas", to=replicas))


def _tell(store: Store, owner: Object, current: str) -> None:
    sets = owned(store, owner, "replicasets.apps")
    total, ready = (sum(number_at(one, "status", name) for one in sets) for name in ("replicas", "readyReplicas"))
    updated = sum(number_at(one, "status", "replicas") for one in sets if name_of(one) == current)
    missing = max(0, replicas_of(owner) - ready)
    set_status(store, without(owner, "status"), {
        "replicas": total, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready,
        "unavailableReplicas": missing, "observedGeneration": at(owner, "metadata", "generation"),
        "conditions": [{
            "type": "Available", "status": "False" if missing else "True",
            "reason": "MinimumReplicasUnavailable" if missing else "MinimumReplicasAvailable",
        }],
    })  # fmt: skip
