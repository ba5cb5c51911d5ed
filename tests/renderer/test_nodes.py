"""Nodes that a plan expects, as the Kubernetes API takes them."""

from __future__ import annotations

import json

from hypothesis import given

from planner.plan import Plan
from planner.resources import Resources
from renderer.nodes import node_list, node_text, quantities
from tests.renderer.cases import load_case
from tests.renderer.strategies import few_examples, plans


@few_examples
@given(plans())
def test_each_expected_node_is_listed_once_with_its_amounts(plan: Plan) -> None:
    items = json.loads(node_text(plan))["items"]

    expected = {node.name: node.expected for node in plan.placements if node.expected}
    assert [item["metadata"]["name"] for item in items] == sorted(expected)
    for item in items:
        node = expected[item["metadata"]["name"]]
        assert Resources.parse(item["status"]["allocatable"]) == node.allocatable
        assert Resources.parse(item["status"]["capacity"]) == node.capacity
        assert item["metadata"]["labels"] == dict(node.labels)


def test_existing_nodes_are_not_listed() -> None:
    assert node_list(load_case("stays-pending"))["items"] == []


def test_the_hostname_is_the_name_and_an_empty_taint_value_is_left_out() -> None:
    items = json.loads(node_text(load_case("mixed")))["items"]

    assert [item["metadata"]["labels"]["kubernetes.io/hostname"] for item in items] == [
        "karpenter-b3-8-eu-west-par-b-node-000001", "karpenter-b3-8-eu-west-par-b-node-000002",
    ]  # fmt: skip
    assert items[0]["spec"]["taints"] == [
        {"key": "gpu", "effect": "NoSchedule", "value": "true"}, {"key": "boot", "effect": "NoExecute"},
    ]  # fmt: skip
    assert "providerID" not in items[0]["spec"]


def test_the_volumes_a_node_attaches_are_no_amount_of_the_node() -> None:
    amounts = Resources.of({"cpu": 1000, "attachable-volumes-csi-cinder.csi.openstack.org": 254})
    assert quantities(amounts) == {"cpu": "1"}
