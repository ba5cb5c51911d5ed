"""Cron windows of disruption budgets, in UTC as Karpenter reads them: five fields or a ``@daily``-like word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from planner.errors import ValueRefused

_WORDS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def parse_cron(text: str) -> tuple[frozenset[int], ...]:
    """The five fields as sets of numbers. Raises ValueRefused."""
    fields = _WORDS.get(text.strip().lower(), text).split()
    if len(fields) != 5:
        raise ValueRefused(f"schedule {text!r} is not cron: write minute, hour, day, month and weekday, or @daily")
    try:
        return tuple(_field(field, *bounds) for field, bounds in zip(fields, _RANGES, strict=True))
    except (ValueError, IndexError):
        raise ValueRefused(f"schedule {text!r} is not cron: a field is out of range or misspelt") from None


def is_active(schedule: str, duration: int, now: datetime) -> bool:
    """Whether a window of ``duration`` seconds that starts at each time of the schedule is open at ``now``."""
    if not schedule:
        return True
    fields = parse_cron(schedule)
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    oldest = now - timedelta(seconds=duration)
    while minute > oldest:
        if _matches(fields, minute):
            return True
        minute -= timedelta(minutes=1)
    return False


def _matches(fields: tuple[frozenset[int], ...], at: datetime) -> bool:
    minutes, hours, days, months, weekdays = fields
    if at.minute not in minutes or at.hour not in hours or at.month not in months:
        return False
    weekday = at.isoweekday() % 7
    on_day, on_weekday = at.day in days, weekday in weekdays or (weekday == 0 and 7 in weekdays)
    # cron's old rule: where both days are restricted, either one is enough
    if len(days) < 31 and len(weekdays - {7}) < 7:
        return on_day or on_weekday
    return on_day and on_weekday


def _field(text: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        first, last = _span(span, low, high)
        if step:
            last = high if "-" not in span and span not in ("*", "?") else last
        found.update(range(first, last + 1, int(step) if step else 1))
    if not found or min(found) < low or max(found) > high:
        raise ValueError(text)
    return frozenset(found)


def _span(text: str, low: int, high: int) -> tuple[int, int]:
    if text in ("*", "?"):
        return low, high
    first, _, last = text.partition("-")
    return _number(first, high), _number(last or first, high)


def _number(text: str, high: int) -> int:
    names = _MONTHS if high == 12 else _DAYS if high == 7 else ()
    if text in names:
        return names.index(text) + (1 if high == 12 else 0)
    return int(text)
