"""What a search must not give up: a fleet as it was proposed keeps it, and one without the room does not."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.decide import consider
from tests.planner.cluster import NOW, Object, inputs_of, node_class, node_pool, pod

ZONE = "topology.kubernetes.io/zone"
FLAVORS = ["b3-8", "b3-16", "b3-32"]


def wishing(name: str, cpu: str, flavor: str) -> Object:
    """A pod that would rather be on a flavor, and in another zone than its like."""
    terms = [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [flavor]}]
    like = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "it"}}}
    made = pod(name, cpu)
    made["metadata"]["labels"] = {"app": "it"}
    made["spec"]["affinity"] = {
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {"matchExpressions": terms}}]},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": like}]},
    }
    return made


@given(st.lists(st.tuples(st.sampled_from(("250m", "1", "2500m")), st.sampled_from(FLAVORS)), min_size=1, max_size=5), st.integers(0, 6))
def test_every_plan_has_the_flavors_and_zones_that_can_be_had(wishes: list[tuple[str, str]], others: int) -> None:
    pods = [wishing(f"w{number}", *wish) for number, wish in enumerate(wishes)]
    plain = [pod(f"p{number}", "500m") for number in range(others)]
    found = consider(inputs_of([node_class(), node_pool(flavors=FLAVORS), *pods, *plain]), now=NOW)

    cpu = {"b3-8": 1840, "b3-16": 3830, "b3-32": 7810}
    amounts = {"250m": 250, "1": 1000, "2500m": 2500}
    room = {flavor: sum(cpu[flavor] for one in found.solution.opened if one.candidate.flavor.name == flavor) for flavor in FLAVORS}
    for flavor in FLAVORS:
        wanted = [amounts[size] for size, wish in wishes if wish == flavor and amounts[size] <= cpu[flavor]]
        assert room[flavor] >= sum(wanted)
    zones = {one.candidate.zone for one in found.solution.opened}
    kinds: dict[tuple[str, str], int] = {}
    for wish in wishes:
        kinds[wish] = kinds.get(wish, 0) + 1
    assert len(zones) >= min(3, max(kinds.values()))
    assert not found.solution.unplaced
    assert np.array([one.candidate.hourly for one in found.solution.opened]).sum() >= found.solution.lower_bound
