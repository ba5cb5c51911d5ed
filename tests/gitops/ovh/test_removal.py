"""Victims leave by name, and nobody else: also when it is tried again, and when the pool is not what it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.errors import Refused
from gitops.ovh.answers import ProviderNode
from gitops.ovh.client import OvhClient
from gitops.ovh.removal import plan_removal, remove_victims
from planner.pools import Pool, PoolName

POOL = Pool(name=PoolName("a"), flavor="b3-8", desired=3)


def nodes(*names: str, status: str = "READY") -> list[ProviderNode]:
    return [ProviderNode(id=f"id-{name}", name=name, status=status) for name in names]


@pytest.fixture
def pool_of_four(client: OvhClient) -> Pool:
    return client.create_pool(Pool(name=PoolName("a"), flavor="b3-8", zones=("eu-west-par-a",), desired=4, minimum=3))


def names_in(client: OvhClient, pool: Pool) -> set[str]:
    assert pool.state is not None
    return {node.name for node in client.nodes(pool.state.id)}


def test_the_oldest_nodes_leave_when_they_are_named(client: OvhClient, pool_of_four: Pool) -> None:
    assert pool_of_four.state is not None
    before = sorted(names_in(client, pool_of_four))
    sent = remove_victims(client, pool_of_four.state.id, before[:2], desired=2)
    assert (len(sent), names_in(client, pool_of_four)) == (2, set(before[2:]))
    after = client.pool(pool_of_four.state.id)
    assert (after.desired, after.minimum) == (2, 2)


def test_a_second_try_does_nothing(client: OvhClient, pool_of_four: Pool, spy: Any) -> None:
    assert pool_of_four.state is not None
    victim = min(names_in(client, pool_of_four))
    remove_victims(client, pool_of_four.state.id, [victim], desired=3)
    left = names_in(client, pool_of_four)
    spy.calls.clear()
    assert remove_victims(client, pool_of_four.state.id, [victim], desired=3) == ()
    assert ("PUT" in {method for method, _ in spy.calls}, names_in(client, pool_of_four)) == (False, left)


def test_a_pool_that_has_changed_is_left_alone(client: OvhClient, pool_of_four: Pool) -> None:
    assert pool_of_four.state is not None
    before = names_in(client, pool_of_four)
    with pytest.raises(Refused) as caught:
        remove_victims(client, pool_of_four.state.id, ["a-node-gone"], desired=3)
    assert str(caught.value) == "pool a: without a-node-gone 4 nodes stay, the plan says 3; plan again"
    assert caught.value.reasons == ("Pool a has 4 nodes now, 0 of them victims.",)
    assert names_in(client, pool_of_four) == before


def test_a_victim_on_its_way_out_counts_as_gone() -> None:
    leaving = nodes("n1", status="DELETING")
    removal = plan_removal(POOL, [*leaving, *nodes("n2", "n3")], ["n1"], desired=2)
    assert removal is not None
    assert removal.node_ids == ()


@settings(deadline=None)
@given(
    st.sets(st.sampled_from("abcdefgh")), st.sets(st.sampled_from("abcdefgh")), st.sets(st.sampled_from("abcdefgh")),
    st.integers(0, 8),
)  # fmt: skip
def test_only_victims_leave_and_the_size_that_stays_is_the_plans(
    present: set[str], leaving: set[str], victims: set[str], desired: int
) -> None:
    listed = nodes(*sorted(present - leaving)) + nodes(*sorted(leaving), status="DELETING")
    try:
        removal = plan_removal(POOL, listed, sorted(victims), desired=desired)
    except Refused:
        assert len(present - leaving - victims) != desired
        return
    gone = set() if removal is None else {node_id.removeprefix("id-") for node_id in removal.node_ids}
    assert gone == (present - leaving) & victims
    assert len(present - leaving - gone) == desired
