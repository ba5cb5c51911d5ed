"""Where a pod's volumes allow it to run, as kube-scheduler's VolumeBinding filter decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.plan import Refusal
from planner.requirements import Requirements
from planner.snapshot import BindingMode, Claim, Snapshot, StorageClass, Volume

if TYPE_CHECKING:
    from planner.pods import Pod

FILTER = "Volumes"


@dataclass(frozen=True)
class VolumeIndex:
    """The volumes, claims and storage classes of a snapshot, by name."""

    claims: dict[tuple[str, str], Claim]
    volumes: dict[str, Volume]
    classes: dict[str, StorageClass]
    default_class: StorageClass | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> VolumeIndex:
        return cls(
            {(claim.namespace, claim.name): claim for claim in snapshot.claims},
            {volume.name: volume for volume in snapshot.volumes},
            {one.name: one for one in snapshot.storage_classes},
            next((one for one in snapshot.storage_classes if one.is_default), None),
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

    def _claim(self, namespace: str, name: str) -> tuple[Requirements, ...] | Refusal:
        claim = self.claims.get((namespace, name))
        if claim is None:
            return _refuse(f"claim {namespace}/{name} is not in the snapshot; export persistentvolumeclaims too")
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
        found = self.default_class if claim.storage_class is None else self.classes.get(claim.storage_class)
        if found is None:
            named = f"storage class {claim.storage_class}" if claim.storage_class else "a default storage class"
            return _refuse(f"{what} is unbound and {named} is not in the snapshot")
        if found.binding is BindingMode.IMMEDIATE:
            return _refuse(f"{what} is unbound, and class {found.name} binds immediately: the volume must come first")
        return found.topologies or (Requirements(),)


def combine(left: tuple[Requirements, ...], right: tuple[Requirements, ...]) -> tuple[Requirements, ...]:
    """Every pair of alternatives that can hold together; where none can, one that nothing satisfies."""
    merged = [one.intersect(other) for one in left for other in right]
    possible = tuple(dict.fromkeys(one for one in merged if not one.empty_keys()))
    return possible or tuple(merged[:1])


def _refuse(detail: str) -> Refusal:
    return Refusal(node_pool="", filter=FILTER, detail=detail)
