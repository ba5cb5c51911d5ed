"""Terraform where this machine has it: tests that want its opinion are skipped, with the reason, where it has not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.process import Finished, find_program, run


def terraform(*arguments: str, folder: Path, stdin: str = "") -> Finished:
    """Runs ``terraform`` in a folder, with no configuration and no network of its own."""
    program = find_program("terraform")
    if program is None:
        pytest.skip("terraform is not on PATH")
    settings = folder / "cli.tfrc"
    settings.touch()
    environment = {"HOME": str(folder), "TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1"}
    return run([program, *arguments], cwd=folder, env=environment, stdin=stdin.encode(), timeout=60)


def refuse_unformatted(texts: dict[str, str], folder: Path) -> None:
    """Fails with the difference that ``terraform fmt`` would make to any of the files."""
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8", newline="")
    done = terraform("fmt", "-check", "-diff", ".", folder=folder)
    assert (done.code, done.out, done.err) == (0, "", "")
