"""The one module that reads the time or waits, so that every other part can be given a time of its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(seconds=15)
"""Between two looks: what is waited for takes minutes, and each look is a call."""


class Clock(Protocol):
    """Tells the time in UTC and waits."""

    def now(self) -> datetime: ...
    def sleep(self, duration: timedelta) -> None: ...


class Bell:
    """Wakes whoever waits for it, from any thread."""

    def __init__(self) -> None:
        self._event = Event()

    def ring(self) -> None:
        """Wake the one who waits, or let the next wait end at once."""
        self._event.set()

    def wait(self, longest: timedelta) -> bool:
        """Return when it rings (True), or after ``longest`` (False)."""
        rang = self._event.wait(longest.total_seconds())
        self._event.clear()
        return rang


def looks(clock: Clock, patience: timedelta) -> Iterator[None]:
    """Turns of a loop that looks at something until it has come: pauses between them, a last one when time is up."""
    end, pause = clock.now() + patience, _SHORTEST
    while clock.now() < end:
        yield
        clock.sleep(pause)
        pause = min(_LONGEST, pause * 3 / 2)
    yield


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)

    def sleep(self, duration: timedelta) -> None:
        time.sleep(duration.total_seconds())


def monotonic() -> float:
    """Seconds from some fixed point, for measuring how long something took."""
    return time.monotonic()


def unix_time() -> float:
    """Seconds since 1970, as request signatures want them."""
    return time.time()
