"""One fault, to strike once at one step of an apply: which calls it meets, and what comes of them.

Every seam asks here before a call and after it. What strikes is noted, so that a cell can tell "never reached".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

#: Before an apply's first step, and after its last.
CLAIM, AGREE, RECORD = "claim", "agree", "record"
READING = frozenset({"GET"})
KILLED_AT = ("ovh", "kubernetes", "git", "journal")


class Killed(BaseException):
    """The process ends here, and runs nothing more."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One line of the table. ``seam``: ovh, kubernetes, git, journal, world or lead. ``calls``: reading or changing.

    ``how``: answer (in place of the call), deaf (no answer, the call never came), cut (the call took effect, its answer
    was lost), slow, kill-before, kill-after, full (the disk), or the name of what happens in the world. ``lasts`` is in
    seconds from the first time on; 0: it strikes once. ``elsewhere``: another machine goes on. ``engines`` and ``steps``:
    only those.
    """

    name: str
    seam: str
    how: str
    calls: str = "any"
    status: int = 0
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    lasts: int = 0
    elsewhere: bool = False
    engines: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


@dataclass
class Trouble:
    """A fault and the step it strikes at. ``nth``: the how-manieth such call of the step it meets, counted from 1."""

    fault: Fault | None = None
    at: str = ""
    nth: int = 1
    step: str = CLAIM
    struck: datetime | None = None
    met: int = 0
    dead: bool = False
    log: list[tuple[str, str, str]] = field(default_factory=list)

    def meets(self, seam: str, verb: str, now: datetime) -> Fault | None:
        """The fault, where it strikes at this call."""
        if self.dead:
            raise Killed
        self.log.append((self.step, seam, verb))
        fault = self.fault
        if fault is None or not self.would_meet(seam, verb):
            return None
        if self.struck is not None:
            return fault if now < self.struck + timedelta(seconds=fault.lasts) else None
        if self.step != self.at:
            return None
        self.met += 1
        if self.met != self.nth:
            return None
        self.struck = now
        return fault

    def would_meet(self, seam: str, verb: str) -> bool:
        """Whether the fault is about such calls."""
        fault = self.fault
        if fault is None or (seam not in KILLED_AT if fault.seam == "process" else fault.seam != seam):
            return False
        return _is_meant(fault.calls, verb)

    def kill(self) -> None:
        """Nothing more happens in this process, whoever catches what."""
        self.dead = True
        raise Killed


def _is_meant(calls: str, verb: str) -> bool:
    return calls == "any" or (calls == "reading") == (verb in READING)


def fault_of(entry: Mapping[str, Any]) -> Fault:
    """A fault from its entry in faults.yaml."""
    headers = tuple(sorted(entry.get("headers", {}).items()))
    lists = {key: tuple(entry.get(key, ())) for key in ("engines", "steps")}
    return Fault(**{**entry, "headers": headers, **lists})
