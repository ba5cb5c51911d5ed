"""Explanations as people read them: one cluster, a pod of every kind, in every view."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from planner.decide import consider
from planner.explain import explain_pod, find_pods
from renderer.explain import (
    markdown_view,
    pod_document,
    pod_sections,
    pool_document,
    pool_sections,
    still_sections,
    text_view,
)
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod

if TYPE_CHECKING:
    from planner.decide import Decision
    from planner.explain import PodStudy
    from tests.conftest import CompareText

DATA = Path(__file__).parents[1] / "data" / "explain"
ZONE = "topology.kubernetes.io/zone"
GPU_TAINT = {"key": "dedicated", "value": "ml", "effect": "NoSchedule"}


def spread(app: str) -> dict[str, Any]:
    selector = {"labelSelector": {"matchLabels": {"app": app}}}
    return {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule", **selector}]}


@cache
def pending() -> Decision:
    """A cluster in which pods stay pending for many reasons."""
    only_b = {"key": ZONE, "operator": "In", "values": ["eu-west-par-b"]}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "apart"}}},
    ]}}  # fmt: skip
    tolerant: dict[str, Any] = {"tolerations": [{"key": "dedicated", "operator": "Exists"}]}
    return consider(inputs_of([
        node_class(),
        node_pool("general", ["b3-8", "b3-16"], limits={"cpu": "40"}),
        node_pool("large", ["c3-8", "r3-16"], taints=[GPU_TAINT], labels={"team": "ml"}, requirements=[only_b]),
        node_pool("none", ["b9-8"]),
        node("closed", unschedulable=True), node("down", ready=False),
        node("own", taints=[{"key": "own", "effect": "NoSchedule"}]),
        pod("runs", on="own"),
        pod("giant", "1000", "1Gi"),
        pod("both", "3", "12Gi", nodeSelector={"team": "ml"}, **tolerant),
        pod("elsewhere", nodeSelector={ZONE: "eu-west-par-a", "team": "ml"}, tolerations=[{"key": "dedicated", "value": "mk"}]),
        pod("zone", nodeSelector={ZONE: "eu-west-par-a"}, affinity={"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": ZONE, "operator": "NotIn", "values": ["eu-west-par-a"]}]},
            ]},
        }}),
        *(pod(f"apart-{number}", labels={"app": "apart"}, affinity=apart, owner=("ReplicaSet", "apart")) for number in range(5)),
        pod("gated", schedulingGates=[{"name": "wait"}]),
    ]), now=NOW)  # fmt: skip


@cache
def placed() -> Decision:
    """A full cluster, and a pod that spreads."""
    return consider(inputs_of([
        node_class(), node_pool("general", ["b3-8", "b3-16"]), node("there", pool="general-b3-8-eu-west-par-a"),
        pod("runs", "1500m", on="there", labels={"app": "web"}),
        pod("grows", "1500m", "4Gi", labels={"app": "web"}, nodeSelector={ZONE: "eu-west-par-b"}, **spread("web")),
    ]), now=NOW)  # fmt: skip


@cache
def roomy() -> Decision:
    """A cluster with room for the one pod that waits."""
    return consider(inputs_of([
        node_class(), node_pool("general", ["b3-8", "b3-16"]), node("there"), pod("fits", "500m", "100Mi"),
    ]), now=NOW)  # fmt: skip


@pytest.mark.parametrize("name", ["runs", "giant", "both", "elsewhere", "zone", "apart-4", "gated"])
def test_why_a_pod_stays_pending(name: str, golden: CompareText) -> None:
    check(explain_pod(pending(), f"default/{name}"), golden)


def test_why_a_pod_goes_where_it_goes(golden: CompareText) -> None:
    check(explain_pod(placed(), "default/grows"), golden)
    check(explain_pod(roomy(), "default/fits"), golden)


def check(study: PodStudy, golden: CompareText) -> None:
    name = study.pod.partition("/")[2]
    golden(DATA / f"{name}.txt", text_view(pod_sections(study)))
    golden(DATA / f"{name}.md", markdown_view(pod_sections(study)))
    golden(DATA / f"{name}.json", pod_document(study))


def test_what_is_said_of_a_pool(golden: CompareText) -> None:
    plan = placed().plan
    (change,) = plan.changes
    golden(DATA / "pool.txt", text_view(pool_sections(change, plan.cost.currency)))
    golden(DATA / "pool.json", pool_document(change.pool, change, change.after, plan.cost.currency))


def test_a_pool_that_stays_is_said_to_stay() -> None:
    pool = next(iter(placed().plan.desired))
    assert text_view(still_sections(pool)) == f"pool {pool.name} stays as it is, at {pool.desired} nodes\n"
    told = json.loads(pool_document(pool.name, None, pool, "EUR"))["pool"]
    assert (told["action"], told["nodesBefore"], told["nodesAfter"]) == ("noop", pool.desired, pool.desired)


def test_a_bare_name_is_found_in_any_namespace() -> None:
    assert find_pods(placed(), "grows") == find_pods(placed(), "default/grows") == ("default/grows",)
    assert find_pods(placed(), "nobody") == ()


def test_no_text_moves_the_cursor() -> None:
    for name in ("giant", "both"):
        shown = text_view(pod_sections(explain_pod(pending(), f"default/{name}")))
        assert all(char.isprintable() or char == "\n" for char in shown)
