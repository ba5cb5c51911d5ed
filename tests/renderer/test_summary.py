"""What a summary counts, and how the terminal fits it into a width."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from planner.plan import Plan
from renderer.summary import summarize
from renderer.terminal import Screen, plan_view
from renderer.text import columns
from tests.renderer.cases import CASES, load_case
from tests.renderer.strategies import few_examples, plans


def test_a_replacement_is_one_to_add_and_one_to_delete() -> None:
    summary = summarize(load_case("mixed"))

    assert (summary.adds, summary.updates, summary.deletes) == (2, 1, 2)
    assert (summary.nodes_before, summary.nodes_after) == (20, 12)
    assert [line.symbol for line in summary.lines] == ["-/+", "~", "-", "+"]


def test_waiting_pods_are_those_placed_and_those_that_stay_pending() -> None:
    summary = summarize(load_case("stays-pending"))

    assert (summary.waiting, summary.unplaced) == (5, 3)


def test_a_bound_is_told_only_where_something_is_ordered() -> None:
    assert summarize(load_case("nothing-to-do")).bound is None
    assert summarize(load_case("mixed")).bound == 1_239_500


@few_examples
@given(plans())
def test_no_text_of_a_plan_can_steer_the_terminal(plan: Plan) -> None:
    shown = plan_view(summarize(plan), cluster="demo")

    assert [char for char in shown if not char.isprintable() and char != "\n"] == []


@few_examples
@given(plans())
def test_colors_are_the_only_difference_they_make(plan: Plan) -> None:
    summary = summarize(plan)

    colored = plan_view(summary, screen=Screen(color=True))

    assert re.sub(r"\x1b\[\d*m", "", colored) == plan_view(summary)


@pytest.mark.parametrize("case", [case for case in CASES if case != "hostile-text"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_keep_to_the_width(case: str, width: int) -> None:
    shown = plan_view(summarize(load_case(case)), cluster="demo", screen=Screen(width=width))

    assert [line for line in shown.splitlines() if columns(line) > width] == []
