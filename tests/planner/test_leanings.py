"""Level by level: what new nodes are open to pods that prefer some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.aims import Preferences
from planner.candidates import candidates
from planner.leanings import preference_levels
from planner.pods import Needs, Preference
from planner.policy import NodeClass, NodePool, Policy
from planner.requirements import Requirement, Requirements
from planner.taints import PREFER_NO_SCHEDULE, Taint
from tests.planner.cluster import catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.candidates import Candidate

ZONE_B = Requirements.from_labels({known.ZONE: "eu-west-par-b"})
BIG = Requirements.from_labels({known.INSTANCE_TYPE: "b3-16"})


def variants(*taints: Taint) -> tuple[Candidate, ...]:
    """Of one NodePool without taints and one with these, each b3-8 and b3-16 in three zones."""
    types = (Requirement.parse(known.INSTANCE_TYPE, "In", ["b3-8", "b3-16"]),)
    pools = [NodePool(name="plain", node_class="default", requirements=types)]
    pools += [NodePool(name="soft", node_class="default", requirements=types, taints=taints)] if taints else []
    region = catalog().region("EU-WEST-PAR")
    assert region is not None
    return candidates(Policy(tuple(pools), (NodeClass(name="default"),)), catalog(), region, nodes=(), daemonsets=())


def levels(needs: Sequence[Needs], found: Sequence[Candidate], preferences: Preferences = Preferences.RESPECT) -> list[list[int]]:
    """How many variants are open to each admission, by level."""
    takes = np.ones((len(needs), len(found)), np.bool_)
    return [open_to.sum(axis=1).tolist() for open_to in preference_levels(needs, found, takes, preferences)]


def test_without_preferences_there_is_one_level() -> None:
    assert levels([Needs(), Needs()], variants()) == [[6, 6]]
    assert levels([], variants()) == [[]]


def test_each_level_opens_what_is_next_best() -> None:
    picky = Needs(preferences=(Preference(2, ZONE_B), Preference(1, BIG)))
    assert levels([picky, Needs()], variants()) == [[1, 6], [2, 6], [4, 6], [6, 6]]


def test_soft_taints_are_opened_last() -> None:
    soft = Taint("busy", effect=PREFER_NO_SCHEDULE)
    assert levels([Needs(), Needs(preferences=(Preference(1, ZONE_B),))], variants(soft)) == [[6, 2], [12, 6], [12, 8], [12, 12]]


def test_preferences_that_are_ignored_close_nothing() -> None:
    picky = Needs(preferences=(Preference(2, ZONE_B),))
    assert levels([picky], variants(), Preferences.IGNORE) == [[6]]


def test_what_is_not_taken_is_never_open_and_ranks_nothing() -> None:
    found = variants()
    takes = np.array([[one.zone != "eu-west-par-b" for one in found]], np.bool_)
    picky = Needs(preferences=(Preference(2, ZONE_B),))
    (only,) = preference_levels([picky], found, takes, Preferences.RESPECT)
    assert (only == takes).all()
