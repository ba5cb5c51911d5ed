"""The ``draining`` section of cluster.yaml: how long nodes that leave are drained, how many at a time, bare pods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.decoding import Misfit
from planner.quantity import parse_duration

if TYPE_CHECKING:
    from gitops import settings_wire
    from gitops.settings_faults import Faults

AT = "spec.draining"
LONGEST = timedelta(hours=1)
"""An apply that takes two hours loses its claim to another machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draining:
    """A node is drained for ``timeout`` at most, ``at_once`` nodes at a time.

    ``bare``: pods without a controller, which nothing starts again, are evicted like others.
    """

    timeout: timedelta = timedelta(minutes=15)
    at_once: int = 10
    bare: bool = False


def read_draining(written: settings_wire.Draining | None, faults: Faults) -> Draining:
    """What is written, with poolplan's defaults for the rest; every fault is noted in ``faults``."""
    usual = Draining()
    if written is None:
        return usual
    return Draining(
        timeout=faults.attempt(f"{AT}.timeout", lambda: _span(written.timeout, usual.timeout), usual.timeout),
        at_once=faults.attempt(f"{AT}.atOnce", lambda: _count(written.at_once, usual.at_once), usual.at_once),
        bare=bool(written.evict_bare_pods),
    )


def _span(text: str | None, usual: timedelta) -> timedelta:
    if text is None:
        return usual
    found = timedelta(seconds=parse_duration(text))
    if not timedelta() < found <= LONGEST:
        raise Misfit(f"{text!a} is no time between nothing and an hour")
    return found


def _count(value: int | None, usual: int) -> int:
    if value is not None and value < 1:
        raise Misfit(f"is {value}; it is at least 1")
    return usual if value is None else value
