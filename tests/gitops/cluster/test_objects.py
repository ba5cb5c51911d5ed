"""Nodes, volumes, budgets, classes and namespaces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from gitops.errors import InputError
from planner.labels import ARCH, CINDER_ZONE, HOSTNAME, REGION, ZONE
from planner.requirements import Requirements
from planner.resources import Resources
from planner.snapshot import (
    BindingMode,
    Budget,
    Claim,
    Namespace,
    PriorityClass,
    RuntimeClass,
    Service,
    StorageClass,
    Volume,
    VolumeLimits,
)
from planner.taints import Taint, Toleration

from .made import Object, node, plain, snapshot

if TYPE_CHECKING:
    from pathlib import Path

MI = 1024**2


def test_a_node(tmp_path: Path) -> None:
    written = node(
        capacity={"cpu": "4", "memory": "16Gi"}, allocatable={"cpu": "3830m", "memory": "14Gi", "pods": 110},
        conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T01:00:00Z"}],
    )  # fmt: skip
    written["metadata"] |= {
        "labels": {"beta.kubernetes.io/arch": "amd64", "nodepool": "p1", "node.kubernetes.io/instance-type": "b3-16"},
        "annotations": {"poolplan.dev/empty-since": "2026-01-01T02:00:00Z", "other": "x"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    written["spec"] = {
        "providerID": "openstack:///1", "unschedulable": True,
        "taints": [{"key": "b", "effect": "NoExecute"}, {"key": "a", "value": "1", "effect": "NoSchedule"}],
    }  # fmt: skip
    (read,) = snapshot(tmp_path, written).nodes
    assert (read.name, read.pool, read.flavor, read.provider_id) == ("n1", "p1", "b3-16", "openstack:///1")
    assert read.label_map[ARCH] == read.label_map["beta.kubernetes.io/arch"] == "amd64"
    assert read.annotations == (("poolplan.dev/empty-since", "2026-01-01T02:00:00Z"),)
    assert read.taints == (Taint("a", "1"), Taint("b", "", "NoExecute"))
    assert dict(read.allocatable) == {"cpu": 3830, "memory": 14 * 1024 * MI, "pods": 110}
    assert dict(read.capacity) == {"cpu": 4000, "memory": 16 * 1024 * MI}
    assert (read.unschedulable, read.ready, read.deleting) == (True, True, False)
    assert read.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert read.ready_since == datetime(2026, 1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("status", "ready"), [("True", True), ("False", False), ("Unknown", False)])
def test_readiness(tmp_path: Path, status: str, ready: bool) -> None:
    (read,) = snapshot(tmp_path, node(conditions=[{"type": "Ready", "status": status}])).nodes
    assert read.ready is ready


def test_a_node_that_says_little_gives_its_capacity_and_counts_as_ready(tmp_path: Path) -> None:
    (read,) = snapshot(tmp_path, node(capacity={"cpu": "2"})).nodes
    assert (dict(read.allocatable), read.ready, read.ready_since) == ({"cpu": 2000}, True, None)


def zone_term(key: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}


def volume(*terms: dict[str, Any], **labels: str) -> dict[str, Any]:
    spec = {"nodeAffinity": {"required": {"nodeSelectorTerms": list(terms)}}} if terms else {}
    return plain("PersistentVolume", "pv", metadata={"labels": labels}, spec=spec)


def test_where_volumes_can_be_attached(tmp_path: Path) -> None:
    (read,) = snapshot(tmp_path, volume(zone_term(CINDER_ZONE, "nova"), zone_term(ZONE, "b"))).volumes
    assert read == Volume(
        name="pv", alternatives=(Requirements.from_labels({CINDER_ZONE: "nova"}), Requirements.from_labels({ZONE: "b"}))
    )


def test_old_zone_labels_of_volumes_hold_too(tmp_path: Path) -> None:
    labels = {"failure-domain.beta.kubernetes.io/zone": "a__b", REGION: "GRA11", "app": "x"}
    (read,) = snapshot(tmp_path, volume(**labels)).volumes
    (only,) = read.alternatives
    assert [only.allow({ZONE: zone, REGION: "GRA11"}) for zone in ("a", "b", "c")] == [True, True, False]


def test_a_volume_without_a_word_can_be_attached_anywhere(tmp_path: Path) -> None:
    assert snapshot(tmp_path, volume()).volumes == (Volume(name="pv"),)


def test_a_volume_that_no_node_can_attach(tmp_path: Path) -> None:
    (read,) = snapshot(tmp_path, volume({"matchExpressions": []})).volumes
    assert [one.allow({HOSTNAME: "n1"}) for one in read.alternatives] == [False]


@pytest.mark.parametrize(
    ("metadata", "spec", "expected"),
    [
        ({}, {}, (None, "")),
        ({}, {"storageClassName": ""}, ("", "")),
        ({}, {"storageClassName": "fast", "volumeName": "pv"}, ("fast", "pv")),
        ({"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}}, {}, ("old", "")),
    ],
)
def test_claims(
    tmp_path: Path, metadata: dict[str, Any], spec: dict[str, Any], expected: tuple[str | None, str]
) -> None:
    written = plain("PersistentVolumeClaim", "data", metadata=metadata, spec=spec)
    assert snapshot(tmp_path, written).claims == (
        Claim(namespace="default", name="data", storage_class=expected[0], volume=expected[1]),
    )


def test_storage_classes(tmp_path: Path) -> None:
    default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    topologies = [{"matchLabelExpressions": [{"key": ZONE, "values": ["a"]}]}]
    read = snapshot(
        tmp_path,
        plain("StorageClass", "slow", "storage.k8s.io/v1"),
        plain(
            "StorageClass", "fast", "storage.k8s.io/v1", metadata=default,
            volumeBindingMode="WaitForFirstConsumer", allowedTopologies=topologies,
        ),
    )  # fmt: skip
    assert read.storage_classes == (
        StorageClass(
            name="fast", binding=BindingMode.WAIT, is_default=True, topologies=(Requirements.from_labels({ZONE: "a"}),)
        ),
        StorageClass(name="slow"),
    )


@pytest.mark.parametrize(
    ("metadata", "status", "allowed"),
    [
        ({}, None, 0),
        ({}, {"disruptionsAllowed": 2}, 2),
        ({"generation": 3}, {"disruptionsAllowed": 2, "observedGeneration": 3}, 2),
        ({"generation": 3}, {"disruptionsAllowed": 2, "observedGeneration": 2}, 0),
    ],
)
def test_budgets_allow_what_their_status_says_when_it_is_up_to_date(
    tmp_path: Path, metadata: dict[str, Any], status: dict[str, Any] | None, allowed: int
) -> None:
    spec = {"selector": {"matchLabels": {"app": "web"}}}
    written = plain("PodDisruptionBudget", "web", "policy/v1", metadata=metadata, spec=spec, status=status)
    assert snapshot(tmp_path, written).budgets == (
        Budget(
            namespace="default", name="web", selector=Requirements.from_labels({"app": "web"}), allowed=allowed
        ),
    )  # fmt: skip


def test_a_budget_without_a_selector_covers_nothing_and_an_empty_one_everything(tmp_path: Path) -> None:
    nothing = plain("PodDisruptionBudget", "a", "policy/v1", spec={})
    everything = plain("PodDisruptionBudget", "b", "policy/v1", spec={"selector": {}})
    assert [one.selector for one in snapshot(tmp_path, nothing, everything).budgets] == [None, Requirements()]


@pytest.mark.parametrize(
    ("spec", "selector"),
    [
        ({"selector": {"app": "web", "tier": "front"}}, {"app": "web", "tier": "front"}),
        ({"selector": {"app": "web"}, "type": "ExternalName", "externalName": "example.org"}, {"app": "web"}),
        ({"selector": {}}, {}), ({"selector": None}, {}), ({}, {}), (None, {}),
    ],
)  # fmt: skip
def test_services_select_by_labels_whatever_their_type(
    tmp_path: Path, spec: Object | None, selector: dict[str, str]
) -> None:
    written = plain("Service", "web", metadata={"namespace": "shop"}, spec=spec)
    assert snapshot(tmp_path, written).services == (
        Service(namespace="shop", name="web", selector=Requirements.from_labels(selector)),
    )


def test_namespaces_carry_their_name_as_a_label(tmp_path: Path) -> None:
    assert snapshot(tmp_path, plain("Namespace", "shop", metadata={"labels": {"env": "prod"}})).namespaces == (
        Namespace(name="shop", labels=(("env", "prod"), ("kubernetes.io/metadata.name", "shop"))),
    )


def test_priority_and_runtime_classes(tmp_path: Path) -> None:
    scheduling = {"nodeSelector": {"vm": "yes"}, "tolerations": [{"key": "vm", "operator": "Exists"}]}
    read = snapshot(
        tmp_path,
        plain("PriorityClass", "low", "scheduling.k8s.io/v1", value=-5, globalDefault=True),
        plain(
            "RuntimeClass", "micro", "node.k8s.io/v1", scheduling=scheduling, overhead={"podFixed": {"memory": "1Mi"}}
        ),
    )  # fmt: skip
    assert read.priority_classes == (PriorityClass(name="low", value=-5, is_default=True),)
    assert read.runtime_classes == (
        RuntimeClass(
            name="micro", overhead=Resources.of({"memory": MI}), selector=(("vm", "yes"),),
            tolerations=(Toleration("vm", "Exists"),),
        ),
    )  # fmt: skip


# Volumes in detail


@pytest.mark.parametrize(
    ("spec", "driver"),
    [
        ({"csi": {"driver": "cinder.csi.openstack.org"}}, "cinder.csi.openstack.org"),
        ({"cinder": {"volumeID": "1"}}, "cinder.csi.openstack.org"), ({"hostPath": {"path": "/x"}}, ""),
    ],
)  # fmt: skip
def test_who_attaches_a_volume(tmp_path: Path, spec: Object, driver: str) -> None:
    (found,) = snapshot(tmp_path, plain("PersistentVolume", "pv", spec={"storageClassName": "fast", **spec})).volumes
    assert found == Volume(name="pv", driver=driver, storage_class="fast")
    claimed = plain("PersistentVolume", "pv", spec={"claimRef": {"name": "data"}})
    assert snapshot(tmp_path, claimed).volumes[0].claimed


def test_the_state_and_the_modes_of_a_claim(tmp_path: Path) -> None:
    going = {"namespace": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    spec = {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}
    found = snapshot(
        tmp_path,
        plain("PersistentVolumeClaim", "going", metadata={"name": "going", **going}, spec=spec),
        plain("PersistentVolumeClaim", "lost", metadata={"namespace": "shop"}, status={"phase": "Lost"}),
    )
    going_claim, lost = found.claims
    assert (going_claim.deleting, going_claim.lost, going_claim.modes) == (True, False, ("ReadOnlyMany", "ReadWriteOnce"))
    assert (lost.deleting, lost.lost, lost.modes) == (False, True, ())


def test_the_provisioner_and_the_age_of_a_class(tmp_path: Path) -> None:
    meta = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    written = plain("StorageClass", "fast", "storage.k8s.io/v1", metadata=meta, provisioner="cinder.csi.openstack.org")
    (found,) = snapshot(tmp_path, written).storage_classes
    assert (found.provisioner, found.created_at) == ("cinder.csi.openstack.org", datetime(2026, 1, 1, tzinfo=UTC))


def test_how_many_volumes_a_node_attaches(tmp_path: Path) -> None:
    drivers = [
        {"name": "cinder.csi.openstack.org", "nodeID": "1", "allocatable": {"count": 25}},
        {"name": "free.csi", "nodeID": "1"}, {"name": "a.csi", "nodeID": "1", "allocatable": {"count": 0}},
    ]  # fmt: skip
    found = snapshot(tmp_path, plain("CSINode", "n1", "storage.k8s.io/v1", spec={"drivers": drivers})).volume_limits
    assert found == (VolumeLimits(name="n1", counts=(("a.csi", 0), ("cinder.csi.openstack.org", 25))),)


def test_a_negative_number_of_volumes_is_refused_where_it_stands(tmp_path: Path) -> None:
    drivers = [{"name": "a.csi", "allocatable": {"count": -1}}]
    with pytest.raises(InputError, match=r"spec\.drivers\[0\]\.allocatable\.count: -1 is negative"):
        snapshot(tmp_path, plain("CSINode", "n1", "storage.k8s.io/v1", spec={"drivers": drivers}))
