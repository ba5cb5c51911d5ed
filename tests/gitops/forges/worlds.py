"""GitHub and GitLab as worlds of the contract suite: the adapter over its fake, and the people at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.forges.github import GitHubForge
from gitops.forges.github_api import GitHubApi
from gitops.forges.gitlab import GitLabForge
from gitops.forges.gitlab_api import GitLabApi
from gitops.forges.memory_server import MemoryServer
from gitops.forges.rest import Server
from gitops.git.memory import MemoryRepository
from tests.contracts.forges import MemoryPeople, Ticking, World, begin
from tests.gitops.forges import githubserver, gitlabserver
from tests.gitops.forges.serving import serving

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from gitops.git.base import CommitId


@dataclass
class Constant:
    """A token that is what it is."""

    token: str

    def current(self) -> str:
        return self.token

    def secrets(self) -> tuple[str, ...]:
        return (self.token,)


@dataclass
class GitHubPeople(MemoryPeople):
    fake: githubserver.GitHubServer

    def asked(self, number: int) -> list[str]:
        kept = self.server.kept(number)
        return sorted(set(kept.asked) - {vote.who for vote in kept.votes})

    def team(self, name: str, *members: str, below: str = "") -> str:
        return f"{githubserver.OWNER}/{super().team(name, *members, below=below.rpartition('/')[2])}"

    def statuses(self, commit: CommitId) -> dict[str, tuple[str, str, str]]:
        return {
            status["context"]: (status["state"], status["description"] or "", status["target_url"] or "")
            for one, status in self.fake.statuses
            if one == commit
        }


@dataclass
class GitLabPeople(MemoryPeople):
    fake: gitlabserver.GitLabServer

    def team(self, name: str, *members: str, below: str = "") -> str:
        return self.fake.group(name, *members, below=below)

    def statuses(self, commit: CommitId) -> dict[str, tuple[str, str, str]]:
        states = {"failed": "failure"}
        return {
            status["name"]: (states.get(status["status"], status["status"]), status["description"] or "", status["target_url"] or "")
            for one, status in self.fake.statuses
            if one == commit
        }


def github_over(fake: githubserver.GitHubServer, url: str, *, token: str = githubserver.TOKEN) -> GitHubForge:
    """The adapter as it is made for a token."""
    server = Server(url=f"{url}/api/v3", name=f"github.test/{githubserver.REPOSITORY}")
    api = GitHubApi(server, Constant(token), fake.model.clock)
    return GitHubForge(api, githubserver.REPOSITORY)


def gitlab_over(fake: gitlabserver.GitLabServer, url: str, *, token: str = gitlabserver.TOKEN) -> GitLabForge:
    """The adapter as it is made for a token."""
    server = Server(url=url, name=f"gitlab.test/{gitlabserver.PROJECT}")
    return GitLabForge(GitLabApi(server, Constant(token), fake.model.clock), gitlabserver.PROJECT)


def make_github(folder: Path, stack: ExitStack) -> World:
    repository = MemoryRepository()
    begin(repository)
    fake = githubserver.GitHubServer(MemoryServer(repository, Ticking()))
    forge = github_over(fake, stack.enter_context(serving(fake.app())))
    return World(forge=forge, repository=repository, people=GitHubPeople(fake.model, fake))


def make_gitlab(folder: Path, stack: ExitStack) -> World:
    repository = MemoryRepository()
    begin(repository)
    fake = gitlabserver.GitLabServer(MemoryServer(repository, Ticking()))
    forge = gitlab_over(fake, stack.enter_context(serving(fake.app())))
    return World(forge=forge, repository=repository, people=GitLabPeople(fake.model, fake))
