"""What a summary counts, and how the terminal fits it into a width."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given

from planner.plan import Certificate, Plan, Reason
from planner.quantity import parse_money
from planner.why import CHOOSY
from renderer import markdown
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


@pytest.mark.parametrize(("bound", "gap", "says"), [
    ("1.2432", 0, "Proven: no other choice of new nodes for these pods costs less."),
    ("1.2431", 1, "The new nodes cost at most 0.1 % more than the proven least for these pods."),
    ("1.2395", 18, "The new nodes cost at most 1.8 % more than the proven least for these pods."),
    ("1.1333", 1000, "Proven lower bound for any choice of new nodes: €1.1333 per hour."),
    ("1.0233", None, "Proven lower bound for any choice of new nodes: €1.0233 per hour."),
])  # fmt: skip
def test_the_gap_is_of_what_is_ordered_and_never_told_too_small(bound: str, gap: int | None, says: str) -> None:
    plan = load_case("mixed")  # orders nodes for 0.2199 per hour
    summary = summarize(replace(plan, cost=replace(plan.cost, lower_bound_hourly=parse_money(bound))))

    assert summary.gap == gap
    assert says in plan_view(summary)


@pytest.mark.parametrize("code", sorted(CHOOSY))
def test_a_gap_says_what_it_leaves_aside(code: str) -> None:
    plan = load_case("mixed")
    first, *rest = plan.changes
    chosen = replace(plan, changes=(replace(first, reasons=(*first.reasons, Reason(code, "so"))), *rest))

    assert "proven least for these pods, preferences and weights aside." in " ".join(plan_view(summarize(chosen)).split())
    assert "aside" not in plan_view(summarize(plan))


@pytest.mark.parametrize(("certificate", "says"), [
    (Certificate(orders=6, survived=6), "Holds in 6 of 6 orders in which the pods may come to kube-scheduler."),
    (Certificate(orders=1, survived=1, stopped=True), "the search for cheaper nodes stopped at its budget (--solve-budget)."),
    (Certificate(orders=2, survived=2, premium=51_200), "kube-scheduler, for €0.0512 per hour more than if each could be put by hand."),
    (Certificate(stopped=True), "Not replayed: the search's budget (--solve-budget) left no time to try the nodes out."),
    (Certificate(orders=3, survived=2, stopped=True), "the search for nodes that hold in all of them stopped"),
    (Certificate(orders=3, survived=2), "Warning: kube-scheduler leaves pods without a node in 1 of 3 orders of arrival tried; "),
])  # fmt: skip
def test_both_views_say_how_the_nodes_fared(certificate: Certificate, says: str) -> None:
    plan = replace(load_case("first-pool"), certificate=certificate)

    assert says in plan_view(summarize(plan), screen=Screen(width=200))
    assert says.removeprefix("Warning: ") in re.sub("[`*>]", "", markdown.plan_view(summarize(plan)))
    assert ("Warning" in plan_view(summarize(plan))) == (certificate.survived < certificate.orders)


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
