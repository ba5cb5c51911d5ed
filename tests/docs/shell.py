"""Runs documented commands in a shell, with this installation's poolplan on PATH and nothing of the developer's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Done:
    """How a shell ended, and everything it printed, both streams in their order."""

    code: int
    output: str


def environment(home: Path) -> dict[str, str]:
    """PATH and little else: no OVH credentials, no kubeconfig, no Git or Terraform settings of the person who tests."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return {
        "PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "POOLPLAN_STATE": str(home / "state"),
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "TZ": "UTC",
    }  # fmt: skip


def run_shell(script: str, *, folder: Path, home: Path) -> Done:
    """Run a script of POSIX shell; it stops at the first command that fails."""
    done = subprocess.run(  # noqa: S603 - the documentation's own commands
        ["/bin/sh", "-e", "-c", script], cwd=folder, env=environment(home), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout)


def start_shell(script: str, *, home: Path) -> subprocess.Popen[str]:
    """Start a script that goes on; whoever asks reads what it prints and ends it."""
    return subprocess.Popen(  # noqa: S603 - the documentation's own commands
        ["/bin/sh", "-e", "-c", script], env=environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip


def git(folder: Path, *arguments: str) -> str:
    """What git prints in a repository, as a person who is named Robin."""
    program = shutil.which("git")
    assert program is not None
    identity = ("-c", "user.name=Robin", "-c", "user.email=robin@example.org")
    done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
        [program, *identity, *arguments], cwd=folder, env=environment(folder), capture_output=True, text=True,
        encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout
