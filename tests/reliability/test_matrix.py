"""Every fault at every step: nothing is lost, nothing is done twice, and docs/reliability.md says what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability.matrix import ENGINES, STEPS, calls, faults
from tests.reliability.page import PAGE, line, render, written
from tests.reliability.preparing import program_of_terraform

if TYPE_CHECKING:
    from tests.conftest import CompareText

ROWS = sorted((engine, one.name) for engine in ENGINES for one in faults(engine))


@pytest.fixture
def updates(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


def needs_program(engine: str) -> None:
    if engine == "terraform" and not program_of_terraform():
        pytest.skip("neither terraform nor tofu is on PATH, and the embedded extra is not installed")


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_an_undisturbed_apply_reaches_every_step(engine: str) -> None:
    needs_program(engine)
    assert {step for step, _, _ in calls(engine)} == set(STEPS)


@pytest.mark.parametrize(("engine", "name"), ROWS, ids=lambda one: one)
def test_nothing_is_lost_or_done_twice(engine: str, name: str, updates: bool) -> None:
    """``check`` holds in each cell, and the outcomes are those of the page."""
    needs_program(engine)
    found = line(engine, name)
    assert updates or found == written(PAGE.read_text("utf-8")).get((engine, name)), "--update-golden rewrites the page"


def test_the_page_has_these_lines_and_no_others(golden: CompareText, updates: bool) -> None:
    known = {} if updates else written(PAGE.read_text("utf-8"))
    golden(PAGE, render(line if updates else lambda engine, name: known.get((engine, name), "missing")))
