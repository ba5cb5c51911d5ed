"""Replays side by side come to what each comes to by itself, pod by pod and node by node."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks import made, mixes
from planner import solve as solving
from planner.aims import Aims
from planner.decide import consider
from planner.replay import replay
from planner.trials import EVERY
from tests.planner.cluster import NOW, Object, inputs_of
from tests.planner.test_random_clusters import clusters

if TYPE_CHECKING:
    from planner.decide import Inputs
    from planner.trials import Counts, Court


def court_of(inputs: Inputs) -> tuple[Court, Counts] | None:
    """What the search is given, and the fleet that paper found."""
    found: list[tuple[Court, Counts]] = []

    def search(court: Court, starts: list[Counts]) -> None:
        found.append((court, starts[0]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solving, "search", search)
        solving.solve(consider(replace(inputs, aims=Aims(budget=10**6)), now=NOW).problem)
    return found[-1] if found else None


ABREAST = 8  # fleets that take less work side by side than one by one


def siblings(counts: Counts, chance: random.Random) -> list[Counts]:
    """Fleets that differ from one by a node here and there: more than are replayed one by one."""
    found = [counts]
    while len(found) < ABREAST:
        found.append(tuple(max(0, one + chance.choice((-1, 0, 0, 0, 0, 1))) for one in counts))
    return found


def chance_of(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same fleets every time is the point


def assert_alike(court: Court, fleets: list[Counts], orders: tuple[int, ...]) -> None:
    for order in orders:
        court.replay(fleets, order)
        for counts in fleets:
            alone, aside = replay(court._stage(counts), order), court.tried[counts].played[order]
            assert tuple(zip(aside.nodes.tolist(), aside.places.tolist(), strict=True)) == alone.bound
            waiting = {place: count - court.lost.get(place, 0) for place, count in alone.stranded.items()}
            assert aside.stranded == {place: count for place, count in waiting.items() if count > 0}


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(clusters())
def test_fleets_side_by_side_strand_and_place_what_they_do_alone(objects: list[Object]) -> None:
    found = court_of(inputs_of(objects))
    if found is not None:
        court, counts = found
        assert_alike(court, siblings(counts, chance_of(str(len(objects)))), EVERY)


@pytest.mark.parametrize("mix", mixes.MIXES)
def test_mixes_of_many_rules_side_by_side(mix: str) -> None:
    found = court_of(made.inputs_of(mixes.made_mix(mix, 120)))
    assert found is not None
    assert_alike(found[0], siblings(found[1], chance_of(mix)), EVERY[:5])


def test_so_many_nodes_that_the_scheduler_looks_at_some_only() -> None:
    found = court_of(made.inputs_of(mixes.made_mix("hosts", 80)))
    assert found is not None
    court, counts = found
    more = [tuple(one + extra for one in counts) for extra in (2, 3, 2 + len(counts) % 2, 4)]
    fleets = [one if sum(one) >= 100 else tuple(3 * each for each in one) for one in dict.fromkeys(more)]
    assert all(sum(one) >= 100 for one in fleets)
    assert_alike(court, [*fleets, counts], (0, 5, 6, 7))
