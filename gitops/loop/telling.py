"""What a pull request says: rendered from the plan and the verdict, and marked, so that the same is not said again.

The mark is a hash of the whole text in a comment that no forge shows. What a person changes in a description or a title
stays, until poolplan has something new to say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitops.evidence.files import TEXT
from gitops.forges.base import RequestText
from gitops.loop.drafting import proposal_branch
from gitops.loop.previews import departures_of
from planner.canonical import digest_of
from planner.portion import Kind
from renderer.context import Context
from renderer.proposal import render_proposal
from renderer.proposal_body import other_way

if TYPE_CHECKING:
    from gitops.forges.base import PullRequest
    from gitops.loop.passes import Pass
    from gitops.loop.verdicts import Verdict
    from planner.plan import Plan

_MARK = re.compile(r"\A<!-- poolplan:told ([0-9a-f]{16}) -->")
_ROOM = 60
"""Characters of the mark with its line end."""


def text_of(seen: Pass, kind: Kind, plan: Plan, verdict: Verdict, *, current: bool) -> RequestText:
    """Title and description, labels and people. ``current``: the plan stands on its branch already."""
    settings, limit = seen.settings, seen.world.forge.body_limit
    context = Context(
        cluster=settings.name, kind=kind, verdict=verdict.lines, violations=verdict.violations, freeze=verdict.freeze,
        evidence=TEXT.name if _keeps_evidence(seen, kind, current=current) else "",
        departures=departures_of(plan, seen.inputs, seen.now, bare=seen.settings.draining.bare),
        decline=other_way(seen.settling.asked.get(kind, ()), kind), settles=kind in seen.settling.plans,
    )  # fmt: skip
    proposal = render_proposal(plan, cluster=settings.name, kind=kind, context=context, limit=limit - _ROOM)
    asked = settings.proposals
    mark = digest_of([proposal.title, proposal.body, *asked.labels])[7:23]
    return RequestText(
        title=proposal.title, body=f"<!-- poolplan:told {mark} -->\n{proposal.body}", draft=asked.draft,
        labels=asked.labels, reviewers=asked.reviewers, assignees=asked.assignees,
    )  # fmt: skip


def _keeps_evidence(seen: Pass, kind: Kind, *, current: bool) -> bool:
    """Whether the proposal's commit has the plan's inputs: the one that stands, or the one that is made."""
    tip = seen.world.repository.head(proposal_branch(kind, seen.settings)) if current else None
    files = seen.trees.at(tip).files if tip else seen.evidence.files
    return files.get(TEXT) is not None


def is_told(request: PullRequest, text: RequestText) -> bool:
    """Whether the request says this already, but for what people changed in it. Labels come after the text."""
    return _mark(request.body) == _mark(text.body) and set(text.labels) <= set(request.labels)


def _mark(body: str) -> str | None:
    found = _MARK.match(body)
    return found[1] if found else None
