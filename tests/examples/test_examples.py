"""Runs the command of every example's README, as a person would, and compares all that it prints."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import CompareText
from tests.docs.shell import ROOT, git, run_shell

EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
COMMAND = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"(?<=^```text\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
OWNED = ("pools", "plan.json")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_prints_what_its_readme_says(example: Path, tmp_path: Path, golden: CompareText) -> None:
    readme = (example / "README.md").read_text("utf-8")
    (command,) = COMMAND.findall(readme)
    folder = tmp_path / example.name
    shutil.copytree(example, folder)

    done = run_shell(command, folder=folder, home=tmp_path)

    assert done.code == 0, done.output
    golden(example / "expected.txt", done.output)
    golden(example / "README.md", OUTPUT.sub(lambda _: done.output, readme, count=1))


def test_every_example_is_listed_and_numbered() -> None:
    listed = re.findall(r"^\| \[(.*?)\]", (ROOT / "examples/README.md").read_text("utf-8"), re.MULTILINE)

    assert listed == [path.name for path in EXAMPLES]
    assert [path.name[:2] for path in EXAMPLES] == [f"{number:02}" for number in range(1, len(EXAMPLES) + 1)]


def test_the_fleet_repository_is_what_a_proposal_makes(tmp_path: Path, golden: CompareText) -> None:
    example = ROOT / "examples/09-fleet-repository"
    cluster = Path("clusters/paris")
    shutil.copytree(example / cluster, tmp_path / cluster, ignore=shutil.ignore_patterns(*OWNED))
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "Describe cluster paris")

    done = run_shell(
        f"poolplan propose --repo . --snapshot {example / 'live.yaml'} --now 2026-02-10T12:00:00Z",
        folder=tmp_path, home=tmp_path,
    )  # fmt: skip

    assert done.code == 0, done.output
    branch = "poolplan/paris/up"
    paths = git(tmp_path, "ls-tree", "-r", "--name-only", branch).splitlines()
    made = {path: git(tmp_path, "show", f"{branch}:{path}") for path in paths}
    there = {str(path.relative_to(example)) for path in (example / cluster).rglob("*") if path.is_file()}
    assert set(made) == there
    for path, text in made.items():
        golden(example / path, text)
