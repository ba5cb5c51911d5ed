"""What stands on a proposal's branch: nothing, poolplan's own commit, or something that a person made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.errors import Stalled
from gitops.evidence.files import ATTRIBUTES, TEXT
from gitops.git.base import BranchName, Draft
from renderer.files import FileSet
from renderer.layout import PLAN, PLAN_TEXT, POOLS, is_owned
from renderer.proposal import CLUSTER_TRAILER, DIGEST_TRAILER

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    from gitops.git.base import Commit, CommitId, Repository
    from gitops.loop.trees import Tree, Trees
    from gitops.settings import Settings
    from planner.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A proposal's branch. ``tip`` None: there is none. ``ours`` False: ``problem`` says what a person did to it.

    ``base`` is the commit of main that it starts from, ``plan`` the plan that it tells. ``merged``: main has it.
    """

    branch: BranchName
    tip: CommitId | None = None
    base: CommitId | None = None
    plan: Plan | None = None
    ours: bool = False
    merged: bool = False
    problem: str = ""


def read_standing(trees: Trees, branch: BranchName) -> Standing:
    """What stands on the branch, as of the last ``refresh``."""
    repository, settings = trees.repository, trees.settings
    tip = repository.head(branch)
    if tip is None:
        return Standing(branch=branch)
    main = BranchName(settings.git.branch)
    merged = repository.contains(main, tip)
    commit = repository.show(tip)
    problem = _foreign(trees, commit)
    tree = trees.at(tip)
    return Standing(
        branch=branch, tip=tip, base=commit.parents[0] if commit.parents else None, plan=tree.plan,
        ours=merged or not problem, merged=merged, problem="" if merged else problem,
    )  # fmt: skip


def is_bots(path: PurePosixPath) -> bool:
    """Whether poolplan writes this path of a cluster's folder."""
    if path in (PLAN, PLAN_TEXT, TEXT, ATTRIBUTES):
        return True
    return path.is_relative_to(POOLS) and is_owned(path.relative_to(POOLS))


def _foreign(trees: Trees, commit: Commit) -> str:
    """What a person did to the branch; empty where its tip is exactly what poolplan would have committed there."""
    settings = trees.settings
    who = f"{commit.author.name} committed to the branch"
    author = (settings.git.author_name, settings.git.author_email)
    if (commit.author.name, commit.author.email) != author or settings.name not in commit.trailers(CLUSTER_TRAILER):
        return who
    if len(commit.parents) != 1 or not trees.repository.contains(BranchName(settings.git.branch), commit.parents[0]):
        return "the branch is not one commit on the main branch"
    tree, before = trees.at(commit.id), trees.at(commit.parents[0])
    if tree.plan is None or tree.plan.digest not in commit.trailers(DIGEST_TRAILER):
        return "the branch's plan.json is not the plan that its commit names"
    if tree.pools != tree.plan.desired:
        return "the branch's pools are not those of its plan.json"
    if not _only_ours(trees.repository, settings, commit, before, tree):
        return "the branch changes files that are not poolplan's"
    return ""


def _only_ours(repository: Repository, settings: Settings, commit: Commit, before: Tree, after: Tree) -> bool:
    """Whether poolplan's own files are the whole difference: the same edits on the same parent are the same tree."""
    mine = {path: text for path, text in after.files if is_bots(path)}
    gone = tuple(path for path in before.files.paths() if is_bots(path) and path not in mine)
    draft = Draft(
        root=settings.folder, files=FileSet.of(mine), removed=gone, message=commit.message, author=commit.author,
        at=commit.at,
    )  # fmt: skip
    try:
        made = repository.commit(draft, parent=before.commit)
    except Stalled:
        return False
    return repository.show(made).tree == commit.tree
