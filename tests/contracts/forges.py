"""The makers of forges that the contract suite runs over, and what people do at each of them.

A new forge joins by adding a ``Maker`` to ``MAKERS``. ``make`` gets a folder of the test's own and an ExitStack for
whatever has to be stopped afterwards; it gives a forge that acts as BOT, a repository whose ``main`` has a commit with
``clusters/prod/a``, and the people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from gitops.forges.base import RequestText
from gitops.forges.memory import MemoryForge
from gitops.forges.memory_server import MemoryServer
from gitops.forges.merging import Method
from gitops.git.base import Author, BranchName, CommitId, Draft
from gitops.git.memory import MemoryRepository
from renderer.files import FileSet
from tests.gitops.git.tools import MAIN, NOON

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from gitops.forges.base import Forge
    from gitops.git.base import Repository

BOT, ADA, GRACE, MALLORY = "poolplan", "ada", "grace", "mallory"
"""Logins that every forge under test knows. All may write to the repository; MALLORY is nobody's friend."""
TOP = PurePosixPath()


class People(Protocol):
    """What people do at a forge, each under a login of their own. Numbers are those of requests."""

    def request(
        self, who: str, branch: BranchName, *, title: str = "By hand", body: str = "", draft: bool = False
    ) -> int:
        """Open a request onto main from a branch that was pushed."""

    def approve(self, who: str, number: int) -> None:
        """Approve at the head as it is now."""

    def object_to(self, who: str, number: int) -> None:
        """Ask for changes at the head as it is now."""

    def reader(self, who: str) -> None:
        """Let somebody only read the repository, before they say anything."""

    def dismiss(self, who: str, number: int) -> None:
        """Take back what ``who`` has said (by somebody who may)."""

    def say(self, who: str, number: int, text: str) -> None:
        """Comment."""

    def comments(self, number: int) -> list[tuple[str, str]]:
        """Who said what, oldest first: comments alone, reviews left out. Line ends as the forge has them."""

    def label(self, who: str, number: int, *labels: str) -> None:
        """Add labels."""

    def asked(self, number: int) -> list[str]:
        """Who is asked for a review, sorted."""

    def assigned(self, number: int) -> list[str]:
        """Who is assigned, sorted."""

    def close(self, who: str, number: int) -> None:
        """Close without merging."""

    def reopen(self, who: str, number: int) -> None:
        """Open a closed one again."""

    def merge(self, who: str, number: int, method: Method = Method.MERGE) -> None:
        """Merge."""

    def protect(self, branch: BranchName, *, approvals: int = 0, forced: bool = False) -> None:
        """Protect a branch; ``forced``: everybody who may write may push with force."""

    def unprotect(self, branch: BranchName) -> None:
        """Let the branch be unprotected."""

    def team(self, name: str, *members: str, below: str = "") -> str:
        """Make a team (``below`` another) and say by which name ``Forge.members`` knows it."""

    def statuses(self, commit: CommitId) -> dict[str, tuple[str, str, str]]:
        """The newest status of each context: what the seam's StatusState says (``success``), description and URL."""


@dataclass(kw_only=True)
class World:
    """A forge under test with all that is around it."""

    forge: Forge
    repository: Repository
    people: People
    hour: int = 0

    @property
    def main(self) -> CommitId:
        """The head of main."""
        self.repository.refresh()
        head = self.repository.head(MAIN)
        assert head is not None
        return head

    def push(
        self, branch: str, text: str = "", *, path: str = "clusters/prod/a", onto: CommitId | None = None,
        message: str = "Change", who: str = BOT,
    ) -> CommitId:  # fmt: skip
        """Let a branch be one commit on ``onto`` (by default main) in which a file says ``text``; force is used."""
        self.repository.refresh()
        self.hour += 1
        name = BranchName(branch)
        draft = Draft(
            root=TOP, files=FileSet.of({PurePosixPath(path): text or branch}), message=message,
            author=Author(who, f"{who}@example.test"), at=NOON + timedelta(hours=self.hour),
        )  # fmt: skip
        made = self.repository.commit(draft, parent=onto or self.main)
        self.repository.push(made, name, expect=self.repository.head(name))
        return made


@dataclass(frozen=True, kw_only=True)
class Maker:
    """How one kind of forge is made. ``page``: one more than that many of a thing need a second page, as it is set up.

    ``nested``: it has teams below teams.
    """

    name: str
    make: Callable[[Path, ExitStack], World]
    page: int = 3
    nested: bool = False
    lumped: bool = False

    def __str__(self) -> str:
        return self.name


def begin(repository: Repository) -> None:
    """A first commit on main."""
    draft = Draft(
        root=TOP, files=FileSet.of({PurePosixPath("clusters/prod/a"): "1\n", PurePosixPath("README"): "fleet\n"}),
        message="Begin", author=Author("Ada Lovelace", "ada@example.test"), at=NOON,
    )  # fmt: skip
    repository.push(repository.commit(draft, parent=None), MAIN, expect=None)


@dataclass
class Ticking:
    """A clock that is a second later each time it is asked."""

    at: datetime = field(default=NOON)

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def sleep(self, duration: timedelta) -> None:
        self.at += duration


@dataclass
class MemoryPeople:
    """The people at a server in memory."""

    server: MemoryServer

    def request(
        self, who: str, branch: BranchName, *, title: str = "By hand", body: str = "", draft: bool = False
    ) -> int:
        return self.server.request(
            who, RequestText(title=title, body=body, draft=draft), branch=branch, base=MAIN
        ).number

    def approve(self, who: str, number: int) -> None:
        self.server.approve(who, number)

    def object_to(self, who: str, number: int) -> None:
        self.server.object_to(who, number)

    def reader(self, who: str) -> None:
        self.server.reader(who)

    def dismiss(self, who: str, number: int) -> None:
        self.server.dismiss(who, number)

    def say(self, who: str, number: int, text: str) -> None:
        self.server.say(who, number, text)

    def comments(self, number: int) -> list[tuple[str, str]]:
        return [(said.author, said.text) for said in self.server.kept(number).comments]

    def label(self, who: str, number: int, *labels: str) -> None:
        self.server.label(number, *labels)

    def asked(self, number: int) -> list[str]:
        return sorted(self.server.kept(number).asked)

    def assigned(self, number: int) -> list[str]:
        return sorted(self.server.kept(number).assigned)

    def close(self, who: str, number: int) -> None:
        self.server.close(who, number)

    def reopen(self, who: str, number: int) -> None:
        self.server.reopen(number)

    def merge(self, who: str, number: int, method: Method = Method.MERGE) -> None:
        self.server.merge(who, number, method)

    def protect(self, branch: BranchName, *, approvals: int = 0, forced: bool = False) -> None:
        self.server.protect(branch, approvals=approvals, forced=forced)

    def unprotect(self, branch: BranchName) -> None:
        self.server.unprotect(branch)

    def team(self, name: str, *members: str, below: str = "") -> str:
        self.server.team(name, *members)
        if below:
            self.server.team(below, *self.server.members(below), name)
        return name

    def statuses(self, commit: CommitId) -> dict[str, tuple[str, str, str]]:
        found = {context: said for (one, context), said in self.server.statuses.items() if one == commit}
        return {context: (state.value, text, url) for context, (state, text, url) in found.items()}


def make_memory(folder: Path, stack: ExitStack) -> World:
    """The forge in memory over a repository in memory."""
    repository = MemoryRepository()
    begin(repository)
    server = MemoryServer(repository, Ticking())
    return World(forge=MemoryForge(server, login=BOT), repository=repository, people=MemoryPeople(server))


def make_github(folder: Path, stack: ExitStack) -> World:
    """GitHub's adapter over a fake of its API."""
    from tests.gitops.forges import worlds  # noqa: PLC0415 - it needs what is above

    return worlds.make_github(folder, stack)


def make_gitlab(folder: Path, stack: ExitStack) -> World:
    """GitLab's adapter over a fake of its API."""
    from tests.gitops.forges import worlds  # noqa: PLC0415 - as above

    return worlds.make_gitlab(folder, stack)


MAKERS: tuple[Maker, ...] = (
    Maker(name="memory", make=make_memory, nested=True),
    Maker(name="github", make=make_github, nested=True),
    Maker(name="gitlab", make=make_gitlab, nested=True, lumped=True),
)
"""Fakes that need nothing. A real Gitea runs the same suite in tests/real/test_gitea.py."""
