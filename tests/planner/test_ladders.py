"""Ladders: what bisection finds is what looking at every variant finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.ladders import Ladders
from tests.planner.cluster import node_pool
from tests.planner.markets import Shop
from tests.planner.worlds import group

FLAVORS = ("b3-8", "b3-16", "b3-32", "c3-8", "r3-16", "b2-7")
SHOP = Shop.of(
    [group("web")],
    node_pool("plain", FLAVORS),
    node_pool("own", FLAVORS, taints=[{"key": "own", "value": "x", "effect": "NoSchedule"}]),
)
SIZE = len(SHOP.market.variants)
amount = st.sampled_from((0, 1000, 1840, 3000, 7000, 10**6))
memory = st.sampled_from((0, 10**9, 6_100_000_000, 10**10, 14 * 10**9, 10**14))


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from((50_000, 60_000, 90_000, 100_000)), min_size=SIZE, max_size=SIZE),
    st.lists(st.tuples(st.integers(0, SIZE - 1), amount, memory, st.sampled_from((0, 5, 200))), min_size=1, max_size=20),
)
def test_the_cheapest_that_is_large_enough_is_found(prices: list[int], wanted: list[tuple[int, int, int, int]]) -> None:
    market = replace(SHOP.market, price=np.array(prices, np.int64))
    shapes = market.shapes(SHOP.world.board.shapes)
    current = np.array([one[0] for one in wanted], np.int64)
    need = np.array([one[1:] for one in wanted], np.int64)
    found = Ladders.of(market, shapes).cheapest(current, need)
    for mine, asked, answer in zip(current.tolist(), need, found.tolist(), strict=True):
        like = [
            one for one in range(SIZE)
            if market.zones[one] == market.zones[mine] and (market.free[one] >= asked).all()
            and market.variants[one].node_pool == market.variants[mine].node_pool
        ]  # fmt: skip
        assert answer in like if like else answer == -1
        assert not like or prices[answer] == min(prices[one] for one in like)


def test_a_chain_grows_in_every_resource_and_costs_no_less() -> None:
    market = SHOP.market
    ladders = Ladders.of(market, market.shapes(SHOP.world.board.shapes))
    for number, chains in ladders.chains.items():
        assert sorted(np.concatenate(chains).tolist()) == np.flatnonzero(ladders.group == number).tolist()
        for chain in chains:
            assert (np.diff(market.free[chain], axis=0) >= 0).all()
            assert (np.diff(market.price[chain]) >= 0).all()
