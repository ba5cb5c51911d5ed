"""Filters as sets give what asking each candidate by itself gives, and reasons of many groups share the work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.candidates import candidates, choice_for
from planner.decide import find_region
from planner.demand import PodGroup
from planner.filters import Sieve
from planner.ledger import Ledger
from planner.pods import Needs, Owner
from planner.reasons import Explainer, explain
from planner.requirements import Requirement, Requirements
from planner.resources import Resources
from planner.taints import Toleration
from tests.planner.cluster import inputs_of, node_class, node_pool

if TYPE_CHECKING:
    from planner.candidates import Candidate

FLAVORS = ("b3-8", "b3-16", "b3-32", "c3-8", "r3-16")
ZONE = "topology.kubernetes.io/zone"


def offers() -> tuple[Candidate, ...]:
    """Three NodePools: one for all, one with a taint and a label, one with a choice of labels and a limit."""
    inputs = inputs_of([
        node_class(), node_pool("a", FLAVORS),
        node_pool("b", FLAVORS[:2], labels={"team": "ml"}, taints=[{"key": "team", "value": "ml", "effect": "NoSchedule"}]),
        node_pool("c", FLAVORS[3:], requirements=[{"key": "tier", "operator": "In", "values": ["x", "y"]}], limits={"cpu": "4"}),
    ])  # fmt: skip
    return candidates(inputs.policy, inputs.catalog, find_region(inputs), nodes=(), daemonsets=())


OFFERS = offers()
keys = st.sampled_from(("team", "tier", ZONE, "kubernetes.io/arch", "unknown"))
values = st.lists(st.sampled_from(("ml", "x", "y", "z", "eu-west-par-a", "amd64")), min_size=1, max_size=3)
requirement = st.one_of(
    st.builds(lambda key, listed: Requirement.parse(key, "In", listed), keys, values),
    st.builds(lambda key, listed: Requirement.parse(key, "NotIn", listed), keys, values),
    st.builds(Requirement.parse, keys, st.sampled_from(("Exists", "DoesNotExist"))),
)
needs = st.builds(
    Needs,
    requests=st.builds(
        lambda cpu, memory: Resources.of({"cpu": cpu, "memory": memory}),
        st.sampled_from((0, 1, 1500, 3000, 8000, 10**6)), st.sampled_from((0, 10**9, 7 * 10**9, 14 * 10**9, 10**15)),
    ),
    alternatives=st.lists(st.lists(requirement, max_size=3).map(Requirements.of), min_size=1, max_size=3).map(tuple),
    tolerations=st.sampled_from(((), (Toleration("team", "Exists"),), (Toleration("team", "Equal", "lm"),))),
)  # fmt: skip


def group(number: int, wanted: Needs) -> PodGroup:
    name = f"default/p{number}"
    return PodGroup(namespace="default", owner=Owner("Pod", "default", f"p{number}"), labels=(), needs=wanted, pods=(name,))


@given(needs)
def test_a_set_holds_whom_each_candidate_by_itself_would_take(wanted: Needs) -> None:
    sieve = Sieve(OFFERS, Ledger(500, 100))
    found = {one.key for _, one in sieve.members(sieve.admitting(wanted))}
    assert found == {one.key for one in OFFERS if choice_for(wanted, one) is not None}
    fitting = {one.key for _, one in sieve.members(sieve.fits(wanted.requests))}
    assert fitting == {one.key for one in OFFERS if wanted.requests.fits_in(one.free)}


@given(needs)
def test_a_reason_names_the_first_filter_that_leaves_nothing(wanted: Needs) -> None:
    for refusal in explain(group(0, wanted), OFFERS, Ledger(500, 100)):
        mine = [one for one in OFFERS if one.node_pool.name == refusal.node_pool]
        selected = [one for one in mine if choice_for(wanted, one) is not None]
        fitting = [one for one in selected if wanted.requests.fits_in(one.free)]
        keeping = not selected and choice_for(replace(wanted, alternatives=(Requirements(),)), mine[0]) is None
        expected = "Taints" if keeping else "NodeAffinity" if not selected else "Resources" if not fitting else "Topology"
        assert refusal.filter == expected
        assert refusal.detail


@settings(max_examples=20)
@given(st.lists(needs, min_size=2, max_size=6))
def test_one_explainer_for_all_says_what_one_for_each_says(many: list[Needs]) -> None:
    ledger = Ledger(0, 0)
    shared = Explainer(OFFERS, ledger)
    for number, wanted in enumerate([*many, *many]):
        assert shared.explain(group(number, wanted)) == Explainer(OFFERS, ledger).explain(group(number, wanted))


def test_an_account_that_changed_is_asked_anew() -> None:
    ledger = Ledger(1, 100)
    wanted = group(0, Needs(requests=Resources.of({"cpu": 100})))
    before = explain(wanted, OFFERS, ledger)
    ledger.order(OFFERS[0], 1)
    after = explain(wanted, OFFERS, ledger)
    assert {one.filter for one in before} == {"Topology", "Taints"}
    assert {one.filter for one in after} == {"ClusterNodes", "Taints"}


def test_the_cheapest_node_that_a_limit_stops_is_named() -> None:
    ledger = Ledger(500, 100)
    ledger.charge("c", Resources.of({"cpu": 3000}))
    told = {one.node_pool: one.detail for one in explain(group(0, Needs()), OFFERS, ledger)}
    assert told["c"] == "limits.cpu is 4, 3 in use; one more r3-16 adds 2"


def test_thousands_of_labels_that_nobody_has_are_one_look() -> None:
    sieve = Sieve(OFFERS, Ledger(500, 100))
    wanted = Needs(alternatives=(Requirements.from_labels({f"key-{i}": "x" for i in range(10_000)}),))
    (first, *_) = Explainer(OFFERS, Ledger(500, 100)).explain(group(0, wanted))
    assert first.detail.endswith("; 9994 labels more are missing")
    assert sieve.admitting(wanted) == 0
    assert len(first.detail) < 1000
