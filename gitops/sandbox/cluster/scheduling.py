"""Gives pods their nodes: the queue's order, the least used of the nodes that can take the pod, and words for a no.

A pod that fits nowhere stays pending and says so, as kube-scheduler has it. Nothing is preempted.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gitops.sandbox.cluster.filters import Board, Place, refusals
from gitops.sandbox.cluster.jsonvalues import (
    Json,
    Object,
    at,
    changed,
    number_at,
    object_at,
    objects_at,
    pairs_at,
    text_at,
)
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.cluster.views import node_view, pod_view
from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from gitops.sandbox.cluster.store import Store
    from gitops.sandbox.cluster.views import PodView

FINISHED = ("Succeeded", "Failed")


class Scheduler:
    """One per cluster: remembers what it has read of pods that have not changed since."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, PodView]] = {}

    def run(self, store: Store) -> None:
        """Try every pod that has no node, once."""
        pods = [pod for pod in store.items("pods") if text_at(pod, "status", "phase") not in FINISHED]
        self._read = {text_at(pod, "metadata", "uid"): self._look(pod) for pod in pods}
        pending = sorted((pod for pod in pods if is_waiting(pod)), key=queue_order)
        if not pending:
            return
        board = self._board(store, pods)
        hopeless: dict[PodView, str] = {}  # holds until a pod is placed, which may open a place beside it
        for pod in pending:
            view = self._view(pod)
            place, why = (None, hopeless[view]) if view in hopeless else choose(view, board)
            if place is None:
                hopeless[view] = why
                _refuse(store, pod, why)
            else:
                hopeless.clear()
                board.put(view, place)
                bind(store, pod, place.node.name)

    def _look(self, pod: Object) -> tuple[str, PodView]:
        uid, version = text_at(pod, "metadata", "uid"), text_at(pod, "metadata", "resourceVersion")
        known = self._read.get(uid)
        return known if known and known[0] == version else (version, pod_view(pod))

    def _view(self, pod: Object) -> PodView:
        return self._read[text_at(pod, "metadata", "uid")][1]

    def _board(self, store: Store, pods: list[Object]) -> Board:
        places = {text_at(node, "metadata", "name"): Place(node=node_view(node)) for node in store.items("nodes")}
        for pod in pods:
            place = places.get(text_at(pod, "spec", "nodeName"))
            if place:
                place.take(self._view(pod))
        namespaces = {
            text_at(one, "metadata", "name"): pairs_at(one, "metadata", "labels") for one in store.items("namespaces")
        }
        return Board(places=tuple(places.values()), namespaces=namespaces)


def is_waiting(pod: Object) -> bool:
    """Whether the scheduler should look at the pod: no node yet, not on its way out, not gated."""
    return not (
        at(pod, "spec", "nodeName") or at(pod, "metadata", "deletionTimestamp") or at(pod, "spec", "schedulingGates")
    )


def queue_order(pod: Object) -> tuple[int, str, str, str]:
    """Highest priority first, then oldest first, then by name."""
    metadata = object_at(pod, "metadata")
    names = text_at(metadata, "namespace"), text_at(metadata, "name")
    return -number_at(pod, "spec", "priority"), text_at(metadata, "creationTimestamp"), *names


def choose(pod: PodView, board: Board) -> tuple[Place | None, str]:
    """The node for the pod, or None and kube-scheduler's words for why there is none."""
    reasons: Counter[str] = Counter()
    fitting: list[Place] = []
    for place in board.places:
        told = refusals(pod, place, board)
        reasons.update(told)
        if not told:
            fitting.append(place)
    if fitting:
        return min(fitting, key=lambda place: (-_free_share(pod, place), place.node.name)), ""
    if not board.places:
        return None, "no nodes available to schedule pods"
    told = sorted(f"{count} {reason}" for reason, count in reasons.items())
    return None, f"0/{len(board.places)} nodes are available: {', '.join(told)}."


def _free_share(pod: PodView, place: Place) -> int:
    """NodeResourcesFit's LeastAllocated: the free share of CPU and memory once the pod is there, 0 to 100."""
    wanted, total = place.used.plus(pod.requests), place.node.allocatable
    known = [name for name in (CPU, MEMORY) if total.get(name)]
    shares = [(total.get(name) - wanted.get(name)) * 100 // total.get(name) for name in known]
    return sum(shares) // len(shares) if shares else 0


def bind(store: Store, pod: Object, node: str) -> None:
    """Write the node into the pod."""
    bound = changed(pod, "spec", "nodeName", to=node)
    _write(store, set_condition(bound, store, kind="PodScheduled", status="True"))


def _refuse(store: Store, pod: Object, why: str) -> None:
    told = set_condition(pod, store, kind="PodScheduled", status="False", reason="Unschedulable", message=why)
    _write(store, changed(told, "status", "phase", to="Pending"))


def _write(store: Store, pod: Object) -> None:
    store.replace(Key("pods", text_at(pod, "metadata", "namespace"), text_at(pod, "metadata", "name")), pod)


def set_condition(
    item: Object, store: Store, *, kind: str, status: str, reason: str = "", message: str = ""
) -> Object:
    """The object with this condition; the time of its last change is kept while its status stays."""
    others: list[Json] = [one for one in objects_at(item, "status", "conditions") if text_at(one, "type") != kind]
    old = next((one for one in objects_at(item, "status", "conditions") if text_at(one, "type") == kind), None)
    since = text_at(old, "lastTransitionTime") if text_at(old, "status") == status else store.stamp()
    told: Object = {"type": kind, "status": status, "lastTransitionTime": since or store.stamp()}
    told |= {name: text for name, text in (("reason", reason), ("message", message)) if text}
    return changed(item, "status", "conditions", to=sorted([*others, told], key=lambda one: text_at(one, "type")))
