"""Spreads over host names: over which nodes their least count is taken, and how many nodes a plan has for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from planner import labels as known
from planner.aims import Aims
from planner.decide import decide
from planner.hosts import hosts_of
from planner.requirements import Requirements
from tests.planner.cluster import NOW, Object, inputs_of, node_class, node_pool, pod
from tests.planner.worlds import World, group, here, spread

IN_B = Requirements.from_labels({known.ZONE: "b"})


def flags_of(world: World) -> list[list[bool]]:
    return [flags.tolist() for kinds in hosts_of(world.board, world.snapshot).values() for flags in kinds]


def test_it_is_taken_over_the_nodes_that_the_spread_looks_at() -> None:
    nodes = [here("n1", "a"), here("n2", "b")]
    assert flags_of(World.of([group("web", **spread(known.HOSTNAME))], nodes)) == [[True, True]]
    assert flags_of(World.of([group("web", alternatives=(IN_B,), **spread(known.HOSTNAME))], nodes)) == [[False, True]]


def test_a_node_that_takes_no_pods_counts_as_one_without_any() -> None:
    nodes = [here("n1", "a"), here("n2", "b"), here("n3", "b", unschedulable=True)]
    assert flags_of(World.of([group("web", **spread(known.HOSTNAME))], nodes)) == [[False, False]]
    honest = spread(known.HOSTNAME, honor_taints=True)
    assert flags_of(World.of([group("web", **honest)], nodes)) == [[True, True]]
    in_a = Requirements.from_labels({known.ZONE: "a"})
    assert flags_of(World.of([group("web", alternatives=(in_a,), **spread(known.HOSTNAME))], nodes)) == [[True, False]]


@settings(max_examples=40)
@given(
    st.integers(2, 5), st.integers(1, 2), st.sampled_from(("100m", "700m", "1500m")),
    st.lists(st.tuples(st.sampled_from(("300m", "1", "3")), st.sampled_from(("1Gi", "3Gi", "7Gi"))), max_size=4),
)  # fmt: skip
def test_there_are_nodes_enough_though_no_other_node_is_empty(
    count: int, skew: int, cpu: str, others: list[tuple[str, str]]
) -> None:
    """kube-scheduler would let them gather where all nodes have as many; then no bound by host would be proven."""
    app, zone = {"app": "web"}, {"nodeSelector": {known.ZONE: "eu-west-par-b"}}
    rule: Object = {
        "maxSkew": skew, "topologyKey": known.HOSTNAME, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": app},
    }  # fmt: skip
    pods = [pod(f"web-{one}", cpu, "500Mi", labels=app, topologySpreadConstraints=[rule], **zone) for one in range(count)]
    pods += [pod(f"other-{one}", *size, **zone) for one, size in enumerate(others)]
    policy = [node_class(), node_pool(flavors=["b3-8", "b3-16", "b3-32", "c3-8", "r3-16"])]
    plan = decide(replace(inputs_of([*policy, *pods]), aims=Aims(budget=500)), now=NOW)

    nodes = Counter(one.name for one in plan.placements if one.expected)
    assert nodes.total() * skew >= count
    assert plan.cost.after.hourly >= plan.cost.lower_bound_hourly
    assert not plan.unplaced
