"""The estimate of what comes next best: other flavors only, every pod on a node that can hold it, never a better claim than true."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.decide import consider
from planner.nextbest import next_best
from planner.resources import Resources
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod

if TYPE_CHECKING:
    from planner.decide import Decision
    from planner.problem import Opened

FLAVORS = ("b3-8", "b3-16", "b3-32", "c3-8", "r3-16")


def decision(pods: list[Any], *pools: Any) -> Decision:
    system = node("system", taints=[{"key": "own", "effect": "NoSchedule"}])
    return consider(inputs_of([node_class(), *(pools or (node_pool(flavors=FLAVORS),)), system, *pods]), now=NOW)


def by_pool(found: Decision) -> list[list[Opened]]:
    """New nodes by flavor and zone."""
    groups: dict[tuple[str, str], list[Opened]] = {}
    for one in found.solution.opened:
        groups.setdefault((one.candidate.flavor.name, one.candidate.zone), []).append(one)
    return list(groups.values())


sizes = st.tuples(st.sampled_from(("100m", "500m", "1500m", "3")), st.sampled_from(("256Mi", "1Gi", "5Gi", "12Gi")))


@settings(max_examples=15)
@given(st.lists(sizes, min_size=1, max_size=12))
def test_other_flavors_hold_the_same_pods(wanted: list[tuple[str, str]]) -> None:
    found = decision([pod(f"p{number}", *size) for number, size in enumerate(wanted)])
    requests = {name: group.needs.requests for group in found.problem.demand.groups for name in group.pods}
    for opened in by_pool(found):
        estimate = next_best(opened, found.problem)
        if estimate is None:
            continue
        asked = Resources.total(requests[name] for one in opened for name in one.pods)
        given_ = Resources.total(one.free.times(count) for one, count in estimate.nodes)
        assert asked.fits_in(given_)
        assert opened[0].candidate.flavor.name not in dict(estimate.flavors)
        assert estimate.hourly == sum(one.hourly * count for one, count in estimate.nodes) > 0


def test_a_pod_for_one_flavor_alone_has_no_next_best() -> None:
    found = decision([pod("it", nodeSelector={"node.kubernetes.io/instance-type": "b3-8"})])
    assert next_best(found.solution.opened, found.problem) is None
    assert [reason.code for reason in found.plan.changes[0].reasons] == ["demand", "only-flavor", "allocatable"]


def test_pods_that_keep_apart_are_not_put_together() -> None:
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "a"}}},
    ]}}  # fmt: skip
    pods = [pod(f"a{number}", "100m", "100Mi", labels={"app": "a"}, affinity=apart, owner=("ReplicaSet", "a")) for number in range(3)]
    found = decision(pods, node_pool(flavors=["b3-8", "b3-16"]))
    (opened,) = by_pool(found)
    estimate = next_best(opened, found.problem)
    assert estimate is not None
    assert sum(Counter(dict(estimate.flavors)).values()) == 3


def test_limits_bound_the_next_best_too() -> None:
    found = decision([pod("it", "1")], node_pool(flavors=["b3-8", "b3-16"], limits={"cpu": "2"}))
    assert next_best(found.solution.opened, found.problem) is None


def test_whoever_has_a_better_estimate_is_asked() -> None:
    from planner.why import scale_up_reasons  # noqa: PLC0415 - only here

    found = decision([pod("it", "1")])
    told = scale_up_reasons(found.solution.opened, found.problem, estimate=lambda opened, problem: None)  # noqa: ARG005
    assert told[1].code == "only-flavor"
