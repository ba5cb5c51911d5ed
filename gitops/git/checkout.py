"""What must hold in a person's checkout before poolplan relies on it; each refusal says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gitops.errors import Stalled

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    from gitops.git.program import Git


def refuse_unsaved(git: Git, checkout: Path, root: PurePosixPath) -> None:
    """Raises Stalled when something below ``root`` is not committed. Does not even refresh the index."""
    done = git.run(
        "--work-tree", str(checkout), "-C", str(checkout), "status", "--porcelain=v1", "-z", "--untracked-files=all",
        "--no-renames", "--", str(root),
    )  # fmt: skip
    if done.code:
        raise git.failure(done, "status")
    unsaved = sorted(line[3:].decode(errors="replace") for line in done.raw.split(b"\0") if line)
    if unsaved:
        more = f" and {len(unsaved) - 1} more" if len(unsaved) > 1 else ""
        raise Stalled(f"{git.name}: not committed: {unsaved[0]}{more}. Commit it or put it aside first")


def refuse_diverged(git: Git, *, local: str, remote: str) -> None:
    """Raises Stalled when the local branch has commits that the remote's has not: those were not reviewed."""
    counts = git.output("rev-list", "--left-right", "--count", f"{local}...{remote}", "--").split()
    ahead, behind = int(counts[0]), int(counts[1])
    if ahead:
        branch, there = local.removeprefix("refs/heads/"), remote.removeprefix("refs/remotes/")
        lacks = f" and lacks {behind} of its own" if behind else ""
        what = "a commit" if ahead == 1 else f"{ahead} commits"
        raise Stalled(f"{git.name}: {branch} has {what} that {there} has not{lacks}. Push or rebase it first")


def standing_at(git: Git, branch: str) -> tuple[str, str]:
    """The commit of a branch, and the work tree that stands on it; each empty where there is none."""
    found = git.output("for-each-ref", "--format=%(objectname) %(worktreepath)", f"refs/heads/{branch}").decode()
    commit, _, where = found.strip().partition(" ")
    return commit, where


def refuse_checked_out(git: Git, branch: str, where: str) -> None:
    """Raises Stalled when a work tree stands on the branch: moving it would turn the person's files into changes.

    A bare repository calls itself the work tree of its HEAD, and is none.
    """
    if where and Path(where).resolve() != git.folder.resolve():
        raise Stalled(f"{git.name}: the branch {branch} is checked out at {where}. Switch to another one first")


def refuse_shallow(git: Git) -> None:
    """Raises Stalled for a clone without its older commits: an answer about history would be a guess."""
    if git.output("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise Stalled(f"{git.name} lacks its older commits (a shallow clone): run git fetch --unshallow there first")
