"""What poolplan asks of a forge, as values and one seam. A pull request is a merge request where GitLab says so.

Everything here is a fact as the forge's server has it: who, when, which commit. What follows from it is decided in
``gitops.review`` and ``gitops.loop``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gitops.git.base import BranchName, CommitId

STATUS_CONTEXT = "poolplan/plan"
"""The commit status that branch protection can require."""


class RequestState(Enum):
    """Where a pull request stands."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class StatusState(Enum):
    """What a commit status says. GitLab calls an ERROR ``failed``."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as the forge has it. Times are the server's, in UTC; logins are as the forge spells them.

    ``head`` is the commit that the request's branch is at. ``fork``: the branch lies in somebody else's repository.
    ``ended_by`` and ``ended_at`` say who merged or closed it, ``merged_as`` is the commit on the base branch that
    brought it (of a rebase, the last one); all three are empty or None where the forge does not say.
    """

    number: int
    url: str
    state: RequestState
    branch: BranchName
    base: BranchName
    head: CommitId
    title: str
    body: str
    author: str
    created_at: datetime
    draft: bool = False
    fork: bool = False
    labels: tuple[str, ...] = ()
    merged_as: CommitId | None = None
    ended_by: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestText:
    """What poolplan writes into a pull request. ``body`` is Markdown, already below ``Forge.body_limit``."""

    title: str
    body: str
    draft: bool = False
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()


class Word(Enum):
    """What a reviewer says."""

    APPROVES = "approves"
    OBJECTS = "objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's latest word on a pull request. ``commit`` is the head that was looked at.

    Where a forge gives no commit with an approval, it is the head that the branch had at ``at`` by the server's own
    list of pushes; None where that cannot be told, and such a vote never counts. ``dismissed``: taken back by the
    forge or by somebody who may. ``writes``: whether the forge lets this person write to the repository, as it says
    itself; where that cannot be told, False. Everybody who can read a public repository can say a word.
    """

    who: str
    word: Word
    commit: CommitId | None
    at: datetime
    dismissed: bool = False
    writes: bool = True

    @property
    def stands(self) -> bool:
        """Whether the word has weight at all, for or against: else a stranger could stop whatever is public."""
        return self.writes and not self.dismissed


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How a branch is protected. ``forced``: it can be pushed to with force, by anybody at all."""

    protected: bool
    forced: bool = False
    approvals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment by poolplan; ``marker`` is the hidden word by which it is found again."""

    id: str
    body: str
    author: str = field(default="", compare=False)


class Forge(Protocol):
    """A forge's pull requests of one repository.

    Raises Waiting where trying again may work (limits of rate, timeouts, 5xx, a moved head), Stalled where a person
    must act (rights, a missing repository), and never lets a token into a message. A list is whole, every page of it,
    or an error: half an answer is none.
    """

    @property
    def name(self) -> str:
        """What to call it in messages, without secrets: ``github.com/acme/fleet``."""

    @property
    def body_limit(self) -> int:
        """How many characters a request's body or a comment may have."""

    @property
    def reviews(self) -> bool:
        """Whether the forge knows who approved. False for plain Git, where merging is the approval."""

    def me(self) -> str:
        """The login that poolplan acts as; asked once, then remembered. Empty where there are none."""

    def open_requests(self, base: BranchName) -> tuple[PullRequest, ...]:
        """All open requests onto ``base``, people's too, by number. One call for each hundred of them."""

    def get(self, number: int) -> PullRequest:
        """One request as it is now. Raises Stalled for one that does not exist."""

    def newest(self, branch: BranchName, base: BranchName) -> PullRequest | None:
        """The request from this branch of this very repository that was made last, whatever its state."""

    def bringing(self, commit: CommitId, base: BranchName) -> PullRequest | None:
        """The merged request that brought this commit of ``base``; None for a commit that was pushed."""

    def open(self, text: RequestText, *, branch: BranchName, base: BranchName) -> PullRequest:
        """Open a request; where one is open from this branch already, that one, as it is. The branch is pushed."""

    def revise(self, number: int, text: RequestText) -> PullRequest:
        """Let an open request say this. Labels are added to those that people gave; reviewers are asked once.

        What ``open`` did not come to is made up for; labels are given last, so that one who has them has the rest.
        """

    def comment(self, number: int, marker: str, body: str) -> Comment:
        """Let the request have one comment of ours with this marker, saying this; the same again is no call of change.

        Only comments by ``me`` are ever found by their marker: a person who copies one does not become us.
        """

    def close(self, number: int, body: str) -> None:
        """Close an open request without merging it, after a comment that says why; a closed one is left alone."""

    def merge(self, number: int, *, head: CommitId, message: str) -> CommitId:
        """Merge, if the head still is ``head``; the merge commit. Raises Waiting if it moved or cannot be merged now.

        A request that is merged already is left alone: its ``merged_as`` is returned.
        """

    def votes(self, number: int) -> tuple[Vote, ...]:
        """Each person's latest word, by login."""

    def protection(self, branch: BranchName) -> Protection:
        """How a branch is protected. Raises where that cannot be seen: no right to look is not no protection."""

    def members(self, team: str) -> frozenset[str]:
        """The logins in a team or group, those of the teams below it included. Raises Stalled for an unknown one."""

    def set_status(self, commit: CommitId, state: StatusState, description: str, *, url: str = "") -> None:
        """Give a commit the status ``poolplan/plan``; the same again is harmless. ``description``: 140 characters."""


def latest_votes(votes: Sequence[Vote]) -> tuple[Vote, ...]:
    """Each person's latest word out of all they said, by login; later in the list counts where times are equal."""
    latest: dict[str, Vote] = {}
    for vote in sorted(votes, key=lambda one: one.at):
        latest[vote.who] = vote
    return tuple(latest[who] for who in sorted(latest))
