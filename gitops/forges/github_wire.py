"""What GitHub's REST API answers, as far as poolplan reads it. Field names are GitHub's own."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gitops.forges.base import PullRequest, RequestState, Vote, Word
from gitops.forges.rest import utc
from gitops.git.base import BranchName, CommitId

GHOST = "ghost"
"""How GitHub itself calls an account that is no more."""
_WRITING = frozenset({"admin", "maintain", "write"})


class User(msgspec.Struct):
    login: str


class Named(msgspec.Struct):
    name: str


class RepositoryName(msgspec.Struct):
    full_name: str


class Side(msgspec.Struct):
    """Head or base of a pull request; ``repo`` is null where the fork was deleted."""

    ref: str
    sha: str
    repo: RepositoryName | None = None


class Slug(msgspec.Struct):
    slug: str


class Pull(msgspec.Struct):
    """``merge_commit_sha`` is a trial merge as long as the request is open; ``merged_by`` is not in lists."""

    number: int
    node_id: str
    html_url: str
    state: str
    title: str
    user: User | None
    head: Side
    base: Side
    created_at: datetime
    body: str | None = None
    draft: bool = False
    labels: list[Named] = []
    assignees: list[User] = []
    requested_reviewers: list[User] = []
    requested_teams: list[Slug] = []
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    merge_commit_sha: str | None = None
    merged_by: User | None = None

    @property
    def fork(self) -> bool:
        """Whether the branch lies elsewhere, or nobody knows where."""
        return self.head.repo is None or self.base.repo is None or self.head.repo != self.base.repo

    def value(self, *, ended_by: str = "") -> PullRequest:
        """The request as poolplan has it."""
        state = RequestState.OPEN if self.state == "open" else RequestState.CLOSED
        merged = self.merged_at is not None
        ended = self.merged_at or self.closed_at
        return PullRequest(
            number=self.number, url=self.html_url, state=RequestState.MERGED if merged else state,
            branch=BranchName(self.head.ref), base=BranchName(self.base.ref), head=CommitId(self.head.sha),
            title=self.title, body=self.body or "", author=_login(self.user), created_at=utc(self.created_at),
            draft=self.draft, fork=self.fork, labels=tuple(sorted(label.name for label in self.labels)),
            merged_as=CommitId(self.merge_commit_sha) if merged and self.merge_commit_sha else None,
            ended_by=ended_by or (self.merged_by.login if self.merged_by else ""),
            ended_at=utc(ended) if ended else None,
        )  # fmt: skip


class Issue(msgspec.Struct):
    """A pull request's other half: who closed it stands only here."""

    closed_by: User | None = None


class IssueEvent(msgspec.Struct):
    event: str
    requested_reviewer: User | None = None
    requested_team: Slug | None = None


class IssueComment(msgspec.Struct):
    id: int
    user: User | None
    body: str | None = None


class Review(msgspec.Struct):
    """A submitted review; one that is PENDING has no ``submitted_at``."""

    user: User | None
    state: str
    submitted_at: datetime | None = None
    commit_id: str | None = None

    def vote(self) -> Vote | None:
        """The word that was said; None for one that says nothing: a comment, or a review not handed in yet.

        A dismissed review no longer tells which word it was. Whether its giver may write is said elsewhere.
        """
        words = {"APPROVED": Word.APPROVES, "CHANGES_REQUESTED": Word.OBJECTS, "DISMISSED": Word.APPROVES}
        if self.state not in words or self.submitted_at is None:
            return None
        return Vote(
            who=_login(self.user), word=words[self.state], at=utc(self.submitted_at),
            commit=CommitId(self.commit_id) if self.commit_id else None, dismissed=self.state == "DISMISSED",
            writes=False,
        )  # fmt: skip


class Permission(msgspec.Struct):
    """What somebody may do in a repository. ``permission`` says ``write`` of who may maintain, and of a role that an
    organization made on top of it."""

    permission: str = ""
    role_name: str = ""

    @property
    def writes(self) -> bool:
        return self.permission in _WRITING or self.role_name in _WRITING


class Branch(msgspec.Struct):
    protected: bool


class Enabled(msgspec.Struct):
    enabled: bool


class RequiredReviews(msgspec.Struct):
    required_approving_review_count: int = 0


class BranchProtection(msgspec.Struct):
    allow_force_pushes: Enabled | None = None
    required_pull_request_reviews: RequiredReviews | None = None


class Rule(msgspec.Struct):
    """A rule of a ruleset that is active for a branch."""

    type: str
    ruleset_id: int = 0
    parameters: dict[str, object] = {}

    @property
    def approvals(self) -> int:
        """How many approvals a ``pull_request`` rule asks for."""
        count = self.parameters.get("required_approving_review_count", 0)
        return count if isinstance(count, int) else 0


class Merged(msgspec.Struct):
    sha: str
    merged: bool = True


class Status(msgspec.Struct):
    context: str
    state: str
    description: str | None = None
    target_url: str | None = None


class Ruleset(msgspec.Struct):
    """``bypass_actors`` is there only for those who may change the ruleset."""

    bypass_actors: list[dict[str, object]] = []


class Comparison(msgspec.Struct):
    """How the second commit stands to the first: ``identical``, ``ahead``, ``behind`` or ``diverged``."""

    status: str


class App(msgspec.Struct):
    slug: str


class InstallationToken(msgspec.Struct):
    token: str
    expires_at: datetime


class GraphqlError(msgspec.Struct):
    message: str = ""
    type: str = ""


class GraphqlAnswer(msgspec.Struct):
    errors: list[GraphqlError] = []


def _login(user: User | None) -> str:
    return user.login if user else GHOST
