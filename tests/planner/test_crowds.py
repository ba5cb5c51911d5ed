"""Pods that bring ten thousand of something: a plan with short reasons, as for any other pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.planner.cluster import node, node_class, node_pool, plan_of, pod

if TYPE_CHECKING:
    from planner.plan import Plan

MANY = range(10_000)
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def plan(*pods: Any) -> Plan:
    system = node("system", taints=[{"key": "own", "effect": "NoSchedule"}])
    return plan_of([node_class(), node_pool(), system, *pods])


def terms(*expressions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": one} for one in expressions]}}}


def expression(number: int) -> dict[str, Any]:
    return {"key": f"key-{number}", "operator": "In", "values": ["x"]}


@pytest.mark.parametrize(
    "crowded",
    [
        pod("it", labels={f"label-{number}": "x" for number in MANY}),
        pod("it", tolerations=[{"key": f"key-{number}", "operator": "Exists"} for number in MANY]),
        pod("it", affinity=terms(*([expression(number)] for number in MANY), [{"key": "key", "operator": "DoesNotExist"}])),
        pod("it", affinity=terms([{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", *map(str, MANY)]}])),
    ],
    ids=["labels", "tolerations", "terms", "values"],
)
def test_ten_thousand_of_what_does_not_matter(crowded: Any) -> None:
    found = plan(crowded)
    assert found.unplaced == ()
    assert len(found.changes) == 1


@pytest.mark.parametrize(
    ("crowded", "code"),
    [
        (pod("it", nodeSelector={f"key-{number}": "x" for number in MANY}), "NodeAffinity"),
        (pod("it", affinity=terms(*([expression(number)] for number in MANY))), "NodeAffinity"),
        (pod("it", affinity=terms([{"key": "kubernetes.io/arch", "operator": "In", "values": list(map(str, MANY))}])), "NodeAffinity"),
    ],
    ids=["selector", "terms", "values"],
)  # fmt: skip
def test_ten_thousand_things_that_no_node_has(crowded: Any, code: str) -> None:
    ((lost,),) = [list(one.reasons) for one in plan(crowded).unplaced]
    assert lost.filter == code
    assert len(lost.detail) < 2_000


def test_a_thousand_workloads_of_a_label_each() -> None:
    pods = [pod(f"p{number}", "1000", labels={"app": f"app-{number}"}, nodeSelector={"app": f"app-{number}"}) for number in range(1000)]
    found = plan(*pods)
    assert len(found.unplaced) == 1000
    assert {each.filter for one in found.unplaced for each in one.reasons} == {"NodeAffinity"}
