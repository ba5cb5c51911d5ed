"""A fleet repository at a real Gitea, as the people of the fleet work with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gitops.git.base import Author, BranchName, CommitId, Draft
from gitops.git.opening import open_repository
from renderer.files import FileSet
from tests.contracts.forges import ADA, BOT
from tests.gitops.git.tools import MAIN, NOON
from tests.real.giteaserver import ROOT, Gitea, GiteaPeople

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitops.git.plain import PlainRepository

FORGE_TOKEN = "FLEET_FORGE_TOKEN"
STATUS = "poolplan/plan"


@dataclass(kw_only=True)
class GiteaFleet:
    """One repository of a server, with a mirror of it in ``folder``."""

    gitea: Gitea
    folder: Path
    name: str = ""
    people: GiteaPeople = field(init=False)
    repository: PlainRepository = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.name or self.gitea.new_repository()
        self.people = GiteaPeople(self.gitea, self.name)
        address, token = self.gitea.clone_url(self.name), self.gitea.tokens[ADA]
        self.repository = open_repository(address, cache=self.folder / "fleet-mirror", token=lambda: token)

    @property
    def address(self) -> str:
        return self.gitea.clone_url(self.name)

    @property
    def environment(self) -> dict[str, str]:
        """What a user exports so that poolplan signs in as the bot."""
        return {"POOLPLAN_GIT_TOKEN": self.gitea.tokens[BOT], FORGE_TOKEN: self.gitea.tokens[BOT]}

    def forge(self) -> str:
        """``spec.forge`` as flow YAML."""
        return f"{{kind: gitea, url: '{self.gitea.url}', repository: {self.name}, token: {{env: {FORGE_TOKEN}}}}}"

    def commit(
        self, texts: Mapping[str, str], message: str = "By hand", *, branch: str = MAIN, root: str = "clusters/demo",
        who: str = ADA,
    ) -> CommitId:  # fmt: skip
        """A person commits files below ``root`` to a branch, a new one on main, and pushes it."""
        self.repository.refresh()
        name = BranchName(branch)
        head = self.repository.head(name)
        draft = Draft(
            root=PurePosixPath(root), message=message, author=Author(who, f"{who}@example.test"), at=NOON,
            files=FileSet.of({PurePosixPath(path): text for path, text in texts.items()}),
        )  # fmt: skip
        commit = self.repository.commit(draft, parent=head or self.repository.head(MAIN))
        self.repository.push(commit, name, expect=head)
        return commit

    def head(self, branch: str = MAIN) -> CommitId | None:
        self.repository.refresh()
        return self.repository.head(BranchName(branch))

    def read(self, path: str, *, branch: str = MAIN) -> str:
        head = self.head(branch)
        assert head is not None
        return dict(self.repository.read(head, PurePosixPath("clusters/demo")))[PurePosixPath(path)]

    def records(self, cluster: str = "demo") -> list[str]:
        """What the ledger of a cluster has, as the events' names, oldest first."""
        head = self.head(f"poolplan/{cluster}/ledger")
        assert head is not None
        files = self.repository.read(head, PurePosixPath("records"))
        return [path.stem.partition("-")[2] for path in sorted(files.paths())]

    def protect(self, *, approvals: int = 1) -> None:
        """Main takes nothing without approvals and the status of poolplan; nobody pushes to it."""
        rule = {
            "rule_name": MAIN, "enable_push": False, "required_approvals": approvals, "enable_status_check": True,
            "status_check_contexts": [STATUS],
        }  # fmt: skip
        self.gitea.call(ROOT, "POST", f"/repos/{self.name}/branch_protections", rule)

    def requests(self, state: str = "open") -> list[dict[str, Any]]:
        """The pull requests as the server shows them, by number."""
        found = self.gitea.call(ROOT, "GET", f"/repos/{self.name}/pulls?state={state}&limit=50")
        return sorted(found, key=lambda one: int(one["number"]))

    def request(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.gitea.call(ROOT, "GET", f"/repos/{self.name}/pulls/{number}")
        return found

    def status(self, commit: CommitId) -> tuple[str, str]:
        """State and description of poolplan's status."""
        state, description, _ = self.people.statuses(commit)[STATUS]
        return state, description
