"""Which pods are demand, how they are grouped, where their volumes are, and what a workload stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from planner.demand import collect_demand, is_demand
from planner.plan import Refusal
from planner.pods import Needs, Owner, Phase, Pod, Scheduling
from planner.requirements import Requirements
from planner.resources import Resources
from planner.snapshot import (
    BindingMode,
    Claim,
    PodTemplate,
    PriorityClass,
    RuntimeClass,
    Snapshot,
    StorageClass,
    Volume,
    Workload,
)
from planner.taints import Toleration
from planner.volumes import VolumeIndex
from planner.workloads import with_workloads
from tests.planner.cluster import inputs_of, pod

if TYPE_CHECKING:
    from tests.planner.cluster import Object

PENDING = Pod(namespace="default", name="web")
NO_DEMAND: dict[str, dict[str, Any]] = {
    "bound": {"node_name": "n1"}, "nominated": {"nominated_node": "n1"}, "leaving": {"deleting": True},
    "mirror": {"mirror": True}, "of a daemon set": {"controller": ("DaemonSet", "agent")},
    "running": {"phase": Phase.RUNNING}, "done": {"phase": Phase.SUCCEEDED}, "failed": {"phase": Phase.FAILED},
    "unknown": {"phase": Phase.UNKNOWN}, "gated": {"scheduling": Scheduling.GATED},
    "about to be bound": {"scheduling": Scheduling.SCHEDULED},
}  # fmt: skip
DEMAND: dict[str, dict[str, Any]] = {
    "new": {}, "refused by the scheduler": {"scheduling": Scheduling.UNSCHEDULABLE},
    "of a replica set": {"controller": ("ReplicaSet", "web-1")},
}  # fmt: skip


@pytest.mark.parametrize("kind", [*DEMAND, *NO_DEMAND])
def test_which_pods_count(kind: str) -> None:
    assert is_demand(replace(PENDING, **(DEMAND | NO_DEMAND)[kind])) is (kind in DEMAND)


def groups(*objects: Object) -> list[tuple[str, tuple[str, ...]]]:
    demand = collect_demand(inputs_of(objects).snapshot)
    return [(str(group.owner), group.pods) for group in demand.groups]


def test_pods_of_one_workload_with_equal_needs_are_one_group() -> None:
    mine = ("ReplicaSet", "web")
    found = groups(*(pod(name, owner=mine, labels={"pod-index": name}) for name in ("b", "a", "c")))
    assert found == [("ReplicaSet default/web", ("default/a", "default/b", "default/c"))]


def test_different_needs_owners_and_namespaces_are_different_groups() -> None:
    mine = ("ReplicaSet", "web")
    found = groups(
        pod("a", owner=mine), pod("b", "600m", owner=mine), pod("c", owner=("ReplicaSet", "api")),
        pod("d", owner=mine, namespace="other"), pod("e"),
    )  # fmt: skip
    assert [pods for _, pods in found] == [("default/a",), ("default/b",), ("default/c",), ("default/e",), ("other/d",)]
    assert found[3][0] == "Pod default/e"


def test_labels_tell_groups_apart_only_where_a_rule_looks_at_them() -> None:
    mine = ("ReplicaSet", "web")
    pods = [pod("a", owner=mine, labels={"color": "red"}), pod("b", owner=mine, labels={"color": "blue"})]
    rule = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"color": "red"}}}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
    watcher = pod("watcher", on="n1", affinity={"podAntiAffinity": required})
    assert len(groups(*pods)) == 1
    assert len(groups(*pods, watcher)) == 2


# Volumes

IN_B = Requirements.from_labels({"topology.kubernetes.io/zone": "b"})
IN_C = Requirements.from_labels({"topology.kubernetes.io/zone": "c"})
STORE = Snapshot(
    claims=(
        Claim(namespace="default", name="anywhere", volume="pv-free"), Claim(namespace="default", name="bound", volume="pv-b"),
        Claim(namespace="default", name="class-less", storage_class=""), Claim(namespace="default", name="default"),
        Claim(namespace="default", name="immediate", storage_class="now"),
        Claim(namespace="default", name="lost", volume="gone"), Claim(namespace="default", name="other", volume="pv-c"),
        Claim(namespace="default", name="wait", storage_class="later"), Claim(namespace="default", name="what", storage_class="odd"),
    ),
    volumes=(Volume(name="pv-b", alternatives=(IN_B,)), Volume(name="pv-c", alternatives=(IN_C,)), Volume(name="pv-free")),
    storage_classes=(
        StorageClass(name="free", binding=BindingMode.WAIT, is_default=True),
        StorageClass(name="later", binding=BindingMode.WAIT, topologies=(IN_B, IN_C)),
        StorageClass(name="now"),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("claims", "places"),
    [
        ((), (Requirements(),)), (("bound",), (IN_B,)), (("wait",), (IN_B, IN_C)), (("bound", "wait"), (IN_B,)),
        (("anywhere",), (Requirements(),)), (("default",), (Requirements(),)), (("anywhere", "wait"), (IN_B, IN_C)),
    ],
)  # fmt: skip
def test_a_pod_goes_where_all_its_volumes_can_be(claims: tuple[str, ...], places: tuple[Requirements, ...]) -> None:
    assert VolumeIndex.of(STORE).where(replace(PENDING, needs=Needs(claims=claims))) == places


def test_volumes_in_two_zones_leave_no_place() -> None:
    found = VolumeIndex.of(STORE).where(replace(PENDING, needs=Needs(claims=("bound", "other"))))
    assert isinstance(found, tuple)
    assert all(one.empty_keys() for one in found)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("nowhere", "not in the snapshot"), ("lost", "volume gone of claim default/lost is not in the snapshot"),
        ("immediate", "class now binds immediately"), ("class-less", "asks for no storage class"),
        ("what", "storage class odd is not in the snapshot"),
    ],
)  # fmt: skip
def test_a_claim_that_no_node_can_help_says_why(claim: str, text: str) -> None:
    found = VolumeIndex.of(STORE).where(replace(PENDING, needs=Needs(claims=(claim,))))
    assert isinstance(found, Refusal)
    assert (found.filter, text in found.detail) == ("Volumes", True)


# What-if workloads


def workload(kind: str = "Deployment", name: str = "web", replicas: int = 3, **fields: Any) -> Workload:
    needs = fields.pop("needs", Needs())
    return Workload(owner=Owner(kind, "default", name), replicas=replicas, template=PodTemplate(needs=needs), **fields)


def names(snapshot: Snapshot) -> list[str]:
    return [one.name for one in with_workloads(snapshot).pods if not one.node_name]


def owned(name: str, owner: Owner, **fields: Any) -> Pod:
    return Pod(namespace="default", name=name, owner=owner, **{"node_name": "n1", "phase": Phase.RUNNING, **fields})


def test_a_workload_stands_for_the_pods_that_are_missing() -> None:
    one = workload()
    there = (owned("x", one.owner), owned("done", one.owner, phase=Phase.SUCCEEDED), owned("leaving", one.owner, deleting=True))
    assert names(Snapshot(workloads=(one,))) == ["web-whatif-1", "web-whatif-2", "web-whatif-3"]
    assert names(Snapshot(workloads=(one,), pods=there)) == ["web-whatif-1", "web-whatif-2"]
    assert names(Snapshot(workloads=(replace(one, replicas=1),), pods=there)) == []


def test_the_pods_of_a_stateful_set_are_numbered() -> None:
    one = workload("StatefulSet", "db")
    assert names(Snapshot(workloads=(one,), pods=(owned("db-1", one.owner),))) == ["db-0", "db-2"]


def test_workloads_of_one_name_share_no_pod() -> None:
    found = names(Snapshot(workloads=(workload(replicas=1), workload("Job", replicas=2))))
    assert len(set(found)) == len(found) == 3


def test_a_claim_of_each_pod_of_a_stateful_set() -> None:
    one = workload("StatefulSet", "db", 2, claim_templates=(("data", "fast"),))
    there = Claim(namespace="default", name="data-db-0", volume="pv-1")
    found = with_workloads(Snapshot(workloads=(one,), claims=(there,)))
    assert found.claims == (there, Claim(namespace="default", name="data-db-1", storage_class="fast"))
    assert [one.needs.claims for one in found.pods] == [("data-db-0",), ("data-db-1",)]


def test_admission_is_done_for_them() -> None:
    classes = (PriorityClass(name="high", value=1000), PriorityClass(name="usual", value=5, is_default=True))
    kata = RuntimeClass(
        name="kata", overhead=Resources.of({"cpu": 250}), selector=(("kata", "yes"),), tolerations=(Toleration("kata", "Exists"),)
    )
    needs = Needs(requests=Resources.of({"cpu": 1000}), runtime_class="kata")
    snapshot = Snapshot(
        workloads=(workload(needs=needs, replicas=1), workload(name="api", replicas=1, needs=Needs(priority_class="high"))),
        priority_classes=classes, runtime_classes=(kata,),
    )  # fmt: skip
    api, web = with_workloads(snapshot).pods
    assert (api.needs.priority, web.needs.priority) == (1000, 5)
    assert web.needs.requests == Resources.of({"cpu": 1250})
    assert web.needs.alternatives == (Requirements.from_labels({"kata": "yes"}),)
    assert web.needs.tolerations == (Toleration("kata", "Exists"),)
