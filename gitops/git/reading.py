"""Reads a repository's objects through one ``git cat-file`` that is kept running: a pass reads hundreds of small ones.

Objects never change, so nothing that was read grows old; one that was written since is found too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitops.errors import Stalled, Waiting
from gitops.git.program import talk_to_git

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.git.program import Git
    from gitops.process import Conversation

LARGEST = 16 * 1024 * 1024
"""Bytes. No object that poolplan reads is near it; a larger one below a cluster's folder is a mistake."""
AT_ONCE = 100
"""Objects that are asked for before the first answer is read: as many ids as fit into a pipe many times over."""


_ID = re.compile(r"[0-9a-f]{40}")


class TooLarge(Stalled):
    """An object of more than ``LARGEST`` bytes, which was not read."""

    def __init__(self, one: str) -> None:
        super().__init__(f"the object {one} is larger than {LARGEST // 1024**2} MiB")
        self.object = one


class Objects:
    """The objects of one repository."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._talk: Conversation | None = None

    def read(self, kind: str, ids: Sequence[str]) -> list[bytes]:
        """The bytes of objects of one kind, in their order. Raises Stalled for one that is missing or of another kind,
        Waiting where git ends in between."""
        found: list[bytes] = []
        for start in range(0, len(ids), AT_ONCE):
            found += self._answers(kind, ids[start : start + AT_ONCE])
        return found

    def has(self, commit: str) -> bool:
        """Whether there is such a commit."""
        try:
            return _ID.fullmatch(commit) is not None and bool(self.read("commit", [commit]))
        except Stalled:
            return False

    def _answers(self, kind: str, ids: Sequence[str]) -> list[bytes]:
        if self._talk is None:
            self._talk = talk_to_git("--git-dir", str(self._git.folder), "cat-file", "--batch")
        try:
            self._talk.ask(*ids)
            return [self._answer(self._talk, kind, one) for one in ids]
        except BaseException:
            self.close()  # what is left of the answers would be taken for those to the next question
            raise

    def _answer(self, talk: Conversation, kind: str, one: str) -> bytes:
        told = talk.line()
        if not told:
            raise Waiting(f"{self._git.name}: git ended while it was asked for the object {one}; try again")
        head = told.split(b" ")
        if len(head) != 3 or not head[2].isdigit():
            raise Stalled(f"{self._git.name}: the object {one} is missing. Run git fsck there")
        if head[1].decode() != kind:
            raise Stalled(f"{self._git.name}: the object {one} is a {head[1].decode()}, not a {kind}")
        size = int(head[2])
        if size > LARGEST:
            raise TooLarge(one)
        data = talk.read(size + 1)
        if len(data) != size + 1:
            raise Waiting(f"{self._git.name}: git ended while it told the object {one}; try again")
        return data[:-1]

    def close(self) -> None:
        """End the program; the next question starts another."""
        if self._talk is not None:
            self._talk.end()
            self._talk = None
