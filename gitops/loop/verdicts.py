"""What stands between a proposal and its application, for people, for the commit status, and for merging by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.forges.base import StatusState
from gitops.review.judge import Facts, missing_words, plain_words
from gitops.review.rules import Denied, requirement_of

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.review.rules import Requirement, ReviewRules
    from planner.guardrails import Violation
    from planner.plan import Plan

LONGEST = 140
"""Characters of a commit status: GitHub's limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``lines`` are sentences without a full stop. ``merges``: nobody needs to say a word and nothing is in the way."""

    state: StatusState
    lines: tuple[str, ...]
    freeze: str = ""
    violations: tuple[Violation, ...] = ()
    merges: bool = False

    @property
    def short(self) -> str:
        """The verdict as a status says it."""
        text = "; ".join((*(f"frozen: {one}" for one in (self.freeze,) if one),
                          *(f"guardrail {one.rule}: {one.text}" for one in self.violations), *self.lines))  # fmt: skip
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def verdict_of(plan: Plan, facts: Facts, rules: ReviewRules, now: datetime, *, draft: bool = False) -> Verdict:
    """What a proposal of this plan needs. Without a request in the facts, nobody has said anything yet."""
    requirement = requirement_of(plan, rules, now)
    forbidden = bool(facts.frozen or facts.violations)
    if isinstance(requirement, Denied):
        lines = tuple(map(str, requirement.denials))
        state = StatusState.FAILURE if forbidden or requirement.until is None else StatusState.PENDING
        return Verdict(state=state, lines=lines, freeze=facts.frozen, violations=facts.violations)
    missing = _missing(plan, facts, requirement)
    merges = requirement.merges_itself and not (forbidden or missing or draft)
    state = StatusState.FAILURE if forbidden else StatusState.PENDING if missing else StatusState.SUCCESS
    return Verdict(
        state=state, lines=(*_needs(requirement, missing), *missing), freeze=facts.frozen, violations=facts.violations,
        merges=merges,
    )  # fmt: skip


def _needs(requirement: Requirement, missing: tuple[str, ...]) -> tuple[str, ...]:
    """What the rules ask for; where it is missing, what is missing says that already."""
    told = tuple(text for text in map(str, requirement.needs) if not any(one.startswith(f"{text};") for one in missing))
    return (*told, "it merges itself") if requirement.merges_itself else told


def _missing(plan: Plan, facts: Facts, requirement: Requirement) -> tuple[str, ...]:
    return missing_words(facts, plan, requirement) if facts.reviews else plain_words(requirement)
