"""Zones for pods that would only rather be in some: as even, as near or as far as can be, and never a zone too full."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from planner import labels as known
from planner.filling import Offer
from planner.rooms import PLENTY
from planner.zoning import tell_zones
from tests.planner.worlds import World, apart, beside, group, here, running, spread

ZONES = ("a", "b", "c")
SOFT = spread(required=False)


def offer(caps: dict[str, int] | None = None, zones: tuple[str, ...] = ZONES) -> Offer:
    return Offer({zone: {known.ZONE: zone} for zone in zones}, caps or {})


def told(world: World, count: int, given: Offer | None = None) -> dict[str, int]:
    return tell_zones(world.board, world.kind("web"), count, given or offer())


@given(st.integers(0, 12), st.lists(st.sampled_from(ZONES), max_size=6), st.dictionaries(st.sampled_from(ZONES), st.integers(0, 4)))
def test_a_spread_fills_the_emptiest_zone_that_is_left(count: int, there: list[str], caps: dict[str, int]) -> None:
    nodes = [here(zone, zone) for zone in ZONES]
    pods = [running("web", zone, number) for number, zone in enumerate(there)]
    found = told(World.of([group("web", max(1, count), **SOFT)], nodes, pods), count, offer(caps))

    assert sum(found.values()) == count
    assert all(found.get(zone, 0) <= most for zone, most in caps.items())
    after = {zone: there.count(zone) + found.get(zone, 0) for zone in ZONES}
    fed = [zone for zone in ZONES if found.get(zone)]
    open_to = [zone for zone in ZONES if found.get(zone, 0) < caps.get(zone, PLENTY)]
    assert all(after[zone] <= after[other] + 1 for zone in fed for other in open_to)
    assert found.get("", 0) <= 1 or not open_to


def test_a_pod_to_which_all_zones_are_the_same_is_told_none() -> None:
    alone = World.of([group("web", 1, **SOFT)], [])
    assert told(alone, 1) == {"": 1}
    assert told(World.of([group("web", 4, **SOFT)], []), 4) == {"a": 1, "b": 1, "c": 1, "": 1}
    assert told(World.of([group("web", 3, **SOFT)], []), 3, offer(zones=("a",))) == {"": 3}
    looks_for_nobody_there = {"affinity": (replace(beside(app="cache")["affinity"][0], weight=5),)}
    assert told(World.of([group("web", 2, **looks_for_nobody_there)], []), 2) == {"": 2}


def test_weights_decide_between_what_draws_near_and_what_pushes_off() -> None:
    near = replace(beside(app="cache")["affinity"][0], weight=10)
    off = replace(apart(known.ZONE, app="noise")["anti_affinity"][0], weight=3)
    nodes = [here(zone, zone) for zone in ZONES]
    pods = [running("cache", "b"), running("noise", "b"), running("noise", "a")]

    def go(near_weight: int) -> dict[str, int]:
        needs = {"affinity": (replace(near, weight=near_weight),), "anti_affinity": (off,)}
        return told(World.of([group("web", 2, **needs)], nodes, pods), 2)

    assert go(10) == {"b": 2}
    assert go(1) == {"c": 2}


def test_pods_that_would_rather_be_together_are_told_one_zone() -> None:
    together = {"affinity": (replace(beside(app="web")["affinity"][0], weight=1),)}
    world = World.of([group("web", 5, **together)], [])
    assert told(world, 5, offer({"a": 3})) == {"a": 3, "b": 2}
