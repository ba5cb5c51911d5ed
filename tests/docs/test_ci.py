"""The script and the pipelines of docs/guides/ci.md: they run as they stand there."""

from __future__ import annotations

import gzip
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.evidence.files import ATTRIBUTES, TEXT, beside_plan, save
from gitops.process import Finished, run
from planner.decide import decide
from renderer.document import plan_text
from tests.gitops.git.tools import Person, isolate, new_checkout
from tests.planner.cluster import NOW, inputs_of, node_class, node_pool, pod

PAGE = (Path(__file__).parents[2] / "docs/guides/ci.md").read_text("utf-8")
INPUTS = inputs_of([node_class(), node_pool(), pod("p", cpu="1")])
PLAN = "clusters/paris/plan.json"


def blocks(language: str) -> list[str]:
    """The code blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """A checkout on a proposal's branch, with its plan and evidence uncommitted."""
    isolate(tmp_path / "home", monkeypatch)
    person = new_checkout(tmp_path / "fleet")
    (script,) = blocks("sh")
    person.write("ci/replay.sh", script)
    person.commit("Begin")
    person.git("switch", "--quiet", "--create", "proposal")
    person.write(PLAN, plan_text(decide(INPUTS, now=NOW)))
    for path, text in beside_plan(INPUTS, now=NOW).files:
        person.write(f"clusters/paris/{path}", text)
    return person


def checked(person: Person, base: str = "main") -> Finished:
    """What CI would say of the branch."""
    person.commit("Propose")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return run(["sh", "ci/replay.sh", base], cwd=person.folder, env={**os.environ, "PATH": path}, timeout=60)


def test_a_proposal_that_follows_from_its_evidence_passes(fleet: Person) -> None:
    done = checked(fleet)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(": the same plan from the same evidence\n")
    assert fleet.git("check-attr", "diff", "linguist-generated", "--", f"clusters/paris/{TEXT}").splitlines() == [
        f"clusters/paris/{TEXT}: diff: unset", f"clusters/paris/{TEXT}: linguist-generated: set",
    ]  # fmt: skip
    assert f"clusters/paris/{ATTRIBUTES}" in fleet.git("ls-files").splitlines()


def test_a_proposal_for_anything_else_fails(fleet: Person) -> None:
    other = inputs_of([node_class(), node_pool(), pod("p", cpu="3")])
    fleet.write(PLAN, plan_text(decide(other, now=NOW)))
    done = checked(fleet)
    assert done.code == 3
    assert "the plan was made from another snapshot" in done.err


def test_damaged_evidence_and_an_unknown_base_fail(fleet: Person) -> None:
    assert checked(fleet, base="nowhere").code not in (0, 3)
    fleet.write(f"clusters/paris/{TEXT}", gzip.compress(save(INPUTS, now=NOW)))
    assert checked(fleet).code == 1


def test_a_proposal_without_evidence_is_told_and_passes(fleet: Person) -> None:
    (fleet.folder / "clusters/paris" / TEXT).unlink()
    done = checked(fleet)
    assert (done.code, done.out) == (0, f"{PLAN}: has no evidence\n")


def test_the_pipelines_are_yaml_and_run_the_script() -> None:
    yaml: Any = YAML(typ="safe", pure=True)
    pipelines = [yaml.load(text) for text in blocks("yaml")]
    assert len(pipelines) == 3
    assert all("sh ci/replay.sh" in str(one) for one in pipelines)
