"""Times of the week in a zone: when a review rule holds, and when that changes next. Pure.

A window opens when the local clock first reaches its start and closes when the local clock first reaches its end, so
that it never opens twice in the night in which clocks go back. A time that clocks skip is reached when they skip it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from planner.errors import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY: Final = 24 * 60  # minutes
_SEARCHED: Final = 15
"""Days ahead in which a change is looked for: two weeks, for in one of them clocks may skip the window."""
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_ZONE = re.compile(r"UTC|(?!posix/|right/)[A-Za-z][A-Za-z_-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){1,2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From ``start`` to ``end``, minutes after local midnight, on each of ``days`` (0 is Monday); the end is outside.

    Where the end is not after the start, the window ends on the next day; its day is the one on which it starts.
    """

    name: str
    zone: str
    days: tuple[int, ...]
    start: int
    end: int

    def open_at(self, now: datetime) -> bool:
        """Whether the window is open. ``now`` carries a zone, any."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        return any(opens <= now < closes for opens, closes in self._spans(today - timedelta(days=2), 4))

    def next_change(self, now: datetime) -> datetime | None:
        """When it next opens or closes, in UTC; None for a window that never does."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        edges = {edge for span in self._spans(today - timedelta(days=2), _SEARCHED + 2) for edge in span if edge > now}
        is_open = self.open_at(now)
        return next((edge for edge in sorted(edges) if self.open_at(edge) is not is_open), None)

    def __str__(self) -> str:
        """``Mon-Fri 09:00-18:00 Europe/Paris``."""
        return f"{_days_text(self.days)} {_clock(self.start)}-{_clock(self.end)} {self.zone}"

    def _spans(self, first: date, count: int) -> Iterator[tuple[datetime, datetime]]:
        for number in range(count):
            day = first + timedelta(days=number)
            if day.weekday() in self.days:
                end = self.end if self.end > self.start else self.end + _DAY
                yield _reached(self.zone, day, self.start), _reached(self.zone, day, end)


def parse_zone(text: str) -> str:
    """The name of a zone as IANA has it. Raises ValueRefused for what is none, or means something else elsewhere."""
    problem = f"{text[:60]!r} is not a time zone of IANA's; write one like Europe/Paris or UTC"
    if not _ZONE.fullmatch(text):
        raise ValueRefused(problem)
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueRefused(problem) from None
    return text


def parse_days(names: Iterable[str]) -> tuple[int, ...]:
    """``Mon``, ``Tue``, … as 0 for Monday to 6, sorted. Raises ValueRefused."""
    found = set()
    for name in names:
        if name not in DAYS:
            raise ValueRefused(f"{name[:20]!r} is not a day; write {', '.join(DAYS)}")
        found.add(DAYS.index(name))
    if not found:
        raise ValueRefused("no day is named, so the window would never open")
    return tuple(sorted(found))


def parse_time(text: str) -> int:
    """``09:00`` as minutes after midnight; ``24:00`` is the end of the day. Raises ValueRefused."""
    if not _TIME.fullmatch(text):
        raise ValueRefused(f'{text[:20]!r} is not a time of day; write one like "09:00", in quotes')
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def window(name: str, zone: str, days: Iterable[str], start: str, end: str) -> Window:
    """A window of what people write. Raises ValueRefused."""
    made = Window(name=name, zone=parse_zone(zone), days=parse_days(days), start=parse_time(start), end=parse_time(end))
    if made.start in (made.end, _DAY):
        raise ValueRefused(f"from {start} to {end} is no time; write 00:00 to 24:00 for the whole day")
    return made


def local_text(moment: datetime, zone: str, now: datetime) -> str:
    """``22:00 Europe/Paris``, with the date in front where it is not today's."""
    there, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    clock = f"{there.hour:02d}:{there.minute:02d} {zone}"
    return clock if there.date() == today else f"{DAYS[there.weekday()]} {there.day} {_MONTHS[there.month - 1]} {clock}"


@lru_cache(maxsize=4096)
def _reached(name: str, day: date, minutes: int) -> datetime:
    """When the zone's clock first shows this time of this day, or a later one, in UTC."""
    zone = ZoneInfo(name)
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 - a wall clock's
    twice = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    low, high = min(twice), max(twice)
    if _wall(low, zone) == local:
        return low
    while high - low > timedelta(seconds=1):  # skipped: find the second at which the clock jumps over it
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (low, middle) if _wall(middle, zone) >= local else (middle, high)
    return high


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _days_text(days: tuple[int, ...]) -> str:
    """``Mon-Fri``, ``Mon, Wed`` or ``every day``."""
    if len(days) == len(DAYS):
        return "every day"
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ", ".join(DAYS[day] for day in days)
