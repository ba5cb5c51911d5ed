"""What pods share: claims, the volumes a node attaches, host ports by address."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from planner import labels as known
from planner.attach import CINDER_PER_NODE, with_attach_limits
from planner.demand import Demand, collect_demand
from planner.figures import ANY_FLAVOR, calibrate, figures_of
from planner.nodes import Node
from planner.pods import ALL_ADDRESSES, Needs, Phase, Pod
from planner.ports import with_whole_ports
from planner.prepare import with_namespaces
from planner.requirements import Requirements
from planner.resources import ATTACHABLE, MEMORY, Resources
from planner.snapshot import (
    BindingMode,
    Claim,
    DaemonSet,
    Namespace,
    PodTemplate,
    Snapshot,
    StorageClass,
    Volume,
    VolumeLimits,
)
from planner.topology import terms_of
from planner.volumes import CINDER, VolumeIndex
from tests.planner.cluster import catalog

LATER = StorageClass(name="later", binding=BindingMode.WAIT, is_default=True, provisioner=CINDER)
OTHER = StorageClass(name="other", binding=BindingMode.WAIT, provisioner="other.csi")
DISK = f"{ATTACHABLE}{CINDER}"


def claim(name: str, *modes: str, **fields: object) -> Claim:
    return Claim(namespace="default", name=name, modes=modes or ("ReadWriteOnce",), **fields)  # type: ignore[arg-type]


def pod(name: str, *claims: str, on: str = "", **fields: object) -> Pod:
    running = {"node_name": on, "phase": Phase.RUNNING} if on else {}
    needs = Needs(claims=claims, priority=fields.pop("priority", 0))  # type: ignore[arg-type]
    return Pod(namespace="default", name=name, needs=needs, **{**running, **fields})  # type: ignore[arg-type]


def demand(*pods: Pod, claims: tuple[Claim, ...] = (claim("data"),)) -> Demand:
    return collect_demand(Snapshot(pods=pods, claims=claims, storage_classes=(LATER, OTHER)))


def blocked(found: Demand) -> dict[str, str]:
    return {pod: one.reasons[0].detail for one in found.blocked for pod in one.pods}


# Claims


def test_a_pod_goes_to_the_node_that_has_its_volume() -> None:
    found = demand(pod("new", "data"), pod("old", "data", on="n1"))
    assert [group.needs.node_names for group in found.groups] == [("n1",)]


@pytest.mark.parametrize("user", [{"deleting": True}, {"phase": Phase.SUCCEEDED}])
def test_a_user_that_leaves_holds_nobody(user: dict[str, object]) -> None:
    found = demand(pod("new", "data"), replace(pod("old", "data", on="n1"), **user))  # type: ignore[arg-type]
    assert [group.needs.node_names for group in found.groups] == [None]


def test_a_volume_of_many_nodes_holds_nobody() -> None:
    found = demand(pod("new", "data"), pod("old", "data", on="n1"), claims=(claim("data", "ReadWriteMany"),))
    assert [group.needs.node_names for group in found.groups] == [None]


def test_a_volume_over_the_network_holds_nobody_whatever_its_mode() -> None:
    found = demand(pod("new", "data"), pod("old", "data", on="n1"), claims=(claim("data", storage_class="other"),))
    assert [group.needs.node_names for group in found.groups] == [None]


def test_pods_that_wait_for_one_volume_wait_for_one_node() -> None:
    (group,) = {one.needs: one for one in demand(pod("a", "data"), pod("b", "data")).groups}.values()
    rules = terms_of(group.needs, "default", dict(group.labels), ())
    assert [term.key for term in rules.affinity] == [known.HOSTNAME]
    assert rules.affinity[0].matches("default", dict(group.labels))
    assert not rules.affinity[0].matches("default", {})


def test_a_volume_of_one_pod_is_for_the_first() -> None:
    once = (claim("data", "ReadWriteOncePod"),)
    found = demand(pod("a", "data"), pod("b", "data", priority=5), claims=once)
    assert [group.pods for group in found.groups] == [("default/b",)]
    assert blocked(found) == {"default/a": "claim default/data is for one pod at a time, and default/b comes first"}
    assert blocked(demand(pod("a", "data"), pod("c", "data", on="n1", deleting=True), claims=once)).keys() == {"default/a"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"deleting": True}, "claim default/data is being deleted"), ({"lost": True}, "claim default/data is lost: the volume it was bound to is gone")],
)  # fmt: skip
def test_a_claim_that_is_going_says_so(fields: dict[str, object], text: str) -> None:
    assert blocked(demand(pod("a", "data"), claims=(claim("data", **fields),))) == {"default/a": text}


def test_the_newest_default_class_is_the_default() -> None:
    old, new = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    classes = (
        replace(LATER, name="a"), replace(LATER, name="b", created_at=new), replace(LATER, name="c", created_at=old),
        replace(LATER, name="d", is_default=False, created_at=new),
    )  # fmt: skip
    found = VolumeIndex.of(Snapshot(storage_classes=classes)).default_class
    assert found is not None
    assert found.name == "b"


def test_a_class_that_makes_no_volumes_has_those_that_are_there() -> None:
    local = StorageClass(name="local", binding=BindingMode.WAIT, provisioner="kubernetes.io/no-provisioner")
    mine = claim("data", storage_class="local")
    here = Volume(name="pv", storage_class="local")
    snapshot = Snapshot(pods=(pod("a", "data"),), claims=(mine,), storage_classes=(local,), volumes=(here,))
    assert len(collect_demand(snapshot).groups) == 1
    taken = replace(snapshot, volumes=(replace(here, claimed=True),))
    assert "none of its own is free" in blocked(collect_demand(taken))["default/a"]


def test_where_a_volume_is_says_nothing_of_the_nodes_a_spread_looks_at() -> None:
    zone = Requirements.from_labels({known.ZONE: "b"})
    here = Volume(name="v", alternatives=(zone,))
    snapshot = Snapshot(pods=(pod("a", "data"),), claims=(claim("data", volume="v"),), volumes=(here,))
    (group,) = collect_demand(snapshot).groups
    assert (group.needs.alternatives, group.needs.looked_at) == ((zone,), (Requirements(),))


def test_namespaces_that_were_not_exported_are_known_by_their_pods() -> None:
    from_file = Namespace(name="shop", labels=(("team", "a"),))
    pods = (replace(pod("a"), namespace="other"), replace(pod("a"), namespace="shop"))
    found = with_namespaces(Snapshot(pods=pods, namespaces=(from_file,))).namespaces
    assert found == (Namespace(name="other", labels=((known.NAMESPACE_NAME, "other"),)), from_file)


# Volumes a node attaches


def volumes_asked(snapshot: Snapshot) -> dict[str, int]:
    return {one.name: one.needs.requests.get(DISK) for one in with_attach_limits(snapshot).pods}


STORE = Snapshot(
    nodes=(Node(name="n1"), Node(name="n2")), storage_classes=(LATER, OTHER),
    claims=(claim("a"), claim("b"), claim("many", "ReadWriteMany"), claim("odd", storage_class="other"), claim("pv", volume="v")),
    volumes=(Volume(name="v", driver="kubernetes.io/cinder"),),
    volume_limits=(VolumeLimits(name="n1", counts=((CINDER, 3), ("unused.csi", 1))), VolumeLimits(name="n2", counts=((CINDER, 5),))),
)  # fmt: skip


def test_volumes_are_amounts_of_nodes_and_pods() -> None:
    pods = (pod("one", "a"), pod("three", "a", "b", "pv", on="n1"), pod("unlimited", "odd"))
    found = with_attach_limits(replace(STORE, pods=pods))
    assert [node.allocatable for node in found.nodes] == [Resources.of({DISK: 3}), Resources.of({DISK: 5})]
    assert volumes_asked(replace(STORE, pods=pods)) == {"one": 0, "three": 3, "unlimited": 0}


def test_a_volume_is_counted_once_a_node() -> None:
    both = (pod("x", "many", on="n1"), pod("y", "many", on="n1"), pod("z", "many", on="n2"), pod("zz", "many"))
    assert volumes_asked(replace(STORE, pods=both)) == {"x": 1, "y": 0, "z": 1, "zz": 1}
    assert volumes_asked(replace(STORE, pods=(pod("x", "a"), pod("y", "a")))) == {"x": 1, "y": 0}


def test_without_any_csi_node_the_published_limit_holds() -> None:
    found = with_attach_limits(replace(STORE, pods=(pod("x", "a", "odd"),), volume_limits=()))
    assert {node.allocatable.get(DISK) for node in found.nodes} == {CINDER_PER_NODE}
    assert found.pods[0].needs.requests == Resources.of({DISK: 1})


def test_without_volumes_nothing_is_counted() -> None:
    plain = replace(STORE, pods=(pod("x"), pod("y", "odd")))
    assert with_attach_limits(plain) is plain


def test_a_new_node_attaches_as_many_as_the_least_node_of_its_flavor() -> None:
    def node(name: str, flavor: str, disks: int, memory: int) -> Node:
        amounts = Resources.of({DISK: disks, MEMORY: memory})
        return Node(name=name, labels=((known.INSTANCE_TYPE, flavor),), allocatable=amounts)

    measured = calibrate([node("n1", "b3-8", 20, 100), node("n2", "b3-8", 10, 200), node("n3", "b3-16", 5, 100)])
    disks = {one.name: figures_of(one, measured).allocatable.get(DISK) for one in catalog().flavors}
    assert (disks["b3-8"], disks["b3-16"], disks["c3-8"]) == (10, 5, 5)
    assert measured[ANY_FLAVOR].source == "all nodes"


# Host ports

Port = tuple[str, str, int]
ALL, ONE, TWO = ((address, "TCP", 80) for address in (ALL_ADDRESSES, "10.0.0.1", "10.0.0.2"))


def exclude(first: Port, second: Port) -> bool:
    pods = tuple(Pod(namespace="default", name=str(i), needs=Needs(host_ports=(port,))) for i, port in enumerate((first, second)))
    a, b = (set(one.needs.ports) for one in with_whole_ports(Snapshot(pods=pods)).pods)
    return bool(a & b)


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        (ALL, ALL, True), (ALL, ONE, True), (ONE, ALL, True), (ONE, ONE, True), (ONE, TWO, False),
        (ALL, (ALL_ADDRESSES, "UDP", 80), False), (ALL, ("10.0.0.1", "TCP", 81), False), (ONE, ("10.0.0.1", "UDP", 80), False),
        (ALL, ("::", "TCP", 80), True), (ONE, ("::", "TCP", 80), False),
    ],
)  # fmt: skip
def test_ports_exclude_each_other_by_address(first: Port, second: Port, clash: bool) -> None:
    assert exclude(first, second) is clash


def test_daemon_sets_know_the_addresses_too() -> None:
    agent = DaemonSet(namespace="default", name="agent", template=PodTemplate(needs=Needs(host_ports=(ALL,))))
    found = with_whole_ports(Snapshot(daemonsets=(agent,), pods=(Pod(namespace="default", name="a", needs=Needs(host_ports=(ONE,))),)))
    assert found.daemonsets[0].template.needs.ports == ("TCP/80", "TCP/80 on 10.0.0.1")
