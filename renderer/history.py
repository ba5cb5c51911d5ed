"""What became of a cluster's proposals, as values, and as people read it in a terminal.

An entry is one proposal with the application that it led to, or an application that no proposal on record led to. Its
cost is its own price per hour times the hours since it was applied: what later changes took back is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from typing import TYPE_CHECKING

from renderer.text import count, hourly, money, one_line, rough_price, short_digest, shortened, wrapped
from renderer.wording import time_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime, timedelta

HOUR = 3600
WIDTH = 100
WORKLOADS = 6
"""Workloads that are named before "and so many more"."""


class Outcome(Enum):
    """How far an entry came. ``COVERED``: merged, and applied with a later change that goes the whole way."""

    OPEN = "open"
    SUPERSEDED = "superseded"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    COVERED = "covered"
    CLAIMED = "claimed"
    FAILED = "failed"
    APPLIED = "applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One proposal, or one change without any. Money is in micro-units of ``currency``, per hour and per month.

    ``number`` is its first record's. ``request`` is a pull request's number, 0 where there is none; ``commit`` is the
    commit on the main branch once it is claimed, before that the proposal's own. ``demand`` are (workload, pods),
    ``pending`` pods waited since ``since`` (RFC 3339, or empty). Times are None where they are not on record.
    ``approved_by`` counted when it was applied; ``ended_by`` declined or merged it. ``reason`` is why it ended.
    ``failures`` are (when, why). ``last`` is when anything was last recorded of it.
    """

    number: int
    kind: str
    outcome: Outcome
    proposal: bool
    digest: str
    last: datetime
    request: int = 0
    commit: str = ""
    added: int = 0
    removed: int = 0
    hourly: int = 0
    monthly: int = 0
    currency: str = ""
    demand: tuple[tuple[str, int], ...] = ()
    pending: int = 0
    since: str = ""
    revisions: int = 0
    proposed: datetime | None = None
    merged: datetime | None = None
    claimed: datetime | None = None
    applied: datetime | None = None
    approved_by: tuple[str, ...] = ()
    ended_by: tuple[str, ...] = ()
    reason: str = ""
    failures: tuple[tuple[datetime, str], ...] = ()
    holder: str = ""

    @property
    def for_people(self) -> int | None:
        """Seconds from the proposal to its merge."""
        return _between(self.proposed, self.merged)

    @property
    def to_start(self) -> int | None:
        """Seconds from the merge to the first claim."""
        return _between(self.merged, self.claimed)

    @property
    def for_cloud(self) -> int | None:
        """Seconds from the first claim until it was applied, tries that failed included."""
        return _between(self.claimed, self.applied)

    def cost(self, now: datetime) -> int | None:
        """Its price per hour times the hours since it was applied, in micro-units; None where it was not."""
        seconds = _between(self.applied, now)
        return None if seconds is None else _hours(self.hourly, seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The entries of a cluster in which anything happened since ``since``, newest first; None: all there are.

    ``applied`` counts everything that was ever applied, from ``begun`` on, and ``cost`` adds it up: (currency,
    micro-units) each.
    """

    cluster: str
    now: datetime
    since: datetime | None
    entries: tuple[Entry, ...]
    applied: int = 0
    begun: datetime | None = None
    cost: tuple[tuple[str, int], ...] = ()


def history_text(history: History) -> str:
    """The history for a terminal, a paragraph an entry, with a newline at the end."""
    lines = [f"{history.cluster}: {counted_text(history)}", ""]
    for entry in history.entries:
        lines.append(f"  {name_of(entry)}: {outcome_text(entry)}")
        for line in _lines(entry, history.now):
            lines += wrapped(one_line(line), width=WIDTH, first="      ", rest="        ")
        lines.append("")
    if total := total_text(history):
        lines += [*wrapped(total, width=WIDTH, first="", rest=""), ""]
    return "\n".join(lines[:-1]) + "\n"


def name_of(entry: Entry) -> str:
    """``up #12``, ``up change 1a2b3c4d5e6f`` where no proposal is on record, else ``up plan 1a2b3c4d5e6f``."""
    if entry.request:
        return one_line(f"{entry.kind} #{entry.request}")
    digest = short_digest(entry.digest)
    return one_line(f"{entry.kind} plan {digest}" if entry.proposal else f"{entry.kind} change {entry.commit[:12]}")


def outcome_text(entry: Entry) -> str:
    """How it ended, or where it stands, with when that was recorded."""
    at, by = _at(entry.last), ", ".join(map(one_line, entry.ended_by))
    texts = {
        Outcome.OPEN: "open", Outcome.SUPERSEDED: "another proposal took its place",
        Outcome.DECLINED: f"declined{f' by {by}' if by else ''}, {at}", Outcome.WITHDRAWN: f"withdrawn {at}",
        Outcome.MERGED: f"merged{f' by {by}' if by else ''}, not applied so far",
        Outcome.COVERED: "merged; what was applied later covers it",
        Outcome.CLAIMED: f"claimed by {one_line(entry.holder) or 'somebody'}, {at}; how that ended is not recorded yet",
        Outcome.FAILED: f"failed {at}", Outcome.APPLIED: f"applied {_at(entry.applied or entry.last)}",
    }  # fmt: skip
    return texts[entry.outcome]


def figures_text(entry: Entry) -> str:
    """``+2 -0 nodes, +€0.20/h (+€149/month)``."""
    return f"+{entry.added} -{entry.removed} nodes, {rough_price(entry.hourly, entry.monthly, entry.currency)}"


def waited_text(entry: Entry) -> str:
    """``waited 10 min for people, 5 s to start, 4 min for the cloud``; empty where nothing is known."""
    unknown = entry.merged is None  # a fast-forward in plain Git keeps no time of merging
    spans = (
        (_between(entry.proposed, entry.claimed) if unknown else None, "for its merge and to start"),
        (entry.for_people, "for people"), (entry.to_start, "to start"),
        (entry.for_cloud, "for the cloud, failed tries included" if entry.failures else "for the cloud"),
    )  # fmt: skip
    told = [f"{span_text(seconds)} {what}" for seconds, what in spans if seconds is not None]
    return f"waited {', '.join(told)}" if told else ""


def approved_text(entry: Entry, spell: Callable[[str], str] = one_line) -> str:
    """Whose word it was applied on; empty before it was claimed. ``spell`` makes logins harmless."""
    if entry.claimed is None:
        return ""
    if entry.approved_by:
        return f"approved by {', '.join(map(spell, entry.approved_by))}"
    return "applied without an approval: none was asked for" if entry.request else "approved by its merge"


def cost_text(entry: Entry, now: datetime) -> str:
    """What it cost since it was applied; empty where it was not."""
    cost, seconds = entry.cost(now), _between(entry.applied, now)
    if cost is None or seconds is None:
        return ""
    amount = money(cost, entry.currency, decimals=2, signed=True)
    return f"{amount} since: {span_text(seconds)} at {hourly(entry.hourly, entry.currency, signed=True)}/h"


def total_text(history: History) -> str:
    """What all that was ever applied cost; empty where nothing was."""
    if history.begun is None:
        return ""
    amounts = ", ".join(money(amount, currency, decimals=2, signed=True) for currency, amount in history.cost)
    return (
        f"All that was applied since {_at(history.begun)}, {count(history.applied, 'change')}: {amounts} so far. "
        "Each counts with its own price per hour, at its plan's prices, times the hours since."
    )


def demand_texts(entry: Entry) -> list[str]:
    """``3 × Deployment default/web`` for each workload."""
    return [f"{pods} × {workload}" for workload, pods in entry.demand]


def pending_text(entry: Entry) -> str:
    """``3 pods waited since 2026-03-01 09:12 UTC``; empty where none did."""
    if not entry.pending:
        return ""
    since = time_text(entry.since, now="")
    return f"{count(entry.pending, 'pod')} waited" + (f" since {since}" if since else "")


def proposed_text(entry: Entry) -> str:
    """When it was proposed, and how often it was revised."""
    if entry.proposed is None:
        return ""
    times = {0: "", 1: ", revised once"}.get(entry.revisions, f", revised {entry.revisions} times")
    return f"proposed {_at(entry.proposed)}{times}"


def merged_text(entry: Entry) -> str:
    return f"merged {_at(entry.merged)}" if entry.merged else ""


def failure_texts(entry: Entry) -> list[str]:
    return [f"failed {_at(when)}: {why}" for when, why in entry.failures]


def span_text(seconds: int) -> str:
    """Its two largest units: ``45 s``, ``10 min``, ``2 h 5 min``, ``3 d 4 h``."""
    units = ((86400, "d"), (HOUR, "h"), (60, "min"), (1, "s"))
    for place, (size, unit) in enumerate(units):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            smaller, name = units[min(place + 1, len(units) - 1)]
            more = rest // smaller
            return f"{whole} {unit} {more} {name}" if more else f"{whole} {unit}"
    return "0 s"


def counted_text(history: History) -> str:
    """How many entries follow, and of what time."""
    since = f" since {_at(history.since)}" if history.since else ""
    if not history.entries:
        return f"nothing was proposed or applied{since}"
    return f"{count(len(history.entries), 'change')}{since}, the newest first"


def _lines(entry: Entry, now: datetime) -> Iterator[str]:
    yield figures_text(entry)
    demand = ", ".join(shortened(demand_texts(entry), WORKLOADS, "workload"))
    if about := "; ".join(filter(None, (f"for {demand}" if demand else "", pending_text(entry)))):
        yield about
    told = (proposed_text(entry), merged_text(entry), approved_text(entry))
    if whole := "; ".join(filter(None, told)):
        yield whole
    if waited := waited_text(entry):
        yield waited
    yield from failure_texts(entry)
    if entry.reason:
        yield f"reason: {entry.reason}"
    if cost := cost_text(entry, now):
        yield cost


def _at(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _between(start: datetime | None, end: datetime | None) -> int | None:
    """Whole seconds; none where clocks disagree about which came first."""
    if start is None or end is None:
        return None
    span: timedelta = end - start
    return max(0, int(span.total_seconds()))


def _hours(hourly: int, seconds: int) -> int:
    """So many hours at this price, to the nearest micro-unit."""
    amount = (2 * abs(hourly) * seconds + HOUR) // (2 * HOUR)
    return -amount if hourly < 0 else amount
