"""Waits for what another thread is about to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 20.0


def until(what: str, reached: Callable[[], bool]) -> None:
    """Return when something has come true; fail when it does not."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, f"still not so: {what}"
        time.sleep(0.02)
