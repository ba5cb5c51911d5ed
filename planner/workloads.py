"""Pods that nobody has created: what workloads given as files would create, and headroom that is to be kept free."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count, islice
from typing import TYPE_CHECKING

from planner.aims import HEADROOM, LOWEST_PRIORITY
from planner.pods import Needs, Owner, Pod, Scheduling
from planner.requirements import Requirements
from planner.snapshot import Claim, PodTemplate, Snapshot, Workload
from planner.volumes import combine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planner.aims import Headroom


def with_workloads(snapshot: Snapshot) -> Snapshot:
    """The snapshot with every workload's missing pods as pending pods, and a StatefulSet's claims as unbound ones.

    What admission would add (priority, RuntimeClass overhead and selector) is added here.
    """
    if not snapshot.workloads:
        return snapshot
    present = Counter(pod.owner for pod in snapshot.pods if not pod.phase.finished and not pod.deleting)
    known_claims = {(claim.namespace, claim.name) for claim in snapshot.claims}
    pods, claims = list(snapshot.pods), list(snapshot.claims)
    for workload in snapshot.workloads:
        needs = admit(workload.template.needs, snapshot)
        taken = {pod.name for pod in pods if pod.namespace == workload.owner.namespace}
        for name in _names(workload, workload.replicas - present[workload.owner], taken):
            made = _claims(workload, name)
            claims += [claim for claim in made if (claim.namespace, claim.name) not in known_claims]
            extra = tuple(claim.name for claim in made)
            pods.append(_pod(workload.owner, name, workload.template, replace(needs, claims=(*needs.claims, *extra))))
    return replace(
        snapshot,
        pods=tuple(sorted(pods, key=lambda pod: (pod.namespace, pod.name))),
        claims=tuple(sorted(claims, key=lambda claim: (claim.namespace, claim.name))),
    )


def with_headroom(snapshot: Snapshot, headroom: Iterable[Headroom]) -> Snapshot:
    """The snapshot with every buffer's pods as pending pods, so that the plan finds them room as it does for others.

    Where nodes have the room already, nothing is ordered for them; where real pods took it, it is ordered anew. They
    come last in every order of pods, so that they never keep a real one out.
    """
    buffers = tuple(headroom)
    if not buffers:
        return snapshot
    taken = {(pod.namespace, pod.name) for pod in snapshot.pods}
    made = [pod for one in buffers for pod in _buffer(one, snapshot, taken)]
    pods = sorted((*snapshot.pods, *made), key=lambda pod: (pod.namespace, pod.name))
    return replace(snapshot, pods=tuple(pods))


def _buffer(one: Headroom, snapshot: Snapshot, taken: set[tuple[str, str]]) -> Iterator[Pod]:
    needs = replace(admit(one.template.needs, snapshot), priority=LOWEST_PRIORITY)
    owner = Owner(HEADROOM, one.namespace, one.name)
    free = (name for number in count(1) if (one.namespace, name := f"{one.name}-{number}") not in taken)
    for name in islice(free, one.replicas):
        taken.add((one.namespace, name))
        yield replace(_pod(owner, name, one.template, needs), controller=None, scheduling=Scheduling.UNSCHEDULABLE)


def admit(needs: Needs, snapshot: Snapshot) -> Needs:
    """A pod template's needs as the Priority and RuntimeClass admission plugins leave them."""
    classes = snapshot.priority_classes
    priority = next(
        (one.value for one in classes if one.name == needs.priority_class),
        next((one.value for one in classes if one.is_default and not needs.priority_class), needs.priority),
    )
    runtime = next((one for one in snapshot.runtime_classes if one.name == needs.runtime_class), None)
    if runtime is None:
        return replace(needs, priority=priority)
    selector = Requirements.from_labels(dict(runtime.selector))
    return replace(
        needs, priority=priority, requests=needs.requests.plus(runtime.overhead),
        alternatives=combine(needs.alternatives, (selector,)),
        tolerations=tuple(sorted({*needs.tolerations, *runtime.tolerations})),
    )  # fmt: skip


def _names(workload: Workload, missing: int, taken: set[str]) -> list[str]:
    stem = workload.owner.name if workload.owner.kind == "StatefulSet" else f"{workload.owner.name}-whatif"
    first = 0 if workload.owner.kind == "StatefulSet" else 1
    names: list[str] = []
    number = first
    while len(names) < missing:
        if (name := f"{stem}-{number}") not in taken:
            names.append(name)
        number += 1
    return names


def _claims(workload: Workload, pod: str) -> list[Claim]:
    namespace = workload.owner.namespace
    return [
        Claim(namespace=namespace, name=f"{claim}-{pod}", storage_class=storage_class or None)
        for claim, storage_class in workload.claim_templates
    ]


def _pod(owner: Owner, name: str, template: PodTemplate, needs: Needs) -> Pod:
    return Pod(
        namespace=owner.namespace, name=name, labels=template.labels, annotations=template.annotations,
        owner=owner, controller=(owner.kind, owner.name), needs=needs,
    )  # fmt: skip
