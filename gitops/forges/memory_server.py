"""A forge's server in memory: requests, votes, comments, protections and teams, over any repository.

It holds the facts and does what people do at a forge, each action in somebody's name and at the time of the clock that
it is given. What poolplan sees of it is ``gitops.forges.memory``; several of those may look at one server.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gitops.errors import Stalled, Waiting
from gitops.forges.base import Protection, PullRequest, RequestState, Vote, Word
from gitops.forges.merging import Method, merge_commits
from gitops.git.base import Author, Draft
from renderer.files import FileSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gitops.clock import Clock
    from gitops.forges.base import RequestText, StatusState
    from gitops.git.base import BranchName, CommitId, Repository


@dataclass(slots=True)
class Said:
    """A comment as the server keeps it."""

    id: str
    author: str
    text: str


@dataclass(slots=True)
class Kept:
    """A request as the server keeps it, with what belongs to it. ``brought`` are the commits that its merge brought."""

    shown: PullRequest
    votes: list[Vote] = field(default_factory=list)
    comments: list[Said] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    assigned: tuple[str, ...] = ()
    brought: frozenset[CommitId] = frozenset()


class MemoryServer:
    """One repository's forge. Every action raises Stalled for a request, branch or state that does not allow it."""

    def __init__(self, repository: Repository, clock: Clock, *, name: str = "memory.test/acme/fleet") -> None:
        self.name = name
        self.repository = repository
        self.clock = clock
        self.statuses: dict[tuple[CommitId, str], tuple[StatusState, str, str]] = {}
        self._requests: list[Kept] = []
        self._protections: dict[BranchName, Protection] = {}
        self._teams: dict[str, tuple[str, ...]] = {}
        self._readers: set[str] = set()
        self._comments = 0

    # What people do

    def request(
        self, who: str, text: RequestText, *, branch: BranchName, base: BranchName, fork: bool = False
    ) -> PullRequest:
        """Open a request, whoever has one open already; ``fork`` as if the branch lay in another repository."""
        head, number = self._head(branch), len(self._requests) + 1
        self._head(base)
        shown = PullRequest(
            number=number, url=f"https://{self.name}/pulls/{number}", state=RequestState.OPEN, branch=branch, base=base,
            head=head, title=text.title, body=text.body, author=who, created_at=self.now(), draft=text.draft, fork=fork,
        )  # fmt: skip
        self._requests.append(Kept(shown))
        self.dress(number, text)
        return self.kept(number).shown

    def dress(self, number: int, text: RequestText) -> PullRequest:
        """Give a request labels, reviewers and assignees; people's labels stay, and no author is asked."""
        kept = self.kept(number)
        kept.asked += [who for who in text.reviewers if who not in (*kept.asked, kept.shown.author)]
        kept.assigned = tuple(dict.fromkeys([*kept.assigned, *text.assignees]))
        return self.change(number, labels=tuple(sorted({*kept.shown.labels, *text.labels})))

    def approve(self, who: str, number: int) -> None:
        """Approve the request at its present head."""
        self._vote(who, number, Word.APPROVES)

    def object_to(self, who: str, number: int) -> None:
        """Ask for changes at the present head."""
        self._vote(who, number, Word.OBJECTS)

    def dismiss(self, who: str, number: int) -> None:
        """Take back everything that ``who`` has said of the request."""
        kept = self.kept(number)
        kept.votes = [replace(vote, dismissed=True) if vote.who == who else vote for vote in kept.votes]

    def say(self, who: str, number: int, text: str) -> Said:
        """Comment."""
        self._comments += 1
        said = Said(str(self._comments), who, text)
        self.kept(number).comments.append(said)
        return said

    def label(self, number: int, *labels: str) -> None:
        """Add labels."""
        self.change(number, labels=tuple(sorted({*self.kept(number).shown.labels, *labels})))

    def close(self, who: str, number: int) -> None:
        """Close an open request without merging it."""
        self._ended(self._open(number), RequestState.CLOSED, who)

    def reopen(self, number: int) -> None:
        """Open a closed request again."""
        if self.kept(number).shown.state is not RequestState.CLOSED:
            raise Stalled(f"{self.name}: request {number} is not closed")
        self._head(self.kept(number).shown.branch)
        self.change(number, state=RequestState.OPEN, ended_by="", ended_at=None)

    def merge(self, who: str, number: int, method: Method = Method.MERGE, *, message: str = "") -> CommitId:
        """Merge an open request: real commits on its base branch. Raises Waiting for a conflict or a draft."""
        kept = self._open(number)
        shown = kept.shown
        if shown.draft:
            raise Waiting(f"{self.name}: request {number} is a draft: it cannot be merged now")
        onto = self._head(shown.base)
        draft = Draft(
            root=PurePosixPath(), files=FileSet(), message=message or _default(shown, method), at=self.now(),
            author=Author(who, f"{who}@{self.name.partition('/')[0]}"),
        )  # fmt: skip
        done = merge_commits(self.repository, draft, onto=onto, head=shown.head, method=method)
        self.repository.push(done.commit, shown.base, expect=onto)
        kept.brought = done.brought
        self._ended(kept, RequestState.MERGED, who)
        self.change(number, merged_as=done.commit)
        return done.commit

    def protect(self, branch: BranchName, *, approvals: int = 0, forced: bool = False) -> None:
        """Protect a branch; ``forced``: pushes with force are let through all the same."""
        self._protections[branch] = Protection(protected=True, forced=forced, approvals=approvals)

    def unprotect(self, branch: BranchName) -> None:
        """Let anybody who may write push to the branch."""
        self._protections.pop(branch, None)

    def team(self, name: str, *members: str) -> None:
        """Let a team have these members; the name of another team stands for all of its members."""
        self._teams[name] = members

    def reader(self, who: str) -> None:
        """Let somebody only read the repository; everybody else may write to it."""
        self._readers.add(who)

    # What can be asked

    def now(self) -> datetime:
        """The server's time."""
        return self.clock.now()

    def requests(self) -> Iterator[PullRequest]:
        """All requests as they are now, oldest first."""
        self.repository.refresh()
        for kept in self._requests:
            self._follow(kept)
            yield kept.shown

    def kept(self, number: int) -> Kept:
        """One request as it is now, with what belongs to it."""
        if not 1 <= number <= len(self._requests):
            raise Stalled(f"{self.name} has no request {number}")
        kept = self._requests[number - 1]
        if kept.shown.state is RequestState.OPEN:
            self.repository.refresh()
            self._follow(kept)
        return kept

    def change(self, number: int, **fields: Any) -> PullRequest:
        """Let fields of a request be other ones."""
        kept = self.kept(number)
        kept.shown = replace(kept.shown, **fields)
        return kept.shown

    def protection(self, branch: BranchName) -> Protection:
        """How a branch is protected."""
        return self._protections.get(branch, Protection(protected=False))

    def writes(self, who: str) -> bool:
        """Whether somebody may write to the repository."""
        return who not in self._readers

    def members(self, team: str) -> frozenset[str]:
        """Who is in a team or in those below it."""
        if team not in self._teams:
            raise Stalled(f"{self.name} has no team {team}")
        found: set[str] = set()
        waiting, seen = [team], {team}
        while waiting:
            for name in self._teams[waiting.pop()]:
                if name not in self._teams:
                    found.add(name)
                elif name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return frozenset(found)

    def _vote(self, who: str, number: int, word: Word) -> None:
        kept = self._open(number)
        kept.votes.append(Vote(who=who, word=word, commit=kept.shown.head, at=self.now()))

    def _open(self, number: int) -> Kept:
        kept = self.kept(number)
        if kept.shown.state is not RequestState.OPEN:
            raise Stalled(f"{self.name}: request {number} is {kept.shown.state.value} already")
        return kept

    def _ended(self, kept: Kept, state: RequestState, who: str) -> None:
        kept.shown = replace(kept.shown, state=state, ended_by=who, ended_at=self.now())

    def _follow(self, kept: Kept) -> None:
        """An open request follows its branch, and is closed by nobody in particular when its branch is deleted."""
        if kept.shown.state is not RequestState.OPEN:
            return
        head = self.repository.head(kept.shown.branch)
        if head is None:
            self._ended(kept, RequestState.CLOSED, "")
        elif head != kept.shown.head:
            kept.shown = replace(kept.shown, head=head)

    def _head(self, branch: BranchName) -> CommitId:
        self.repository.refresh()
        head = self.repository.head(branch)
        if head is None:
            raise Stalled(f"{self.name} has no branch {branch}")
        return head


def _default(request: PullRequest, method: Method) -> str:
    """What forges write: the branch for a merge commit, the request's own words for a squash."""
    if method is Method.SQUASH:
        return f"{request.title} (#{request.number})\n\n{request.body}"
    return f"Merge pull request #{request.number} from {request.branch}\n\n{request.title}"
