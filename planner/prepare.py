"""The snapshot as the planner looks at it: with the pods that are to come, and with what pods share spelled out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.attach import with_attach_limits
from planner.labels import NAMESPACE_NAME
from planner.parted import Parted
from planner.ports import with_whole_ports
from planner.snapshot import Namespace
from planner.workloads import with_headroom, with_workloads

if TYPE_CHECKING:
    from planner.aims import Aims
    from planner.snapshot import Snapshot


def prepared(snapshot: Snapshot, aims: Aims, parted: Parted | None = None) -> Snapshot:
    """What-if workloads and buffers become pods, ports on all addresses name each address, volumes become amounts.

    ``parted`` are the snapshot's pods in two parts, where somebody knows them.
    """
    whole = with_headroom(with_workloads(snapshot), aims.headroom)
    parted = Parted.known(whole, parted)
    return with_attach_limits(with_whole_ports(with_namespaces(whole, parted), parted), parted)


def with_namespaces(snapshot: Snapshot, parted: Parted | None = None) -> Snapshot:
    """The snapshot with every namespace that a pod is in, for affinity terms that select namespaces.

    One that was not exported has at least the label that the API server puts on each.
    """
    there = {one.name for one in snapshot.namespaces}
    parted = Parted.known(snapshot, parted)
    missing = parted.bound.namespaces.union(pod.namespace for pod in parted.loose) - there
    if not missing:
        return snapshot
    added = (Namespace(name=name, labels=((NAMESPACE_NAME, name),)) for name in missing)
    return replace(snapshot, namespaces=tuple(sorted((*snapshot.namespaces, *added), key=lambda one: one.name)))
