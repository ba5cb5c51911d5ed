"""Is this plan approved? Pure: facts and a plan in, an approval or the reasons for withholding it out.

In a plain repository, merging a proposal into the main branch is the approval. What counts is that main's own tree
holds exactly that plan: its plan.json reads back whole and has the plan's digest, and the pools its live files declare
are the pools the plan leads to. How the tree came there does not count: a merge, a rebase and a squash, which may lose
the trailer, approve alike. The commit that brought the plan is named for the record, and a plan that no commit brought
is not believed. A later edit by hand changes what main declares and so withholds the approval: it needs a plan of its
own. So does going back to an older tree: its plan is approved again, but the preconditions of its actions are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.diff import changed_fields
from renderer.document import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.git.base import CommitId
    from gitops.git.facts import MergeFacts
    from planner.canonical import Digest
    from planner.plan import Plan
    from planner.pools import Pool, PoolSet

_MOST = 5
"""Differences that are listed; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Enough words for this digest: the head of main whose tree was judged, and the commit that brought the plan."""

    digest: Digest
    head: CommitId
    brought_by: CommitId


@dataclass(frozen=True, slots=True)
class Withheld:
    """Not enough words. ``reasons`` are sentences without a full stop, at least one."""

    reasons: tuple[str, ...]


def judge(facts: MergeFacts, plan: Plan) -> Approval | Withheld:
    """Whether main approves this very plan. A fact that is missing withholds it."""
    reasons = tuple(_reasons(facts, plan))
    brought_by = facts.merged or facts.touched
    if reasons or facts.head is None or brought_by is None:
        return Withheld(reasons or ("the approval cannot be judged",))
    return Approval(digest=plan.digest, head=facts.head, brought_by=brought_by)


def differences(declared: PoolSet, wanted: PoolSet, *, branch: str) -> tuple[str, ...]:
    """In what a branch's pools differ from a plan's, a sentence each; what the provider says of them is left out."""
    found = []
    for name in sorted(declared.names() | wanted.names()):
        ours, theirs = declared.get(name), wanted.get(name)
        if ours is None:
            found.append(f"{branch} does not declare {name}, the plan does")
        elif theirs is None:
            found.append(f"{branch} declares {name}, the plan does not")
        else:
            found += [_differs(field, ours, theirs, branch) for field in changed_fields(theirs, ours)]
    left = len(found) - _MOST
    return (*found[:_MOST], f"{left} more differences") if left > 0 else tuple(found)


def _reasons(facts: MergeFacts, plan: Plan) -> Iterator[str]:
    branch = facts.branch
    if facts.head is None:
        yield f"there is no branch {branch}"
        return
    if facts.plan is None:
        yield f"{branch} holds no approved plan: {facts.plan_problem or 'nothing is known of it'}"
    elif facts.plan.digest != plan.digest:
        yield f"{branch} holds plan {_short(facts.plan.digest)}, not {_short(plan.digest)}: this plan is not merged"
    elif facts.plan.desired != plan.desired:
        yield f"plan.json on {branch} leads to other pools than this plan: make a new plan"
    if facts.declared is None:
        yield facts.declared_problem or f"it is not known what {branch} declares"
    elif facts.plan is not None and facts.plan.digest == plan.digest:
        for difference in differences(facts.declared, plan.desired, branch=branch):
            yield f"{difference}: a change by hand needs a new plan"
    if facts.plan is not None and facts.merged is None and facts.touched is None:
        yield f"no commit on {branch} is known that brought the plan"


def _differs(field: str, ours: Pool, theirs: Pool, branch: str) -> str:
    one, other = getattr(ours, field), getattr(theirs, field)
    if field == "desired":
        return f"{branch} declares {ours.name} with {one} {'node' if one == 1 else 'nodes'}, the plan says {other}"
    if isinstance(one, tuple) and field != "zones":
        return f"{branch} declares {ours.name} with other {FIELDS[field]} than the plan"
    return f"{branch} declares {ours.name} with {FIELDS[field]} {_word(one)}, the plan says {_word(other)}"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _short(digest: Digest) -> str:
    return digest.removeprefix("sha256:")[:12]
