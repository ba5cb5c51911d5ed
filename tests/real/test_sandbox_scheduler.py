"""The sandbox's scheduler against the real one: the same cases, the same nodes, the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gitops.sandbox.cluster.made import cases, node, pod
from tests.real.controlplane import bound_node, refusal

if TYPE_CHECKING:
    from tests.real.controlplane import ControlPlane

SHARED = [case for case in cases("scheduling") if not case.get("alone")]


@pytest.mark.parametrize("case", SHARED, ids=lambda case: case["name"])
def test_the_real_scheduler_says_the_same(case: dict[str, Any], plane: ControlPlane) -> None:
    plane.create([node(**one) for one in case["nodes"]] + [pod(**one) for one in case["pods"]])

    plane.start_scheduler()
    pods = {item["metadata"]["name"]: item for item in plane.settled_pods()}

    assert {name: ended(pods[name]) for name in case["expect"]} == case["expect"]


def ended(item: dict[str, Any]) -> str:
    """The node, or the scheduler's first sentence: the next ones are about claims and preemption."""
    first, stop, _ = refusal(item).partition(". ")
    return bound_node(item) or first + stop.strip()
