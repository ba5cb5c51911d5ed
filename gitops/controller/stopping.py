"""Ends waits in order: a clock whose sleep is over when the process is to end, and a question before every effect."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from gitops.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from gitops.clock import Clock

ENDING = "this process is ending; what was begun goes on at the next start"


class Stop:
    """Whether this process is to end. Set once, from any thread."""

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """Let every wait end, and no further step begin."""
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def refuse(self) -> None:
        """Raises Interrupted once the process is to end."""
        if self:
            raise Interrupted(ENDING)

    def wait(self, longest: timedelta) -> None:
        """Return after so long, or earlier when the process is to end."""
        self._event.wait(longest.total_seconds())


class StoppableClock:
    """A clock by which nobody sleeps longer than the process lives: then sleep raises Interrupted."""

    def __init__(self, clock: Clock, stop: Stop) -> None:
        self._clock, self._stop = clock, stop

    def now(self) -> datetime:
        return self._clock.now()

    def sleep(self, duration: timedelta) -> None:
        self._stop.wait(duration)
        self._stop.refuse()


def guard(stop: Stop, must_lead: Callable[[], None]) -> Callable[[], None]:
    """What is asked before every effect: raises Interrupted where this process is to end, or does not lead."""

    def ask() -> None:
        stop.refuse()
        must_lead()

    return ask
