"""The branch that a delegate follows: what is to be in effect, as plain files, moved by nobody but poolplan.

It shares no history with the main branch. Each goal is one commit on the last, pushed only if nobody else pushed
meanwhile, and its trailers say which change of main it carries out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import Waiting
from gitops.git.base import Author, BranchName, Draft
from renderer.files import FileSet
from renderer.proposal import DIGEST_TRAILER

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.git.base import Commit, CommitId, Repository
    from gitops.git.signing import Signer

MAIN_TRAILER = "Poolplan-Main"
_TRIES = 4


@dataclass(frozen=True, kw_only=True)
class Cause:
    """On whose account a branch is moved: the digest of the approved plan, and the commit of main that asks for it."""

    digest: str = ""
    main: str = ""


@dataclass(kw_only=True)
class LiveBranch:
    """One such branch. ``root`` is the folder in it that holds the files.

    ``note`` is a file beside them that says the cause, so that another change is another commit even where it ends as
    the branch was: Argo CD syncs each commit once, and the provider's pools may have been changed since. None: no file.
    """

    repository: Repository
    branch: BranchName
    root: PurePosixPath
    note: PurePosixPath | None = None
    author: Author
    cause: Cause
    signer: Signer | None = None

    def head(self) -> Commit | None:
        """Its newest commit, as of the last ``refresh``."""
        found = self.repository.head(self.branch)
        return self.repository.show(found) if found is not None else None

    def files(self) -> FileSet:
        """What it says now."""
        found = self.repository.head(self.branch)
        return self.repository.read(found, self.root) if found is not None else FileSet()

    def holds(self, files: FileSet) -> bool:
        """Whether it says exactly this."""
        return self.repository.head(self.branch) is not None and self.files() == files

    def promote(self, files: FileSet, *, what: str, at: datetime) -> Commit:
        """Let the branch say this and nothing else. Where it does already, for the same cause, it stays.

        Raises Waiting where others push again and again.
        """
        for left in range(_TRIES, 0, -1):
            head = self.repository.head(self.branch)
            texts = files.under(self.root).as_map() | ({self.note: "".join(self._cause())} if self.note else {})
            there = self.repository.read(head, PurePosixPath()).paths() if head is not None else ()
            draft = Draft(
                root=PurePosixPath(), files=FileSet.of(texts), message=self._message(what),
                removed=tuple(path for path in there if path not in texts),
                author=self.author, at=at,
            )  # fmt: skip
            commit: CommitId = self.repository.commit(draft, parent=head, signer=self.signer)
            try:
                self.repository.push(commit, self.branch, expect=head)
            except Waiting:
                if left == 1:
                    raise
                self.repository.refresh()
                continue
            self.repository.refresh()
            return self.repository.show(commit)
        raise AssertionError("the last try returns or raises")  # pragma: no cover

    def _message(self, what: str) -> str:
        return f"{what}\n\n{''.join(self._cause())}Signed-off-by: {self.author.name} <{self.author.email}>\n"

    def _cause(self) -> list[str]:
        trailers = [(DIGEST_TRAILER, self.cause.digest), (MAIN_TRAILER, self.cause.main)]
        return [f"{name}: {value}\n" for name, value in trailers if value]
