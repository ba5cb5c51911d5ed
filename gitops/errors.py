"""The errors that reach a user, named by what happens next.

PoolplanError            one line for people: what happened, to what, what to do next
├── InputError           a user's file or option is wrong; carries file:line:column
│   └── InputErrors      several at once, one a line
├── Waiting              trying again later may work (429, a busy pool, a held lock)
│   ├── Overtaken        somebody else wrote first: look again at what is there now
│   └── Interrupted      this process is ending, or may not act any more: what was begun goes on elsewhere or later
├── Stalled              a person must act first (rights, quota, a diverged repository)
├── Refused              a gate said no (guardrail, approval, agreement): exit code 3
└── Fatal                this process cannot go on (a missing program, a broken installation)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExitCode(IntEnum):
    """What the command's exit status says; the same for every command."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    REFUSED = 3


class PoolplanError(Exception):
    """Root of everything poolplan reports; ``str(error)`` is one line without secrets, ``reasons`` are further ones."""

    exit_code = ExitCode.FAILED
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a user's file something stands; line and column count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class InputError(PoolplanError):
    """A user's file or option is wrong. ``path`` is the field, like ``spec.limits.cpu``."""

    def __init__(self, message: str, *, place: Place | None = None, path: str = "") -> None:
        self.message = message
        self.place = place
        self.path = path
        where = f"{place}: " if place else ""
        field = f"{path}: " if path else ""
        super().__init__(f"{where}{field}{message}")


class InputErrors(InputError):
    """Several faults of one input, in the order of their places; ``str(error)`` has one a line."""

    def __init__(self, errors: Sequence[InputError], *, left_out: int = 0) -> None:
        lines = [str(error) for error in errors] + ([f"and {left_out} more"] if left_out else [])
        super().__init__("\n".join(lines))
        self.errors = tuple(errors)


class Waiting(PoolplanError):
    """Trying again may work; ``retry_after`` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = 10.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Overtaken(Waiting):
    """Somebody else wrote first, so nothing was written: look at it all again, at once."""


class Interrupted(Waiting):
    """This process is ending, or does not lead any more. Nothing failed: what was begun is gone on with."""


class Stalled(PoolplanError):
    """A person must act before trying again makes sense."""


class Refused(PoolplanError):
    """A gate said no. ``reasons`` are whole sentences, at least one. ``changed``: part of the work was done by then."""

    exit_code = ExitCode.REFUSED
    changed = False

    def __init__(self, message: str, *, reasons: tuple[str, ...] = ()) -> None:
        self.reasons = reasons
        super().__init__(message)


class Fatal(PoolplanError):
    """This process cannot go on: a program is missing or the installation is broken."""
