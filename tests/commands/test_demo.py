"""The demo, whole, twice at once: what a stranger sees first, and that it is the same story every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from tests.commands.tools import FOREIGN, git

SOURCE = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from gitops.commands.main import main; main()", "demo"]
HEADINGS = [
    "1/9  Prerequisites: what an apply needs, one by one",
    "2/9  Installation: a fleet repository with settings and policy",
    "3/9  Basic autoscaling: inflate 0 → 3 → 0",
    "4/9  Flavor choice: small pods, then a large one",
    "5/9  Zones: six replicas, spread over three zones",
    "6/9  Consolidation: web 10 → 2",
    "7/9  Monthly billing, anti-affinity, drift",
    "8/9  Troubleshooting: pods that nothing can run, and why",
    "9/9  Cleanup: everything that was created goes, nothing else",
]
#: What differs from run to run: places, times, commits and digests, and the names the provider gives to nodes.
VARYING = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "URL"), (re.compile(r"-node-[0-9a-f]{6}"), "-node-ID"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "COMMIT"), (re.compile(r"\b\d+(\.\d)? s\b"), "N s"),
    (re.compile(r"empty for \d+m"), "empty for Nm"), (re.compile(r"/\S+/kubeconfig"), "KUBECONFIG"),
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(terraform: str, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    """Two demos that ran at the same time: the kept folder of each, and what it printed."""
    kept = [tmp_path_factory.mktemp("demo") / "kept" for _ in range(2)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    running = [
        subprocess.Popen(  # noqa: S603 - our own program
            [*PROGRAM, "--keep", str(folder)], env={**environment, "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for folder in kept
    ]  # fmt: skip
    ended = [one.communicate(timeout=300) for one in running]
    assert [(one.returncode, err) for one, (_, err) in zip(running, ended, strict=True)] == [(0, ""), (0, "")]
    return [(folder, out) for folder, (out, _) in zip(kept, ended, strict=True)]


def test_nine_steps_are_told(runs: list[tuple[Path, str]]) -> None:
    for _, out in runs:
        assert re.findall(r"^\d/9  .*$", out, re.MULTILINE) == HEADINGS
        assert "FAIL" not in out
        assert "differ:" not in out


def test_at_the_end_nothing_is_left_and_all_is_in_the_repository(runs: list[tuple[Path, str]]) -> None:
    for folder, out in runs:
        assert "  node pools left at the provider: 0\n" in out
        fleet = folder / "fleet.git"
        files = git("--git-dir", fleet, "ls-tree", "-r", "--name-only", "main").splitlines()
        assert [name for name in files if "karpenter" in name] == []
        assert "clusters/demo/plan.json" in files
        subjects = git("--git-dir", fleet, "log", "--reverse", "--format=%an: %s", "main").splitlines()
        assert subjects[0] == "Robin Platform: Describe cluster demo"
        assert len([subject for subject in subjects if subject.startswith("poolplan: ")]) == out.count("  approved ")


def test_a_second_demo_tells_the_same_story(runs: list[tuple[Path, str]]) -> None:
    first, second = (told(out.replace(str(folder), "FOLDER")) for folder, out in runs)
    assert first == second


def told(text: str) -> list[str]:
    """The lines without what varies; those of things that go on at the same time, sorted."""
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    groups = groupby(text.splitlines(), key=lambda line: line.split()[0] if line.split() else "")
    return [line for word, lines in groups for line in (sorted(lines) if word in ("terraform", "node") else lines)]
