"""Counts the calls that a process makes to others, and how they end; for metrics, and decides nothing."""

from __future__ import annotations

from collections import Counter
from threading import Lock


class Tally:
    """Counts by service (``ovh``, ``forge``, ``kubernetes``), method and outcome. Thread-safe.

    The outcome is a status as text, or ``no answer``.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def count(self, service: str, method: str, outcome: str) -> None:
        """One more call that ended so."""
        with self._lock:
            self._counts[service, method, outcome] += 1

    def counts(self) -> dict[tuple[str, str, str], int]:
        """All counts so far, sorted."""
        with self._lock:
            return dict(sorted(self._counts.items()))
