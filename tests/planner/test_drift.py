"""Declared against observed: every kind of difference, what a policy makes of it, and that taking over settles it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from planner.diff import changed_fields
from planner.drift import (
    CHOICES,
    OF_POOLS,
    USUAL,
    DriftKind,
    Treatment,
    as_observed,
    differences,
    engine_drift,
    find_drift,
    treatments,
)
from planner.pools import Pool, PoolSet, ProviderState
from planner.taints import Taint
from renderer.drift import drift_text
from tests.gitops.plans import pool

CASES: dict[str, dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("drift.yaml"))


def pool_of(name: str, written: dict[str, Any] | None) -> Pool | None:
    """A pool of two nodes, with what a case writes of it."""
    if written is None:
        return None
    fields = dict(written)
    state = ProviderState(id="1", available_nodes=2, **fields.pop("state", {}))
    for field in ("labels", "annotations"):
        if field in fields:
            fields[field] = tuple(sorted(fields[field].items()))
    fields["taints"] = tuple(Taint(*one) for one in fields.get("taints", ()))
    for field in ("zones", "finalizers"):
        if field in fields:
            fields[field] = tuple(fields[field])
    return replace(pool(name, 2), state=state, **fields)


def sides(case: dict[str, Any]) -> tuple[PoolSet, PoolSet]:
    name = case.get("name", "karpenter-a")
    both = pool_of(name, case.get("declared", {})), pool_of(name, case.get("observed", {}))
    return PoolSet.of(filter(None, both[:1])), PoolSet.of(filter(None, both[1:]))


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_difference_has_its_kind_its_words_and_its_policy(name: str) -> None:
    case = CASES[name]
    declared, observed = sides(case)
    found = find_drift(declared, observed)
    assert [one.kind.value for one in found] == case.get("kinds", [])
    assert [drift_text(one) for one in found] == case.get("says", [])
    wanted = treatments(found, USUAL)
    assert {one.value for one in wanted.values()} == ({case["policy"]} if "policy" in case else set())
    assert bool(differences(found)) is case.get("drifted", bool(found))


@pytest.mark.parametrize("kind", OF_POOLS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("treatment", list(Treatment), ids=lambda one: one.value)
def test_a_policy_is_for_its_own_kind(kind: DriftKind, treatment: Treatment) -> None:
    name = next(name for name, case in sorted(CASES.items()) if set(case.get("kinds", ())) == {kind.value})
    others = {one: each for each in Treatment if each is not treatment for one in CHOICES}
    assert set(treatments(find_drift(*sides(CASES[name])), {**others, kind: treatment}).values()) == {treatment}


def test_a_pool_that_was_let_go_of_is_nobody_s_business() -> None:
    observed = PoolSet.of([pool("karpenter-a"), pool("karpenter-b")])
    found = find_drift(PoolSet(), observed, released=frozenset({"karpenter-a"}))
    assert [(one.pool, one.kind) for one in found] == [
        ("karpenter-a", DriftKind.FOREIGN), ("karpenter-b", DriftKind.UNDECLARED),
    ]  # fmt: skip


def test_where_a_pool_s_differences_want_several_things_people_choose() -> None:
    found = find_drift(PoolSet.of([pool("a", 2)]), PoolSet.of([pool("a", 3, labels=(("x", "y"),))]))
    policy = {DriftKind.SIZE: Treatment.ADOPT, DriftKind.TEMPLATE: Treatment.RESTORE}
    assert treatments(found, policy) == dict.fromkeys(found, Treatment.ASK)


NAMES = st.sampled_from(["karpenter-a", "karpenter-b", "karpenter-c", "system"])
POOLS = st.builds(
    lambda name, size, flavor, labels, taints, autoscale, id_: pool(
        name, size, flavor=flavor, labels=labels, taints=taints, autoscale=autoscale, state=ProviderState(id=id_)
    ),
    NAMES, st.integers(0, 4), st.sampled_from(["b3-8", "b3-16"]), st.sampled_from([(), (("a", "b"),)]),
    st.sampled_from([(), (Taint("a"),)]), st.booleans(), st.sampled_from(["1", "2"]),
)  # fmt: skip
SETS = st.lists(POOLS, unique_by=lambda one: one.name).map(PoolSet.of)


@given(SETS, SETS)
def test_what_is_taken_over_differs_no_more(declared: PoolSet, observed: PoolSet) -> None:
    taken = as_observed(declared, observed, declared.names())
    left = differences(find_drift(taken, observed))
    assert {one.kind for one in left} <= {DriftKind.UNDECLARED}


@given(SETS, SETS)
def test_every_difference_is_found_and_none_is_made_up(declared: PoolSet, observed: PoolSet) -> None:
    found = find_drift(declared, observed)
    fields = {(one.pool, one.field) for one in found if one.field}
    expected = {
        (one.name, field) for one in declared if (there := observed.get(one.name)) is not None
        for field in changed_fields(one, there)
    }  # fmt: skip
    assert fields == expected
    whole = {one.pool for one in found if not one.field}
    assert whole == declared.names() ^ observed.names()


@given(SETS, SETS)
def test_only_the_chosen_pools_are_taken_over(declared: PoolSet, observed: PoolSet) -> None:
    chosen = {"karpenter-a", "system"}
    taken = as_observed(declared, observed, chosen)
    assert [one for one in taken if one.name not in chosen] == [one for one in declared if one.name not in chosen]
    assert taken.names() <= declared.names()


HERE = pool("a", 2, state=ProviderState(id="1"))


@pytest.mark.parametrize(("known", "observed", "says"), [
    ([(HERE, "1")], [HERE], []),
    ([(HERE, "9")], [HERE], ["a: its id is 9 in the engine's state, 1 at the provider"]),
    ([(HERE, "")], [HERE], []),
    ([(HERE.resized(3), "1")], [HERE], ["a: desiredNodes is 3 in the engine's state, 2 at the provider"]),
    ([(HERE, "1")], [], ["a: the engine's state holds it, the provider has no such pool"]),
    ([], [HERE], ["a: Git declares it and the provider has it, and the engine's state does not know it"]),
    ([], [replace(HERE, name="other")], []),
])  # fmt: skip
def test_a_state_that_lies_is_told(known: list[tuple[Pool, str]], observed: list[Pool], says: list[str]) -> None:
    found = engine_drift(known, PoolSet.of([pool("a", 2)]), PoolSet.of(observed))
    assert [drift_text(one) for one in found] == says
    taken_up = any("its id" in one or "does not know" in one for one in says)
    assert set(treatments(found, USUAL).values()) == ({Treatment.ASK} if taken_up else set())
