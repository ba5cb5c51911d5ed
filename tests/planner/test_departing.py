"""Who leaves a node that is drained, and who says no: each rule by a manifest of ``departing.yaml``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.cluster.inputs import read_inputs
from planner.departing import CORDONED, departures, grace_periods, is_critical, protection, stays
from planner.nodes import Node
from planner.pods import Needs, Phase, Pod
from planner.policy import NodeClass, NodePool, Policy
from planner.pools import Pool, PoolName, PoolSet
from planner.requirements import Requirements
from planner.snapshot import Budget
from planner.taints import Toleration
from tests.planner.cluster import catalog

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(Path(__file__).with_name("departing.yaml"))
BUDGETS = tuple(
    Budget(namespace="shop", name=name, selector=Requirements.from_labels({key: value}), allowed=allowed)
    for name, key, value, allowed in (("front", "tier", "front", 3), ("roomy", "app", "roomy", 2), ("tight", "app", "tight", 0))
)  # fmt: skip


def read_pod(case: dict[str, Any], folder: Path) -> Pod:
    owner = case.get("owner", "ReplicaSet")
    references = (
        [{"apiVersion": "apps/v1", "kind": owner, "name": "web-1", "uid": "u", "controller": True}] if owner else []
    )
    metadata = {
        "name": "web",
        "namespace": "shop",
        "creationTimestamp": "2026-03-01T11:00:00Z",
        **case.get("metadata", {}),
    }
    written = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "ownerReferences": references},
        "spec": {"nodeName": "n1", "priority": 0, "containers": [{"name": "main"}], **case.get("spec", {})},
        "status": {"phase": case.get("phase", "Running")},
    }  # fmt: skip
    file = folder / "pod.json"
    file.write_text(json.dumps(written), "utf-8")
    (pod,) = read_inputs([file], environment={}).snapshot.pods
    return pod


@pytest.mark.parametrize("case", [pytest.param(one, id=one["why"]) for one in CASES])
def test_each_rule(case: dict[str, Any], tmp_path: Path) -> None:
    pod, expected = read_pod(case, tmp_path), case["expect"]

    (found,) = departures([Node(name="n1")], [pod], BUDGETS, now=NOW)

    told = [(one.headroom, one.critical, list(one.blocked_by)) for one in found.evictions]
    wanted = (expected.get("headroom"), expected.get("critical", False), expected.get("blocked", []))
    assert told == ([] if expected.get("stays") else [wanted])
    assert stays(pod, since=NOW) is bool(expected.get("came_back") or (expected.get("stays") and not pod.deleting))


def test_bare_pods_go_where_that_is_asked_for() -> None:
    assert protection(Pod(namespace="shop", name="tool"), NOW, bare=True) == ""


def test_a_node_can_forbid_all_of_it() -> None:
    node = Node(name="n1", annotations=(("karpenter.sh/do-not-disrupt", "true"),))
    (found,) = departures([node], [], (), now=NOW)
    assert found.blocked_by == ("karpenter.sh/do-not-disrupt on the node forbids it",)


POOLS = PoolSet.of([Pool(name=PoolName("karpenter-b3-8"), flavor="b3-8", desired=1, maximum=100)])


@pytest.mark.parametrize(("periods", "expected"), [
    ((None,), {}), ((1800,), {"karpenter-b3-8": 1800}), ((1800, 3600), {"karpenter-b3-8": 3600}), ((1800, None), {}),
], ids=str)  # fmt: skip
def test_the_most_patient_node_pool_says_when_pods_are_deleted(
    periods: tuple[int | None, ...], expected: dict[str, int]
) -> None:
    region = catalog().region("GRA11")
    assert region is not None
    made = tuple(
        NodePool(name=f"p{number}", node_class="default", termination_grace_period=one)
        for number, one in enumerate(periods)
    )
    policy = Policy(node_pools=made, node_classes=(NodeClass(name="default"),))
    assert grace_periods(POOLS, policy, catalog(), region) == expected


pods = st.builds(
    Pod, namespace=st.sampled_from(("shop", "other")), name=st.text("abc", min_size=1, max_size=3),
    node_name=st.sampled_from(("", "n1", "n2", "n3")), phase=st.sampled_from(Phase), mirror=st.booleans(),
    deleting=st.booleans(), controller=st.sampled_from((None, ("DaemonSet", "d"), ("ReplicaSet", "r"))),
    labels=st.sampled_from(((), (("app", "tight"),), (("app", "roomy"), ("tier", "front")))),
    needs=st.builds(
        Needs, priority_class=st.sampled_from(("", "system-cluster-critical")),
        tolerations=st.sampled_from(((), (Toleration(operator="Exists"),))),
    ),
)  # fmt: skip


@given(st.lists(pods, max_size=8, unique_by=lambda one: one.key), st.randoms(use_true_random=False))
def test_every_pod_leaves_once_or_has_a_reason_to_stay(made: list[Pod], shuffler: Any) -> None:
    nodes = [Node(name="n1"), Node(name="n2")]
    shuffled = shuffler.sample(made, len(made))

    found = departures(nodes, made, BUDGETS, now=NOW)

    assert found == departures(nodes[::-1], shuffled, BUDGETS, now=NOW)
    told = [one.pod for departure in found for one in departure.evictions]
    on_them = [one for one in made if one.node_name in ("n1", "n2")]
    assert sorted(told) == sorted(one.key for one in on_them if not stays(one) and not one.deleting)
    for departure in found:
        ranks = [one.critical for one in departure.evictions]
        assert ranks == sorted(ranks)


def test_the_cordon_is_the_taint_that_the_node_controller_sets() -> None:
    assert str(CORDONED) == "node.kubernetes.io/unschedulable:NoSchedule"
    assert not is_critical(Pod(namespace="shop", name="web"))
