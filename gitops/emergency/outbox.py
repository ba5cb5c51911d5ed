"""What was applied in an emergency and is not in Git yet: kept on this machine until Git takes it.

An entry is written before anything is applied. So neither a process that is killed nor a Git that is away loses it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from gitops.apply.shortages import Shortage
from gitops.errors import Stalled
from gitops.files import replacing, settle
from planner.errors import ValueRefused
from renderer.document import plan_text
from renderer.document_read import read_plan_text
from renderer.text import short_digest

if TYPE_CHECKING:
    from pathlib import Path

    from planner.plan import Plan

FOLDER = "emergencies"
BEGUN, DONE, FAILED = "begun", "done", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An emergency: the plan, why, by whom, when (RFC 3339). ``state``: begun, done or failed, with ``text`` why.

    ``shortages`` are what the cloud lacked, where that let it fail.
    """

    plan: Plan
    reason: str
    by: str
    at: str
    state: str = BEGUN
    text: str = ""
    shortages: tuple[Shortage, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.at.replace(':', '')}-{short_digest(self.plan.digest)}.json"


class Outbox:
    """A folder with one file an entry, for one cluster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, entry: Entry) -> None:
        """Keep it, in place of what was kept of the same emergency. Raises Stalled where that is not possible."""
        document = {
            "at": entry.at, "by": entry.by, "reason": entry.reason, "state": entry.state, "text": entry.text,
            "shortages": [asdict(one) for one in entry.shortages], "plan": json.loads(plan_text(entry.plan)),
        }  # fmt: skip
        path = self._folder / entry.name
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(path) as stream:
                stream.write(json.dumps(document, indent=2).encode())
                settle(stream)
        except OSError as error:
            raise Stalled(f"{path} cannot be written: {error.strerror or error}; without a record nothing is applied"
                          ) from error  # fmt: skip

    def drop(self, entry: Entry) -> None:
        """It is in Git now, or was never begun."""
        (self._folder / entry.name).unlink(missing_ok=True)

    def entries(self) -> tuple[Entry, ...]:
        """What waits for Git, oldest first. Raises Stalled for a file that is none: it is not taken for nothing."""
        if not self._folder.is_dir():
            return ()
        return tuple(_read(path) for path in sorted(self._folder.glob("*.json")))


def outbox_of(state: Path, name: str) -> Outbox:
    """Where emergencies of a cluster wait for Git, below the state folder."""
    return Outbox(state / FOLDER / name)


def _read(path: Path) -> Entry:
    try:
        found = json.loads(path.read_text("utf-8"))
        plan = read_plan_text(json.dumps(found["plan"]), file=str(path))
        shortages = tuple(Shortage(**one) for one in found.get("shortages", ()))
        texts = {name: str(found[name]) for name in ("reason", "by", "at", "state", "text")}
        return Entry(plan=plan, shortages=shortages, **texts)
    except (OSError, ValueError, KeyError, TypeError, ValueRefused) as error:
        raise Stalled(f"{path} holds no emergency that can be read: {error}. Put it back, or move it away once its "
                      "pools are in Git") from error  # fmt: skip
