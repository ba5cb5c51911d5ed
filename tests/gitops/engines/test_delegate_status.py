"""What delegates' objects say, as recorded, and that no half of it is ever taken for done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.engines.delegate_status import Stage, judge_application, judge_kustomization, judge_terraform, plan_id
from gitops.git.base import CommitId

CASES: dict[str, list[dict[str, Any]]] = YAML(typ="safe", pure=True).load(
    Path(__file__).parent / "cases" / "delegates.yaml"
)
COMMIT = CommitId("1c323124f0f2cd5c19185e974cc4196df3108a52")
BRANCH = "poolplan/paris/live"
NAMED = [pytest.param(who, case, id=f"{who}-{case['name']}") for who in CASES for case in CASES[who]]
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["status", "spec", "sync", "revision", "conditions", "type", "artifact", "plan", "pending"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(("who", "case"), NAMED)
def test_what_is_said_is_understood(who: str, case: dict[str, Any]) -> None:
    if who == "argocd":
        seen = judge_application(case["application"], COMMIT)
    elif who == "flux":
        seen = judge_kustomization(case["source"], case["kustomization"], COMMIT)
    else:
        seen = judge_terraform(case["source"], case["terraform"], COMMIT, BRANCH)

    assert (seen.stage.value, seen.text) == (case["stage"], case.get("text", ""))


@given(st.dictionaries(st.sampled_from(["status", "spec"]), json), st.dictionaries(st.just("status"), json))
def test_what_does_not_name_the_commit_has_not_applied_it(one: dict[str, Any], two: dict[str, Any]) -> None:
    for seen in (
        judge_application(one, COMMIT), judge_kustomization(two, one, COMMIT), judge_terraform(two, one, COMMIT, BRANCH)
    ):  # fmt: skip
        assert not seen.applied
        assert seen.stage is not Stage.PENDING


def test_a_plans_id_is_that_of_tofu_controller_and_whole() -> None:
    assert plan_id(BRANCH, COMMIT) == "plan-poolplan/paris/live-1c323124f0"
