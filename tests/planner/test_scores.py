"""kube-scheduler's scores, against figures worked out by hand (``scores.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from planner import scores
from planner.pods import assumed
from planner.resources import Resources

CASES: dict[str, Any] = YAML(typ="safe", pure=True).load(Path(__file__).with_name("scores.yaml"))


def cases(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(one, id=one["why"]) for one in CASES[name]])


def amounts(both: dict[str, list[int]]) -> scores.Ints:
    return np.array([both["cpu"], [mebibytes * 1024**2 for mebibytes in both["memory"]]], dtype=np.int64)


def whole_of(both: dict[str, list[int]]) -> scores.Whole:
    return scores.Whole.of(amounts(both))


def whole(numbers: list[int]) -> scores.Ints:
    return np.array(numbers, dtype=np.int64)


@cases("least_allocated")
def test_the_emptier_node_is_better(case: Any) -> None:
    left = amounts(case["allocatable"]) - amounts(case["requested"])
    found = scores.least_allocated(whole_of(case["allocatable"]), left.astype(np.float64))
    assert found.tolist() == case["scores"]


@cases("balanced_allocation")
def test_the_evenly_used_node_is_better(case: Any) -> None:
    requested = amounts(case["requested"]).astype(np.float64)
    found = scores.balanced_allocation(whole_of(case["allocatable"]), requested)
    assert found.tolist() == case["scores"]


@cases("normalized")
def test_preferences_and_dislikes_are_scaled_to_the_highest(case: Any) -> None:
    assert scores.normalized(whole(case["raw"]), reverse=case.get("reverse", False)).tolist() == case["scores"]


@cases("affinity")
def test_sums_of_weights_are_scaled_between_the_lowest_and_the_highest(case: Any) -> None:
    assert scores.affinity_score(whole(case["raw"])).tolist() == case["scores"]


@cases("spread")
def test_the_domain_with_fewer_pods_is_better(case: Any) -> None:
    parts = [
        (whole([*one["domains"].values(), 0]), whole([at(one["domains"], name) for name in one["nodes"]]), one["size"],
         one["max_skew"])
        for one in case["parts"]
    ]  # fmt: skip
    scored = np.array(case["scored"]) if "scored" in case else None
    assert scores.spread_score(parts, scored).tolist() == case["scores"]


def at(domains: dict[str, int], name: str | None) -> int:
    return len(domains) if name is None else list(domains).index(name)


@pytest.mark.parametrize(("nodes", "found"), CASES["nodes_to_find"].items())
def test_of_many_nodes_only_some_are_looked_at(nodes: int, found: int) -> None:
    assert scores.nodes_to_find(nodes) == found


def test_a_pod_without_requests_is_scored_as_a_small_one() -> None:
    assert assumed(Resources.of({"pods": 1})) == (100, 200 * 1024**2)
    assert assumed(Resources.of({"cpu": 1, "memory": 1})) == (0, 0)
