"""A repository in memory with the ids that Git would give: the fake of the outside world for tests and simulations.

It keeps the whole contract, so a story told with it holds for a real repository; it has no checkout and no remote.
"""

from __future__ import annotations

import heapq
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import Overtaken, Stalled
from gitops.git.base import BranchName, Commit, CommitId, rewritten
from gitops.git.folders import entries_below, files_at, files_below
from gitops.git.objects import (
    Entry,
    ObjectId,
    commit_bytes,
    draft_edits,
    edit_tree,
    find_entry,
    finished,
    object_id,
    parse_commit,
    parse_tree,
    text_of,
)
from renderer.files import FileSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gitops.git.base import Draft
    from gitops.git.signing import Signer


class MemoryRepository:
    """Keeps the contract of ``gitops.git.base.Repository``."""

    def __init__(self, name: str = "memory") -> None:
        self._name = name
        self._objects: dict[str, bytes] = {}
        self._heads: dict[BranchName, CommitId] = {}

    @property
    def name(self) -> str:
        return self._name

    def refresh(self) -> None:
        """Nothing to learn: there is no other side."""

    def ensure_ready(self, branch: BranchName, root: PurePosixPath) -> CommitId:  # noqa: ARG002 - no work tree to judge
        head = self.head(branch)
        if head is None:
            raise Stalled(f"{self.name} has no branch {branch}")
        return head

    def head(self, branch: BranchName) -> CommitId | None:
        return self._heads.get(branch)

    def branches(self, prefix: str = "") -> tuple[tuple[BranchName, CommitId], ...]:
        return tuple(sorted((name, head) for name, head in self._heads.items() if name.startswith(prefix)))

    def read(self, at: CommitId, root: PurePosixPath) -> FileSet:
        return self._texts(files_below(self, ObjectId(self.show(at).tree), root), root)

    def show(self, commit: CommitId) -> Commit:
        return parse_commit(commit, self.raw(commit))

    def raw(self, commit: CommitId) -> bytes:
        data = self._objects.get(commit)
        if data is None:
            raise Stalled(f"{self.name} has no commit {commit}")
        return data

    def commit(
        self, draft: Draft, *, parent: CommitId | None, also: tuple[CommitId, ...] = (), signer: Signer | None = None,
        standing: CommitId | None = None,
    ) -> CommitId:  # fmt: skip
        parents = tuple(dict.fromkeys([*([parent] if parent else []), *also]))
        trees = [ObjectId(self.show(one).tree) for one in parents]
        before = trees[0] if parent else None
        tree = edit_tree(self, before, draft_edits(draft)) or self.write("tree", b"")
        if parents == (parent,) and tree == before:
            return parents[0]
        data = commit_bytes(draft, tree=tree, parents=parents)
        return CommitId(self.write("commit", finished(data, signer, self.raw(standing) if standing else None)))

    def push(self, commit: CommitId, branch: BranchName, *, expect: CommitId | None) -> None:
        self.show(commit)
        if self.head(branch) == commit:
            return
        self._check(branch, expect)
        for other in self._heads:
            if other.startswith(f"{branch}/") or branch.startswith(f"{other}/"):
                raise Stalled(f"{self.name}: a branch named {other} is in the way: rename or delete it")
        self._heads[branch] = commit

    def try_push(self, branch: BranchName) -> None:
        """Whoever has it in memory may write to it."""

    def delete_branch(self, branch: BranchName, *, expect: CommitId) -> None:
        if branch in self._heads:
            self._check(branch, expect)
            del self._heads[branch]

    def contains(self, branch: BranchName, commit: CommitId) -> bool:
        head = self.head(branch)
        return head is not None and any(one.id == commit for one in self._history(head))

    def log(self, branch: BranchName, root: PurePosixPath, *, limit: int) -> tuple[Commit, ...]:
        head = self.head(branch)
        touching = [one for one in self._history(head) if self._touches(one, root)] if head else []
        return tuple(touching[:limit])

    def line(self, branch: BranchName, root: PurePosixPath, *, after: CommitId | None) -> tuple[Commit, ...]:
        head = self.head(branch)
        if after is not None and not self.contains(branch, after):
            raise Stalled(rewritten(self.name, branch, after))
        known = {one.id for one in self._history(after)} if after else set()
        line: list[Commit] = []
        while head is not None and head not in known:
            commit = self.show(head)
            first = commit.parents[0] if commit.parents else None
            before = self._at(self.show(first), root) if first else None
            if root == PurePosixPath() or before != self._at(commit, root):
                line.append(commit)
            head = first
        return tuple(reversed(line))

    def fork_point(self, one: CommitId, other: CommitId) -> CommitId | None:
        mine = {commit.id for commit in self._history(one)}
        return next((commit.id for commit in self._history(other) if commit.id in mine), None)

    def texts(self, at: CommitId, paths: Sequence[PurePosixPath]) -> FileSet:
        return self._texts(files_at(self, ObjectId(self.show(at).tree), paths), PurePosixPath())

    def changed(self, before: CommitId, after: CommitId) -> tuple[PurePosixPath, ...]:
        one, other = (dict(entries_below(self, ObjectId(self.show(at).tree))) for at in (before, after))
        return tuple(sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path)))

    def seek(self, commit: CommitId, references: Sequence[str]) -> bool:  # noqa: ARG002 - there is no other side
        return commit in self._objects

    def tree(self, tree: ObjectId) -> tuple[Entry, ...]:
        """A tree's entries (for ``gitops.git.objects``, which edits trees)."""
        return parse_tree(self._objects[tree])

    def write(self, kind: str, data: bytes) -> ObjectId:
        """Keep an object and say its id (for ``gitops.git.objects``)."""
        made = object_id(kind, data)
        self._objects[made] = data
        return made

    def _check(self, branch: BranchName, expect: CommitId | None) -> None:
        if self.head(branch) != expect:
            raise Overtaken(f"{self.name}: the branch {branch} was changed by somebody else meanwhile")

    def _texts(self, files: dict[PurePosixPath, ObjectId], root: PurePosixPath) -> FileSet:
        return FileSet.of({path: text_of(self._objects[blob], root / path) for path, blob in files.items()})

    def _history(self, head: CommitId) -> Iterator[Commit]:
        """The commit and all behind it, children before their parents, newest first."""
        commits = {head: self.show(head)}
        children = {head: 0}
        waiting = [head]
        while waiting:
            for parent in commits[waiting.pop()].parents:
                if parent not in commits:
                    commits[parent], children[parent] = self.show(parent), 0
                    waiting.append(parent)
                children[parent] += 1
        ready = [(-commits[head].at.timestamp(), head)]
        while ready:
            one = commits[heapq.heappop(ready)[1]]
            yield one
            for parent in one.parents:
                children[parent] -= 1
                if not children[parent]:
                    heapq.heappush(ready, (-commits[parent].at.timestamp(), parent))

    def _touches(self, commit: Commit, root: PurePosixPath) -> bool:
        """Whether what stands at ``root`` differs from a parent; in a first commit, from nothing."""
        if root == PurePosixPath():
            return True
        before = [self._at(self.show(parent), root) for parent in commit.parents] or [None]
        return any(one != self._at(commit, root) for one in before)

    def _at(self, commit: Commit, root: PurePosixPath) -> Entry | None:
        return find_entry(self, ObjectId(commit.tree), root)
