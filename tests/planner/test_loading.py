"""Loads: nodes that were given back are nodes no more, and the account agrees with what is ordered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.ledger import Ledger
from planner.loading import Load
from planner.resources import CPU, PODS
from tests.planner.cluster import node_pool
from tests.planner.markets import ZONE_A, Shop
from tests.planner.worlds import group

NODES = 10


def loading(cpu: int) -> Load:
    """Two pods that wait, and sizes of one family of which each costs twice the one before and holds more pods."""
    pool = node_pool(flavors=("b3-8", "b3-16", "b3-32"), requirements=[*ZONE_A], limits={"nodes": str(NODES)})
    shop = Shop.of([group("web", 2, cpu)], pool)
    free = shop.market.free.copy()
    free[:, shop.market.resources.index(PODS)] = free[:, shop.market.resources.index(CPU)] // 10
    return Load.on(shop.world.board, replace(shop.market, free=free), Ledger(NODES, 100), shop.asks)


def named(state: Load, flavor: str) -> int:
    return next(place for place, one in enumerate(state.market.variants) if one.flavor.name == flavor)


@pytest.mark.parametrize("flavor", ["b3-8", "b3-16"])
@pytest.mark.parametrize("cpu", [500, 1500, 3500])
def test_a_node_that_was_given_back_takes_no_pod(cpu: int, flavor: str) -> None:
    state = loading(cpu)
    state.add_nodes([named(state, flavor)] * 2)
    state.drop([0, 1])
    state.grow()
    assert state.contents[:2] == [{}, {}]
    assert not any(state.left.values())
    used = state.ledger.used["default"]["nodes"]
    assert used == NODES - state.ledger.nodes_left == sum(state.fleet()) > 0


def test_a_node_is_given_back_once() -> None:
    state = loading(500)
    state.add_nodes([named(state, "b3-8")])
    state.drop([0])
    state.shrink()
    assert state.ledger.nodes_left == NODES
    assert state.ledger.used["default"]["nodes"] == 0
