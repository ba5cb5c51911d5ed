"""A plan as a commit on the main branch: its files, plan.json, what people read, and the evidence where it is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gitops.errors import Stalled
from gitops.evidence.files import ATTRIBUTES, TEXT, Beside
from gitops.git.base import Author, BranchName, Draft
from renderer.document import plan_text
from renderer.files import FileSet
from renderer.layout import PLAN, PLAN_TEXT, POOLS
from renderer.markdown import LIMIT
from renderer.proposal import render_proposal
from renderer.sections import LEAST
from renderer.tree import removed_paths, render_plan

if TYPE_CHECKING:
    from gitops.loop.trees import Tree
    from gitops.settings import Settings
    from planner.plan import Plan
    from planner.portion import Kind


NO_EVIDENCE = Beside(removed=(TEXT, ATTRIBUTES))
"""No evidence is kept, and none of an older plan stays."""


def proposal_branch(kind: Kind, settings: Settings) -> BranchName:
    """The rolling branch of a kind of proposal: ``<prefix><cluster>/<kind>``."""
    return BranchName(f"{settings.git.proposal_prefix}{settings.name}/{kind.value}")


def draft_of(
    plan: Plan, kind: Kind, tree: Tree, settings: Settings, *, evidence: Beside = NO_EVIDENCE, limit: int = LIMIT
) -> Draft:  # fmt: skip
    """The plan's commit on a tree of main: equal plans on equal trees are equal commits.

    Where a description of ``limit`` characters may not hold all there is to say, the commit has it in a file.
    """
    pools = tree.files.inside(POOLS)
    rendered = render_plan(plan, settings.terraform, existing=pools, delegate=settings.delegate)
    removed = [*(POOLS / path for path in removed_paths(pools, rendered)), *evidence.removed]
    proposal = render_proposal(plan, cluster=settings.name, kind=kind, limit=max(limit - LEAST, LEAST))
    texts = {**rendered.under(POOLS).as_map(), **evidence.files.as_map(), PLAN: plan_text(plan)}
    if proposal.details != proposal.body:
        texts[PLAN_TEXT] = proposal.details
    else:
        removed.append(PLAN_TEXT)
    return Draft(
        root=settings.folder, files=FileSet.of(texts), removed=tuple(removed), at=made_at(plan),
        message=proposal.message, author=Author(settings.git.author_name, settings.git.author_email),
    )  # fmt: skip


def made_at(plan: Plan) -> datetime:
    """The time the plan was made for: a commit of it has no other date."""
    try:
        at = datetime.fromisoformat(plan.evidence.now)
    except ValueError as error:
        raise Stalled(f"the plan names no time it was made for ({plan.evidence.now!r}). Make a new plan") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
