"""How the following of one kind goes on: what is asked next, and after which pause. Pure.

A kind is listed, then watched from the list's version on. A watch that ends is taken up where it stopped; where the
server cannot go on from there (410: it has forgotten the version), or fails again and again, a list begins it anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

#: Seconds before the next try, by the failures in a row; after the last it stays so (client-go's reflector: 0.8–30 s).
PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
ABSENT_PAUSE = 60.0
"""Seconds until a kind that is not served, or that may not be read and need not be, is looked for again."""
HOPELESS = 4
"""Failures in a row after which a version counts as one that the server cannot go on from."""
CALM = 10.0
"""Seconds that a watch without any event must last to count as one that works."""


class End(Enum):
    """How a watch ended."""

    OVER = "over"  # by the server, in its time
    BROKEN = "broken"  # by the network
    EXPIRED = "expired"  # by a server that cannot go on from its version


@dataclass(frozen=True, slots=True)
class Course:
    """Where the following of one kind stands. Without a ``version`` a list comes next; ``pause`` is in seconds."""

    version: str = ""
    failures: int = 0
    pause: float = 0.0

    def listed(self, version: str) -> Course:
        """A list was read. Failures still count: a watch has yet to work."""
        return replace(self, version=version, pause=0.0)

    def ended(self, version: str, end: End, *, lasted: float, told: bool) -> Course:
        """A watch came as far as ``version``; it lasted so many seconds, and told of changes or of none."""
        failures = 0 if told or lasted >= CALM else self.failures + 1
        if end is End.BROKEN:
            failures = max(1, failures)
        return Course("" if end is End.EXPIRED else version, failures, _pause(failures))

    def failed(self) -> Course:
        """Nothing could be read."""
        failures = self.failures + 1
        return Course(self.version if failures < HOPELESS else "", failures, _pause(failures))

    def absent(self) -> Course:
        """There is nothing to read, or no right to."""
        return Course(pause=ABSENT_PAUSE)


def _pause(failures: int) -> float:
    return PAUSES[min(failures, len(PAUSES) - 1)]
