"""Gathers from a repository what an approval is judged by. Whether it is one is decided in ``gitops.approval``.

A fact that cannot be had is None, with a sentence that says why: nothing is guessed and nothing left open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.git.base import BranchName, CommitId
from planner.errors import ValueRefused
from renderer.document_read import read_plan_text
from renderer.layout import PLAN, POOLS
from renderer.proposal import DIGEST_TRAILER
from renderer.tree import parse_pools

if TYPE_CHECKING:
    from gitops.git.base import Repository
    from gitops.settings import Settings
    from planner.plan import Plan
    from planner.pools import PoolSet
    from renderer.files import FileSet

HISTORY = 200
"""How many commits of a cluster's folder are searched for the one that brought a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeFacts:
    """What the main branch holds. ``plan`` is its plan.json, whose own digest has been recomputed and found right.

    ``declared`` are the pools of the live files. ``merged`` is the commit on the branch that carries the plan's digest
    as a trailer, ``touched`` the newest one that changed plan.json.
    """

    branch: BranchName
    head: CommitId | None = None
    plan: Plan | None = None
    plan_problem: str = ""
    declared: PoolSet | None = None
    declared_problem: str = ""
    merged: CommitId | None = None
    touched: CommitId | None = None


def gather_facts(repository: Repository, settings: Settings) -> MergeFacts:
    """What the main branch says as of the last ``refresh``. Raises Stalled where the repository cannot be read."""
    branch, folder = BranchName(settings.git.branch), settings.folder
    head = repository.head(branch)
    if head is None:
        return MergeFacts(branch=branch)
    files = repository.read(head, folder)
    plan, plan_problem = _plan(files, str(folder / PLAN))
    declared, declared_problem = _declared(files, settings)
    newest = repository.log(branch, folder / PLAN, limit=1)
    return MergeFacts(
        branch=branch, head=head, plan=plan, plan_problem=plan_problem, declared=declared,
        declared_problem=declared_problem, merged=_merged(repository, settings, plan) if plan else None,
        touched=newest[0].id if newest else None,
    )  # fmt: skip


def _plan(files: FileSet, name: str) -> tuple[Plan | None, str]:
    text = files.get(PLAN)
    if text is None:
        return None, f"there is no {name}"
    try:
        return read_plan_text(text, file=name), ""
    except ValueRefused as refused:
        return None, str(refused)


def _declared(files: FileSet, settings: Settings) -> tuple[PoolSet | None, str]:
    try:
        return parse_pools(files.inside(POOLS), settings.live), ""
    except ValueRefused as refused:
        return None, f"the pools cannot be read: {settings.folder / POOLS}/{refused}"


def _merged(repository: Repository, settings: Settings, plan: Plan) -> CommitId | None:
    commits = repository.log(BranchName(settings.git.branch), settings.folder, limit=HISTORY)
    return next((one.id for one in commits if plan.digest in one.trailers(DIGEST_TRAILER)), None)
