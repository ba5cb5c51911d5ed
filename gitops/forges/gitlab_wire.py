"""What GitLab's REST API answers, as far as poolplan reads it. Field names are GitLab's own."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from gitops.forges.base import PullRequest, RequestState
from gitops.forges.rest import utc
from gitops.git.base import BranchName, CommitId

DRAFT = "Draft: "
"""What a draft's title begins with: for GitLab a draft is nothing else."""
DEVELOPER = 30
"""The level of the lowest role that may push."""
_DRAFT = re.compile(r"\A\s*(?:draft:|\[draft\]|\(draft\))\s*", re.IGNORECASE)
_STATES = {"merged": RequestState.MERGED, "closed": RequestState.CLOSED}


class User(msgspec.Struct):
    id: int
    username: str


class Member(msgspec.Struct):
    """``access_level`` is that of the role: Reporter 20, Developer 30, Maintainer 40, Owner 50. A role that was made
    on top of one of them has its level."""

    username: str
    state: str = "active"
    access_level: int = 0

    @property
    def writes(self) -> bool:
        return self.state == "active" and self.access_level >= DEVELOPER


class MergeRequest(msgspec.Struct):
    """``sha`` is the head; ``state`` is also ``locked`` for the moments in which it is being merged."""

    iid: int
    web_url: str
    state: str
    title: str
    source_branch: str
    target_branch: str
    source_project_id: int | None
    target_project_id: int
    author: User
    created_at: datetime
    sha: str | None = None
    description: str | None = None
    draft: bool = False
    labels: list[str] = []
    reviewers: list[User] | None = None
    assignees: list[User] | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    merge_user: User | None = None
    merged_by: User | None = None
    merged_at: datetime | None = None
    closed_by: User | None = None
    closed_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.state not in _STATES

    @property
    def fork(self) -> bool:
        return self.source_project_id != self.target_project_id

    @property
    def plain_title(self) -> str:
        """The title without what makes it a draft."""
        return _DRAFT.sub("", self.title) if self.draft else self.title

    @property
    def merged_as(self) -> str | None:
        """What its merge put on the target branch: a merge commit, a squashed one, or, fast-forward, its own head."""
        if self.state != "merged":
            return None
        return self.merge_commit_sha or self.squash_commit_sha or self.sha

    def value(self) -> PullRequest:
        """The request as poolplan has it."""
        merged = self.merged_as
        ended_by = (self.merge_user or self.merged_by) if self.state == "merged" else self.closed_by
        ended_at = self.merged_at if self.state == "merged" else self.closed_at
        return PullRequest(
            number=self.iid, url=self.web_url, state=_STATES.get(self.state, RequestState.OPEN),
            branch=BranchName(self.source_branch), base=BranchName(self.target_branch), head=CommitId(self.sha or ""),
            title=self.plain_title, body=self.description or "", author=self.author.username,
            created_at=utc(self.created_at), draft=self.draft, fork=self.fork, labels=tuple(sorted(self.labels)),
            merged_as=CommitId(merged) if merged else None,
            ended_by=ended_by.username if ended_by and not self.open else "",
            ended_at=utc(ended_at) if ended_at and not self.open else None,
        )  # fmt: skip


class Note(msgspec.Struct):
    """A comment, or (``system``) a line that GitLab wrote about what somebody did."""

    id: int
    body: str
    author: User
    created_at: datetime
    system: bool = False


class Approval(msgspec.Struct):
    """``approved_at`` is missing in older versions of GitLab."""

    user: User
    approved_at: datetime | None = None


class Approvals(msgspec.Struct):
    approved_by: list[Approval] = []


class Version(msgspec.Struct):
    """What the merge request was after a push: its head, and since when."""

    head_commit_sha: str
    created_at: datetime


class Reviewer(msgspec.Struct):
    """``state`` is among others ``unreviewed``, ``reviewed``, ``approved`` or ``requested_changes``."""

    user: User
    state: str
    created_at: datetime


class ProtectedBranch(msgspec.Struct):
    """``name`` may hold ``*`` for any characters."""

    name: str
    allow_force_push: bool = False


class BranchOfRule(msgspec.Struct):
    name: str


class ApprovalRule(msgspec.Struct):
    approvals_required: int = 0
    applies_to_all_protected_branches: bool = False
    protected_branches: list[BranchOfRule] = []


class Group(msgspec.Struct):
    id: int
    full_path: str


class CommitStatus(msgspec.Struct):
    name: str
    status: str
    description: str | None = None
    target_url: str | None = None
    id: int = 0

    def says(self, other: CommitStatus) -> bool:
        """Whether it says what the other one says, or, under way, can be told nothing else."""
        if self.status == other.status == "pending":
            return True
        words = (self.status, self.description or "", self.target_url or "")
        return words == (other.status, other.description or "", other.target_url or "")
