"""The scheduler's cluster-wide default spread constraints, for pods that bring none of their own.

kube-scheduler (``buildDefaultConstraints``) gives them the selector that ``helper.DefaultSelector`` makes of those of
all Services in the pod's namespace that select the pod, whatever their type, and that of the ReplicaSet,
ReplicationController or StatefulSet that controls it. A pod without any of these gets no constraint.

A snapshot holds the Services and not the controllers' selectors, but nearly always these are what the pods of one
template have in common. So what stands for a controller's selector is the labels that all its waiting pods have, less
those by which a StatefulSet tells its pods apart: the pods of one ReplicaSet, that is one revision of a Deployment, are
spread among themselves, as kube-scheduler does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from planner.counting import TermIndex
from planner.requirements import Requirements
from planner.topology import Term

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.pods import Needs, Pod, Spread
    from planner.snapshot import Service

    _Label = tuple[str, str]
    _Labels = tuple[_Label, ...]
    _Controller = tuple[str, tuple[str, str] | None]  # its namespace, and its kind and name

#: Controllers whose selector kube-scheduler asks for. A what-if Deployment stands for its ReplicaSet.
SPREAD_BY: Final = ("ReplicaSet", "ReplicationController", "StatefulSet", "Deployment")
#: Labels that a pod gets from its controller beside those of the template, and that no controller's selector asks for.
_OWN: Final = (
    "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-revision-hash",
)  # fmt: skip


@dataclass(frozen=True)
class DefaultSelectors:
    """The selectors of default constraints. ``shared`` are by controller the labels that stand for its own selector.

    Answers are kept, as many pods are alike.
    """

    services: TermIndex
    shared: Mapping[_Controller, frozenset[_Label]]
    _known: dict[tuple[_Controller, _Labels], Requirements | None] = field(default_factory=dict)

    @classmethod
    def of(cls, services: Iterable[Service], pods: Sequence[Pod]) -> DefaultSelectors:
        """Of these pods, which are all that anybody asks for."""
        spaces = {pod.namespace for pod in pods}
        terms = (Term("", (one.namespace,), one.selector) for one in services if one.namespace in spaces)
        return cls(TermIndex.of(terms), _shared(pods))

    def of_pod(self, pod: Pod) -> Requirements | None:
        """What the default constraints of a pod select, or None where it has none."""
        controller = (pod.namespace, pod.controller)
        key = (controller, pod.labels)
        if key not in self._known:
            matching = self.services.matching(pod.namespace, pod.labels)
            terms = (self.services.terms[position].selector for position in matching)
            own = Requirements.from_labels(dict(self.shared.get(controller, ())))
            found = [*own.items, *(item for one in terms if one for item in one.items)]
            self._known[key] = Requirements.of(found) if found else None
        return self._known[key]


def _shared(pods: Iterable[Pod]) -> dict[_Controller, frozenset[_Label]]:
    alike = {(pod.namespace, pod.controller, pod.labels) for pod in pods if pod.controller}
    found: dict[_Controller, frozenset[_Label]] = {}
    for namespace, controller, labels in alike:
        if controller[0] in SPREAD_BY:
            mine = frozenset(one for one in labels if one[0] not in _OWN)
            found[namespace, controller] = found.get((namespace, controller), mine) & mine
    return found


def with_default_spreads(needs: Needs, spreads: tuple[Spread, ...], selector: Requirements | None) -> Needs:
    """The needs of a pod with the default constraints of this selector, where it is to have them."""
    if not spreads or needs.spreads or selector is None:
        return needs
    return replace(needs, spreads=tuple(replace(one, selector=selector) for one in spreads))
