"""A plan → a branch that people review: its files, plan.json and message as one commit on top of main.

It decides when there is nothing to propose, when a proposal stands already, and which older ones are withdrawn. What
the files say is the renderer's work; opening a pull request is left to a forge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from gitops.approval import differences
from gitops.errors import Stalled, Waiting
from gitops.git.base import Author, BranchName, Commit, CommitId, Draft
from planner.errors import ValueRefused
from renderer.document import plan_text
from renderer.files import FileSet
from renderer.layout import CLUSTER, PLAN, POOLS
from renderer.proposal import CLUSTER_TRAILER, DIGEST_TRAILER, Proposal, branch_name, render_proposal
from renderer.tree import parse_pools, removed_paths, render_files

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    from gitops.git.base import Repository
    from gitops.settings import Settings
    from planner.plan import Plan

_RENDERED_PREFIX = "poolplan/"
_DIGITS = re.compile(r"[0-9a-f]{12}")


class ProposedState(Enum):
    """What became of a proposal."""

    OPENED = "opened"
    REVISED = "revised"
    UNCHANGED = "unchanged"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """``branch`` and ``commit`` are None where there was nothing to propose; ``proposal`` is the text for a forge.

    ``withdrawn`` are branches of older plans of this cluster that were deleted, ``left`` says why others were not.
    """

    state: ProposedState
    branch: BranchName | None = None
    commit: CommitId | None = None
    proposal: Proposal | None = None
    withdrawn: tuple[BranchName, ...] = ()
    left: tuple[str, ...] = ()


def propose(repository: Repository, plan: Plan, settings: Settings) -> Proposed:
    """Propose the plan: the same plan on the same main is the same commit, and proposing again changes nothing.

    Raises Waiting when main or the branch moved meanwhile, Stalled when a person must act first.
    """
    repository.refresh()
    main = repository.ensure_ready(BranchName(settings.git.branch), settings.folder)
    existing = _existing(repository, main, settings)
    commit = main
    if plan.changes:
        _refuse_other_start(existing, plan, settings)
        commit = _commit(repository, plan, settings, main=main, existing=existing)
    if commit == main:
        withdrawn, left = _withdraw(repository, settings, keep=None)
        return Proposed(state=ProposedState.NOTHING, withdrawn=withdrawn, left=left)
    branch = proposal_branch(plan.digest, settings)
    state = _publish(repository, commit, branch, plan.digest, folder=settings.folder)
    withdrawn, left = _withdraw(repository, settings, keep=branch)
    return Proposed(
        state=state, branch=branch, commit=repository.head(branch), withdrawn=withdrawn, left=left,
        proposal=render_proposal(plan, cluster=settings.name),
    )  # fmt: skip


def proposal_branch(digest: str, settings: Settings) -> BranchName:
    """The branch of a plan: the settings' prefix, the cluster and the first digits of the action digest."""
    rendered = branch_name(digest, settings.name)
    return BranchName(settings.git.proposal_prefix + rendered.removeprefix(_RENDERED_PREFIX))


def _existing(repository: Repository, main: CommitId, settings: Settings) -> FileSet:
    existing = repository.read(main, settings.folder)
    if existing.get(CLUSTER) is None:
        place = settings.folder / CLUSTER
        raise Stalled(f"{repository.name}: {settings.git.branch} has no {place}. Commit it there first")
    return existing


def _refuse_other_start(existing: FileSet, plan: Plan, settings: Settings) -> None:
    """A plan is a way from somewhere: raises Waiting when main no longer stands there."""
    branch = settings.git.branch
    try:
        declared = parse_pools(existing.inside(POOLS), settings.live)
    except ValueRefused as refused:
        raise Stalled(f"{branch} holds pools that cannot be read: {settings.folder / POOLS}/{refused}") from refused
    moved = differences(declared, plan.declared, branch=branch)
    if moved:
        raise Waiting(f"{branch} is not where the plan starts: {'; '.join(moved)}. Make a new plan")


def _commit(
    repository: Repository, plan: Plan, settings: Settings, *, main: CommitId, existing: FileSet
) -> CommitId:  # fmt: skip
    """The plan's commit, or main itself where main says already what the plan wants."""
    pools = existing.inside(POOLS)
    rendered = render_files(plan.desired, settings.terraform, existing=pools)
    removed = removed_paths(pools, rendered)
    before = pools.as_map()
    if not removed and all(before.get(path) == text for path, text in rendered):
        return main
    draft = Draft(
        root=settings.folder, files=FileSet.of({**rendered.under(POOLS).as_map(), PLAN: plan_text(plan)}),
        removed=tuple(POOLS / path for path in removed), at=_time(plan),
        message=render_proposal(plan, cluster=settings.name).message,
        author=Author(settings.git.author_name, settings.git.author_email),
    )  # fmt: skip
    return repository.commit(draft, parent=main)


def _time(plan: Plan) -> datetime:
    """The time the plan was made for: a commit of it has no other date."""
    try:
        at = datetime.fromisoformat(plan.evidence.now)
    except ValueError as error:
        raise Stalled(f"the plan names no time it was made for ({plan.evidence.now!r}). Make a new plan") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _publish(
    repository: Repository, commit: CommitId, branch: BranchName, digest: str, *, folder: PurePosixPath
) -> ProposedState:
    """Let the branch be the commit, unless it holds the same plan on the same files already: a review goes on."""
    tip = repository.head(branch)
    if tip is None:
        repository.push(commit, branch, expect=None)
        return ProposedState.OPENED
    standing = repository.show(tip)
    if digest not in standing.trailers(DIGEST_TRAILER):
        raise Stalled(f"{repository.name}: somebody committed to {branch}. Merge it, or delete it and propose again")
    starts = [one.parents[0] for one in (standing, repository.show(commit)) if one.parents]
    if len(starts) == 2 and repository.read(starts[0], folder) == repository.read(starts[1], folder):
        return ProposedState.UNCHANGED
    repository.push(commit, branch, expect=tip)
    return ProposedState.REVISED


def _withdraw(
    repository: Repository, settings: Settings, *, keep: BranchName | None
) -> tuple[tuple[BranchName, ...], tuple[str, ...]]:
    """Delete the branches of this cluster's older plans; what a person added to, or merged, stays."""
    prefix = f"{settings.git.proposal_prefix}{settings.name}/"
    withdrawn, left = [], []
    for branch, tip in repository.branches(prefix):
        ours = _is_ours(repository.show(tip), branch.removeprefix(prefix), settings)
        if branch == keep or not ours or repository.contains(BranchName(settings.git.branch), tip):
            continue
        try:
            repository.delete_branch(branch, expect=tip)
            withdrawn.append(branch)
        except (Waiting, Stalled) as error:
            left.append(str(error))
    return tuple(withdrawn), tuple(left)


def _is_ours(commit: Commit, digits: str, settings: Settings) -> bool:
    named = any(digest.removeprefix("sha256:")[:12] == digits for digest in commit.trailers(DIGEST_TRAILER))
    return bool(_DIGITS.fullmatch(digits)) and named and settings.name in commit.trailers(CLUSTER_TRAILER)
