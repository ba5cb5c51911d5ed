"""The proven bound of a plan: no way to put the pods on new nodes that keeps their spreads is cheaper."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import labels as known
from planner.ledger import Ledger
from planner.proof import lower_bound
from planner.requirements import Requirements
from tests.planner.cluster import Object, node_pool
from tests.planner.markets import Shop
from tests.planner.worlds import group, here, running, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planner.demand import PodGroup
    from planner.kinds import Kind
    from planner.nodes import Node
    from planner.pods import Pod

ZONES = ("eu-west-par-a", "eu-west-par-b", "eu-west-par-c")


def in_zones(*zones: str) -> Object:
    return {"key": known.ZONE, "operator": "In", "values": list(zones)}


def bound(shop: Shop) -> int:
    placed = {kind.index: kind.count for kind in shop.world.board.kinds.kinds}
    return lower_bound(shop.world.board, shop.market, Ledger(500, 100), placed)


def full(pods: Sequence[int]) -> tuple[list[Node], list[Pod]]:
    """A node without room in each zone, with so many pods labelled app=web."""
    nodes = [here(f"full-{zone[-1]}", zone, cpu=0, labels={known.INSTANCE_TYPE: "r3-16"}) for zone in ZONES]
    return nodes, [running("web", f"full-{zone[-1]}", one) for zone, count in zip(ZONES, pods, strict=True) for one in range(count)]


def cheapest(shop: Shop, present: Sequence[int], skew: int) -> int | None:
    """The least price of new nodes, over every zone for each pod that some order of arrival allows."""
    kinds = shop.world.board.kinds.kinds
    pods = [kind for kind in kinds for _ in range(kind.count)]
    legal = (zones for zones in product(range(3), repeat=len(pods)) if reachable(pods, zones, present, skew))
    prices = (price_of(shop, pods, zones) for zones in legal)
    return min((price for price in prices if price is not None), default=None)


def reachable(pods: Sequence[Kind], zones: Sequence[int], present: Sequence[int], skew: int) -> bool:
    """Whether pods can come to these zones one after the other, those first for whom the spread allows it."""
    counts, left = list(present), list(range(len(pods)))
    while left:
        going = next((one for one in left if not pods[one].spreads or counts[zones[one]] + 1 - min(counts) <= skew), None)
        if going is None:
            return False
        left.remove(going)
        counts[zones[going]] += 1
    return True


def price_of(shop: Shop, pods: Sequence[Kind], zones: Sequence[int]) -> int | None:
    total = 0
    for number, zone in enumerate(ZONES):
        mine = [pod for pod, place in zip(pods, zones, strict=True) if place == number]
        price = min((one for one in (priced(shop, parts, zone) for parts in partitions(mine)) if one is not None), default=None)
        if price is None:
            return None
        total += price
    return total


def partitions(pods: Sequence[Kind]) -> Iterator[list[list[Kind]]]:
    if not pods:
        yield []
        return
    for rest in partitions(pods[1:]):
        yield [[pods[0]], *rest]
        for number in range(len(rest)):
            yield [*rest[:number], [pods[0], *rest[number]], *rest[number + 1 :]]


def priced(shop: Shop, nodes: Sequence[Sequence[Kind]], zone: str) -> int | None:
    market, total = shop.market, 0
    for held in nodes:
        asked = np.array([sum(one.needs.requests.get(name) for one in held) for name in market.resources])
        fine = [
            int(market.price[one]) for one in range(len(market.variants))
            if market.zones[one] == zone and (asked <= market.free[one]).all() and all(market.takes[each.admission, one] for each in held)
        ]  # fmt: skip
        if not fine:
            return None
        total += min(fine)
    return total


@st.composite
def groups(draw: st.DrawFn) -> tuple[list[PodGroup], int]:
    """Pods that are spread, and at times others with the same label that are not."""
    skew = draw(st.integers(1, 2))
    sizes = st.sampled_from((100, 900, 1500, 3000))
    flavor = st.sampled_from(({}, {"alternatives": (Requirements.from_labels({known.INSTANCE_TYPE: "r3-16"}),)}))
    found = [group("web", draw(st.integers(1, 4)), draw(sizes), **spread(max_skew=skew), **draw(flavor))]
    if draw(st.booleans()):
        found.append(group("rider", draw(st.integers(1, 2)), draw(sizes), {"app": "web"}, **draw(flavor)))
    return found, skew


@settings(max_examples=80)
@given(groups(), st.sampled_from(((0, 0, 0), (0, 0, 1), (4, 0, 0), (0, 3, 1), (2, 2, 0))), st.booleans())
def test_no_way_that_keeps_the_spread_is_cheaper_than_the_bound(
    made: tuple[list[PodGroup], int], present: tuple[int, ...], uneven: bool
) -> None:
    """``uneven``: one zone has only large nodes."""
    flavors = ("b3-8", "b3-16", "r3-16")
    pools = [node_pool("all", flavors)]
    if uneven:
        pools = [node_pool("dear", ("b3-64",), requirements=[in_zones(ZONES[1])]), node_pool("cheap", flavors, requirements=[in_zones(*ZONES[::2])])]
    nodes, pods = full(present)
    shop = Shop.of(made[0], *pools, nodes=nodes, pods=pods)
    best = cheapest(shop, present, made[1])
    assert best is None or bound(shop) <= best


def test_a_zone_that_is_ahead_asks_nothing_of_the_others() -> None:
    nodes, pods = full((10, 0, 0))
    pools = (node_pool("dear", ("b3-32",), requirements=[in_zones(ZONES[1])]), node_pool("cheap", ("b3-8",), requirements=[in_zones(ZONES[2])]))
    assert bound(Shop.of([group("web", 1, 1500, **spread())], *pools, nodes=nodes, pods=pods)) == 51_200


def test_pods_that_are_counted_without_being_spread_make_way_for_others() -> None:
    r3, b3 = (({"alternatives": (Requirements.from_labels({known.INSTANCE_TYPE: name}),)}) for name in ("r3-16", "b3-8"))
    nodes, pods = full((0, 0, 0))
    made = [group("web", 6, 100, **spread(), **r3), group("rider", 12, 100, {"app": "web"}, **b3)]
    assert bound(Shop.of(made, node_pool(flavors=("b3-8", "r3-16")), nodes=nodes, pods=pods)) <= 66_300 + 2 * 51_200


def test_pods_that_are_spread_need_a_node_in_each_zone() -> None:
    nodes, pods = full((0, 0, 0))
    made = [group("web", 6, 100, **spread())]
    assert bound(Shop.of(made, node_pool(flavors=("b3-8",)), nodes=nodes, pods=pods)) == 3 * 51_200
