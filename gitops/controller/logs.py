"""What a controller says of itself: one JSON object a line, on stderr, or plain lines for a person who watches."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops.redact import redact
from planner.pending import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitops.clock import Clock
    from gitops.controller.view import View


@dataclass(frozen=True, kw_only=True)
class Log:
    """Writes lines with ``write``. ``secrets`` are taken out of whatever is said."""

    clock: Clock
    write: Callable[[str], None]
    as_json: bool = True
    secrets: Sequence[str] = ()
    _hidden: set[str] = field(default_factory=set)

    def hide(self, texts: Sequence[str]) -> None:
        """Take these out of all lines from now on, too."""
        self._hidden.update(texts)

    def say(self, event: str, *, level: str = "info", **fields: object) -> None:
        """One line: what happened, and its figures."""
        at = rfc3339(self.clock.now())
        if self.as_json:
            line = json.dumps({"time": at, "level": level, "event": event, **fields}, ensure_ascii=False, default=str)
        else:
            told = " ".join(f"{name}={value}" for name, value in fields.items())
            line = f"{at} {event}{f' {told}' if told else ''}"
        self.write(redact(line, (*self.secrets, *sorted(self._hidden))))


def log_pass(log: Log, view: View) -> None:
    """The line of a pass: what it found, what it did, how long it took."""
    if view.problem:
        log.say("pass failed", level="error", cluster=view.cluster, problem=view.problem)
        return
    plan = view.planned.plan if view.planned else None
    done = view.proposed.done if view.proposed else ()
    log.say(
        "pass", cluster=view.cluster, pending=plan.pending.pods if plan else 0,
        changes=len(plan.changes) if plan else 0, unplaced=sum(len(one.pods) for one in plan.unplaced) if plan else 0,
        steps={one.kind: one.step.value for one in done if one.step.value not in ("rest", "await")},
        seconds={name: round(value, 3) for name, value in view.seconds.items()},
    )  # fmt: skip
