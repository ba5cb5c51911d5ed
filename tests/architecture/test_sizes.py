"""Budgets of size: functions and modules stay small enough to be read at once."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
LONGEST_FUNCTION, USUAL_FUNCTION, MEDIAN_FUNCTION, LONGEST_MODULE, MOST_PARAMETERS = 60, 35, 10, 400, 6
#: A command has one parameter an option: click calls it, nobody else does.
BY_CLICK = "gitops/commands/"


def functions() -> list[tuple[str, int, int]]:
    """Name, lines and parameters of every function, without its docstring's lines left out."""
    found = []
    for package in ("planner", "renderer", "gitops"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                    count = sum(1 for one in given if one.arg not in ("self", "cls"))
                    name = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                    found.append((name, (node.end_lineno or node.lineno) - node.lineno + 1, count))
    return found


def test_functions_are_short() -> None:
    lengths = [lines for _, lines, _ in functions()]
    assert [name for name, lines, _ in functions() if lines > LONGEST_FUNCTION] == []
    assert median(lengths) < MEDIAN_FUNCTION
    assert sum(lines < USUAL_FUNCTION for lines in lengths) >= 0.9 * len(lengths)


def test_functions_take_few_parameters() -> None:
    many = [name for name, _, count in functions() if count > MOST_PARAMETERS and not name.startswith(BY_CLICK)]
    assert many == []


def test_modules_are_short() -> None:
    long = [
        str(path.relative_to(ROOT))
        for package in ("planner", "renderer", "gitops")
        for path in sorted((ROOT / package).rglob("*.py"))
        if len(path.read_text().splitlines()) > LONGEST_MODULE
    ]
    assert long == []
