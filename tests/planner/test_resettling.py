"""Where the pods of nodes that leave find room: by every rule that a plan keeps, so a few cases stand for them all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from planner.decide import Inputs
from planner.errors import ValueRefused
from planner.labels import HOSTNAME, OVH_POOL
from planner.nodes import Node
from planner.pods import AffinityTerm, Needs, Owner, Phase, Pod
from planner.policy import Policy
from planner.pools import Pool, PoolName, PoolSet
from planner.requirements import Requirements
from planner.resettling import resettle
from planner.resources import Resources
from planner.snapshot import Snapshot
from tests.planner.cluster import catalog

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHOLE = Resources.of({"cpu": 2000, "memory": 8 * 1024**3, "pods": 110})
WEB = Requirements.from_labels({"app": "web"})


def node(name: str) -> Node:
    labels = tuple(sorted({OVH_POOL: "karpenter-b3-8", HOSTNAME: name}.items()))
    return Node(name=name, labels=labels, capacity=WHOLE, allocatable=WHOLE)


def pod(name: str, on: str, *, cpu: int = 500, **fields: object) -> Pod:
    requests = Resources.of({"cpu": cpu, "memory": 1024**3, "pods": 1})
    given = {"needs": Needs(requests=requests), "controller": ("ReplicaSet", "web"), "phase": Phase.RUNNING, **fields}
    return Pod(
        namespace="shop", name=name, uid=name, node_name=on, labels=(("app", "web"),),
        owner=Owner("Deployment", "shop", "web"), **given,  # type: ignore[arg-type]
    )  # fmt: skip


def inputs(*pods: Pod, nodes: int = 3) -> Inputs:
    snapshot = Snapshot(nodes=tuple(node(f"n{number}") for number in range(nodes)), pods=pods)
    return Inputs(
        snapshot=snapshot, policy=Policy(), catalog=catalog(), declared=PoolSet.of([pool(nodes)]), region="GRA11",
    )  # fmt: skip


def pool(size: int, flavor: str = "b3-8", name: str = "karpenter-b3-8") -> Pool:
    return Pool(name=PoolName(name), flavor=flavor, desired=size, maximum=100)


def test_pods_go_where_there_is_room_and_the_rest_would_wait() -> None:
    given = inputs(
        pod("a", "n0", cpu=1500), pod("b", "n0", cpu=1500), pod("c", "n1", cpu=1000), pod("d", "n2", cpu=400),
        pod("agent", "n0", controller=("DaemonSet", "agent")), pod("gone", "n0", deleting=True),
    )  # fmt: skip
    found = resettle(given, PoolSet.of([pool(2)]), {"n0"}, now=NOW)
    assert list(found.values()) == ["n2"]
    assert set(found) <= {"shop/a", "shop/b"}


def test_nodes_that_come_count() -> None:
    given = inputs(pod("a", "n0"), nodes=1)
    found = resettle(given, PoolSet.of([pool(1, name="karpenter-b3-16", flavor="b3-16")]), {"n0"}, now=NOW)
    assert [name.startswith("karpenter-b3-16-") for name in found.values()] == [True]


def test_rules_between_pods_hold() -> None:
    apart = AffinityTerm(topology_key=HOSTNAME, selector=WEB)
    alone = Needs(requests=Resources.of({"cpu": 100, "pods": 1}), anti_affinity=(apart,))
    given = inputs(*(pod(f"web-{number}", f"n{number}", needs=alone) for number in range(3)))
    assert resettle(given, PoolSet.of([pool(2)]), {"n0"}, now=NOW) == {}
    roomy = replace(given, snapshot=replace(given.snapshot, pods=given.snapshot.pods[:2]))
    assert resettle(roomy, PoolSet.of([pool(2)]), {"n0"}, now=NOW) == {"shop/web-0": "n2"}


def test_nobody_is_sent_to_a_node_that_leaves_too() -> None:
    given = inputs(pod("a", "n0"), pod("b", "n1"))
    assert set(resettle(given, PoolSet.of([pool(1)]), {"n0", "n1"}, now=NOW).values()) == {"n2"}
    assert resettle(given, PoolSet(), {"n0", "n1", "n2"}, now=NOW) == {}


def test_without_a_region_nobody_knows() -> None:
    with pytest.raises(ValueRefused, match="the region is unknown"):
        resettle(replace(inputs(pod("a", "n0")), region=""), PoolSet(), {"n0"}, now=NOW)
