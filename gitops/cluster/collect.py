"""Objects → one Snapshot: each object once, sorted, whatever the order of files and documents."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gitops.cluster import kinds, objects, storage_wire, wire, workloads
from gitops.cluster.needs import NOTHING
from gitops.cluster.nodes import read_node
from gitops.cluster.readings import Readings
from gitops.decoding import Misfit
from gitops.errors import InputError
from planner.resources import Resources
from planner.snapshot import Claim, Snapshot
from planner.workloads import admit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gitops.cluster.items import Item
    from planner.pods import Pod
    from planner.snapshot import DaemonSet, Workload

_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._:]{0,252}")
T = TypeVar("T")
W = TypeVar("W", bound=wire.Wire)


@dataclass
class Collection:
    """Items by kind, as they are found; those of kinds that nothing here reads are only counted."""

    found: dict[str, list[Item]] = field(default_factory=dict)
    policy: list[Item] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item) -> None:
        if kinds.is_policy(item.api_version, item.kind):
            self.policy.append(item)
        elif (item.api_version, item.kind) in kinds.BY_NAME:
            self.found.setdefault(item.kind, []).append(item)
        else:
            self.unknown[item.full_kind] += 1

    def unknown_kinds(self) -> dict[str, int]:
        return dict(sorted(self.unknown.items()))


class _ReadPod(NamedTuple):
    """A pod, and the claims that its generic ephemeral volumes will get."""

    pod: Pod
    claims: tuple[Claim, ...]

    @property
    def namespace(self) -> str:
        return self.pod.namespace

    @property
    def name(self) -> str:
        return self.pod.name


def read_snapshot(collection: Collection, readings: Readings | None = None) -> Snapshot:
    """Raises InputError at the first object that is wrong or stands twice with different content.

    ``readings`` are those of the same cluster before, for a caller that reads it again and again.
    """
    return _Reader(collection, readings or Readings(once=True)).snapshot()


class _Reader:
    def __init__(self, collection: Collection, readings: Readings) -> None:
        self._found = collection.found
        self._readings = readings
        readings.begin(len(collection.found.get("Pod", ())))
        self._needs = readings.needs
        self._defaults: dict[str, Resources] = {}
        self._replicas = 0

    def snapshot(self) -> Snapshot:
        self._defaults = self._default_requests()
        known = Snapshot(
            nodes=self._read("Node", wire.Node, read_node),
            volumes=self._read("PersistentVolume", storage_wire.Volume, objects.read_volume),
            claims=self._read("PersistentVolumeClaim", storage_wire.Claim, objects.read_claim),
            storage_classes=self._read("StorageClass", storage_wire.StorageClass, objects.read_storage_class),
            volume_limits=self._read("CSINode", storage_wire.CSINode, objects.read_volume_limits),
            budgets=self._read("PodDisruptionBudget", wire.Budget, objects.read_budget),
            services=self._read("Service", wire.Service, objects.read_service),
            namespaces=self._read("Namespace", wire.Namespace, objects.read_namespace),
            priority_classes=self._read("PriorityClass", wire.PriorityClass, objects.read_priority_class),
            runtime_classes=self._read("RuntimeClass", wire.RuntimeClass, objects.read_runtime_class),
            daemonsets=self._daemonsets(),
            workloads=self._workloads(),
        )
        ephemeral: dict[tuple[str, str], Claim] = {}
        pods = self._pods(known, ephemeral)
        have = {(one.namespace, one.name) for one in known.claims}
        claims = (*known.claims, *(claim for key, claim in ephemeral.items() if key not in have))
        return replace(known, pods=pods, claims=tuple(sorted(claims, key=lambda one: (one.namespace, one.name))))

    def _read(self, kind: str, shape: type[W], make: Callable[[W], T]) -> tuple[T, ...]:
        return _once(self._named(kind, shape, make))

    def _named(
        self, kind: str, shape: type[W], make: Callable[[W], T], context: object = None
    ) -> Iterator[tuple[tuple[str, str], T, Item]]:
        """``context`` is all that ``make`` looks at besides the object."""
        items = self._found.get(kind, ())
        for item, value in self._readings.values(kind, context, items, lambda one: _read(one, shape, make)):
            yield (getattr(value, "namespace", ""), value.name), value, item  # type: ignore[attr-defined]

    def _default_requests(self) -> dict[str, Resources]:
        """What the LimitRanges of each namespace give to containers; of several, the first by name decides."""
        found: dict[str, Resources] = {}
        for one in self._read("LimitRange", storage_wire.LimitRange, objects.read_default_requests):
            more = {**dict(one.requests.items), **dict(found.get(one.namespace, NOTHING).items)}
            found[one.namespace] = Resources.of(more)
        return found

    def _pods(self, known: Snapshot, ephemeral: dict[tuple[str, str], Claim]) -> tuple[Pod, ...]:
        reader = self._readings.pods(self._defaults)

        def make(written: wire.Pod) -> _ReadPod:
            pod = reader.read(written)
            return _ReadPod(_admitted(pod, written.spec, known), tuple(_ephemeral_claims(pod, written.spec)))

        context = (self._defaults, known.priority_classes, known.runtime_classes)
        found = _once(self._named("Pod", wire.Pod, make, context))
        ephemeral.update(((claim.namespace, claim.name), claim) for one in found for claim in one.claims)
        return tuple(one.pod for one in found)

    def _daemonsets(self) -> tuple[DaemonSet, ...]:
        found = self._named("DaemonSet", wire.Workload, self._read_daemonset, self._defaults)
        return _once(_latest(found))

    def _read_daemonset(self, one: wire.Workload) -> DaemonSet:
        return workloads.read_daemonset(one, self._needs, self._defaults)

    def _workloads(self) -> tuple[Workload, ...]:
        made: list[Workload] = []
        for kind in kinds.WORKLOAD_KINDS:
            made += _once(_latest(self._of_kind(kind.kind)))
        return tuple(sorted(made, key=lambda one: (one.owner.namespace, one.owner.name, one.owner.kind)))

    def _of_kind(self, kind: str) -> Iterator[tuple[tuple[str, str], Workload, Item]]:
        def make(one: wire.Workload) -> Workload | None:
            if workloads.is_owned(one):
                return None
            return workloads.read_workload(one, kind, self._needs, self._defaults)

        for item in self._found.get(kind, ()):
            if (made := _read(item, wire.Workload, make)) is not None:
                self._count(made, item)
                yield (made.owner.namespace, made.owner.name), made, item

    def _count(self, made: Workload, item: Item) -> None:
        """Raises InputError before more pods are made than any cluster runs."""
        self._replicas += made.replicas
        if self._replicas > workloads.MOST_PODS:
            together = f"with those before it asks for {self._replicas} pods"
            text = f"{together}; a plan is made for {workloads.MOST_PODS} pods of workloads at most"
            raise item.refused(Misfit(text, ("spec",)))


def _read(item: Item, shape: type[W], make: Callable[[W], T]) -> T:
    try:
        one = item.decode(shape)
        _check_names(one.metadata)  # type: ignore[attr-defined] # every kind that is read has it
        return make(one)
    except Misfit as misfit:
        raise item.refused(misfit) from None


def _check_names(metadata: wire.Metadata) -> None:
    """Names end up in file names, messages and plans; the API server takes no other ones."""
    for field_name, name in (("name", metadata.name), ("namespace", metadata.namespace)):
        if name is not None and not _NAME.fullmatch(name):
            raise Misfit(f"{name[:80]!a} is no name that Kubernetes takes", ("metadata", field_name))


def _latest(found: Iterable[tuple[tuple[str, str], T, Item]]) -> Iterator[tuple[tuple[str, str], T, Item]]:
    """Of workloads of one name, those of the last path: a file given later says what would be if it were applied."""
    latest: dict[tuple[str, str], list[tuple[tuple[str, str], T, Item]]] = {}
    for one in found:
        kept = latest.setdefault(one[0], [])
        if kept and kept[0][2].argument < one[2].argument:
            kept.clear()
        if not kept or kept[0][2].argument == one[2].argument:
            kept.append(one)
    for kept in latest.values():
        yield from kept


def _once(found: Iterable[tuple[tuple[str, str], T, Item]]) -> tuple[T, ...]:
    """Sorted by name, each once. Raises InputError where one name stands for two different objects."""
    known: dict[tuple[str, str], tuple[T, Item]] = {}
    for key, value, item in found:
        before = known.setdefault(key, (value, item))
        if before[0] is not value and before[0] != value:
            raise InputError(
                f"{item.name} stands here and, with other content, at {before[1].body.place(())}; leave one out",
                place=item.body.place(()),
            )
    return tuple(known[key][0] for key in sorted(known))


def _admitted(pod: Pod, spec: wire.PodSpec, known: Snapshot) -> Pod:
    """A pod that never passed the API server, as admission would leave it."""
    if spec.priority is not None:
        return pod
    written = replace(pod.needs, runtime_class="") if spec.overhead else pod.needs
    admitted = replace(admit(written, known), runtime_class=pod.needs.runtime_class)
    return pod if admitted == pod.needs else replace(pod, needs=admitted)


def _ephemeral_claims(pod: Pod, spec: wire.PodSpec) -> Iterator[Claim]:
    """The claims that the control plane makes for a pod's generic ephemeral volumes, where it has not done so yet."""
    for volume in spec.volumes or ():
        if volume.ephemeral is not None and not pod.phase.finished:
            template = volume.ephemeral.volume_claim_template
            asked = template.spec if template else None
            yield Claim(
                namespace=pod.namespace, name=f"{pod.name}-{volume.name}", modes=objects.access_modes(asked),
                storage_class=asked.storage_class_name if asked else None,
            )  # fmt: skip
