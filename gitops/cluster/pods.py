"""A Pod object → the planner's pod: its owner as people know it, its state, and its needs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import msgspec

from gitops.cluster.fields import at, pairs, telling, utc
from gitops.cluster.needs import NOTHING
from planner.pods import Owner, Phase, Pod, Scheduling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.cluster import wire
    from gitops.cluster.fields import Pairs
    from gitops.cluster.needs import NeedsReader
    from planner.resources import Resources

T = TypeVar("T")
MIRROR = "kubernetes.io/config.mirror"
TEMPLATE_HASH = "pod-template-hash"
DEFAULT_NAMESPACE = "default"
DEFAULT_SCHEDULER = "default-scheduler"
_PHASES = {phase.value: phase for phase in Phase}


class _Shape(NamedTuple):
    """What pods of one template share beside their needs."""

    namespace: str
    labels: Pairs
    annotations: Pairs
    owner: Owner | None
    controller: tuple[str, str] | None
    scheduler: str


class PodReader:
    """Reads pods; what the pods of one template have in common is read once, and shared between them."""

    def __init__(self, needs: NeedsReader, defaults: Mapping[str, Resources]) -> None:
        """``defaults`` are requests by namespace, for pods that never passed the API server."""
        self._needs, self.defaults = needs, defaults
        self._shapes: dict[bytes, _Shape] = {}
        self._shared: dict[object, object] = {}
        self._encode = msgspec.json.Encoder().encode

    @property
    def size(self) -> int:
        """How many things it keeps for pods to come."""
        return len(self._shapes) + len(self._shared)

    def read(self, pod: wire.Pod) -> Pod:
        """Raises Misfit."""
        meta, spec, status = pod.metadata, pod.spec, pod.status
        with at("spec"):
            needs = self._needs.read(spec, meta.labels, meta.name, status=status, defaults=self._given(meta, spec))
        shape, phase = self._shape(meta, spec), _phase(status)
        tried = _scheduled_condition(status)
        return Pod(
            namespace=shape.namespace,
            name=meta.name,
            uid=meta.uid or "",
            labels=shape.labels,
            annotations=shape.annotations,
            owner=shape.owner,
            controller=shape.controller,
            needs=needs,
            node_name=self._share(spec.node_name or ""),
            nominated_node=(status.nominated_node_name if status else None) or "",
            phase=phase,
            scheduling=_scheduling(spec, tried),
            mirror=MIRROR in (meta.annotations or ()),
            deleting=meta.deletion_timestamp is not None,
            scheduler=shape.scheduler,
            created_at=utc(meta.creation_timestamp),
            unscheduled_since=utc(tried.last_transition_time) if tried and tried.status == "False" else None,
            finished_at=_finished_at(status) if phase.finished else None,
        )

    def _given(self, meta: wire.Metadata, spec: wire.PodSpec) -> Resources:
        """A pod without a priority never passed the API server: its containers have yet to get what it gives."""
        if spec.priority is not None:
            return NOTHING
        return self.defaults.get(meta.namespace or DEFAULT_NAMESPACE, NOTHING)

    def _shape(self, meta: wire.Metadata, spec: wire.PodSpec) -> _Shape:
        annotations = telling(meta.annotations)
        key = self._encode((meta.namespace, meta.labels, annotations, meta.owner_references, spec.scheduler_name))
        known = self._shapes.get(key)
        if known is None:
            known = self._shapes[key] = self._read_shape(meta, spec, annotations)
        return known

    def _read_shape(self, meta: wire.Metadata, spec: wire.PodSpec, annotations: Pairs) -> _Shape:
        namespace = meta.namespace or DEFAULT_NAMESPACE
        controller = next((one for one in meta.owner_references or () if one.controller), None)
        return _Shape(
            namespace=self._share(namespace),
            labels=self._share(pairs(meta.labels)),
            annotations=self._share(annotations),
            owner=self._share(_owner(controller, namespace, meta.labels or {})),
            controller=self._share((controller.kind, controller.name) if controller else None),
            scheduler=self._share(_other_scheduler(spec)),
        )

    def _share(self, value: T) -> T:
        return cast("T", self._shared.setdefault(value, value))


def _other_scheduler(spec: wire.PodSpec) -> str:
    return "" if spec.scheduler_name in (None, DEFAULT_SCHEDULER) else spec.scheduler_name or ""


def _owner(controller: wire.OwnerReference | None, namespace: str, labels: dict[str, str]) -> Owner | None:
    """A ReplicaSet that bears the pod's template hash belongs to the Deployment of the rest of its name."""
    if controller is None:
        return None
    suffix = f"-{labels.get(TEMPLATE_HASH, '')}"
    if controller.kind == "ReplicaSet" and len(suffix) > 1 and controller.name.endswith(suffix):
        return Owner("Deployment", namespace, controller.name.removesuffix(suffix))
    return Owner(controller.kind, namespace, controller.name)


def _phase(status: wire.PodStatus | None) -> Phase:
    """A phase that is not written is Pending, as the API server sets it; one nobody knows is UNKNOWN."""
    written = status.phase if status else None
    return _PHASES.get(written, Phase.UNKNOWN) if written else Phase.PENDING


def _scheduled_condition(status: wire.PodStatus | None) -> wire.Condition | None:
    conditions = (status.conditions if status else None) or ()
    return next((one for one in conditions if one.type == "PodScheduled"), None)


def _scheduling(spec: wire.PodSpec, said: wire.Condition | None) -> Scheduling:
    if spec.node_name:
        return Scheduling.SCHEDULED
    if spec.scheduling_gates:
        return Scheduling.GATED
    if said is None:
        return Scheduling.UNTRIED
    if said.status == "True":
        return Scheduling.SCHEDULED
    return {"Unschedulable": Scheduling.UNSCHEDULABLE, "SchedulingGated": Scheduling.GATED}.get(
        said.reason or "", Scheduling.UNTRIED
    )


def _finished_at(status: wire.PodStatus | None) -> datetime | None:
    """When the last container ended; without any (an evicted pod), when the last condition changed."""
    ended = [
        one.state.terminated.finished_at
        for one in (status.container_statuses if status else None) or ()
        if one.state and one.state.terminated and one.state.terminated.finished_at
    ]
    changed = [one.last_transition_time for one in (status.conditions if status else None) or ()]
    return max((time for one in ended or changed if (time := utc(one))), default=None)
