"""When changes that come one after another are looked at together. Pure: times are seconds of one steady clock."""

from __future__ import annotations

from dataclasses import dataclass

IDLE, LONGEST = 1.0, 10.0


@dataclass(frozen=True, slots=True)
class Batch:
    """The changes that nobody has looked at yet: when the first and the last of them came. None: there are none."""

    first: float | None = None
    last: float | None = None

    def noting(self, now: float) -> Batch:
        """With one more change."""
        return Batch(now if self.first is None else self.first, now)


@dataclass(frozen=True, slots=True)
class Window:
    """A batch is closed once nothing has come for ``idle`` seconds, or ``longest`` after its first change."""

    idle: float = IDLE
    longest: float = LONGEST

    def next_wakeup(self, batch: Batch, now: float) -> float | None:
        """Seconds until the batch is closed, 0 where it is; None while there is nothing to wait for."""
        if batch.first is None or batch.last is None:
            return None
        return max(0.0, min(batch.last + self.idle, batch.first + self.longest) - now)
