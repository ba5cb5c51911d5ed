"""What review rules say of plans, and that nothing is gained by cutting, mixing or timing changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.review.classes import Class, classes_of, files_of, measure
from gitops.review.rules import Denied, Requirement, ReviewRules, Rule, UpTo, requirement_of
from gitops.review.windows import Window
from gitops.settings_read import read_settings
from planner.plan import Action
from planner.pools import PoolName
from tests.gitops.plans import plan_of, pool
from tests.gitops.review.changes import costed, written_plan

DATA = Path(__file__).parents[2] / "data" / "review"
FILE: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(DATA / "rules.yaml")
CASES = [(group, case) for group in FILE for case in group["cases"]]
HEAD = """
apiVersion: poolplan.dev/v1alpha1
kind: Cluster
metadata: {name: prod}
spec:
  provider: {ovh: {serviceName: 0123456789abcdef0123456789abcdef, kubeId: abc}}
"""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
sizes = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=6)


def rules_of(group: dict[str, Any]) -> ReviewRules:
    return _read(json.dumps(group["windows"]), json.dumps(group["review"]))


@cache
def _read(windows: str, review: str) -> ReviewRules:
    return read_settings(f"{HEAD}  windows: {windows}\n  review: {review}\n", "cluster.yaml", {}).review


@pytest.mark.parametrize(("group", "case"), CASES, ids=lambda one: one.get("at") or one["rules"][:20])
def test_a_verdict_names_every_class_and_its_rule(group: dict[str, Any], case: dict[str, Any]) -> None:
    plan = written_plan(case["plan"], node=case.get("node", 100_000))
    found = requirement_of(plan, rules_of(group), datetime.fromisoformat(case["at"]))
    assert [str(one) for one in (found.denials if isinstance(found, Denied) else found.needs)] == case["says"]
    assert (isinstance(found, Requirement) and found.merges_itself) is case.get("alone", False)


def test_a_denial_ends_when_all_of_it_has_ended() -> None:
    rules = rules_of(FILE[2])
    plan = written_plan({"a": {"to": 1}, "b": {"from": 2, "to": 1}})
    denied = requirement_of(plan, rules, NOON)
    assert isinstance(denied, Denied)
    assert denied.until == datetime(2026, 3, 7, 1, tzinfo=UTC)
    never = requirement_of(written_plan({"a": {"to": 3}}), rules, NOON)
    assert isinstance(never, Denied)
    assert never.until is None
    half = requirement_of(written_plan({"a": {"to": 3}, "b": {"from": 2, "to": 1}}), rules, NOON)
    assert isinstance(half, Denied)
    assert [denial.until is None for denial in half.denials] == [True, False]
    assert half.until is None


@pytest.mark.parametrize("group", FILE[:3], ids=lambda group: group["rules"][:20])
@given(changes=sizes, hours=st.integers(0, 24 * 400))
def test_what_is_blocked_until_a_time_is_blocked_till_then(
    group: dict[str, Any], changes: dict[str, tuple[int, int]], hours: int
) -> None:
    rules, now = rules_of(group), NOON + timedelta(hours=hours)
    plan = written_plan({name: {"from": start, "to": end} for name, (start, end) in changes.items()})
    found = requirement_of(plan, rules, now)
    if isinstance(found, Denied):
        for denial in found.denials:
            (measured,) = [one for one in measure(plan) if one.kind is denial.kind]
            if denial.until is not None:
                assert denial.until > now
                assert not rules.deciding(measured, denial.until).deny
                assert rules.deciding(measured, denial.until - timedelta(seconds=1)).deny


SMALL = Rule(name="small", classes=frozenset({Class.GROW}), up_to=UpTo(nodes=2, pools=3, hourly=250_000), approvals=0)


@given(changes=sizes, cut=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_nothing_is_gained_by_cutting_a_change_into_pools(changes: dict[str, tuple[int, int]], cut: list[int]) -> None:
    """Growth that is too much for a rule is so however many pools it is spread over, and whatever else shrinks."""
    rules = ReviewRules(rules=(SMALL,), default=Rule(name="default", deny="no"))
    grown = {f"cut-{number}": {"to": nodes} for number, nodes in enumerate(cut)}
    others = {name: {"from": start, "to": end} for name, (start, end) in changes.items()}
    added = sum(cut) + sum(max(0, end - start) for start, end in changes.values())
    grow = next(one for one in measure(written_plan({**grown, **others})) if one.kind is Class.GROW)
    assert grow.nodes == added
    assert grow.hourly == added * 100_000
    if added > 2:
        assert rules.deciding(grow, NOON).deny == "no"


@given(changes=sizes)
def test_every_change_is_judged(changes: dict[str, tuple[int, int]]) -> None:
    """Each changed pool is in some class, and a plan merges itself only if each of its classes may."""
    plan = written_plan({name: {"from": start, "to": end} for name, (start, end) in changes.items()})
    assert {name for one in measure(plan) for name in one.pools} == {change.pool for change in plan.changes}
    rules = ReviewRules(rules=(Rule(name="free", classes=frozenset({Class.GROW}), approvals=0),))
    found = requirement_of(plan, rules, NOON)
    assert isinstance(found, Requirement)
    assert found.merges_itself is ({one.kind for one in measure(plan)} == {Class.GROW})


@pytest.mark.parametrize(
    ("change", "classes"),
    [
        ({"to": 0}, ["grow"]),
        ({"from": 0}, ["delete"]),
        ({"from": 1, "to": 2}, ["grow"]),
        ({"from": 2, "to": 1}, ["shrink"]),
        ({"from": 1, "to": 2, "victims": ["n"]}, ["grow", "shrink"]),
        ({"from": 1, "to": 1, "label": "x"}, ["policy"]),
        ({"from": 2, "to": 1, "label": "x"}, ["shrink", "policy"]),
        ({"from": 1, "to": 5, "flavor": "b3-16"}, ["replace"]),
    ],
)
def test_a_change_has_every_class_that_it_is(change: dict[str, Any], classes: list[str]) -> None:
    (one,) = written_plan({"a": change}).changes
    assert [each.value for each in classes_of(one)] == classes


def test_bounds_are_policy_and_a_change_that_says_nothing_is_too() -> None:
    (bounds,) = plan_of((pool("a", 2),), (pool("a", 2, maximum=9),)).changes
    assert classes_of(bounds) == (Class.POLICY,)
    assert classes_of(replace(bounds, action=Action.UPDATE, after=bounds.before)) == (Class.POLICY,)


def test_a_measure_counts_what_is_touched() -> None:
    plan = costed(plan_of(
        (pool("a", 4), pool("b", 3), pool("c", 2), pool("d", 5)),
        (pool("a", 4, labels=(("x", "y"),)), pool("b", 1), pool("c", 6, flavor="b3-16")),
    ))  # fmt: skip
    found = {one.kind.value: (one.pools, one.nodes, one.hourly) for one in measure(plan)}
    assert found == {
        "shrink": (("b",), 2, 200_000), "delete": (("d",), 5, 500_000), "replace": (("c",), 6, 400_000),
        "policy": (("a",), 4, 0),
    }  # fmt: skip


def test_files_of_a_pool_are_its_two_forms() -> None:
    assert [str(one) for one in files_of([PoolName("b"), PoolName("a")], "prod")] == [
        "clusters/prod/pools/manifests/a.yaml", "clusters/prod/pools/manifests/b.yaml",
        "clusters/prod/pools/terraform/pool-a.tf", "clusters/prod/pools/terraform/pool-b.tf",
    ]  # fmt: skip


def test_a_rule_in_a_window_that_is_never_open_does_not_fit() -> None:
    never = Window(name="never", zone="UTC", days=(), start=0, end=60)
    rules = ReviewRules(rules=(Rule(name="r", within=(never,), approvals=0),), default=Rule(name="default", deny="no"))
    found = requirement_of(written_plan({"a": {"to": 1}}), rules, NOON)
    assert isinstance(found, Denied)
    assert [str(one) for one in found.denials] == ["grow is blocked: no (rule default)"]
