"""Which nodes go: the cases say it with manifests, here are the combinations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from planner.nodes import Node
from planner.pods import Phase, Pod
from planner.policy import DisruptionBudget, NodePool
from planner.pools import Pool, PoolName
from planner.removal import empty_since, find_victims

if TYPE_CHECKING:
    from planner.removal import Victim

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN = PoolName("karpenter-b3-8-nova")


def node(name: str, *, hours: float = 2, **fields: object) -> Node:
    made = NOW - timedelta(hours=hours)
    return Node(name=name, labels=(("nodepool", OWN),), created_at=made, ready_since=made, **fields)  # type: ignore[arg-type]


def pod(on: str, **fields: object) -> Pod:
    return Pod(namespace="default", name=f"on-{on}", node_name=on, **{"phase": Phase.RUNNING, **fields})  # type: ignore[arg-type]


def victims(
    nodes: list[Node], pods: tuple[Pod, ...] = (), *, desired: int | None = None, minimum: int = 0,
    wanted: frozenset[str] = frozenset(), **policy: object,
) -> tuple[Victim, ...]:  # fmt: skip
    pool = Pool(name=OWN, flavor="b3-8", desired=len(nodes) if desired is None else desired, minimum=minimum)
    node_pool = NodePool(name="default", node_class="default", **policy)  # type: ignore[arg-type]
    return find_victims({OWN: (pool, (node_pool,))}, nodes, pods, wanted=wanted, now=NOW)


def names(found: tuple[Victim, ...]) -> list[str]:
    return [victim.node for victim in found]


def test_the_newest_of_several_empty_nodes_goes_first() -> None:
    nodes = [node("a", hours=1), node("b", hours=3), node("c", hours=2)]
    one = (DisruptionBudget(nodes=1),)
    assert names(victims(nodes, budgets=one)) == ["a"]
    assert names(victims(nodes, budgets=(DisruptionBudget(nodes=2),))) == ["a", "c"]


def test_nodes_that_are_leaving_count_against_the_budget() -> None:
    nodes = [node("a", deleting=True), node("b"), node("c")]
    assert names(victims(nodes, desired=2, budgets=(DisruptionBudget(nodes=1),))) == []


def test_nodes_whose_removal_is_under_way_count_against_the_budget() -> None:
    nodes = [node("a"), node("b"), node("c")]
    assert names(victims(nodes, desired=2, budgets=(DisruptionBudget(nodes=1),))) == []
    assert names(victims(nodes, desired=2, budgets=(DisruptionBudget(nodes=2),))) == ["b"]


def test_the_strictest_budget_holds() -> None:
    nodes = [node(name) for name in "abcdefghij"]
    budgets = (DisruptionBudget(nodes=5), DisruptionBudget(percent=25))
    assert len(victims(nodes, budgets=budgets)) == 3


def test_a_node_of_nobody_s_pool_stays() -> None:
    assert find_victims({}, [node("a")], (), wanted=frozenset(), now=NOW) == ()


def test_a_pool_without_rules_keeps_its_nodes() -> None:
    pool = Pool(name=OWN, flavor="b3-8", desired=1)
    assert find_victims({OWN: (pool, ())}, [node("a")], (), wanted=frozenset(), now=NOW) == ()


def test_of_several_owners_the_most_patient_decides() -> None:
    pool = Pool(name=OWN, flavor="b3-8", desired=1)
    quick, slow = (NodePool(name=str(wait), node_class="d", consolidate_after=wait) for wait in (60, 7201))
    assert names(find_victims({OWN: (pool, (quick,))}, [node("a")], (), wanted=frozenset(), now=NOW)) == ["a"]
    assert find_victims({OWN: (pool, (quick, slow))}, [node("a")], (), wanted=frozenset(), now=NOW) == ()


def test_nobody_knows_since_when_a_node_without_times_is_empty() -> None:
    bare = Node(name="a", labels=(("nodepool", OWN),))
    assert victims([bare], consolidate_after=0) == ()


def test_a_note_that_is_no_time_is_not_believed() -> None:
    odd = node("a", annotations=(("poolplan.dev/empty-since", "yesterday"),))
    assert empty_since(odd, ()) == odd.created_at


@given(
    st.lists(st.tuples(st.floats(0, 5), st.booleans(), st.booleans()), min_size=1, max_size=8), st.integers(0, 10),
    st.integers(0, 3), st.integers(0, 8), st.integers(0, 4 * 3600),
)  # fmt: skip
def test_whatever_goes_was_empty_long_enough_and_within_every_bound(
    given_: list[tuple[float, bool, bool]], desired: int, minimum: int, budget: int, wait: int
) -> None:
    nodes = [node(f"n{i}", hours=hours, deleting=leaving) for i, (hours, _, leaving) in enumerate(given_)]
    pods = tuple(pod(f"n{i}") for i, (_, busy, _) in enumerate(given_) if busy)
    found = victims(
        nodes, pods, desired=desired, minimum=minimum, budgets=(DisruptionBudget(nodes=budget),), consolidate_after=wait
    )
    busy = {one.node_name for one in pods}
    by_name = {one.name: one for one in nodes}
    there = [one for one in nodes if not one.deleting]
    assert len(found) <= budget
    assert not found or desired - len(found) >= minimum
    for victim in found:
        one = by_name[victim.node]
        assert victim.node not in busy
        assert not one.deleting
        assert one.created_at is not None
        assert (NOW - one.created_at).total_seconds() >= wait
    assert not found or desired - len(found) >= len([one for one in there if one.name in busy])


def test_a_node_that_the_plan_uses_stays() -> None:
    assert victims([node("a")], wanted=frozenset({"a"})) == ()
