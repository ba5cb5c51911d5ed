"""What the API of Gitea and Forgejo answers, as far as poolplan reads it. Field names are Gitea's own."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gitops.forges.base import PullRequest, RequestState, Vote, Word
from gitops.forges.rest import utc
from gitops.git.base import BranchName, CommitId

GHOST = "Ghost"
"""How Gitea itself calls an account that is no more."""
DRAFT = "WIP: "
"""What makes a request a draft. A server may know further prefixes, but has this one unless it was taken away."""
_PREFIXES = ("wip:", "[wip]")


class User(msgspec.Struct):
    login: str


class Label(msgspec.Struct):
    name: str


class Team(msgspec.Struct):
    id: int
    name: str


class Methods(msgspec.Struct):
    """Of a repository: by which methods requests may be merged."""

    allow_merge_commits: bool = True
    allow_squash_merge: bool = True
    allow_rebase: bool = True


class Side(msgspec.Struct):
    """Head or base of a pull request. ``label`` stays the branch's name when the branch is deleted, ``ref`` does not;
    ``repo_id`` is -1 where the fork was deleted."""

    label: str
    sha: str = ""
    repo_id: int = -1
    repo: Methods | None = None


class Pull(msgspec.Struct):
    number: int
    html_url: str
    state: str
    title: str
    user: User | None
    head: Side
    base: Side
    created_at: datetime
    body: str = ""
    draft: bool = False
    labels: list[Label] | None = None
    assignees: list[User] | None = None
    requested_reviewers: list[User] | None = None
    requested_reviewers_teams: list[Team] | None = None
    merged: bool = False
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    merge_commit_sha: str | None = None
    merged_by: User | None = None

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def fork(self) -> bool:
        """Whether the branch lies elsewhere, or nobody knows where."""
        return self.head.repo_id != self.base.repo_id

    def value(self, *, ended_by: str = "") -> PullRequest:
        """The request as poolplan has it."""
        ended = None if self.is_open else self.merged_at or self.closed_at
        state = RequestState.OPEN if self.is_open else RequestState.CLOSED
        return PullRequest(
            number=self.number, url=self.html_url, state=RequestState.MERGED if self.merged else state,
            branch=BranchName(self.head.label), base=BranchName(self.base.label), head=CommitId(self.head.sha),
            title=plain_title(self.title) if self.draft else self.title, body=self.body, author=login(self.user),
            created_at=utc(self.created_at), draft=self.draft, fork=self.fork,
            labels=tuple(sorted({label.name for label in self.labels or ()})),
            merged_as=CommitId(self.merge_commit_sha) if self.merged and self.merge_commit_sha else None,
            ended_by=login(self.merged_by) if self.merged else ended_by, ended_at=utc(ended) if ended else None,
        )  # fmt: skip


class Remark(msgspec.Struct):
    """A comment."""

    id: int
    user: User | None
    body: str = ""


class Event(msgspec.Struct):
    """An entry of a request's timeline."""

    type: str
    user: User | None = None


class Review(msgspec.Struct):
    """A review, or a request for one; ``commit_id`` is the head that was looked at.

    ``official``: the latest word by, or the request to, one whose approval Gitea itself counts: who may write, or is
    among those whom the branch's rule names.
    """

    user: User | None
    state: str
    submitted_at: datetime
    commit_id: str = ""
    official: bool = False
    dismissed: bool = False

    def vote(self) -> Vote | None:
        """The word that was said; None for one that says nothing: a comment, a question, a review not handed in.

        The word of a deleted account is by nobody who writes.
        """
        words = {"APPROVED": Word.APPROVES, "REQUEST_CHANGES": Word.OBJECTS}
        if self.state not in words:
            return None
        return Vote(
            who=login(self.user), word=words[self.state], commit=CommitId(self.commit_id) if self.commit_id else None,
            at=utc(self.submitted_at), dismissed=self.dismissed, writes=self.official and login(self.user) != GHOST,
        )  # fmt: skip


class Branch(msgspec.Struct):
    """A branch; the name of the rule that protects it is shown to administrators of the repository only."""

    protected: bool
    required_approvals: int = 0
    effective_branch_protection_name: str = ""


class Rule(msgspec.Struct):
    """A rule of protection. Servers before 1.23 know no ``enable_force_push``: there nobody may."""

    enable_force_push: bool = False


class Status(msgspec.Struct):
    context: str
    status: str
    description: str = ""
    target_url: str = ""


class Combined(msgspec.Struct):
    """The newest status of each context of a commit."""

    statuses: list[Status] | None = None


class Parent(msgspec.Struct):
    sha: str


class Signature(msgspec.Struct):
    name: str
    email: str
    date: datetime


class Words(msgspec.Struct):
    message: str
    author: Signature
    committer: Signature


class GitCommit(msgspec.Struct):
    sha: str
    commit: Words
    parents: list[Parent] | None = None

    def same_work(self, other: GitCommit) -> bool:
        """Whether one is the other after a rebase: author, his date and the message stay, the id does not."""
        mine, theirs = self.commit, other.commit
        return (mine.message.strip(), mine.author) == (theirs.message.strip(), theirs.author)


class Comparison(msgspec.Struct):
    commits: list[GitCommit] | None = None


def login(user: User | None) -> str:
    """The login, or that of an account that is no more."""
    return user.login if user else GHOST


def plain_title(title: str) -> str:
    """A title without what makes its request a draft."""
    found = next((prefix for prefix in _PREFIXES if title.lower().startswith(prefix)), "")
    return title[len(found) :].strip()
