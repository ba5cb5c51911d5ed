"""The same input is the same plan, byte for byte, whatever the hash seed and the order of files and documents."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.process import run

PLANNER = Path(__file__).parents[1] / "planner"
MAIN = "from gitops.commands.main import main; main()"
CASES = ("spread-over-zones", "selector-of-one-of-several-values", "names-suffix-for-taints", "removal-of-the-last-node")


def objects(case: str) -> list[Any]:
    """A case's manifests and those of the parts it stands on."""
    yaml = YAML(typ="safe")
    head, *own = yaml.load_all((PLANNER / "cases" / f"{case}.yaml").read_text("utf-8"))
    parts = [PLANNER / "parts" / f"{name}.yaml" for name in head.get("with", ())]
    return [*own, *(one for part in parts for one in yaml.load_all(part.read_text("utf-8")))]


def plan(folder: Path, case: str, seed: str, *, backwards: bool) -> list[str]:
    """The plan document, the nodes and the text that ``plan`` gives in a process of its own, from one file an object."""
    snapshot = folder / "snapshot"
    snapshot.mkdir(parents=True)
    for number, one in enumerate(reversed(objects(case)) if backwards else objects(case)):
        (snapshot / f"{number:02}.json").write_text(json.dumps(one), "utf-8")
    files = [folder / "plan.json", folder / "nodes.json"]
    options = ["--snapshot", str(snapshot), "--now", "2026-03-01T12:00:00Z"]
    options += ["--out", str(files[0]), "--nodes-out", str(files[1])]
    environment = {"PYTHONHASHSEED": seed, "HOME": str(folder), "PATH": ""}
    done = run([sys.executable, "-c", MAIN, "plan", *options], cwd=PLANNER.parents[1], env=environment)
    assert done.code == 0, done.err
    return [*(file.read_text("utf-8") for file in files), done.out]


@pytest.mark.parametrize("case", CASES)
def test_a_plan_is_the_same_bytes_under_any_seed_and_order(case: str, tmp_path: Path) -> None:
    first = plan(tmp_path / "first", case, "1", backwards=False)
    second = plan(tmp_path / "second", case, "4242", backwards=True)
    assert first == second
    assert json.loads(first[0])["changes"]
