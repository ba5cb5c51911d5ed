"""A real Gitea on loopback, with people, organizations and repositories made through its own API.

For tests and for benchmarks: ``with gitea_server(program, folder) as gitea`` runs one that is ready to be called;
``gitea.url``, ``gitea.tokens`` by login and ``gitea.clone_url(repository)`` are what anything else needs of it.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from gitops.clock import monotonic
from gitops.forges.gitea_wire import DRAFT
from gitops.forges.merging import Method
from tests.commands.waiting import until
from tests.contracts.forges import ADA, BOT, GRACE, MALLORY
from tests.real.controlplane import PATIENCE, Program, free_ports
from tests.real.parts import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.git.base import BranchName, CommitId

ROOT = "gitea-root"
"""The server's administrator."""
EVERYBODY = (BOT, ADA, GRACE, MALLORY)
_SETTINGS = """\
APP_NAME = poolplan tests
RUN_MODE = prod
RUN_USER = {user}
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true

[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {share}
DISABLE_SSH = true
LFS_START_SERVER = false
OFFLINE_MODE = true

[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db

[security]
INSTALL_LOCK = true
SECRET_KEY = {secret}
INTERNAL_TOKEN = {internal}
PASSWORD_HASH_ALGO = pbkdf2_v1

[oauth2]
ENABLED = false

[service]
DISABLE_REGISTRATION = true

[api]
MAX_RESPONSE_ITEMS = {page}

[repository]
ROOT = {folder}/repositories
DEFAULT_BRANCH = main

[git]
HOME_PATH = {folder}/home

[indexer]
ISSUE_INDEXER_TYPE = db
REPO_INDEXER_ENABLED = false

[queue]
TYPE = channel

[session]
PROVIDER = memory

[cron]
ENABLED = false

[cron.update_checker]
ENABLED = false

[actions]
ENABLED = false

[packages]
ENABLED = false

[log]
MODE = console
LEVEL = Warn
"""


class GiteaError(Exception):
    """The server refused what a test asked for, or did not start."""


@dataclass
class Gitea:
    """A running server. ``tokens`` are by login: ROOT, and EVERYBODY."""

    url: str
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    session: requests.Session = field(default_factory=requests.Session, repr=False)
    made: int = 0

    def call(self, who: str, verb: str, path: str, body: object = None, *, allow: tuple[int, ...] = ()) -> Any:
        """The answer to a call below ``/api/v1`` in somebody's name; None for a status of ``allow``."""
        answer = self.session.request(
            verb, f"{self.url}/api/v1{path}", json=body, headers={"Authorization": f"token {self.tokens[who]}"},
            timeout=60,
        )  # fmt: skip
        if answer.status_code in allow:
            return None
        if not answer.ok:
            raise GiteaError(f"{verb} {path} as {who}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def clone_url(self, repository: str) -> str:
        """Where ``owner/name`` is cloned from; a token is needed."""
        return f"{self.url}/{repository}.git"

    def new_person(self, login: str) -> None:
        """Make an account and a token for it."""
        password = secrets.token_hex(16)
        body = {
            "username": login,
            "email": f"{login}@example.test",
            "password": password,
            "must_change_password": False,
        }
        self.call(ROOT, "POST", "/admin/users", body)
        made = self.session.post(
            f"{self.url}/api/v1/users/{login}/tokens", json={"name": "test", "scopes": ["all"]},
            auth=(login, password), timeout=60,
        )  # fmt: skip
        self.tokens[login] = made.json()["sha1"]

    def new_repository(self, *, owner: str = BOT) -> str:
        """An empty private repository in an organization of its own, which ``owner`` owns and EVERYBODY may write to;
        says ``organization/repository``."""
        self.made += 1
        organization = f"acme-{self.made}"
        self.call(owner, "POST", "/orgs", {"username": organization, "visibility": "private"})
        self.call(owner, "POST", f"/orgs/{organization}/repos", {"name": "fleet", "private": True, "auto_init": False})
        for who in EVERYBODY:
            if who != owner:
                path = f"/repos/{organization}/fleet/collaborators/{who}"
                self.call(owner, "PUT", path, {"permission": "write"})
        return f"{organization}/fleet"


@contextmanager
def gitea_server(program: Path, folder: Path, *, page: int = 50) -> Iterator[Gitea]:
    """A server in an empty folder; at the end it stops. ``page`` is how many items a page of its API has at the most."""
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    settings = folder / "app.ini"
    settings.write_text(_SETTINGS.format(
        user=getpass.getuser(), folder=folder, port=port, share=cache_folder() / "share" / "gitea", page=page,
        secret=secrets.token_hex(32), internal=secrets.token_hex(32),
    ), "utf-8")  # fmt: skip
    (folder / "home").mkdir()
    command = [str(program), "--config", str(settings), "--work-path", str(folder)]
    # Nothing of the machine's own settings for Git, nor of a test's.
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "USER": getpass.getuser()}
    _run([*command, "migrate"], environment, folder)
    made = _run([
        *command, "admin", "user", "create", "--admin", "--username", ROOT, "--email", "root@example.test",
        "--random-password", "--must-change-password=false", "--access-token", "--access-token-scopes", "all",
    ], environment, folder)  # fmt: skip
    found = re.search(r"\b[0-9a-f]{40}\b", made)
    assert found, f"no token in {made}"
    gitea = Gitea(f"http://127.0.0.1:{port}", {ROOT: found[0]})
    gitea.session.trust_env = False
    log = folder / "gitea.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            [*command, "web"], cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    running = Program("gitea", process, log)
    try:
        _wait(gitea, running)
        for login in EVERYBODY:
            gitea.new_person(login)
        yield gitea
    finally:
        gitea.session.close()
        running.stop()


def _run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    if done.returncode:
        raise GiteaError(f"{command[5]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _wait(gitea: Gitea, running: Program) -> None:
    def answers() -> bool:
        running.check()
        try:
            return gitea.session.get(f"{gitea.url}/api/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    end = monotonic() + PATIENCE
    while monotonic() < end:
        try:
            until("Gitea is ready", answers)
        except AssertionError:
            continue
        return
    raise GiteaError(f"Gitea was not ready within {PATIENCE:.0f} s\n{running.last_words()}")


@dataclass
class GiteaPeople:
    """What people do at one repository of a server."""

    gitea: Gitea
    repository: str
    owner: str = BOT

    def request(
        self, who: str, branch: BranchName, *, title: str = "By hand", body: str = "", draft: bool = False
    ) -> int:
        words = {"title": f"{DRAFT}{title}" if draft else title, "body": body, "head": branch, "base": "main"}
        return int(self._call(who, "POST", "/pulls", words)["number"])

    def approve(self, who: str, number: int) -> None:
        self._review(who, number, "APPROVED", "")

    def object_to(self, who: str, number: int) -> None:
        self._review(who, number, "REQUEST_CHANGES", "Not like this")

    def reader(self, who: str) -> None:
        self._call(self.owner, "PUT", f"/collaborators/{who}", {"permission": "read"})

    def dismiss(self, who: str, number: int) -> None:
        for review in self._call(ROOT, "GET", f"/pulls/{number}/reviews"):
            if review["user"]["login"] == who and review["state"] in ("APPROVED", "REQUEST_CHANGES"):
                path = f"/pulls/{number}/reviews/{review['id']}/dismissals"
                self._call(ROOT, "POST", path, {"message": "Taken back", "priors": False})

    def say(self, who: str, number: int, text: str) -> None:
        self._call(who, "POST", f"/issues/{number}/comments", {"body": text})

    def comments(self, number: int) -> list[tuple[str, str]]:
        said = self._call(ROOT, "GET", f"/issues/{number}/comments")
        return [(one["user"]["login"], one["body"]) for one in said]

    def label(self, who: str, number: int, *labels: str) -> None:
        for name in labels:
            self._call(who, "POST", "/labels", {"name": name, "color": "#ff0000"})
        self._call(who, "POST", f"/issues/{number}/labels", {"labels": list(labels)})

    def asked(self, number: int) -> list[str]:
        found = self._call(ROOT, "GET", f"/pulls/{number}")["requested_reviewers"]
        return sorted(one["login"] for one in found or ())

    def assigned(self, number: int) -> list[str]:
        return sorted(one["login"] for one in self._call(ROOT, "GET", f"/pulls/{number}")["assignees"] or ())

    def close(self, who: str, number: int) -> None:
        self._call(who, "PATCH", f"/pulls/{number}", {"state": "closed"})

    def reopen(self, who: str, number: int) -> None:
        self._call(who, "PATCH", f"/pulls/{number}", {"state": "open"})

    def merge(self, who: str, number: int, method: Method = Method.MERGE) -> None:
        """Merge as soon as the server has found out that it can be."""

        def merged() -> bool:
            try:
                self._call(who, "POST", f"/pulls/{number}/merge", {"Do": method.value})
            except GiteaError as error:
                if "try again later" not in str(error):
                    raise
                return False
            return True

        until(f"request {number} is merged", merged)

    def protect(self, branch: BranchName, *, approvals: int = 0, forced: bool = False) -> None:
        self.unprotect(branch)
        rule = {"rule_name": branch, "required_approvals": approvals, "enable_push": True, "enable_force_push": forced}
        self._call(ROOT, "POST", "/branch_protections", rule)

    def unprotect(self, branch: BranchName) -> None:
        self._call(ROOT, "DELETE", f"/branch_protections/{branch}", allow=(404,))

    def team(self, name: str, *members: str, below: str = "") -> str:
        assert not below, "Gitea has no teams below teams"
        organization = self.repository.partition("/")[0]
        body = {"name": name, "permission": "write", "units": ["repo.code", "repo.pulls", "repo.issues"]}
        made = self.gitea.call(self.owner, "POST", f"/orgs/{organization}/teams", body)
        for who in members:
            self.gitea.call(self.owner, "PUT", f"/teams/{made['id']}/members/{who}")
        return f"{organization}/{name}"

    def statuses(self, commit: CommitId) -> dict[str, tuple[str, str, str]]:
        found = self._call(ROOT, "GET", f"/commits/{commit}/status")["statuses"]
        return {one["context"]: (one["status"], one["description"], one["target_url"]) for one in found}

    def _review(self, who: str, number: int, event: str, body: str) -> None:
        head = self._call(who, "GET", f"/pulls/{number}")["head"]["sha"]
        self._call(who, "POST", f"/pulls/{number}/reviews", {"event": event, "body": body, "commit_id": head})

    def _call(self, who: str, verb: str, path: str, body: object = None, *, allow: tuple[int, ...] = ()) -> Any:
        return self.gitea.call(who, verb, f"/repos/{self.repository}{path}", body, allow=allow)
