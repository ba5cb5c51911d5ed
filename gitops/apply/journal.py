"""What an apply has begun and ended, step by step, written down before and after each one.

Nothing is decided by it: a step that is repeated finds what is in effect already. It tells people where an apply is,
and, after a process was killed, where it was.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gitops.apply.steps import Act, Step
from gitops.errors import PoolplanError, Stalled
from gitops.files import replacing, settle
from planner.pending import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.clock import Clock

BEGUN, DONE, FAILED = "begun", "done", "failed"
LONGEST = 400
"""Entries that are kept: some dozen applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``state`` is begun, done or failed, ``text`` why it failed; ``at`` is RFC 3339, ``digest`` the plan's."""

    at: str
    digest: str
    step: Step
    state: str
    text: str = ""


class Journal(Protocol):
    """Where entries go. ``add`` returns once the entry would survive the process; it raises Stalled when it cannot."""

    def add(self, entry: Entry) -> None: ...
    def entries(self) -> tuple[Entry, ...]: ...


@dataclass
class MemoryJournal:
    """A journal that ends with the process."""

    kept: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        self.kept.append(entry)

    def entries(self) -> tuple[Entry, ...]:
        return tuple(self.kept)


class FileJournal:
    """One JSON object a line in a file of this machine. A last line that was cut off is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, entry: Entry) -> None:
        line = json.dumps(_document(entry), ensure_ascii=False) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._mend()
            with self._path.open("ab") as stream:
                stream.write(line.encode())
                settle(stream)
        except OSError as error:
            raise Stalled(f"the journal {self._path} cannot be written: {error.strerror or error}; nothing goes on "
                          "without it") from error  # fmt: skip

    def entries(self) -> tuple[Entry, ...]:
        return tuple(found for line in self._lines() if (found := _entry(line)) is not None)

    def _mend(self) -> None:
        """Cut off half a line, and old entries once there are too many."""
        lines = self._lines()
        whole = [line for line in lines if line.endswith("\n")]
        if len(whole) == len(lines) and len(lines) < 2 * LONGEST:
            return
        with replacing(self._path) as stream:
            stream.write("".join(whole[-LONGEST:]).encode())
            settle(stream)

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text("utf-8", errors="replace").splitlines(keepends=True)
        except FileNotFoundError:
            return []


@contextmanager
def noted(journal: Journal, clock: Clock, digest: str, step: Step) -> Iterator[None]:
    """Note that a step begins, and how it ends."""

    note(journal, clock, digest, step, BEGUN)
    try:
        yield
    except PoolplanError as error:
        note(journal, clock, digest, step, FAILED, str(error))
        raise
    note(journal, clock, digest, step, DONE)


def note(journal: Journal, clock: Clock, digest: str, step: Step, state: str, text: str = "") -> None:
    """Add an entry as of now."""
    journal.add(Entry(at=rfc3339(clock.now()), digest=digest, step=step, state=state, text=text))


def interrupted(journal: Journal, digest: str) -> Step | None:
    """The step of this plan in which an apply came to no end."""
    last = next((one for one in reversed(journal.entries()) if one.digest == digest), None)
    return last.step if last is not None and last.state == BEGUN else None


def _document(entry: Entry) -> dict[str, object]:
    step = entry.step
    return {
        "at": entry.at, "digest": entry.digest, "step": step.act.value, "pools": list(step.pools),
        "nodes": list(step.nodes), "state": entry.state, "text": entry.text,
    }  # fmt: skip


def _entry(line: str) -> Entry | None:
    try:
        found = json.loads(line)
        step = Step(Act(found["step"]), tuple(found["pools"]), tuple(found["nodes"]))
        return Entry(at=found["at"], digest=found["digest"], step=step, state=found["state"], text=found["text"])
    except (ValueError, KeyError, TypeError):
        return None
