"""What a pod requests, from its spec; and from its status while kubelet resizes it in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops.cluster.fields import at, listed, resources
from planner.pods import ASSUMED, assumed, effective_requests
from planner.resources import CPU, MEMORY, Resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.cluster import storage_wire, wire


@dataclass(frozen=True)
class Resized:
    """What containers really have, by name, where it is not what their spec says.

    ``infeasible``: the node can never give what the spec asks for, so that only what they have counts.
    """

    actual: dict[str, tuple[wire.Quantities, ...]] = field(default_factory=dict)
    infeasible: bool = False


NOT_RESIZED = Resized()
_ASSUMED = Resources.of({CPU: ASSUMED[0], MEMORY: ASSUMED[1]})


def resized(spec: wire.PodSpec, status: wire.PodStatus) -> Resized:
    """Reads the status of a pod on a node, and leaves out all that is as the spec has it."""
    statuses = (*(status.container_statuses or ()), *(status.init_container_statuses or ()))
    if not any(one.resources or one.allocated_resources for one in statuses):
        return NOT_RESIZED
    written = {one.name: one.resources.requests for one in _containers(spec) if one.resources}
    found: dict[str, tuple[wire.Quantities, ...]] = {}
    for one in statuses:
        given = (one.allocated_resources, one.resources.requests if one.resources else None)
        differing = tuple(each for each in given if each and each != written.get(one.name))
        if differing:
            found[one.name] = differing
    return Resized(found, _is_infeasible(status)) if found else NOT_RESIZED


def _is_infeasible(status: wire.PodStatus) -> bool:
    waiting = (one for one in status.conditions or () if one.type == "PodResizePending")
    return any(one.reason == "Infeasible" for one in waiting)


def _containers(spec: wire.PodSpec) -> list[wire.Container]:
    return [*(spec.containers or ()), *(spec.init_containers or ())]


def pod_requests(
    spec: wire.PodSpec, sizes: Resized = NOT_RESIZED, defaults: Resources = Resources()  # noqa: B008 - immutable
) -> Resources:
    """The effective requests. ``defaults`` are what the LimitRanges of its namespace give to a container.

    Raises Misfit with a path that starts at the spec.
    """
    containers = listed(spec.containers, "containers", lambda one: _filled(one, sizes, defaults))
    return _total(spec, sizes, defaults, _pod_level(spec, containers))


def assumed_requests(
    spec: wire.PodSpec, requests: Resources, sizes: Resized = NOT_RESIZED, defaults: Resources = Resources()  # noqa: B008
) -> tuple[tuple[int, int], tuple[int, int]] | None:  # fmt: skip
    """The cpu and memory beyond its requests that scores reckon with, as ``Needs.assumed`` has them.

    A container that says nothing of one of them counts as if it asked for a little. NodeResourcesFit of 1.34 overlooks
    pod-level requests of the pod that it scores, and sees them of pods that are on nodes.
    """
    whole = _pod_level(spec, listed(spec.containers, "containers", lambda one: _filled(one, sizes, defaults)))
    missing = {name: amount for name, amount in _ASSUMED if not (whole and whole.items and requests.get(name))}
    coming = _total(spec, sizes, Resources.of({**dict(_ASSUMED), **dict(defaults.items)}), None)
    held = _total(spec, sizes, Resources.of({**missing, **dict(defaults.items)}), whole)
    found = tuple((one.get(CPU) - requests.get(CPU), one.get(MEMORY) - requests.get(MEMORY)) for one in (coming, held))
    return None if found == (assumed(requests),) * 2 else (found[0], found[1])


def _total(spec: wire.PodSpec, sizes: Resized, defaults: Resources, pod_level: Resources | None) -> Resources:
    def container(one: wire.Container) -> Resources:
        return _filled(one, sizes, defaults)

    containers = listed(spec.containers, "containers", container)
    init = listed(spec.init_containers, "initContainers", lambda one: (container(one), is_sidecar(one)))
    with at("overhead"):
        overhead = resources(spec.overhead)
    return effective_requests(containers, init, overhead=overhead, pod_level=pod_level)


def _filled(one: wire.Container, sizes: Resized, defaults: Resources) -> Resources:
    return _with_defaults(_container(one, sizes), one, defaults)


def is_sidecar(container: wire.Container) -> bool:
    return container.restart_policy == "Always"


def _container(container: wire.Container, sizes: Resized) -> Resources:
    """A container's requests, and at least what it has: kube-scheduler frees nothing before kubelet has."""
    actual = sizes.actual.get(container.name or "")
    if not actual:
        return _written(container)
    asked = Resources() if sizes.infeasible else _written(container)
    for each in actual:
        asked = asked.at_least(resources(each))
    return asked


def _with_defaults(requests: Resources, container: wire.Container, defaults: Resources) -> Resources:
    """What the container asks nothing about, as the LimitRanger admission fills it in: after limits stood in."""
    needs = container.resources
    said = {*(needs.requests or ()), *(needs.limits or ())} if needs else set()
    return requests.plus(Resources.of({name: amount for name, amount in defaults if name not in said}))


def default_requests(limits: storage_wire.LimitRange) -> Resources:
    """What a LimitRange gives to containers that request nothing. Raises Misfit.

    Where it says nothing of requests, its default limit, its largest and its smallest amount stand in, in this order.
    """
    found: dict[str, int] = {}
    for number, one in enumerate((limits.spec.limits if limits.spec else None) or ()):
        for name, written in _in_turn(one) if one.type == "Container" else ():
            with at("spec", "limits", number, name):
                for each, amount in resources(written):
                    found.setdefault(each, amount)
    return Resources.of(found)


def _in_turn(one: storage_wire.LimitItem) -> tuple[tuple[str, wire.Quantities], ...]:
    return (("defaultRequest", one.default_request), ("default", one.default), ("max", one.max), ("min", one.min))


def _written(container: wire.Container) -> Resources:
    """What the spec requests; a limit stands in for the request of the same name where there is none."""
    needs = container.resources
    if needs is None:
        return Resources()
    with at("resources", "limits"):
        limits = resources(needs.limits)
    with at("resources", "requests"):
        requests = resources(needs.requests)
    return _over(limits, requests, needs.requests)


def _over(limits: Resources, requests: Resources, written: wire.Quantities) -> Resources:
    """Requests where they are written, even a zero, and limits for the rest."""
    missing = {name: amount for name, amount in limits if name not in (written or {})}
    return Resources.of({**missing, **dict(requests.items)}) if missing else requests


def _pod_level(spec: wire.PodSpec, containers: Sequence[Resources]) -> Resources | None:
    """Requests of the pod as a whole; its limits stand in for what neither it nor any container requests.

    Only cpu, memory and huge pages are looked at on this level.
    """
    if spec.resources is None:
        return None
    with at("resources", "requests"):
        requests = resources(spec.resources.requests)
    with at("resources", "limits"):
        limits = resources(spec.resources.limits)
    asked = {name for one in containers for name, _ in one} | set(spec.resources.requests or {})
    whole = requests.plus(Resources.of({name: amount for name, amount in limits if name not in asked}))
    return Resources.of({name: amount for name, amount in whole if _of_the_pod(name)})


def _of_the_pod(name: str) -> bool:
    return name in (CPU, MEMORY) or name.startswith("hugepages-")
