"""Nodes that were ordered and never come are no capacity: they are ordered elsewhere, and their pool goes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.coming import Shortfall, shortfall, takes_back
from planner.decide import Inputs, decide
from planner.plan import Plan
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.portion import Kind, portions
from planner.resources import Resources
from tests.planner.cluster import NOW, catalog, inputs_of, node, node_class, node_pool
from tests.planner.cluster import pod as pod_of

A = "karpenter-b3-8-eu-west-par-a"
OUT = "FLAVOR_OUT_OF_STOCK_ERROR"


def pool(desired: int = 3, *, state: ProviderState | None = None, **fields: Any) -> Pool:
    made = Pool(name=PoolName(A), flavor="b3-8", zones=("eu-west-par-a",), desired=desired, state=state)
    return replace(made, **fields)


def state(current: int = 3, *broken: str, status: str = "READY") -> ProviderState:
    return ProviderState(
        id="id-1", status=status, current_nodes=current, available_nodes=current - len(broken),
        broken=tuple((name, OUT) for name in broken),
    )  # fmt: skip


def without(*places: str) -> Any:
    """The catalog, with b3-8 not to be had in these places."""
    known = catalog()
    flavors = tuple(replace(one, unavailable=places) if one.name == "b3-8" else one for one in known.flavors)
    return replace(known, flavors=flavors)


@pytest.mark.parametrize(("there", "places", "joined", "expected"), [
    (pool(state=state(3)), (), (), None),
    (pool(), (), (), None),
    (pool(), ("eu-west-par-b",), (), None),
    (pool(), ("eu-west-par-a",), (), (0, (), "3 of 3 nodes never came: b3-8 cannot be had in eu-west-par-a for now")),
    (pool(), ("EU-WEST-PAR",), (), (0, (), "3 of 3 nodes never came: b3-8 cannot be had in eu-west-par-a for now")),
    (pool(state=state(1)), ("eu-west-par-a",), ("n1",),
     (1, (), "2 of 3 nodes never came: b3-8 cannot be had in eu-west-par-a for now")),
    (pool(state=state(3, "n2", "n3")), (), ("n1",), (1, ("n2", "n3"), f"2 of 3 nodes never came: {OUT}")),
    (pool(state=state(3, "n2", "n3")), ("eu-west-par-a",), ("n1",),
     (1, ("n2", "n3"), f"2 of 3 nodes never came: {OUT}")),
    (pool(state=state(3, "n1")), (), ("n1", "n2", "n3"), None),
    (pool(state=state(3, "n1", "n2", "n3"), minimum=1), (), (), None),
    (pool(state=state(3, "n1", status="DELETING")), (), (), None),
    (pool(flavor="x9-1"), ("eu-west-par-a",), (), None),
], ids=range(12))  # fmt: skip
def test_what_will_not_come(
    there: Pool, places: tuple[str, ...], joined: tuple[str, ...], expected: tuple[Any, ...] | None
) -> None:
    known = without(*places)
    region = known.region("EU-WEST-PAR")
    assert region is not None
    found = shortfall(there, known, region, joined)
    assert found == (expected and Shortfall(pool=A, stays=expected[0], lost=expected[1], text=expected[2]))


def planned(declared: Pool, *objects: Any, places: tuple[str, ...] = (), flavors: tuple[str, ...] = ("b3-8", "b3-16"),
            observed: Pool | None = None) -> Plan:  # fmt: skip
    """The plan where one pod waits that fills a b3-8."""
    waiting = pod_of("web", cpu="1500m")
    inputs = inputs_of([node_class(), node_pool(flavors=flavors), waiting, *objects], pools=PoolSet())
    return decide(replace(
        inputs, declared=PoolSet.of([replace(declared, state=None)]), catalog=without(*places) if places else catalog(),
        observed=PoolSet.of([observed or declared] if (observed or declared).state else []),
    ), now=NOW)  # fmt: skip


def sizes(plan: Plan) -> dict[str, int]:
    return {one.name: one.desired for one in plan.desired}


def test_a_pool_that_the_provider_never_made_is_ordered_elsewhere_in_one_proposal() -> None:
    plan = planned(pool(1), places=("eu-west-par-a",))
    assert sizes(plan) == {"karpenter-b3-8-eu-west-par-b": 1}
    [(kind, part)] = portions(plan)
    assert (kind, part) == (Kind.UP, plan)
    taken_back = next(one for one in plan.changes if one.pool == A)
    assert [reason.code for reason in taken_back.reasons] == ["never-came"]
    assert takes_back(taken_back)


def test_broken_nodes_are_named_and_what_came_stays() -> None:
    there = node("n1", pool=A)
    busy = pod_of("busy", cpu="1500m", on="n1")
    plan = planned(pool(3, state=state(3, "n2", "n3")), there, busy)
    assert sizes(plan) == {A: 1, f"{A}-2": 1}
    back = next(one for one in plan.changes if one.pool == A)
    assert back.victims == ("n2", "n3")
    assert [kind for kind, _ in portions(plan)] == [Kind.UP]


def test_where_nothing_else_can_be_ordered_the_pods_go_on_waiting_for_it() -> None:
    places = ("eu-west-par-a", "eu-west-par-b", "eu-west-par-c")
    plan = planned(pool(1), places=places, flavors=("b3-8",))
    assert plan.changes == ()
    assert len(plan.unplaced) == 1


def test_nodes_that_are_under_way_are_not_ordered_again() -> None:
    coming = pool(1, state=ProviderState(id="id-1", status="INSTALLING", current_nodes=1))
    assert planned(coming, places=("eu-west-par-a",)).changes == ()


def test_without_a_pod_that_waits_it_goes_back_as_well() -> None:
    inputs: Inputs = inputs_of([node_class(), node_pool(), node("n1", pool="other")], pools=PoolSet())
    declared = PoolSet.of([pool(2)])
    plan = decide(replace(inputs, declared=declared, catalog=without("eu-west-par-a")), now=NOW)
    assert sizes(plan) == {}
    assert [kind for kind, _ in portions(plan)] == [Kind.DOWN]


def test_what_never_came_is_not_charged_to_the_limits() -> None:
    limited = node_pool(limits={"cpu": "2"})
    waiting = pod_of("web", cpu="1500m")
    inputs = inputs_of([node_class(), limited, waiting], pools=PoolSet())
    declared = PoolSet.of([pool(1)])
    plan = decide(replace(inputs, declared=declared, catalog=without("eu-west-par-a")), now=NOW)
    assert sizes(plan) == {"karpenter-b3-8-eu-west-par-b": 1}


def test_what_is_ordered_and_not_made_yet_is_kept_of_the_quota() -> None:
    """One b3-8 is declared and coming; the quota of four cores holds one more and not two."""
    objects = [node_class(), node_pool(flavors=("b3-8",)), *(pod_of(name, cpu="1500m") for name in ("x", "y", "z"))]
    quota = Resources.of({"cpu": 4000, "memory": 10**12, "nodes": 99})
    declared = PoolSet.of([pool(1)])
    inputs = replace(inputs_of(objects, pools=PoolSet()), declared=declared, quota=quota)
    plan = decide(inputs, now=NOW)
    assert sum(one.desired for one in plan.desired) == 2
    assert sum(len(one.pods) for one in plan.unplaced) == 1


@pytest.mark.parametrize(("cores", "memory", "nodes", "flavors"), [
    (4000, 10**12, 99, {"b3-8": 2}), (2000, 10**12, 99, {"b3-8": 1}), (1000, 10**12, 99, {}),
    (10**9, 8 * 10**9, 99, {"b3-8": 1}), (10**9, 10**12, 1, {"b3-16": 1}), (10**9, 10**12, 0, {}), (-5, 0, 0, {}),
])  # fmt: skip
def test_a_plan_keeps_within_the_project_s_quota(
    cores: int, memory: int, nodes: int, flavors: dict[str, int]
) -> None:
    """Two pods fill a b3-8 each; b3-16 holds both and costs as much as two."""
    objects = [node_class(), node_pool(), pod_of("one", cpu="1500m"), pod_of("two", cpu="1500m")]
    quota = Resources.of({"cpu": cores, "memory": memory, "nodes": nodes})
    plan = decide(replace(inputs_of(objects, pools=PoolSet()), region="EU-WEST-PAR", quota=quota), now=NOW)
    found: dict[str, int] = {}
    for one in plan.desired:
        found[one.flavor] = found.get(one.flavor, 0) + one.desired
    assert found in (flavors, {"b3-16": 1} if flavors == {"b3-8": 2} else flavors)
    assert {reason.filter for one in plan.unplaced for reason in one.reasons} <= {"Quota"}
    assert bool(plan.unplaced) is (sum(flavors.values()) < 2 and "b3-16" not in flavors)
