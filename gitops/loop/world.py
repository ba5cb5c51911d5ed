"""What a pass works with: one repository, its forge, and what was learned of them once for all clusters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import PurePosixPath

    from gitops.forges.base import Forge, PullRequest
    from gitops.git.base import BranchName, CommitId, Repository
    from gitops.git.signing import Signer
    from gitops.review.codeowners import Dialect
    from planner.drift import Drift


@dataclass(kw_only=True)
class World:
    """The outside. ``dialect`` says how CODEOWNERS is read, None where there is no forge.

    ``freeze`` is the reason of ``--freeze``, None where that was not given; ``asked``: a person asks to try at once
    what failed. ``variables`` fill ``${NAME}`` in cluster.yaml. What a forge says of its open requests and its teams is
    asked once a pass. ``said`` is what was told under people's requests, as long as this lives: the same is not even
    asked about again. ``engine`` is what a cluster's engine has wrong in its own state, where somebody looked.
    """

    repository: Repository
    forge: Forge
    variables: Mapping[str, str]
    remark: Callable[[str], None]
    dialect: Dialect | None = None
    signer: Signer | None = None
    freeze: str | None = None
    asked: bool = False
    said: dict[tuple[int, str], object] = field(default_factory=dict)
    engine: dict[str, tuple[Drift, ...] | None] = field(default_factory=dict)
    _requests: dict[BranchName, tuple[PullRequest, ...]] = field(default_factory=dict)
    _teams: dict[str, frozenset[str]] = field(default_factory=dict)
    _touched: dict[tuple[CommitId, CommitId], tuple[PurePosixPath, ...] | None] = field(default_factory=dict)

    def look_again(self) -> None:
        """Forget what was learned: a new pass begins."""
        self._requests.clear()
        self._teams.clear()

    def open_requests(self, base: BranchName) -> tuple[PullRequest, ...]:
        """All open requests onto a branch."""
        if base not in self._requests:
            self._requests[base] = self.forge.open_requests(base)
        return self._requests[base]

    def open_from(self, branch: BranchName, base: BranchName) -> PullRequest | None:
        """The open request from a branch of this very repository."""
        return next((one for one in self.open_requests(base) if one.branch == branch and not one.fork), None)

    def touched(self, main: CommitId, head: CommitId) -> tuple[PurePosixPath, ...] | None:
        """The files that a request changes since it parted from main; None where it is not at hand, or never parted.

        Found out once, for every cluster asks.
        """
        if (main, head) not in self._touched:
            there = self.repository.seek(head, ())
            base = self.repository.fork_point(main, head) if there else None
            self._touched[main, head] = self.repository.changed(base, head) if base else None
        return self._touched[main, head]

    def members(self, team: str) -> frozenset[str]:
        """The logins in a team."""
        if team not in self._teams:
            self._teams[team] = self.forge.members(team)
        return self._teams[team]
