"""Three doors to the world: programs, time and the environment are reached through one module each."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for package in ("planner", "renderer", "gitops") for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]


def imported(tree: ast.AST) -> set[str]:
    """Top-level packages that a module imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def attributes(tree: ast.AST) -> set[str]:
    """Dotted names of two parts, like ``os.environ``."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


@pytest.mark.parametrize(("door", "behind"), [("gitops/process.py", "subprocess"), ("gitops/clock.py", "time")])
def test_only_its_door_imports_it(door: str, behind: str) -> None:
    users = [name for name, path in zip(NAMES, MODULES, strict=True) if behind in imported(ast.parse(path.read_text()))]
    assert users == [door]


def test_only_its_door_reads_the_environment() -> None:
    reading = {"os.environ", "os.getenv", "os.putenv"}
    users = [name for name, path in zip(NAMES, MODULES, strict=True) if reading & attributes(ast.parse(path.read_text()))]
    assert users == ["gitops/environment.py"]


def test_only_the_clock_asks_for_the_time() -> None:
    asking = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    users = [name for name, path in zip(NAMES, MODULES, strict=True) if asking & attributes(ast.parse(path.read_text()))]
    assert users == ["gitops/clock.py"]


def test_the_planner_and_the_renderer_print_and_open_nothing() -> None:
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] == "gitops":
            continue
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"open", "print", "input", "exec", "eval"}, path


def test_only_its_door_lets_msgspec_meet_a_type() -> None:
    """See ``gitops.decoding.decoder``: two threads that do so at once end the process. Plain types are no danger."""
    asking = re.compile(r"msgspec\.(convert\(|json\.Decoder\(|json\.decode\([^\n]*type=(?!dict\[|list\[|msgspec\.Raw\)))")
    users = [name for name, path in zip(NAMES, MODULES, strict=True) if asking.search(path.read_text())]
    assert users == ["gitops/decoding.py", "renderer/wire.py"]
