"""When windows are open, in the nights in which clocks change too, and what cannot be a window."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.review.windows import DAYS, Window, local_text, parse_zone, window
from planner.errors import ValueRefused

PARIS, ADELAIDE, APIA = "Europe/Paris", "Australia/Adelaide", "Pacific/Apia"
ZONES = (PARIS, ADELAIDE, "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "UTC", APIA)
EVERY = DAYS
WORK = window("work", PARIS, DAYS[:5], "09:00", "18:00")
NIGHT = window("night", PARIS, EVERY, "23:00", "19:00")

windows = st.builds(
    lambda zone, days, start, length: Window(
        name="w", zone=zone, days=tuple(sorted(days)), start=start, end=(start + length) % 1440 or 1440
    ),
    st.sampled_from(ZONES), st.sets(st.integers(0, 6), min_size=1), st.integers(0, 1439), st.integers(1, 1439),
)  # fmt: skip
moments = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda minute: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("one", "moment", "is_open"),
    [
        (WORK, "2026-03-02T08:59:59+01:00", False),
        (WORK, "2026-03-02T09:00:00+01:00", True),
        (WORK, "2026-03-02T17:59:59+01:00", True),
        (WORK, "2026-03-02T18:00:00+01:00", False),
        (WORK, "2026-02-28T12:00:00+01:00", False),  # a Saturday
        (WORK, "2026-07-06T07:00:00Z", True),  # summer: two hours ahead of UTC
        (WORK, "2026-03-02T02:30:00-06:00", True),  # whatever zone the time is told in
        (NIGHT, "2026-03-02T22:59:59+01:00", False),
        (NIGHT, "2026-03-02T23:00:00+01:00", True),
        (NIGHT, "2026-03-03T00:00:00+01:00", True),
        (NIGHT, "2026-03-03T18:59:59+01:00", True),
        (NIGHT, "2026-03-03T19:00:00+01:00", False),
    ],
)
def test_a_window_is_open_from_its_start_till_before_its_end(one: Window, moment: str, is_open: bool) -> None:
    assert one.open_at(at(moment)) is is_open


def test_the_day_of_a_window_over_midnight_is_the_one_on_which_it_starts() -> None:
    friday = window("w", PARIS, ["Fri"], "23:00", "19:00")
    assert not friday.open_at(at("2026-03-06T12:00:00+01:00"))
    assert friday.open_at(at("2026-03-06T23:30:00+01:00"))
    assert friday.open_at(at("2026-03-07T18:59:00+01:00"))
    assert not friday.open_at(at("2026-03-07T23:30:00+01:00"))


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        # 29 March 2026: at 01:00 UTC clocks in Paris go from 02:00 to 03:00.
        ("01:00", "04:00", "2026-03-29T00:00Z", "2026-03-29T02:00Z"),
        ("02:30", "03:15", "2026-03-29T01:00Z", "2026-03-29T01:15Z"),
        ("01:30", "02:30", "2026-03-29T00:30Z", "2026-03-29T01:00Z"),
        # 25 October 2026: at 01:00 UTC they go from 03:00 back to 02:00.
        ("02:30", "04:00", "2026-10-25T00:30Z", "2026-10-25T03:00Z"),
        ("01:00", "02:30", "2026-10-24T23:00Z", "2026-10-25T00:30Z"),
        ("02:15", "02:45", "2026-10-25T00:15Z", "2026-10-25T00:45Z"),
    ],
)
def test_a_window_opens_once_in_the_night_in_which_clocks_change(start: str, end: str, opens: str, closes: str) -> None:
    one = window("w", PARIS, EVERY, start, end)
    before, second = at(opens) - timedelta(hours=1), timedelta(seconds=1)
    assert one.next_change(before) == at(opens)
    assert one.next_change(at(opens)) == at(closes)
    for moment, is_open in ((opens, True), (closes, False)):
        assert one.open_at(at(moment)) is is_open
        assert one.open_at(at(moment) - second) is not is_open
    assert not any(one.open_at(at(closes) + timedelta(minutes=minute)) for minute in range(60 * 12))


def test_a_window_that_clocks_skip_does_not_open_that_night() -> None:
    one = window("w", PARIS, ["Sun"], "02:10", "02:50")
    assert one.next_change(at("2026-03-28T12:00Z")) == at("2026-04-05T00:10Z")


def test_a_day_that_a_country_skipped_is_no_day() -> None:
    """Samoa had no 30 December 2011, a Friday."""
    friday = window("w", APIA, ["Fri"], "00:00", "24:00")
    assert friday.next_change(at("2011-12-29T12:00Z")) == at("2012-01-05T10:00Z")


def test_a_window_that_is_always_open_never_changes() -> None:
    always = window("w", PARIS, EVERY, "00:00", "24:00")
    assert always.next_change(at("2026-03-28T12:00Z")) is None
    assert always.open_at(at("2026-03-29T01:00Z"))
    weekdays = window("w", PARIS, DAYS[:5], "00:00", "24:00")
    assert weekdays.next_change(at("2026-03-02T12:00+01:00")) == at("2026-03-07T00:00+01:00")


@given(one=windows, now=moments)
def test_nothing_changes_before_the_next_change(one: Window, now: datetime) -> None:
    change = one.next_change(now)
    assert change is not None
    assert now < change
    assert one.open_at(change) is not one.open_at(now)
    assert one.open_at(change - timedelta(seconds=1)) is one.open_at(now)
    for part in range(1, 20):
        assert one.open_at(now + (change - timedelta(seconds=1) - now) * part / 20) is one.open_at(now)


@given(one=windows, now=moments)
def test_away_from_changing_clocks_the_local_clock_decides(one: Window, now: datetime) -> None:
    local, zone = now.astimezone(ZoneInfo(one.zone)), ZoneInfo(one.zone)
    offsets = {(now + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in range(-48, 49, 3)}
    if len(offsets) == 1:
        minute, today, yesterday = local.hour * 60 + local.minute, local.weekday(), (local.weekday() - 1) % 7
        if one.start < one.end:
            expected = today in one.days and one.start <= minute < one.end
        else:
            expected = (today in one.days and minute >= one.start) or (yesterday in one.days and minute < one.end)
        assert one.open_at(now) is expected


@given(one=windows, now=moments, hours=st.integers(-12, 14))
def test_the_zone_in_which_a_time_is_told_says_nothing(one: Window, now: datetime, hours: int) -> None:
    from datetime import timezone  # noqa: PLC0415 - for one line

    other = now.astimezone(timezone(timedelta(hours=hours)))
    assert one.open_at(other) is one.open_at(now)
    assert one.next_change(other) == one.next_change(now)


@pytest.mark.parametrize(
    "zone",
    ["", "Paris", "europe/paris ", "Europe/Atlantis", "../etc/localtime", "/etc/localtime", "localtime", "CET", "EST5EDT",
     "posix/Europe/Paris", "right/Europe/Paris", "Europe", "UTC+1", "+01:00", "Europe/Paris\n", "Europe/\x00"],
)  # fmt: skip
def test_what_is_no_zone_everywhere_is_refused(zone: str) -> None:
    with pytest.raises(ValueRefused, match="is not a time zone of IANA's; write one like Europe/Paris or UTC"):
        parse_zone(zone)


@pytest.mark.parametrize("zone", [*ZONES, "Etc/GMT+5", "America/Argentina/Buenos_Aires", "America/Port-au-Prince"])
def test_zones_of_iana_are_zones(zone: str) -> None:
    assert parse_zone(zone) == zone


@pytest.mark.parametrize(
    ("days", "start", "end", "told"),
    [
        (["Monday"], "09:00", "18:00", "'Monday' is not a day; write Mon, Tue"),
        ([], "09:00", "18:00", "no day is named"),
        (["Mon"], "9:00", "18:00", "'9:00' is not a time of day"),
        (["Mon"], "09:00", "24:01", "'24:01' is not a time of day"),
        (["Mon"], "09:60", "18:00", "'09:60' is not a time of day"),
        (["Mon"], "٠٩:٠٠", "18:00", "is not a time of day"),
        (["Mon"], "09:00\n", "18:00", "is not a time of day"),
        (["Mon"], "09:00", "09:00", "from 09:00 to 09:00 is no time; write 00:00 to 24:00 for the whole day"),
        (["Mon"], "24:00", "09:00", "from 24:00 to 09:00 is no time"),
    ],
)
def test_what_is_no_window_is_refused(days: list[str], start: str, end: str, told: str) -> None:
    with pytest.raises(ValueRefused, match=told):
        window("w", PARIS, days, start, end)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (WORK, "Mon-Fri 09:00-18:00 Europe/Paris"),
        (NIGHT, "every day 23:00-19:00 Europe/Paris"),
        (window("w", "UTC", ["Wed", "Mon"], "00:00", "24:00"), "Mon, Wed 00:00-24:00 UTC"),
        (window("w", "UTC", ["Sat", "Sun"], "10:00", "00:00"), "Sat, Sun 10:00-00:00 UTC"),
    ],
)
def test_a_window_says_when_it_is(one: Window, text: str) -> None:
    assert str(one) == text


def test_times_are_told_in_the_zone_of_the_window() -> None:
    now = at("2026-03-02T21:30Z")
    assert local_text(at("2026-03-02T22:00Z"), PARIS, now) == "23:00 Europe/Paris"
    assert local_text(at("2026-03-02T23:00Z"), PARIS, now) == "Tue 3 Mar 00:00 Europe/Paris"
    assert local_text(at("2026-03-02T23:00Z"), "UTC", now) == "23:00 UTC"


def test_a_machine_without_a_zone_database_knows_the_same_zones() -> None:
    before = zoneinfo.TZPATH
    try:
        zoneinfo.reset_tzpath(to=())
        ZoneInfo.clear_cache()
        for name in ZONES:
            zone = ZoneInfo.no_cache(parse_zone(name))
            assert at("2026-07-01T00:00Z").astimezone(zone).utcoffset() is not None
        assert at("2026-07-01T00:00Z").astimezone(ZoneInfo.no_cache(PARIS)).utcoffset() == timedelta(hours=2)
        with pytest.raises(ValueRefused):
            parse_zone("Europe/Atlantis")
    finally:
        zoneinfo.reset_tzpath(to=before)
        ZoneInfo.clear_cache()
