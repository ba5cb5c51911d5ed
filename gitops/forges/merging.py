"""The three ways in which forges bring a branch into another, as real commits made through the repository's seam.

For the forge in memory: text files only, merged path by path. A path that both sides changed is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import Waiting
from renderer.files import FileSet

if TYPE_CHECKING:
    from gitops.git.base import Commit, CommitId, Draft, Repository

_TOP = PurePosixPath()


class Method(Enum):
    """How a request is merged: a commit with two parents, one commit of it all, or its commits one by one."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """``commit`` is the new head of the base branch, ``brought`` are all the commits that it had not before."""

    commit: CommitId
    brought: frozenset[CommitId]


def merge_commits(repository: Repository, draft: Draft, *, onto: CommitId, head: CommitId, method: Method) -> Merged:
    """Make the commits that bring ``head`` onto ``onto``; no branch is moved. Raises Waiting for a conflict.

    ``draft`` gives author, date and, but for a rebase, the message; its files are left aside.
    """
    new = _missing(repository, head, behind=_behind(repository, onto))
    if method is Method.REBASE:
        steps = [(_parent(one), one.id, one.message) for one in new]
    else:
        steps = [(_fork(repository, onto, head), head, draft.message)]
    tip, made = onto, []
    for before, after, message in steps:
        files, removed = _changes(repository, before=before, after=after, onto=tip)
        step = replace(draft, root=_TOP, files=files, removed=removed, message=message)
        tip = repository.commit(step, parent=tip, also=(head,) if method is Method.MERGE else ())
        made.append(tip)
    brought = frozenset(made) | (frozenset(one.id for one in new) if method is Method.MERGE else frozenset())
    return Merged(commit=tip, brought=brought - {onto})


def _behind(repository: Repository, commit: CommitId) -> dict[CommitId, Commit]:
    """The commit and all behind it, nearest first."""
    found: dict[CommitId, Commit] = {}
    waiting = [commit]
    for one in waiting:
        if one not in found:
            found[one] = repository.show(one)
            waiting += found[one].parents
    return found


def _missing(repository: Repository, head: CommitId, *, behind: dict[CommitId, Commit]) -> list[Commit]:
    """The commits up to ``head`` that are not behind, parents before children."""
    return [one for key, one in reversed(_behind(repository, head).items()) if key not in behind]


def _fork(repository: Repository, onto: CommitId, head: CommitId) -> CommitId | None:
    """The newest commit that both have; None for unrelated histories."""
    shared = _behind(repository, onto)
    return next((one for one in _behind(repository, head) if one in shared), None)


def _parent(commit: Commit) -> CommitId | None:
    return commit.parents[0] if commit.parents else None


def _changes(
    repository: Repository, *, before: CommitId | None, after: CommitId, onto: CommitId
) -> tuple[FileSet, tuple[PurePosixPath, ...]]:
    """What ``after`` changed since ``before``, as a change of ``onto``: files to write and paths to remove."""
    old = repository.read(before, _TOP).as_map() if before else {}
    new, here = repository.read(after, _TOP).as_map(), repository.read(onto, _TOP).as_map()
    written, removed = {}, []
    for path in sorted(old.keys() | new.keys()):
        was, becomes, stands = old.get(path), new.get(path), here.get(path)
        if becomes in (was, stands):
            continue
        if stands != was:
            raise Waiting(f"{repository.name}: {path} was changed on both branches: they cannot be merged now")
        if becomes is None:
            removed.append(path)
        else:
            written[path] = becomes
    return FileSet.of(written), tuple(removed)
