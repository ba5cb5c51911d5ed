"""Where a pod's volumes allow it to run, as kube-scheduler's VolumeBinding filter decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from planner.plan import Refusal
from planner.requirements import Requirements
from planner.snapshot import BindingMode, Claim, Snapshot, StorageClass, Volume

if TYPE_CHECKING:
    from planner.pods import Pod

FILTER = "Volumes"
ONE_NODE: Final = ("ReadWriteOnce",)
CINDER: Final = "cinder.csi.openstack.org"
#: Provisioners of old that a CSI driver has taken over (CSI migration).
_MIGRATED: Final = {"kubernetes.io/cinder": CINDER}
NO_PROVISIONER: Final = "kubernetes.io/no-provisioner"
_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class VolumeIndex:
    """The volumes, claims and storage classes of a snapshot, by name."""

    claims: dict[tuple[str, str], Claim]
    volumes: dict[str, Volume]
    classes: dict[str, StorageClass]
    default_class: StorageClass | None
    unclaimed: dict[str, tuple[Volume, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> VolumeIndex:
        unclaimed: dict[str, list[Volume]] = {}
        for volume in snapshot.volumes:
            if not volume.claimed:
                unclaimed.setdefault(volume.storage_class, []).append(volume)
        return cls(
            {(claim.namespace, claim.name): claim for claim in snapshot.claims},
            {volume.name: volume for volume in snapshot.volumes},
            {one.name: one for one in snapshot.storage_classes},
            _default(snapshot.storage_classes),
            {name: tuple(volumes) for name, volumes in unclaimed.items()},
        )

    def where(self, pod: Pod) -> tuple[Requirements, ...] | Refusal:
        """The OR-ed places where all of the pod's volumes can be attached, or why there is none."""
        places: tuple[Requirements, ...] = (Requirements(),)
        for name in pod.needs.claims:
            found = self._claim(pod.namespace, name)
            if isinstance(found, Refusal):
                return found
            places = combine(places, found)
        return places

    def driver(self, namespace: str, name: str) -> str:
        """The CSI driver that attaches a claim's volume; empty where there is none, or none that is known."""
        claim = self.claims.get((namespace, name))
        if claim is None:
            return ""
        if claim.volume:
            volume = self.volumes.get(claim.volume)
            found = volume.driver if volume else ""
        else:
            of_class = self._class_of(claim)
            found = of_class.provisioner if of_class else ""
        return _MIGRATED.get(found, found)

    def is_disk(self, claim: Claim) -> bool:
        """Whether one node at a time can have the claim's volume: ReadWriteOnce, and of OVHcloud's block storage."""
        return claim.modes == ONE_NODE and self.driver(claim.namespace, claim.name) == CINDER

    def _claim(self, namespace: str, name: str) -> tuple[Requirements, ...] | Refusal:
        claim = self.claims.get((namespace, name))
        if claim is None:
            return _refuse(f"claim {namespace}/{name} is not in the snapshot; export persistentvolumeclaims too")
        if claim.deleting:
            return _refuse(f"claim {namespace}/{name} is being deleted")
        if claim.lost:
            return _refuse(f"claim {namespace}/{name} is lost: the volume it was bound to is gone")
        if claim.volume:
            volume = self.volumes.get(claim.volume)
            if volume is None:
                return _refuse(f"volume {claim.volume} of claim {namespace}/{name} is not in the snapshot")
            return volume.alternatives or (Requirements(),)
        return self._unbound(claim)

    def _unbound(self, claim: Claim) -> tuple[Requirements, ...] | Refusal:
        what = f"claim {claim.namespace}/{claim.name}"
        if claim.storage_class == "":
            return _refuse(f"{what} is unbound and asks for no storage class: a volume must be bound to it by hand")
        found = self._class_of(claim)
        if found is None:
            named = f"storage class {claim.storage_class}" if claim.storage_class else "a default storage class"
            return _refuse(f"{what} is unbound and {named} is not in the snapshot")
        if found.binding is BindingMode.IMMEDIATE:
            return _refuse(f"{what} is unbound, and class {found.name} binds immediately: the volume must come first")
        if found.provisioner == NO_PROVISIONER:
            free = self.unclaimed.get(found.name, ())
            if not free:
                return _refuse(f"{what} is unbound, and class {found.name} makes no volumes: none of its own is free")
            return tuple(dict.fromkeys(each for one in free for each in one.alternatives or (Requirements(),)))
        return found.topologies or (Requirements(),)

    def _class_of(self, claim: Claim) -> StorageClass | None:
        return self.default_class if claim.storage_class is None else self.classes.get(claim.storage_class)


def _default(classes: tuple[StorageClass, ...]) -> StorageClass | None:
    """Of several default classes the newest, then the first by name, as the API server's admission has it."""
    found = sorted((one for one in classes if one.is_default), key=lambda one: one.name)
    return max(found, key=lambda one: one.created_at or _BEGINNING, default=None)


def combine(left: tuple[Requirements, ...], right: tuple[Requirements, ...]) -> tuple[Requirements, ...]:
    """Every pair of alternatives that can hold together; where none can, one that nothing satisfies."""
    merged = [one.intersect(other) for one in left for other in right]
    possible = tuple(dict.fromkeys(one for one in merged if not one.empty_keys()))
    return possible or tuple(merged[:1])


def _refuse(detail: str) -> Refusal:
    return Refusal(node_pool="", filter=FILTER, detail=detail)
