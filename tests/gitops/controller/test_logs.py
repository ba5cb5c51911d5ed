"""What a controller logs: one JSON object for each pass, with its figures, and nothing secret."""

from __future__ import annotations

import json
from dataclasses import replace

from gitops.controller.logs import Log, log_pass
from gitops.loop.steps import Step
from tests.gitops.controller.test_seen import opened, view_of, waiting
from tests.gitops.loop.town import TownClock


def lines_of(*views: object, as_json: bool = True, secrets: tuple[str, ...] = ()) -> list[str]:
    lines: list[str] = []
    log = Log(clock=TownClock(), write=lines.append, as_json=as_json, secrets=secrets)  # type: ignore[arg-type]
    for view in views:
        log_pass(log, view)  # type: ignore[arg-type]
    return lines


def test_a_pass_is_one_line_of_json_with_what_it_found_did_and_took() -> None:
    (line,) = lines_of(view_of(waiting(), done=opened(Step.PROPOSE)))
    assert json.loads(line) == {
        "time": "2026-03-01T12:00:00Z", "level": "info", "event": "pass", "cluster": "prod", "pending": 1,
        "changes": 1, "unplaced": 0, "steps": {"up": "propose"}, "seconds": {"plan": 0.25},
    }  # fmt: skip


def test_a_pass_that_failed_is_one_line_with_the_reason_on_one_line() -> None:
    view = replace(view_of(waiting()), problem="the forge answers 500\nwith token abc123def")
    (line,) = lines_of(view, secrets=("abc123def",))
    told = json.loads(line)
    assert (told["event"], told["level"], told["cluster"]) == ("pass failed", "error", "prod")
    assert "\n" not in line
    assert "abc123def" not in line


def test_for_a_person_who_watches_it_is_a_line_of_text() -> None:
    (line,) = lines_of(view_of(waiting()), as_json=False)
    assert line.startswith("2026-03-01T12:00:00Z pass cluster=prod pending=1 changes=1")
