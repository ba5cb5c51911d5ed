"""Certified plans: what holds on paper and strands pods when the scheduler is replayed is mended, and says so."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from planner.aims import Aims
from planner.decide import consider, decide
from planner.labels import ZONE
from planner.ledger import Ledger
from planner.plan import Certificate
from planner.recipes import scatters
from planner.replay import replay
from planner.solve import solve
from planner.trials import EVERY
from renderer.nodes import node_list
from tests.planner.cluster import NOW, Object, inputs_of, node, node_class, node_pool, pod
from tests.planner.markets import ZONE_A
from tests.planner.recording import snapshot_of, stage_of
from tests.planner.test_random_clusters import clusters, waiting

if TYPE_CHECKING:
    from planner.plan import Plan
    from planner.problem import Problem, Solution

SYSTEM = node("system", taints=[{"key": "own", "effect": "NoSchedule"}])
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def tenants(**options: Any) -> list[Object]:
    """Two tenants of two pods each that keep apart by host: two nodes hold them, if nobody comes in the wrong order."""
    policy = node_pool(flavors=("b3-8",), requirements=[*ZONE_A], **options)
    pods = []
    for mine, other in (("red", "blue"), ("blue", "red")):
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"tenant": other}}}
        affinity = {"podAntiAffinity": {REQUIRED: [term]}}
        pods += [pod(f"{mine}-{number}", "100m", labels={"tenant": mine}, affinity=affinity) for number in range(2)]
    return [node_class(), policy, SYSTEM, *pods]


def problem_of(objects: list[Object], **aims: Any) -> Problem:
    return consider(replace(inputs_of(objects), aims=Aims(**aims)), now=NOW).problem


def flavors(solution: Solution) -> Counter[str]:
    return Counter(one.candidate.flavor.name for one in solution.opened)


def stranded(objects: list[Object], plan: Plan) -> list[int]:
    """How many placed pods strand in each order once the plan's nodes are there, read as a cluster of its own."""
    placed = {name for each in plan.placements for name in each.pods}
    left = waiting(objects).keys() - placed
    there = [one for one in objects if one["kind"] != "Pod" or f"default/{one['metadata']['name']}" not in left]
    snapshot = snapshot_of({"apiVersion": "v1", "kind": "List", "items": [*there, *node_list(plan)["items"]]})  # type: ignore[misc]
    nodes = [one for one in objects if one["kind"] == "Node" and not one["spec"].get("unschedulable")]
    stage = stage_of(snapshot, there=len(nodes))
    return [sum(replay(stage, order).stranded.values()) for order in EVERY]


def test_what_strands_pods_is_mended_until_every_order_is_survived() -> None:
    objects = tenants()
    problem = problem_of(objects)
    paper, certified = solve(replace(problem, certify=False)), solve(problem)
    assert (flavors(paper), paper.certificate) == ({"b3-8": 2}, None)
    assert flavors(certified) == {"b3-8": 3}
    third = certified.opened[0].candidate.hourly
    assert certified.certificate == Certificate(orders=len(EVERY), survived=len(EVERY), premium=third)
    assert paper.lower_bound == certified.lower_bound
    on_paper = decide(replace(inputs_of(objects), aims=Aims(budget=0)), now=NOW)
    assert any(stranded(objects, on_paper))
    assert not any(stranded(objects, decide(inputs_of(objects), now=NOW)))


def test_what_survives_as_it_is_stays_as_it_is() -> None:
    pods = [pod(f"web-{number}", labels={"app": "web"}, owner=("ReplicaSet", "web")) for number in range(6)]
    problem = problem_of([node_class(), node_pool(), SYSTEM, *pods])
    paper, certified = solve(replace(problem, certify=False)), solve(problem)
    assert flavors(certified) == flavors(paper)
    assert certified.certificate == Certificate(orders=len(EVERY), survived=len(EVERY))


def test_without_a_budget_the_plan_is_that_of_paper_and_says_that_nobody_looked() -> None:
    problem = problem_of(tenants(), budget=0)
    found = solve(problem)
    assert found.certificate == Certificate(stopped=True)
    assert replace(found, certificate=None) == solve(replace(problem, certify=False))


def test_where_nothing_is_ordered_nothing_is_certified() -> None:
    problem = problem_of([node_class(), node_pool(), node("n1"), pod("web", "100m")])
    assert solve(problem).certificate is None


def test_where_limits_allow_no_more_nodes_the_scheduler_leaves_pods_behind_and_the_plan_says_so() -> None:
    found = solve(problem_of(tenants(limits={"nodes": "2"})))
    assert found.certificate is not None
    assert found.certificate.survived < found.certificate.orders
    assert {reason.filter for one in found.unplaced for reason in one.reasons} == {"Scheduler"}
    named = [pod for one in found.unplaced for pod in one.pods]
    placed = [pod for one in found.opened for pod in one.pods]
    assert 0 < len(named) <= 2
    assert sum(flavors(found).values()) <= 2
    assert sorted(named + placed) == [f"default/{one}-{number}" for one in ("blue", "red") for number in range(2)]


@pytest.mark.parametrize(("pools", "expected"), [(2, {"b3-16": 1, "b3-8": 1}), (1, {"b3-8": 3})])
def test_the_search_keeps_to_the_pools_that_are_left(pools: int, expected: dict[str, int]) -> None:
    pods = [pod(f"web-{number}", "1500m", owner=("ReplicaSet", "web")) for number in range(3)]
    policy = node_pool(flavors=("b3-8", "b3-16", "b3-32"), requirements=[*ZONE_A])
    problem = problem_of([node_class(), policy, SYSTEM, *pods])
    assert flavors(solve(replace(problem, ledger=Ledger(500, pools)))) == expected


def test_the_search_keeps_to_the_limits_of_node_pools() -> None:
    """An r3-16 is cheaper than a c3-8 and has twice the memory, of which 20 GiB may be had: two c3-8, no two r3-16."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
    apart = {"podAntiAffinity": {REQUIRED: [term]}}
    pods = [pod(f"web-{number}", "1", "5Gi", labels={"app": "web"}, affinity=apart, owner=("ReplicaSet", "web")) for number in range(2)]
    policy = node_pool(flavors=("c3-8", "r3-16"), requirements=[*ZONE_A], limits={"memory": "20Gi"})
    assert flavors(solve(problem_of([node_class(), policy, SYSTEM, *pods]))) == {"c3-8": 2}


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(clusters())
def test_a_certificate_is_borne_out_by_replays_of_the_joined_cluster(objects: list[Object]) -> None:
    inputs = replace(inputs_of(objects), aims=Aims(budget=300))
    plan = decide(inputs, now=NOW)
    assert plan == decide(inputs, now=NOW)
    given_ = plan.certificate
    if given_ is None:
        assert not any(each.expected for each in plan.placements)
        return
    assert 0 <= given_.survived <= given_.orders <= len(EVERY)
    given_away = any(reason.filter == "Scheduler" for one in plan.unplaced for reason in one.reasons)
    if given_.survived == len(EVERY) and not given_away:
        event("survived every order")
        assert not any(stranded(objects, plan))


def gathering(count: int, replicas: int) -> list[Object]:
    """Workloads of which each wants to be in one zone, whichever it is, and one that is spread over all three."""
    pods = []
    for number in range(count):
        own = {"app": f"crowd-{number}"}
        term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": own}}
        beside = {"podAffinity": {REQUIRED: [term]}}
        pods += [
            pod(f"crowd-{number}-{one}", "1500m", "2Gi", labels=own, affinity=beside, owner=("ReplicaSet", f"crowd-{number}"))
            for one in range(replicas)
        ]
    own = {"app": "even"}
    spread = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": own}}
    pods += [
        pod(f"even-{one}", "500m", "1Gi", labels=own, topologySpreadConstraints=[spread], owner=("ReplicaSet", "even"))
        for one in range(2 * replicas)
    ]
    return [node_class(), node_pool(), SYSTEM, *pods]


@pytest.mark.parametrize("budget", [600, 2000])
def test_wherever_pods_gather_a_fleet_is_found_that_leaves_none_behind(budget: int) -> None:
    objects = gathering(4, 6)
    found = solve(problem_of(objects, budget=budget))
    assert found.unplaced == ()
    assert found.certificate is not None
    assert found.certificate.survived == found.certificate.orders
    assert found.certificate.orders == len(EVERY)
    assert not any(stranded(objects, decide(replace(inputs_of(objects), aims=Aims(budget=budget)), now=NOW)))


def test_room_for_pods_that_gather_is_in_every_zone_or_in_one() -> None:
    assert scatters(()) == [()]
    for zones in (("a",), ("a", "b", "c"), tuple("abcdefgh")):
        found = scatters(zones)
        assert len(set(found)) == len(found)
        assert all(tuple(zone for zone, _ in one) == zones and any(share for _, share in one) for one in found)
        evenly = [one for one in found if len({share for _, share in one}) == 1]
        assert evenly
        assert all(max(share for _, share in one) == 1000 for one in found if one not in evenly)
