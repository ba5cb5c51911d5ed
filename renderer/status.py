"""How a cluster stands, as a value, and on one screen: what main asks for, what is under way, what is lacking."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from renderer.text import ELLIPSIS, columns, count, one_line, pad, short_digest
from renderer.wording import time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST = 90
"""Columns of the last cell of a line: one change, one line; the document has all of it."""


class State(Enum):
    """How far a change of main is. ``READY``: approved, and applied next."""

    WITHHELD = "withheld"
    READY = "ready"
    APPLYING = "applying"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One change of main that was not applied yet. Times are RFC 3339, empty where there is none.

    ``reasons`` say why it is withheld, or how it failed; ``attempts`` how often, ``again`` when it is tried next.
    """

    commit: str
    digest: str
    kind: str
    state: State
    request: int = 0
    added: int = 0
    removed: int = 0
    reasons: tuple[str, ...] = ()
    attempts: int = 0
    again: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who applies now, what, and how long that holds others back."""

    holder: str
    digest: str
    since: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastStep:
    """The newest step in the journal of this machine: ``state`` is begun, done or failed."""

    step: str
    digest: str
    state: str
    at: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What is taken for unavailable, until when, and why; ``pool`` met it."""

    offering: str
    lack: str
    until: str
    pool: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A proposal that stands: what it needs, as sentences."""

    kind: str
    branch: str
    digest: str
    request: int = 0
    url: str = ""
    added: int = 0
    removed: int = 0
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One cluster. ``applied`` is the commit that was applied last, empty where none was.

    ``drift`` None: the provider was not asked, and ``unasked`` says why.
    """

    cluster: str
    now: str
    main: str
    applied: str = ""
    asks: tuple[Ask, ...] = ()
    freeze: str = ""
    claim: Claim | None = None
    step: LastStep | None = None
    missing: tuple[Missing, ...] = ()
    offers: tuple[Offer, ...] = ()
    drift: int | None = None
    unasked: str = ""


def status_text(status: Status) -> str:
    """The status for a terminal, with a newline at the end."""
    facts = [f"{pad(name, 9)} {one_line(text)}" for name, text in _facts(status)]
    tables = [
        _table(("CHANGE", "KIND", "REQUEST", "NODES", "STATE"), [_ask(one, status.now) for one in status.asks]),
        _table(("UNAVAILABLE", "UNTIL", "WHY"), [
            (one.offering, time_text(one.until, now=status.now), f"{one.lack}, met by {one.pool}: {one.what}")
            for one in status.missing
        ]),
        _table(("PROPOSAL", "REQUEST", "NODES", "NEEDS"), [
            (one.kind, _request(one.request), _nodes(one.added, one.removed), "; ".join(one.needs) or "nothing")
            for one in status.offers
        ]),
    ]  # fmt: skip
    return "\n\n".join("\n".join(lines) for lines in (facts, *tables) if lines) + "\n"


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    yield "Cluster", status.cluster
    yield "Main", f"{status.main[:12]}, {_main(status)}"
    if status.freeze:
        yield "Frozen", status.freeze
    if status.claim is not None:
        one = status.claim
        since, until = (time_text(time, now=status.now) for time in (one.since, one.until))
        what = short_digest(one.digest)
        yield "Claim", f"{one.holder} has been applying {what} since {since}; it holds until {until}"
    if status.step is not None:
        yield "Step", _step(status.step, status.now)
    yield "Drift", _drift(status)


def _main(status: Status) -> str:
    if status.asks:
        waits = "1 change waits" if len(status.asks) == 1 else f"{len(status.asks)} changes wait"
        return f"{waits} to be applied"
    return "applied" if status.applied else "nothing was ever applied"


def _step(step: LastStep, now: str) -> str:
    """What begun means is known to whoever sees the process: it is under way, or was cut off."""
    at, short = time_text(step.at, now=now), short_digest(step.digest)
    if step.state == "begun":
        return f"{step.step} of {short}, begun {at} on this machine, and under way or cut off"
    ending = f": {step.text}" if step.text else ""
    return f"{step.step} of {short}, {step.state} {at} on this machine{ending}"


def _drift(status: Status) -> str:
    if status.drift is None:
        return f"not known: {status.unasked}"
    return count(status.drift, "difference") if status.drift else "none"


def _ask(one: Ask, now: str) -> tuple[str, ...]:
    state = one.state.value
    if one.attempts:
        state += f" {count(one.attempts, 'time')}"
    if one.again:
        state += f", next try {time_text(one.again, now=now)}"
    if one.reasons:
        state += f": {'; '.join(one.reasons)}"
    return one.commit[:12], one.kind, _request(one.request), _nodes(one.added, one.removed), state


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows below their head, each column as wide as it must be; the last one is cut where it is long."""
    if not rows:
        return []
    clean = [head, *(tuple(one_line(cell) for cell in row) for row in rows)]
    widths = [max(columns(row[place]) for row in clean) for place in range(len(head) - 1)]
    return [
        "  ".join([*(pad(cell, width) for cell, width in zip(row, widths, strict=False)), _cut(row[-1])]).rstrip()
        for row in clean
    ]  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + ELLIPSIS


def _request(number: int) -> str:
    return f"#{number}" if number else "-"


def _nodes(added: int, removed: int) -> str:
    return " ".join([*([f"+{added}"] if added else []), *([f"-{removed}"] if removed else [])]) or "-"
