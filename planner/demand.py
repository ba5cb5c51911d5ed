"""Which pods want a node that is not there: pending pods, grouped by equal needs, with a count.

A pod is demand when no scheduler has placed it and one would: not finished, not being deleted, not gated, not
nominated to a node by preemption, not a daemon set's and not a mirror pod (Karpenter's ``IsProvisionable``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.plan import Refusal, Unplaced
from planner.pods import Needs, Owner, Phase, Pod, Scheduling
from planner.volumes import VolumeIndex, combine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PodGroup:
    """Pending pods of one workload with equal needs. ``pods`` are ``namespace/name``, sorted."""

    namespace: str
    owner: Owner
    labels: tuple[tuple[str, str], ...]
    needs: Needs
    pods: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.pods)

    @property
    def key(self) -> str:
        """Unique among groups: the first pod's name."""
        return self.pods[0]


@dataclass(frozen=True, slots=True)
class Demand:
    """All groups, sorted by key, and the pods that no node could help, with the reason."""

    groups: tuple[PodGroup, ...] = ()
    blocked: tuple[Unplaced, ...] = ()


def is_demand(pod: Pod) -> bool:
    """Whether a new node could help this pod."""
    if pod.node_name or pod.nominated_node or pod.deleting or pod.mirror or pod.by_daemonset:
        return False
    return pod.phase is Phase.PENDING and pod.scheduling in (Scheduling.UNSCHEDULABLE, Scheduling.UNTRIED)


def collect_demand(snapshot: Snapshot) -> Demand:
    """All pending pods of a snapshot, as groups. What-if workloads must already be pods (``with_workloads``)."""
    pending = [pod for pod in snapshot.pods if is_demand(pod)]
    selected = selected_label_keys(pending, snapshot.pods)
    volumes = VolumeIndex.of(snapshot)
    groups: dict[object, list[Pod]] = {}
    blocked: dict[tuple[Owner, Refusal], list[str]] = {}
    for pod in pending:
        owner = owner_of(pod)
        places = volumes.where(pod)
        if isinstance(places, Refusal):
            blocked.setdefault((owner, places), []).append(pod.key)
            continue
        needs = replace(pod.needs, alternatives=combine(pod.needs.alternatives, places), claims=())
        labels = tuple((key, value) for key, value in pod.labels if key in selected)
        groups.setdefault((pod.namespace, owner, labels, needs), []).append(replace(pod, needs=needs, labels=labels))
    return Demand(
        tuple(sorted((_group(pods) for pods in groups.values()), key=lambda group: group.key)),
        tuple(
            Unplaced(pods=tuple(sorted(pods)), owner=owner, reasons=(reason,))
            for (owner, reason), pods in sorted(blocked.items(), key=lambda item: min(item[1]))
        ),
    )


def owner_of(pod: Pod) -> Owner:
    """The workload people know a pod by; a bare pod is its own."""
    return pod.owner or Owner("Pod", pod.namespace, pod.name)


def selected_label_keys(pending: Iterable[Pod], everything: Iterable[Pod]) -> frozenset[str]:
    """Pod label keys that some constraint looks at: all other labels do not tell groups apart."""
    keys: set[str] = set()
    for pod in pending:
        for spread in pod.needs.spreads:
            keys.update(one.key for one in (spread.selector.items if spread.selector else ()))
            keys.update(spread.match_label_keys)
    for pod in everything:
        for term in (*pod.needs.affinity, *pod.needs.anti_affinity):
            keys.update(one.key for one in (term.selector.items if term.selector else ()))
            keys.update((*term.match_label_keys, *term.mismatch_label_keys))
    return frozenset(keys)


def _group(pods: list[Pod]) -> PodGroup:
    first = pods[0]
    return PodGroup(
        namespace=first.namespace, owner=owner_of(first), labels=first.labels, needs=first.needs,
        pods=tuple(sorted(pod.key for pod in pods)),
    )  # fmt: skip
