"""A history as people read it, compared whole with files that ``pytest --update-golden`` rewrites."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from renderer.history import Entry, History, Outcome, history_text, span_text
from renderer.history_document import history_json
from renderer.history_markdown import history_markdown
from tests.conftest import CompareText
from tests.renderer.cases import FOLDER

HISTORY = FOLDER / "history"
CASES = sorted(path.parent.name for path in HISTORY.glob("*/case.yaml"))
SHOWN = {"expected.txt": history_text, "expected.md": history_markdown, "expected.json": history_json}
TIMES = ("last", "proposed", "merged", "claimed", "applied")


def at(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def read_case(name: str) -> History:
    case: dict[str, Any] = YAML(typ="safe", pure=True).load((HISTORY / name / "case.yaml").read_text("utf-8"))
    applied = case.get("applied", {"changes": 0, "cost": {}})
    return History(
        cluster=case["cluster"], now=at(case["now"]), since=at(case["since"]) if "since" in case else None,
        entries=tuple(map(entry, case["entries"])), applied=applied["changes"],
        begun=at(applied["since"]) if "since" in applied else None, cost=tuple(applied["cost"].items()),
    )  # fmt: skip


def entry(written: dict[str, Any]) -> Entry:
    fields = {"proposal": True, "currency": "EUR", **written, "outcome": Outcome(written["outcome"])}
    fields |= {name: at(written[name]) for name in TIMES if name in written}
    fields |= {name: tuple(written[name]) for name in ("approved_by", "ended_by") if name in written}
    fields["demand"] = tuple(written.get("demand", {}).items())
    fields["failures"] = tuple((at(when), why) for when, why in written.get("failures", {}).items())
    return Entry(**fields)


@pytest.mark.parametrize("file", SHOWN)
@pytest.mark.parametrize("name", CASES)
def test_it_reads_as_expected(name: str, file: str, golden: CompareText) -> None:
    golden(HISTORY / name / file, SHOWN[file](read_case(name)))


def test_the_cases_show_every_outcome() -> None:
    assert {one.outcome for one in read_case("everything").entries} == set(Outcome)


def test_every_field_is_in_the_document_whatever_is_known() -> None:
    documents = [json.loads(history_json(read_case(name))) for name in ("everything", "hostile")]
    assert len({tuple(one) for document in documents for one in document["entries"]}) == 1


def test_a_table_has_as_many_cells_whatever_stands_in_it() -> None:
    rows = [line for line in history_markdown(read_case("hostile")).splitlines() if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {10}


@given(st.integers(-(10**9), 10**9), st.integers(0, 10**8))
def test_what_is_saved_is_what_was_spent(hourly: int, seconds: int) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    now = start + timedelta(seconds=seconds)

    def cost(of: int) -> int | None:
        return Entry(
            number=1, kind="up", outcome=Outcome.APPLIED, proposal=True, digest="", last=start, applied=start, hourly=of
        ).cost(now)

    spent, saved = cost(hourly), cost(-hourly)
    assert spent is not None
    assert saved == -spent
    assert abs(spent * 3600 - hourly * seconds) <= 1800


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (3660, "1 h 1 min"),
        (3601, "1 h"), (90000, "1 d 1 h"), (86400 * 40, "40 d"),
    ],
)  # fmt: skip
def test_spans_are_told_in_two_units(seconds: int, text: str) -> None:
    assert span_text(seconds) == text
