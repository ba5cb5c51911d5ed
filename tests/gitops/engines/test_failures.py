"""Terraform's complaints become one line of the right kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops.engines.events import Diagnostic, diagnostics
from gitops.engines.failures import LONGEST, failure
from gitops.errors import Waiting

CASES = json.loads((Path(__file__).parent / "cases" / "failures.json").read_text("utf-8"))
SUMMARY = Diagnostic(severity="error", summary="first thing")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_complaint_becomes_one_line_of_its_kind(case: dict[str, Any]) -> None:
    event = {"type": "diagnostic", "diagnostic": {"severity": "error", **case["diagnostic"]}}
    error = failure(diagnostics([event], "error"), doing="planning")
    assert (type(error).__name__, str(error)) == (case["kind"], case["message"])
    assert "\n" not in str(error)


def test_too_many_requests_asks_for_a_minute() -> None:
    error = failure([Diagnostic(severity="error", summary='(status code 429): "slow down"')], doing="applying")
    assert isinstance(error, Waiting)
    assert error.retry_after == 60


@pytest.mark.parametrize(("others", "tail"), [(1, "(and 1 more problem)"), (2, "(and 2 more problems)")])
def test_the_first_complaint_speaks_and_the_others_are_counted(others: int, tail: str) -> None:
    complaints = [SUMMARY, *(Diagnostic(severity="error", summary=f"thing {number}") for number in range(others))]
    assert str(failure(complaints, doing="planning")) == f"first thing {tail}"


def test_what_was_done_before_is_told() -> None:
    error = failure([SUMMARY], doing="applying", aside=" (done before that: create gpu)")
    assert str(error) == "first thing (done before that: create gpu)"


@pytest.mark.parametrize(
    ("printed", "message"),
    [("a crash\n  at once", "Terraform failed while planning: a crash at once"),
     ("", "Terraform failed while planning: it gave no reason")],
)
def test_a_failure_without_diagnostic_shows_what_was_printed(printed: str, message: str) -> None:
    assert str(failure([], doing="planning", fallback=printed)) == message


def test_secrets_are_hidden_wherever_they_stand() -> None:
    secret = "0123456789abcdef"
    for complaints, fallback in (([Diagnostic(severity="error", summary=f"key {secret}")], ""), ([], f"key {secret}")):
        assert secret not in str(failure(complaints, doing="planning", secrets=[secret], fallback=fallback))


def test_a_long_message_is_cut() -> None:
    error = failure([Diagnostic(severity="error", summary="x" * 2 * LONGEST)], doing="planning")
    assert str(error) == "x" * (LONGEST - 1) + "…"
