"""Runs the program in this process as a shell would: arguments, environment and folder in; code, stdout, stderr out."""

from __future__ import annotations

import io
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from unittest import mock

from ruamel.yaml import YAML

from gitops.commands.main import main
from gitops.git.base import Author, BranchName, CommitId, Draft
from gitops.git.opening import open_repository
from gitops.process import run
from renderer.files import FileSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DATA = Path(__file__).parents[1] / "data" / "commands"
BASE = DATA / "base"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAIN = BranchName("main")
SOMEBODY = Author("Robin Platform", "robin@example.org")
#: What another user of this machine may have exported, and must not count here.
FOREIGN = ("OVH_", "KUBE", "GIT_", "TF_", "POOLPLAN_", "XDG_", "NO_COLOR")


class QuickClock:
    """A clock by which nobody waits: sleeping moves it."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.time += duration


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        parts = [f"exit {self.code}\n"]
        parts += [f"--- {name}\n{text}" for name, text in (("stdout", self.out), ("stderr", self.err)) if text]
        return "".join(parts)


@dataclass
class Desk:
    """A user's folder and environment. Whatever poolplan keeps is below ``home``."""

    folder: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    clock: QuickClock = field(default_factory=QuickClock)

    def run(self, *arguments: str, **environment: str) -> Outcome:
        """``poolplan ARGUMENTS`` in the folder."""
        given = {"HOME": str(self.home), "POOLPLAN_STATE": str(self.home / "state"), **self.environment, **environment}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        out, err = io.StringIO(), io.StringIO()
        code: Any = "main() returned"
        with (
            mock.patch.dict(os.environ, {**kept, **given}, clear=True),
            mock.patch.object(sys, "argv", ["poolplan", *arguments]),
            mock.patch("gitops.commands.options.SystemClock", return_value=self.clock),
            mock.patch("gitops.commands.main.signal.signal"),
            chdir(self.folder), redirect_stdout(out), redirect_stderr(err),
        ):  # fmt: skip
            try:
                main()
            except SystemExit as end:
                code = end.code
        return Outcome(code, out.getvalue(), err.getvalue())

    def write(self, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def contents(self) -> dict[str, bytes]:
        """Every file of the folder, to see that nothing was written."""
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


def load_cases(name: str) -> dict[str, dict[str, Any]]:
    """The cases of a data file, by name."""
    cases: dict[str, dict[str, Any]] = YAML(typ="safe", pure=True).load((DATA / name).read_text("utf-8"))
    return cases


def base(name: str) -> str:
    """The text of one of the files that most cases begin with."""
    return (BASE / name).read_text("utf-8")


def policy(flavors: str = "b3-8, b3-16") -> str:
    """The base policy, for other flavors."""
    return base("policy.yaml").replace("b3-8, b3-16", flavors)


def git(*arguments: str | Path, cwd: Path | None = None) -> str:
    """What a person's git says."""
    who = {"GIT_AUTHOR_NAME": "Robin", "GIT_AUTHOR_EMAIL": "robin@example.org", "GIT_COMMITTER_NAME": "Robin",
           "GIT_COMMITTER_EMAIL": "robin@example.org", "GIT_CONFIG_GLOBAL": os.devnull}  # fmt: skip
    done = run(["git", *map(str, arguments)], cwd=cwd, env={**os.environ, **who})
    assert done.code == 0, done.err
    return done.out.strip()


@dataclass(frozen=True)
class FleetRepository:
    """A bare repository on which people commit."""

    path: Path
    cluster: str = "demo"

    def commit(self, texts: Mapping[str, str], message: str, *, removed: Iterable[str] = ()) -> CommitId:
        """A person commits files of the cluster's folder to main."""
        repository = open_repository(str(self.path), cache=self.path)
        parent = repository.head(MAIN)
        draft = Draft(
            root=PurePosixPath("clusters") / self.cluster, message=message, author=SOMEBODY, at=NOON,
            files=FileSet.of({PurePosixPath(path): text for path, text in texts.items()}),
            removed=tuple(PurePosixPath(path) for path in removed),
        )  # fmt: skip
        commit = repository.commit(draft, parent=parent)
        repository.push(commit, MAIN, expect=parent)
        return commit

    def read(self, path: str, *, at: str = "main") -> str:
        return git("--git-dir", self.path, "show", f"{at}:clusters/{self.cluster}/{path}") + "\n"

    def head(self, branch: str = "main") -> str:
        return git("--git-dir", self.path, "rev-parse", branch)

    def branches(self) -> list[str]:
        return git("--git-dir", self.path, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    def merge(self, branch: str) -> None:
        """A person merges a proposal, fast forward."""
        git("--git-dir", self.path, "update-ref", "refs/heads/main", self.head(branch))


def new_repository(path: Path, cluster: str = "demo") -> FleetRepository:
    git("init", "--quiet", "--bare", "--initial-branch", MAIN, path)
    return FleetRepository(path, cluster)
