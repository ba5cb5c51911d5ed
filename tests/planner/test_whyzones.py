"""Reasons about zones: rules first, wishes only of pods that must keep none, and no more names than people read."""

from __future__ import annotations

from planner import labels as known
from planner.aims import Preferences
from planner.pods import AffinityTerm, Spread
from planner.whyzones import some, zone_reasons
from tests.planner.worlds import group

SOFT = Spread(topology_key=known.ZONE, required=False)
HARD = Spread(topology_key=known.ZONE)
APART = AffinityTerm(topology_key=known.ZONE, weight=1)
NEAR = AffinityTerm(topology_key=known.ZONE)


def told(*groups: object, preferences: Preferences = Preferences.RESPECT) -> list[tuple[str, str]]:
    return [(one.code, one.text) for one in zone_reasons(["a", "b"], groups, preferences)]  # type: ignore[arg-type]


def test_rules_and_wishes_have_codes_of_their_own() -> None:
    groups = (group("must", spreads=(HARD,), affinity=(NEAR,)), group("may", spreads=(SOFT,)), group("neither"))
    must = "ReplicaSet default/must must be"
    assert told(*groups) == [
        ("zone", f"in a, b: {must} spread over zones; {must} together with other pods in a zone"),
        ("preferred-zone", "in a, b: ReplicaSet default/may would rather be spread over zones"),
    ]
    assert [code for code, _ in told(*groups, preferences=Preferences.IGNORE)] == ["zone"]
    assert told(group("neither")) == []


def test_wishes_of_pods_that_must_keep_a_rule_are_no_reason() -> None:
    assert [code for code, _ in told(group("web", spreads=(HARD,), anti_affinity=(APART,)))] == ["zone"]
    assert [code for code, _ in told(group("web", anti_affinity=(APART,)))] == ["preferred-zone"]


def test_a_few_are_named_and_the_others_counted() -> None:
    assert some(["a", "b", "c"]) == "a, b, c"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
