"""Proposals as people read them, compared whole with files that ``pytest --update-golden`` rewrites."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ruamel.yaml import YAML

from planner.departing import Departure, Eviction
from planner.guardrails import Violation
from planner.plan import Action, Change, Plan
from planner.pods import Owner
from planner.pools import PoolName, PoolSet
from planner.portion import Kind
from renderer.context import Context
from renderer.proposal import Proposal, render_plan_comment, render_proposal
from tests.conftest import CompareText
from tests.renderer.cases import FOLDER, load_case

PROPOSALS = FOLDER / "proposals"
CASES = sorted(path.parent.name for path in PROPOSALS.glob("*/case.yaml"))


def read_context(name: str) -> Context:
    """What the case file says besides the plan."""
    case: dict[str, Any] = YAML(typ="safe", pure=True).load(PROPOSALS / name / "case.yaml")
    told = case.get("context", {})
    return Context(
        cluster="demo", kind=Kind(case["kind"]), verdict=tuple(told.get("verdict", ())),
        violations=tuple(Violation(rule, text) for rule, text in told.get("violations", {}).items()),
        freeze=told.get("freeze", ""), evidence=told.get("evidence", ""),
        departures=tuple(
            Departure(**{
                **one, "evictions": tuple(_eviction(each) for each in one.get("evictions", ())),
                "blocked_by": tuple(one.get("blocked_by", ())),
            })
            for one in told.get("departures", ())
        ),
    )  # fmt: skip


def _eviction(told: dict[str, Any]) -> Eviction:
    owner = Owner(*told["owner"]) if "owner" in told else None
    return Eviction(**{**told, "owner": owner, "blocked_by": tuple(told.get("blocked_by", ()))})


def propose(name: str) -> Proposal:
    context = read_context(name)
    return render_proposal(load_case(f"proposals/{name}"), cluster="demo", kind=context.kind, context=context)


def huge(pools: int = 100, pods: int = 5000, length: int = 200) -> Plan:
    """A plan of so many pools with names of so many characters, and so many pods that stay pending."""
    plan = load_case("proposals/growth-refused")
    (first, *_), (group, *_) = plan.changes, plan.unplaced
    assert first.after is not None
    changes: list[Change] = []
    for number in range(pools):
        name = PoolName(f"{number:03}".ljust(length, "a"))
        changes.append(
            replace(
                first, pool=name, action=Action.CREATE, before=None, after=replace(first.after, name=name, desired=2)
            )
        )
    unplaced = tuple(replace(group, pods=(f"{'n' * length}/{number}",), owner=None) for number in range(pods))
    desired = PoolSet.of(change.after for change in changes if change.after)
    return replace(plan, declared=PoolSet(), desired=desired, changes=tuple(changes), unplaced=unplaced)


@pytest.mark.parametrize("name", CASES)
def test_each_proposal_reads_as_expected(name: str, golden: CompareText) -> None:
    made = propose(name)

    golden(PROPOSALS / f"{name}.md", f"{made.title}\n\n{made.body}\n{'-' * 72}\n\n{made.message}")
    assert made.details == made.body


def test_a_huge_proposal_keeps_what_decides(golden: CompareText) -> None:
    context = read_context("growth-refused")

    made = render_proposal(huge(pools=30, pods=60), cluster="demo", kind=Kind.UP, context=context, limit=16_000)

    golden(PROPOSALS / "huge.md", f"{made.title}\n\n{made.body}")
    assert made.details != made.body


def test_a_comment_on_a_persons_request_says_what_their_change_does(golden: CompareText) -> None:
    plan, context = load_case("proposals/replacement"), read_context("replacement")

    golden(PROPOSALS / "comment.md", render_plan_comment(plan, context))


def test_no_expected_text_is_left_over() -> None:
    assert sorted(path.stem for path in PROPOSALS.glob("*.md")) == sorted([*CASES, "comment", "huge"])
