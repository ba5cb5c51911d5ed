"""Plain Git: a repository with no forge before it, where merging a proposal into the main branch is its approval.

There are no requests, so none is ever open, found or merged, and a proposal is its branch alone. A person merges the
branch with Git and that is the whole of the review (docs/adr/0004): who may do so is for the repository's host to say,
which poolplan cannot see. Therefore nothing here can let a change through: there are no votes to count and no branch
counts as protected, so rules that ask for either withhold, by name. What would change a request raises Stalled, because
its number can only come from a mistake; what only informs people (a status) does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.errors import Stalled
from gitops.forges.base import Protection

if TYPE_CHECKING:
    from gitops.forges.base import Comment, PullRequest, RequestText, StatusState, Vote
    from gitops.git.base import BranchName, CommitId, Repository

BODY_LIMIT = 65_536
"""No text is ever kept here; a text made for plain Git may become one for a forge later."""


class PlainForge:
    """Keeps the contract of ``gitops.forges.base.Forge`` where there are no requests. Makes no call to anything."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    @property
    def name(self) -> str:
        return self._repository.name

    @property
    def body_limit(self) -> int:
        return BODY_LIMIT

    @property
    def reviews(self) -> bool:
        """False: whoever merges, approves."""
        return False

    def me(self) -> str:
        """Empty: there are no logins."""
        return ""

    def open_requests(self, base: BranchName) -> tuple[PullRequest, ...]:  # noqa: ARG002 - the seam's
        """None. Which proposals stand is told by the branches."""
        return ()

    def get(self, number: int) -> PullRequest:
        raise self._none(number)

    def newest(self, branch: BranchName, base: BranchName) -> PullRequest | None:  # noqa: ARG002 - the seam's
        """None."""
        return None

    def bringing(self, commit: CommitId, base: BranchName) -> PullRequest | None:  # noqa: ARG002 - the seam's
        """None: every commit was pushed. That it stands on the main branch is its approval."""
        return None

    def open(self, text: RequestText, *, branch: BranchName, base: BranchName) -> PullRequest:
        """Raises Stalled, saying what a person does instead: there is nothing that could be returned."""
        raise Stalled(f"{self.name} has no requests: review {branch} ({text.title}) and merge it into {base} with Git")

    def revise(self, number: int, text: RequestText) -> PullRequest:  # noqa: ARG002 - the seam's
        raise self._none(number)

    def comment(self, number: int, marker: str, body: str) -> Comment:  # noqa: ARG002 - the seam's
        raise self._none(number)

    def close(self, number: int, body: str) -> None:  # noqa: ARG002 - the seam's
        raise self._none(number)

    def merge(self, number: int, *, head: CommitId, message: str) -> CommitId:  # noqa: ARG002 - the seam's
        """Raises Stalled: a merge by poolplan would be an approval by poolplan."""
        raise self._none(number)

    def votes(self, number: int) -> tuple[Vote, ...]:
        raise self._none(number)

    def protection(self, branch: BranchName) -> Protection:  # noqa: ARG002 - the seam's
        """Not protected: Git itself protects nothing, and what a host does cannot be seen."""
        return Protection(protected=False)

    def members(self, team: str) -> frozenset[str]:
        raise Stalled(f"{self.name} has no teams: {team} can be asked of a forge only")

    def set_status(self, commit: CommitId, state: StatusState, description: str, *, url: str = "") -> None:
        """Nothing: there is nowhere to show it."""

    def _none(self, number: int) -> Stalled:
        return Stalled(f"{self.name} has no requests, and so no request {number}: plain Git has branches only")
