"""CODEOWNERS as the forges read it: who owns which file. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePosixPath


class Dialect(Enum):
    """Whose rules a CODEOWNERS file follows."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


PLACES: Final[dict[Dialect, tuple[str, ...]]] = {
    Dialect.GITHUB: (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    Dialect.GITLAB: ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
    Dialect.GITEA: ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS"),
}
"""Where each forge looks, in order; the first file that is there is the only one that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Files that are owned alike. ``owners`` are logins and teams without ``@``; empty: nobody owns them.

    ``approvals``: how many a section of GitLab's asks for; ``section`` is its name.
    """

    files: tuple[PurePosixPath, ...]
    owners: frozenset[str]
    approvals: int = 1
    section: str = ""


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A CODEOWNERS file that was read. ``faults`` are its lines that mean nothing, ``CODEOWNERS:3: …`` each."""

    faults: tuple[str, ...] = ()

    def owned(self, files: Iterable[PurePosixPath]) -> tuple[Owned, ...]:
        """Each file with its owners, files that are owned alike together; every file is in at least one of them."""
        raise NotImplementedError

    def owners_of(self, files: Iterable[PurePosixPath]) -> frozenset[str]:
        """Everybody who owns one of the files."""
        return frozenset(owner for one in self.owned(files) for owner in one.owners)


def read_code_owners(text: str, dialect: Dialect) -> CodeOwners:
    """What the file says. A line that means nothing owns nothing, as on the forge, and is among the faults."""
    raise NotImplementedError
