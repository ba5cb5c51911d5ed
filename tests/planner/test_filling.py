"""Filling: as many pods as rules and room allow, the first nodes first, and zones told where nodes are to be ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner import labels as known
from planner.filling import Filled, Offer, fill, first_fit
from tests.planner.worlds import World, apart, beside, group, here, running, spread

if TYPE_CHECKING:
    from collections.abc import Mapping

RACK = "example.com/rack"


def filled(world: World, app: str, count: int, **options: Any) -> Filled:
    return fill(world.board, world.kind(app), count, **options)


def offer(*zones: str, **caps: int) -> Offer:
    return Offer({zone: {known.ZONE: zone} for zone in zones}, caps)


# Nodes


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(0, 20))
def test_first_fit_takes_all_that_fits_and_leaves_no_gap(room: list[int], count: int) -> None:
    found = first_fit(np.array(room, np.int64), count)
    taken = [found.get(number, 0) for number in range(len(room))]
    assert sum(taken) == min(count, sum(room))
    assert all(have <= most for have, most in zip(taken, room, strict=True))
    last = max((number for number, have in enumerate(taken) if have), default=0)
    assert taken[:last] == room[:last]


def test_the_first_nodes_are_filled_first() -> None:
    world = World.of([group("web", 5, cpu=300)], [here("n1", cpu=1000), here("n2", cpu=200), here("n3", cpu=1000)])
    assert filled(world, "web", 4) == Filled({0: 3, 2: 1})
    assert filled(world, "web", 5) == Filled({2: 2}, left=3)
    assert filled(world, "web", 0) == Filled()


def test_only_the_named_nodes_are_filled() -> None:
    world = World.of([group("web", cpu=300)], [here("n1", cpu=1000), here("n2", cpu=1000)])
    assert filled(world, "web", 9, nodes=np.array([False, True])) == Filled({1: 3}, left=6)


def test_pods_that_look_for_each_other_by_host_stay_on_one_node() -> None:
    world = World.of([group("web", cpu=300, **beside(known.HOSTNAME))], [here("n1", cpu=200), here("n2", cpu=700), here("n3", cpu=900)])
    assert filled(world, "web", 4) == Filled({1: 2}, left=2)


def test_a_spread_over_another_label_is_kept_pod_by_pod() -> None:
    nodes = [here("n1", cpu=1000, labels={RACK: "1"}), here("n2", cpu=300, labels={RACK: "2"})]
    world = World.of([group("web", 5, cpu=300, **spread(RACK))], nodes)
    assert filled(world, "web", 5) == Filled({0: 2, 1: 1}, left=2)


def test_at_most_max_skew_on_a_host() -> None:
    world = World.of([group("web", 5, **spread(known.HOSTNAME, max_skew=2))], [here("n1"), here("n2")])
    assert filled(world, "web", 5) == Filled({0: 2, 1: 2}, left=1)


# Zones


@st.composite
def zoned(draw: st.DrawFn) -> tuple[World, int]:
    """A spread over zones of which each has some nodes, some room, and some pods by now."""
    nodes = [here(f"n{number}", draw(st.sampled_from("abc")), cpu=draw(st.integers(0, 4))) for number in range(draw(st.integers(1, 5)))]
    pods = [running("web", draw(st.sampled_from(nodes)).name, number) for number in range(draw(st.integers(0, 4)))]
    rules = spread(max_skew=draw(st.integers(1, 2)), min_domains=draw(st.sampled_from((1, 1, 3))))
    count = draw(st.integers(1, 8))
    return World.of([group("web", count, cpu=1, **rules)], nodes, pods), count


@given(zoned(), st.booleans())
def test_zones_are_filled_until_none_may_take_more(made: tuple[World, int], offered: bool) -> None:
    world, count = made
    kind, board = world.kind("web"), world.board
    (rule,) = kind.spreads
    result = filled(world, "web", count, offer=offer("a", "c") if offered else None)
    assert sum(result.taken.values()) + sum(result.ordered.values()) + result.left == count
    assert (board.free >= 0).all()
    grown = {board.labels(node)[known.ZONE] for node in result.taken} | result.ordered.keys()
    for zone in grown:
        domain = board.domain(rule.term, zone)
        others = board.counts.lowest(rule)
        alone = len(board.counts.domains[rule.term]) == 1 and rule.min_domains == 1
        assert alone or board.counts.counts[rule.term][domain] <= others + rule.max_skew
    assert not result.left or not any(world.rooms("web"))


@given(zoned())
def test_filling_at_once_and_one_by_one_come_to_the_same(made: tuple[World, int]) -> None:
    world, count = made
    other = World(world.board.copy(), world.snapshot)
    at_once = filled(world, "web", count)
    steps = [filled(other, "web", 1) for _ in range(count)]
    assert at_once.left == sum(one.left for one in steps)
    assert np.array_equal(world.board.free, other.board.free)


def test_the_emptiest_zone_comes_first_and_nodes_come_before_orders() -> None:
    world = World.of([group("web", 4, **spread())], [here("n1", "a")], [running("web", "n1")], possible={known.ZONE: ["a", "b", "c"]})
    assert filled(world, "web", 4, offer=offer("a", "b", "c")) == Filled({0: 1}, {"b": 2, "c": 1})


def test_a_zone_is_told_no_more_than_its_cap() -> None:
    world = World.of([group("web", 4, **spread(max_skew=5))], [], possible={known.ZONE: ["a", "b"]})
    assert filled(world, "web", 4, offer=offer("a", "b", b=1)) == Filled({}, {"a": 3, "b": 1})


def test_pods_that_were_told_their_zone_go_there_and_nowhere_else() -> None:
    world = World.of([group("web", 9, cpu=1, **spread())], [here("n1", "a", cpu=9), here("n2", "b", cpu=1), here("n3", "c", cpu=9)])
    assert filled(world, "web", 6, zones={"a": 4, "b": 2}) == Filled({0: 4, 1: 1}, left=1)


def told(rules: Mapping[str, Any], count: int, *nodes: Any, app: str = "web") -> dict[str, int]:
    world = World.of([group(app, count, **rules)], nodes, possible={known.ZONE: ["a", "b"]})
    return filled(world, app, count, offer=offer("a", "b")).ordered


def test_zones_of_new_nodes_by_rule() -> None:
    assert told(spread(), 4) == {"a": 2, "b": 2}
    assert told(apart(known.ZONE), 3) == {"a": 1, "b": 1}
    assert told(beside(known.ZONE), 3) == {"a": 3}
    assert told(beside(known.ZONE), 3, app="log") == {}


def test_what_is_told_a_zone_is_counted_there() -> None:
    world = World.of([group("web", 2, **apart(known.ZONE)), group("log", **beside())], [], possible={known.ZONE: ["a", "b"]})
    assert filled(world, "log", 1, offer=offer("a", "b")).left == 1
    filled(world, "web", 1, offer=offer("b"))
    assert filled(world, "log", 1, offer=offer("a", "b")).ordered == {"b": 1}
