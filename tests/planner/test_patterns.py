"""Packings by patterns: every pod is on one node that takes it, none is overfull, and none is cheaper than the bound."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import labels as known
from planner.demand import PodGroup
from planner.fleet import Proposer
from planner.ledger import Ledger
from planner.patterns.knapsack import Knapsacks
from planner.patterns.packing import Packing, pack
from planner.pods import Needs, Owner
from planner.requirements import Requirements
from planner.resources import PODS, Resources
from tests.planner.cluster import node_pool
from tests.planner.markets import ZONE_A, Shop
from tests.planner.worlds import apart, spread

if TYPE_CHECKING:
    from typing import Any

GIB = 2**30
ONLY_B = {"alternatives": (Requirements.from_labels({known.INSTANCE_TYPE: "b3-16"}),)}
IN_C = {"alternatives": (Requirements.from_labels({known.ZONE: "eu-west-par-c"}),)}
SMALL = node_pool(flavors=("b3-8", "b3-16"), requirements=[*ZONE_A])


def group(app: str, count: int, cpu: int, memory: int, **needs: Any) -> PodGroup:
    """Pods that wait: millicores and bytes."""
    return PodGroup(
        namespace="default", owner=Owner("ReplicaSet", "default", app), labels=(("app", app),),
        needs=Needs(requests=Resources.of({"cpu": cpu, "memory": memory, PODS: 1}), **needs),
        pods=tuple(f"default/{app}-{number:03d}" for number in range(count)),
    )  # fmt: skip


def faults(shop: Shop, packing: Packing) -> list[str]:
    """What is wrong with a packing, recounted with Python's own numbers."""
    found, placed, price = [], Counter[int](), 0
    for node in packing.nodes:
        used = Counter[str]()
        for place, count in node.pods:
            placed[place] += count
            if count < 1 or not shop.asks[place].options[node.variant]:
                found.append(f"{count} pods of {place} on {node.variant}")
            for name, amount in zip(shop.market.resources, shop.asks[place].request.tolist(), strict=True):
                used[name] += count * amount
        free = dict(zip(shop.market.resources, shop.market.free[node.variant].tolist(), strict=True))
        found += [f"{name} on {node.variant}" for name, amount in used.items() if amount > max(0, free[name])]
        price += int(shop.market.price[node.variant])
    found += [f"{placed[place]} pods of {place}" for place, one in enumerate(shop.asks) if one.count != placed[place]]
    counts = Counter(node.variant for node in packing.nodes)
    if price != packing.hourly or [counts[one] for one in range(len(shop.market.variants))] != list(packing.counts):
        found.append("the sum")
    return found


@st.composite
def demands(draw: st.DrawFn) -> list[PodGroup]:
    """Groups that fit on b3-16, in odd sizes; some only there, some only in one zone."""
    return [
        group(
            f"app{number}", draw(st.integers(1, 30)), draw(st.integers(1, 3600)), draw(st.integers(0, 12 * GIB)),
            **draw(st.sampled_from(({}, {}, {}, ONLY_B, IN_C))),
        )
        for number in range(draw(st.integers(1, 6)))
    ]  # fmt: skip


@given(demands())
@settings(max_examples=30)
def test_every_pod_is_on_one_node_that_takes_it_for_no_less_than_the_bound(groups: list[PodGroup]) -> None:
    shop = Shop.of(groups, node_pool(flavors=("b3-8", "b3-16", "b3-64", "c3-8", "c3-32", "r3-16")))
    packing = pack(shop.asks, shop.market, Ledger(500, 100), work=60_000)
    assert packing is not None
    assert faults(shop, packing) == []
    assert packing.hourly >= Proposer(shop.market, Ledger(500, 100)).bound(shop.asks)
    assert packing == pack(shop.asks, shop.market, Ledger(500, 100), work=60_000)


@given(demands(), st.integers(1, 30), st.integers(0, 3))
@settings(max_examples=30)
def test_limits_are_kept(groups: list[PodGroup], nodes: int, pools: int) -> None:
    shop = Shop.of(groups, node_pool(flavors=("b3-8", "b3-16", "c3-32"), limits={"cpu": "150"}))
    ledger = Ledger(nodes, pools)
    packing = pack(shop.asks, shop.market, ledger, work=100_000)
    if packing is not None:
        assert faults(shop, packing) == []
        for variant, count in zip(shop.market.variants, packing.counts, strict=True):
            assert ledger.affordable(variant) >= count
            ledger.order(variant, count)


# What is found


@given(st.lists(st.tuples(st.integers(200, 1700), st.integers(1, 5)), min_size=1, max_size=2))
@settings(max_examples=25)
def test_a_few_pods_get_the_cheapest_nodes(sizes: list[tuple[int, int]]) -> None:
    """One resource and two flavors: all numbers of pods of two sizes that a node holds can be tried."""
    shop = Shop.of([group(f"app{place}", count, cpu, GIB) for place, (cpu, count) in enumerate(sizes)], SMALL)
    packing = pack(shop.asks, shop.market, Ledger(500, 100))
    assert packing is not None
    assert packing.hourly == cheapest(shop)


def cheapest(shop: Shop) -> int:
    """The least price of nodes for all pods, by dynamic programming over how many of each ask are placed."""
    every = [range(one.count + 1) for one in shop.asks]
    price: dict[tuple[int, ...], int] = {}
    for held in product(*every):
        need = sum(count * one.request for count, one in zip(held, shop.asks, strict=True))
        fits = (shop.market.free >= need).all(axis=1)
        if fits.any():
            price[held] = int(shop.market.price[fits].min())
    least = {tuple(0 for _ in every): 0}
    for state in product(*every):
        ways = [
            least[tuple(np.subtract(state, held).tolist())] + cost
            for held, cost in price.items() if any(held) and (np.array(held) <= state).all()
        ]  # fmt: skip
        least[state] = min(ways, default=0)
    return least[tuple(one.count for one in shop.asks)]


def test_pods_that_divide_nothing_fill_nodes_to_the_last() -> None:
    """By size, the first node of 3,680 millicores would hold two of 1,300: three nodes. By patterns two are enough."""
    shop = Shop.of([group("a", 2, 1300, GIB), group("b", 2, 1200, GIB), group("c", 2, 1100, GIB)],
                   node_pool(flavors=("b3-16",), requirements=[*ZONE_A]))  # fmt: skip
    packing = pack(shop.asks, shop.market, Ledger(500, 100))
    assert packing is not None
    assert sum(packing.counts) == 2


def test_equal_pods_are_shared_out_among_those_who_asked() -> None:
    shop = Shop.of([group("a", 5, 900, GIB), group("b", 7, 900, GIB), group("c", 1, 900, GIB, **ONLY_B)])
    packing = pack(shop.asks, shop.market, Ledger(500, 100))
    assert packing is not None
    assert faults(shop, packing) == []


def test_pods_of_very_many_sizes_are_packed_too() -> None:
    groups = [group(f"app{one:03}", 1, 100 + 7 * one, (1 + one % 13) * GIB) for one in range(230)]
    shop = Shop.of(groups, node_pool(flavors=("b3-16", "b3-64", "c3-32", "r3-64"), requirements=[*ZONE_A]))
    packing = packed(shop, Ledger(500, 100))
    assert faults(shop, packing) == []
    assert packing.hourly < 1.1 * Proposer(shop.market, Ledger(500, 100)).bound(shop.asks)


def test_of_few_nodes_that_are_left_larger_ones_are_taken() -> None:
    shop = Shop.of([group("web", 5, 1500, GIB)], node_pool(flavors=("b3-8", "b3-64"), requirements=[*ZONE_A]))
    assert sum(packed(shop, Ledger(500, 100)).counts) > 1
    assert sum(packed(shop, Ledger(1, 100)).counts) == 1


def packed(shop: Shop, ledger: Ledger) -> Packing:
    packing = pack(shop.asks, shop.market, ledger)
    assert packing is not None
    return packing


def test_who_reaches_the_least_price_stops_there() -> None:
    shop = Shop.of([group("web", 20, 777, GIB), group("api", 20, 1234, 3 * GIB)])
    first, best = (pack(shop.asks, shop.market, Ledger(500, 100), least=least) for least in (10**9, 0))
    assert first is not None
    assert best is not None
    assert first.hourly >= best.hourly


# Where there is none


def test_nothing_is_asked_for_nothing_is_packed() -> None:
    shop = Shop.of([group("web", 3, 10**6, GIB)])
    assert pack(shop.asks, shop.market, Ledger(500, 100)) == Packing((0,) * len(shop.market.variants), (), 0)
    assert packed(shop, Ledger(500, 100)) == pack((), shop.market, Ledger(500, 100))


@pytest.mark.parametrize("rules", [apart(), spread(), spread(known.HOSTNAME)])
def test_pods_with_rules_are_not_packed(rules: dict[str, Any]) -> None:
    shop = Shop.of([group("web", 3, 500, GIB, **rules)])
    assert pack(shop.asks, shop.market, Ledger(500, 100)) is None


def test_without_work_or_nodes_or_pools_there_is_no_packing() -> None:
    shop = Shop.of([group("web", 3, 500, GIB), group("c", 1, 500, GIB, **ONLY_B)])
    assert pack(shop.asks, shop.market, Ledger(500, 100), work=0) is None
    assert pack(shop.asks, shop.market, Ledger(0, 100)) is None
    assert pack(shop.asks, shop.market, Ledger(500, 0)) is None


# Knapsacks


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 30)), min_size=1, max_size=3), st.integers(5, 20))
def test_a_node_holds_nearly_what_is_worth_most(pods: list[tuple[int, int, int]], room: int) -> None:
    """Beside every way to fill it: no more than it takes, and no less than the best but for one pod."""
    request, worth = np.array([one[:2] for one in pods]), np.array([one[2] for one in pods])
    left = np.full(len(pods), 3)
    sacks = Knapsacks(np.full((1, 2), float(room)), request.astype(np.float64), np.ones((1, len(pods)), np.bool_))
    held = sacks.best(worth, left, np.ones(1, np.int64))[1][0]
    ways = np.array(list(product(range(4), repeat=len(pods))))
    best = (ways[(ways @ request <= room).all(axis=1)] @ worth).max()
    assert (held @ request <= room).all()
    assert (held <= left).all()
    assert best - worth.max() <= held @ worth <= best


def test_what_is_filled_up_keeps_what_it_held() -> None:
    request = np.array([[3.0, 1.0], [1.0, 1.0]])
    sacks = Knapsacks(np.array([[5.0, 5.0]]), request, np.ones((1, 2), np.bool_))
    held = sacks.filled_up(np.array([0]), np.array([[1, 0]]), np.array([1, 5]), np.array([1, 4]))
    assert held.tolist() == [[1, 2]]
