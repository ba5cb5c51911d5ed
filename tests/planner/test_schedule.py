"""Windows of disruption budgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import ValueRefused
from planner.schedule import is_active, parse_cron

HOUR = 3600
#: schedule, hours it holds, time, is it open. 2026-03-01 is a Sunday.
WINDOWS = [
    ("", 0, "2026-03-01T12:00:00", True),
    ("0 23 * * *", 20, "2026-03-01T22:59:59", False),
    ("0 23 * * *", 20, "2026-03-01T23:00:00", True),
    ("0 23 * * *", 20, "2026-03-02T18:59:59", True),
    ("0 23 * * *", 20, "2026-03-02T19:00:00", False),
    ("0 23 * * *", 20, "2026-03-02T22:00:00", False),
    ("0 23 * * *", 24, "2026-03-02T22:59:59", True),
    ("@daily", 8, "2026-03-01T07:59:59", True),
    ("@daily", 8, "2026-03-01T08:00:00", False),
    ("@hourly", 1, "2026-03-01T13:37:00", True),
    ("@weekly", 1, "2026-03-01T00:30:00", True),
    ("@weekly", 1, "2026-03-02T00:30:00", False),
    ("@monthly", 24, "2026-03-01T23:59:00", True),
    ("@yearly", 1, "2026-01-01T00:00:00", True),
    ("*/15 * * * *", 1 / 60, "2026-03-01T12:45:30", True),
    ("*/15 * * * *", 1 / 60, "2026-03-01T12:46:00", False),
    ("0 9 * * mon-fri", 8, "2026-03-01T10:00:00", False),
    ("0 9 * * mon-fri", 8, "2026-03-02T10:00:00", True),
    ("0 9 * * 1-5", 8, "2026-03-07T10:00:00", False),
    ("0 9 * * 7", 8, "2026-03-01T10:00:00", True),
    ("0 9 * * SUN", 8, "2026-03-01T10:00:00", True),
    ("0 9 1 * *", 1, "2026-03-01T09:30:00", True),
    ("0 9 1 feb *", 1, "2026-03-01T09:30:00", False),
    ("0 9 15 * 1", 1, "2026-03-02T09:30:00", True),  # the 15th or a Monday: cron's old rule
    ("0 9 15 * 1", 1, "2026-03-15T09:30:00", True),
    ("0 9 15 * 1", 1, "2026-03-03T09:30:00", False),
    ("0 9,17 * * *", 1, "2026-03-01T17:30:00", True),
    ("5/20 * * * *", 1 / 60, "2026-03-01T12:25:00", True),
    ("0 22 * * *", 72, "2026-03-01T21:00:00", True),
]


@pytest.mark.parametrize(("schedule", "hours", "now", "is_open"), WINDOWS)
def test_a_window_is_open_from_each_start_for_its_duration(schedule: str, hours: float, now: str, is_open: bool) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert is_active(schedule, round(hours * HOUR), at) is is_open


def test_a_schedule_is_in_utc_wherever_the_clock_is() -> None:
    at = datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))  # 23:30 UTC
    assert is_active("0 23 * * *", HOUR, at)


@pytest.mark.parametrize(
    "text",
    [
        "", "0 23 * *", "0 23 * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
        "a * * * *", "*/0 * * * *", "5-1 * * * *", "-5 * * * *", "@reboot", "@every 1h", "1- * * * *x", ", * * * *",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        parse_cron(text)


@given(st.integers(0, 59), st.integers(0, 23), st.integers(1, 24 * 60), st.integers(0, 3 * 24 * 60))
def test_a_daily_window_is_open_for_exactly_its_minutes(minute: int, hour: int, minutes: int, offset: int) -> None:
    start = datetime(2026, 3, 1, hour, minute, tzinfo=UTC)
    now = start + timedelta(minutes=offset)
    assert is_active(f"{minute} {hour} * * *", minutes * 60, now) is (offset % (24 * 60) < minutes)
