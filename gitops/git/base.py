"""What poolplan asks of a repository, as values and one seam; how the answer is come by is left to its adapters.

Every path below is relative to a root folder of the repository, so that the same files can stand in any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import PurePosixPath

    from gitops.git.signing import Signer
    from renderer.files import FileSet

CommitId = NewType("CommitId", str)
BranchName = NewType("BranchName", str)


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit is by."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A commit to be made. Below ``root``, ``files`` are written and ``removed`` go; every other path stays as it is.

    ``at`` is both dates of the commit, in UTC and whole seconds: equal drafts on equal parents are equal bytes.
    """

    root: PurePosixPath
    files: FileSet
    removed: tuple[PurePosixPath, ...] = ()
    message: str
    author: Author
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as it stands; ``at`` is the committer's date."""

    id: CommitId
    tree: str
    parents: tuple[CommitId, ...]
    author: Author
    at: datetime
    message: str

    def trailers(self, key: str) -> tuple[str, ...]:
        """The values of ``key: value`` lines, in order, wherever they stand: forges that squash add text below them."""
        pairs = (line.partition(":") for line in self.message.splitlines())
        return tuple(value.strip() for name, colon, value in pairs if colon and name.strip() == key)


def rewritten(name: str, branch: BranchName, commit: CommitId) -> str:
    """What to say where a branch has lost a commit that it had."""
    return (
        f"{name}: {branch} was rewritten and no longer holds {commit[:12]}, which was applied. Put it back, and "
        "protect the branch from pushes with force"
    )


class Repository(Protocol):
    """A Git repository. What it says is as of the last ``refresh``; ``push`` and ``delete_branch`` check the real one.

    An implementation must raise Waiting where trying again may work, Stalled where a person must act, and must not put
    a secret of its address into a message or into ``name``.
    """

    @property
    def name(self) -> str:
        """What to call it in messages."""

    def refresh(self) -> None:
        """Learn what the branches are now. Needed once before anything else."""

    def ensure_ready(self, branch: BranchName, root: PurePosixPath) -> CommitId:
        """The branch's head, if a proposal can start from it. Raises Stalled if not, saying what to do.

        No: there is no such branch, or in a person's checkout something below ``root`` is not committed, or the local
        branch has commits that the remote's has not.
        """

    def head(self, branch: BranchName) -> CommitId | None:
        """The branch's newest commit; None where there is no such branch."""

    def branches(self, prefix: str = "") -> tuple[tuple[BranchName, CommitId], ...]:
        """Branches whose name starts with ``prefix``, with their heads, sorted by name."""

    def read(self, at: CommitId, root: PurePosixPath) -> FileSet:
        """The text files below ``root``; none where there is no such folder. Raises Stalled for any other file."""

    def show(self, commit: CommitId) -> Commit:
        """A commit as it stands. Raises Stalled for an unknown one."""

    def raw(self, commit: CommitId) -> bytes:
        """A commit object's bytes, its signature included. Raises Stalled for an unknown one."""

    def commit(
        self, draft: Draft, *, parent: CommitId | None, also: tuple[CommitId, ...] = (), signer: Signer | None = None,
        standing: CommitId | None = None,
    ) -> CommitId:  # fmt: skip
        """The id of the new commit, on no branch yet; the parent itself where the draft changes nothing in it.

        ``also`` are further parents: nothing of their trees is taken, but as long as the new commit is reachable, so
        are they. With any, a commit is made even where the tree stays as it is. Raises Stalled for an unknown parent.

        A signature may differ each time it is made. So ``standing``, a commit that may be this very one already, is
        returned where it is signed and says byte for byte the same but for its signature: equal drafts on equal parents
        are then one commit, as they are without a signer.
        """

    def push(self, commit: CommitId, branch: BranchName, *, expect: CommitId | None) -> None:
        """Let the branch be this commit if it still is ``expect`` (None: if it does not exist). Raises Waiting if not.

        A branch that already is this commit is left alone: repeating a push is harmless.
        """

    def try_push(self, branch: BranchName) -> None:
        """Whether such a branch could be pushed, as far as that can be told without doing it. Raises Stalled, Waiting.

        A forge's rules for branches are looked at only when something is really pushed.
        """

    def delete_branch(self, branch: BranchName, *, expect: CommitId) -> None:
        """Delete the branch if it still is ``expect``, or is gone already. Raises Waiting if it moved."""

    def contains(self, branch: BranchName, commit: CommitId) -> bool:
        """Whether the commit is the branch's head or behind it. Unknown commits and branches: no."""

    def log(self, branch: BranchName, root: PurePosixPath, *, limit: int) -> tuple[Commit, ...]:
        """The newest ``limit`` commits of the branch in which ``root`` differs from a parent, newest first.

        ``root`` may be a file here; empty, every commit counts. A merge counts where a parent lacked what it brings.
        """

    def line(self, branch: BranchName, root: PurePosixPath, *, after: CommitId | None) -> tuple[Commit, ...]:
        """The branch's own line: its first parents after ``after`` that changed ``root``, oldest first.

        What a merge brought is one change: that of the merge. None: from the branch's beginning. Raises Stalled where
        ``after`` is not behind the branch, because the branch was rewritten.
        """

    def fork_point(self, one: CommitId, other: CommitId) -> CommitId | None:
        """Where two commits' histories part: their best common ancestor; None where they share nothing."""

    def seek(self, commit: CommitId, references: Sequence[str]) -> bool:
        """Whether the commit is at hand, after asking the remote for these references (``refs/pull/7/head``) if not.

        A reference that the remote does not have is no error. Raises Waiting where the remote does not answer.
        """

    def texts(self, at: CommitId, paths: Sequence[PurePosixPath]) -> FileSet:
        """Those of these text files that are there, by their paths in the repository. Raises Stalled as ``read``."""

    def changed(self, before: CommitId, after: CommitId) -> tuple[PurePosixPath, ...]:
        """The paths of all files that differ between two commits, sorted; a renamed file is two paths."""
