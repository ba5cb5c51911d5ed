"""The scheduler's cluster-wide default spread constraints, for pods that bring none of their own.

kube-scheduler (``buildDefaultConstraints``) takes the selector from the Services that select the pod and from the
ReplicaSet, ReplicationController or StatefulSet that made it; a pod without any of these gets no constraint. A snapshot
holds none of these selectors, but nearly always they are what the pods of one template have in common. So the selector
is the pod's own labels, less those by which a StatefulSet tells its pods apart: the pods of one ReplicaSet, that is one
revision of a Deployment, are spread among themselves, as kube-scheduler does it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from planner.requirements import Requirements

if TYPE_CHECKING:
    from planner.pods import Needs, Pod, Spread

#: Controllers whose selector kube-scheduler asks for. A what-if Deployment stands for its ReplicaSet.
SPREAD_BY: Final = ("ReplicaSet", "ReplicationController", "StatefulSet", "Deployment")
#: Labels that a pod gets from its controller beside those of the template, and that no selector asks for.
_OWN: Final = (
    "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-revision-hash",
)  # fmt: skip


def with_default_spreads(pod: Pod, spreads: tuple[Spread, ...]) -> Needs:
    """The pod's needs with the default constraints, where it is to have them."""
    needs = pod.needs
    if not spreads or needs.spreads or pod.controller is None or pod.controller[0] not in SPREAD_BY:
        return needs
    shared = {key: value for key, value in pod.labels if key not in _OWN}
    if not shared:
        return needs
    selector = Requirements.from_labels(shared)
    return replace(needs, spreads=tuple(replace(one, selector=selector) for one in spreads))
