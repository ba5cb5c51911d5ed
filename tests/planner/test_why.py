"""Reasons of new nodes: nodes without pods have one of their own, and never wait for no pod."""

from __future__ import annotations

from dataclasses import replace

from planner.decide import consider
from planner.why import scale_up_reasons
from tests.planner.cluster import NOW, inputs_of, node_class, node_pool, pod


def test_nodes_without_pods_are_kept_for_other_orders() -> None:
    found = consider(inputs_of([node_class(), node_pool(flavors=["b3-8", "b3-16"]), pod("it", "1")]), now=NOW)
    (used,) = found.solution.opened
    spare = replace(used, pods=())

    alone = scale_up_reasons([spare, spare], found.problem)
    beside = scale_up_reasons([used, spare], found.problem)

    assert [reason.code for reason in alone] == ["reserve", "allocatable"]
    assert alone[0].text == "2 × b3-8 at 0.1024 EUR/h are kept so that pods find room in whatever order they come"
    assert alone[1].text.startswith("a b3-8 gives pods ")
    assert [reason.code for reason in beside] == ["demand", "cheapest", "allocatable", "reserve"]
    assert beside[0].text == "1 pod waits for a node"
    assert beside[1].text.startswith("1 × b3-8 at 0.0512 EUR/h is the cheapest found; ")
    assert beside[3].text == "1 × b3-8 at 0.0512 EUR/h is kept so that pods find room in whatever order they come"
