"""What a group may open: preferences by weight, PreferNoSchedule, and NodePools that offer too little."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from planner import labels as known
from planner.aims import MinValues, Preferences
from planner.candidates import (
    Candidate,
    candidates,
    choice_for,
    choices_for,
    preference_ranks,
)
from planner.pods import AffinityTerm, Needs, Preference, Spread
from planner.policy import NodeClass, NodePool, Policy
from planner.requirements import Requirement, Requirements
from planner.taints import PREFER_NO_SCHEDULE, Taint, Toleration
from tests.planner.cluster import catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

BUSY = Taint("busy", effect=PREFER_NO_SCHEDULE)
TYPES = Requirement.parse(known.INSTANCE_TYPE, "In", ["b3-8", "b3-16"])


def offers(*pools: NodePool, min_values: MinValues = MinValues.STRICT) -> tuple[Candidate, ...]:
    policy = Policy(pools, (NodeClass(name="default"),))
    region = catalog().region("EU-WEST-PAR")
    assert region is not None
    return candidates(policy, catalog(), region, nodes=(), daemonsets=(), min_values=min_values)


def pool(name: str = "default", *more: Requirement, taints: Sequence[Taint] = ()) -> NodePool:
    return NodePool(name=name, node_class="default", requirements=(TYPES, *more), taints=tuple(taints))


def prefers(*terms: tuple[int, str, str], tolerations: Sequence[Toleration] = ()) -> Needs:
    """(weight, key, value) each."""
    listed = tuple(Preference(weight, Requirements.from_labels({key: value})) for weight, key, value in terms)
    return Needs(preferences=listed, tolerations=tuple(tolerations))


def preferred_options(
    needs: Needs, found: Sequence[Candidate], preferences: Preferences = Preferences.RESPECT
) -> list[int]:
    """The positions of those that meet the preferences best."""
    return [place for place, rank in enumerate(preference_ranks(needs, found, preferences)) if rank == 0]


def names(needs: Needs, found: Sequence[Candidate], preferences: Preferences = Preferences.RESPECT) -> list[str]:
    return [f"{found[i].flavor.name} {found[i].zone[-1]}" for i in preferred_options(needs, found, preferences)]


def test_without_preferences_everything_may_be_opened() -> None:
    found = offers(pool())
    assert len(names(Needs(), found)) == len(found) == 6


def test_all_preferred_terms_hold_where_they_can() -> None:
    needs = prefers((1, known.ZONE, "eu-west-par-b"), (2, known.INSTANCE_TYPE, "b3-16"))
    assert names(needs, offers(pool())) == ["b3-16 b"]


@pytest.mark.parametrize(("a", "b", "left"), [(60, 50, "a"), (50, 60, "b"), (50, 50, "a")])
def test_of_terms_that_exclude_each_other_the_heavier_is_kept(a: int, b: int, left: str) -> None:
    needs = prefers((a, known.ZONE, "eu-west-par-a"), (b, known.ZONE, "eu-west-par-b"))
    assert names(needs, offers(pool())) == [f"b3-16 {left}", f"b3-8 {left}"]


def test_a_heavier_term_outweighs_all_lighter_ones_together() -> None:
    needs = prefers((50, known.ZONE, "eu-west-par-a"), (49, known.ZONE, "eu-west-par-b"), (48, known.ZONE, "eu-west-par-b"))
    assert {one[-1] for one in names(needs, offers(pool()))} == {"a"}


def test_a_term_that_nothing_meets_takes_no_lighter_one_with_it() -> None:
    needs = prefers((100, known.CAPACITY_TYPE, "spot"), (1, known.INSTANCE_TYPE, "b3-8"))
    assert {one.split()[0] for one in names(needs, offers(pool()))} == {"b3-8"}


def test_soft_taints_are_tolerated_last_of_all() -> None:
    found = offers(pool("quiet"), pool("soft", Requirement.parse("team", "In", ["a"]), taints=[BUSY]))
    team = prefers((100, "team", "a"))
    assert {found[i].node_pool.name for i in preferred_options(team, found)} == {"quiet"}
    tolerant = prefers((100, "team", "a"), tolerations=[Toleration("busy", "Exists")])
    assert {found[i].node_pool.name for i in preferred_options(tolerant, found)} == {"soft"}
    only = [one for one in found if one.node_pool.name == "soft"]
    assert len(preferred_options(team, only)) == len(only)


def test_preferences_can_be_ignored() -> None:
    found = offers(pool("quiet"), pool("soft", taints=[BUSY]))
    assert len(names(prefers((1, known.ZONE, "eu-west-par-b")), found, Preferences.IGNORE)) == len(found)


def test_what_is_left_when_the_best_may_not_be_ordered_has_its_rank() -> None:
    found = offers(pool())
    needs = prefers((2, known.ZONE, "eu-west-par-a"), (1, known.INSTANCE_TYPE, "b3-8"))
    ranks = {f"{one.flavor.name} {one.zone[-1]}": rank for one, rank in zip(found, preference_ranks(needs, found), strict=True)}
    assert ranks == {"b3-8 a": 0, "b3-16 a": 1, "b3-8 b": 2, "b3-8 c": 2, "b3-16 b": 3, "b3-16 c": 3}


def test_a_preferred_label_that_the_policy_leaves_open_is_written() -> None:
    one = offers(pool("default", Requirement.parse("team", "In", ["a", "b"])))[0]
    assert choice_for(prefers((1, "team", "b")), one) == (("team", "b"),)
    assert choice_for(prefers((1, "team", "a"), (2, "team", "b")), one) == (("team", "b"),)
    assert choice_for(prefers((1, "team", "c")), one) == ()


def test_a_fact_that_is_only_preferred_is_not_written() -> None:
    one = offers(pool())[0]
    assert choice_for(prefers((1, known.CAPACITY_TYPE, "on-demand")), one) == ()
    asked = Needs(alternatives=(Requirements.from_labels({known.CAPACITY_TYPE: "on-demand"}),))
    assert choice_for(asked, one) == ((known.CAPACITY_TYPE, "on-demand"),)


@pytest.mark.parametrize(
    ("requirement", "barred"),
    [
        (Requirement.parse(known.INSTANCE_TYPE, "Exists", min_values=2), ""),
        (
            Requirement.parse(known.INSTANCE_FAMILY, "Exists", min_values=2),
            "minValues asks for 2 values of karpenter.ovhcloud.sh/instance-family; 1 can be ordered here",
        ),
        (Requirement.parse(known.ZONE, "Exists", min_values=3), ""),
        (
            Requirement.parse(known.INSTANCE_CPU, "Gt", ["2"], min_values=2),
            "minValues asks for 2 values of karpenter.ovhcloud.sh/instance-cpu; 1 can be ordered here",
        ),
        (Requirement.parse("team", "In", ["a", "b"], min_values=2), ""),
    ],
)  # fmt: skip
def test_a_node_pool_that_offers_too_few_values_is_barred(requirement: Requirement, barred: str) -> None:
    found = offers(pool("default", requirement), pool("other"))
    assert {one.barred for one in found if one.node_pool.name == "default"} == {barred}
    assert {one.barred for one in found if one.node_pool.name == "other"} == {""}
    assert all((choice_for(Needs(), one) is None) == bool(one.barred) for one in found)


def test_a_node_pool_that_offers_too_few_values_is_used_where_they_are_best_effort() -> None:
    short = pool("default", Requirement.parse(known.ZONE, "Exists", min_values=9))
    strict, lenient = (offers(short, min_values=one) for one in (MinValues.STRICT, MinValues.BEST_EFFORT))
    assert all(one.barred for one in strict)
    assert strict
    assert [replace(one, barred="") for one in strict] == list(lenient)


# Labels that rules look at

BY_TEAM = Spread(topology_key="team", selector=Requirements())
OPEN = Requirement.parse("team", "In", ["a", "b"])


def test_the_label_of_a_spread_is_written_one_node_a_value() -> None:
    one = offers(pool("default", OPEN))[0]
    needs = Needs(spreads=(BY_TEAM,))
    assert choice_for(needs, one) == (("team", "a"),)
    assert choices_for(needs, one) == ((("team", "a"),), (("team", "b"),))
    narrowed = replace(needs, alternatives=(Requirements.from_labels({"team": "b"}),))
    assert choices_for(narrowed, one) == ((("team", "b"),),)
    assert choices_for(Needs(), one) == ((),)


def test_the_label_by_which_pods_look_for_others_is_written() -> None:
    one = offers(pool())[0]
    near = Needs(affinity=(AffinityTerm(topology_key=known.CAPACITY_TYPE, selector=Requirements()),))
    assert choices_for(near, one) == (((known.CAPACITY_TYPE, "on-demand"),),)
    apart = Needs(anti_affinity=near.affinity)
    assert choices_for(apart, one) == ((),)


def test_rules_that_only_prefer_or_look_at_hosts_write_nothing() -> None:
    one = offers(pool("default", OPEN))[0]
    soft, host = replace(BY_TEAM, required=False), replace(BY_TEAM, topology_key=known.HOSTNAME)
    assert choices_for(Needs(spreads=(soft, host)), one) == ((),)


def test_a_label_that_no_node_can_have_leaves_no_choice() -> None:
    needs = Needs(spreads=(replace(BY_TEAM, topology_key="rack"),))
    assert {choices_for(needs, one) for one in offers(pool())} == {()}
