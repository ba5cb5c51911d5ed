"""Headroom is demand like any other, comes last, and is content with room that is there already."""

from __future__ import annotations

from dataclasses import replace

from planner.aims import HEADROOM, LOWEST_PRIORITY, Aims, Headroom
from planner.demand import is_demand
from planner.pods import Needs, Owner, Pod
from planner.resources import Resources
from planner.snapshot import PodTemplate, RuntimeClass, Snapshot
from planner.workloads import with_headroom

SHAPE = PodTemplate(labels=(("app", "web"),), needs=Needs(requests=Resources.of({"cpu": 500, "pods": 1}), priority=7))
BUFFER = Headroom(name="web", replicas=2, template=SHAPE, namespace="shop")


def test_a_buffer_is_pending_pods_of_its_shape() -> None:
    real = Pod(namespace="shop", name="zebra")
    snapshot = with_headroom(Snapshot(pods=(real,)), [BUFFER])
    assert [pod.name for pod in snapshot.pods] == ["web-1", "web-2", "zebra"]
    made = snapshot.pods[0]
    assert is_demand(made)
    assert (made.owner, made.labels) == (Owner(HEADROOM, "shop", "web"), SHAPE.labels)
    assert made.needs == replace(SHAPE.needs, priority=LOWEST_PRIORITY)


def test_names_that_pods_have_are_left_to_them() -> None:
    snapshot = with_headroom(Snapshot(pods=(Pod(namespace="shop", name="web-1"),)), [BUFFER, BUFFER])
    assert [pod.name for pod in snapshot.pods] == [f"web-{number}" for number in range(1, 6)]
    assert sum(pod.owner is not None for pod in snapshot.pods) == 4


def test_a_buffer_pays_for_its_runtime() -> None:
    heavy = RuntimeClass(name="kata", overhead=Resources.of({"cpu": 250}))
    template = replace(SHAPE, needs=replace(SHAPE.needs, runtime_class="kata"))
    made = with_headroom(Snapshot(runtime_classes=(heavy,)), [replace(BUFFER, template=template)]).pods[0]
    assert made.needs.requests.get("cpu") == 750


def test_no_buffer_changes_nothing() -> None:
    snapshot = Snapshot(pods=(Pod(namespace="a", name="b"),))
    assert with_headroom(snapshot, ()) is snapshot
    assert with_headroom(snapshot, [replace(BUFFER, replicas=0)]) == snapshot


def test_headroom_is_not_expendable_though_its_priority_is_the_lowest() -> None:
    aims = Aims(headroom=(BUFFER,))
    buffer = with_headroom(Snapshot(), aims.headroom).pods[0]
    assert not aims.spares(buffer)
    low = Pod(namespace="a", name="b", needs=Needs(priority=-11))
    assert aims.spares(low)
    assert not aims.spares(replace(low, needs=Needs(priority=-10)))
    assert not replace(aims, expendable_below=None).spares(low)
