"""Repositories made for tests: drafts in one line, and a person at a shell with a Git of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from gitops.git.base import Author, BranchName, CommitId, Draft
from gitops.process import run
from renderer.files import FileSet

MAIN = BranchName("main")
ROOT = PurePosixPath("clusters/prod")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SOMEBODY = Author("Ada Lovelace", "ada@example.test")


def files(**texts: str) -> FileSet:
    """``files(a="1", b__c="2")`` holds ``a`` and ``b/c``."""
    return FileSet.of({PurePosixPath(name.replace("__", "/")): text for name, text in texts.items()})


def draft(
    contents: FileSet,
    *,
    removed: tuple[str, ...] = (),
    root: PurePosixPath = ROOT,
    message: str = "Change",
    at: datetime = NOON,
) -> Draft:
    return Draft(
        root=root, files=contents, removed=tuple(map(PurePosixPath, removed)), message=message, author=SOMEBODY, at=at
    )  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody with a shell in a folder."""

    folder: Path

    def git(self, *arguments: str) -> str:
        done = run(["git", "-C", str(self.folder), *arguments], timeout=60)
        assert done.code == 0, f"git {arguments}: {done.err}"
        return done.out.strip()

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def commit(self, message: str = "By hand") -> CommitId:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return CommitId(self.git("rev-parse", "HEAD"))


def isolate(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a Git of its own: an identity, and nothing of the machine's settings."""
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Grace Hopper\n\temail = grace@example.test\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    return home


def new_checkout(folder: Path, *, branch: str = "main") -> Person:
    """An empty repository with a work tree."""
    folder.mkdir(parents=True)
    person = Person(folder)
    person.git("init", "--quiet", f"--initial-branch={branch}")
    return person


def new_bare(folder: Path) -> Path:
    """An empty bare repository."""
    folder.mkdir(parents=True)
    Person(folder).git("init", "--quiet", "--bare", "--initial-branch=main")
    return folder


def clone(origin: Path, folder: Path) -> Person:
    """A clone with a work tree."""
    Person(origin).git("clone", "--quiet", str(origin), str(folder))
    return Person(folder)
