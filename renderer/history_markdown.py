"""A cluster's history as Markdown: a table at a glance, then what people said of each entry.

Workloads, logins and reasons are other people's text, and escaped (``renderer.escape``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from renderer.escape import code, short_prose
from renderer.history import (
    WORKLOADS,
    Outcome,
    approved_text,
    counted_text,
    failure_texts,
    merged_text,
    name_of,
    pending_text,
    proposed_text,
    span_text,
    total_text,
)
from renderer.text import hourly, money, monthly, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from renderer.history import Entry, History

_LONGEST = 1000
_HEAD = (
    "| change | outcome | nodes | per hour | per month | for people | to start | for the cloud | cost since |",
    "|---|---|---|---|---|---|---|---|---|",
)


def history_markdown(history: History) -> str:
    """The history as Markdown, with a newline at the end."""
    lines = [f"Cluster {code(history.cluster)}: {counted_text(history)}.", ""]
    if history.entries:
        lines += [*_HEAD, *(_row(entry, history.now) for entry in history.entries), ""]
    for entry in history.entries:
        lines += [f"**{code(name_of(entry))}**", "", *(f"- {item}" for item in _items(entry)), ""]
    if total := total_text(history):
        lines += [total, ""]
    return "\n".join(lines[:-1]) + "\n"


def _row(entry: Entry, now: datetime) -> str:
    cost = entry.cost(now)
    cells = (
        code(name_of(entry), in_table=True), entry.outcome.value, f"+{entry.added} -{entry.removed}",
        hourly(entry.hourly, entry.currency, signed=True), monthly(entry.monthly, entry.currency, signed=True),
        *(("" if span is None else span_text(span)) for span in (entry.for_people, entry.to_start, entry.for_cloud)),
        "" if cost is None else money(cost, entry.currency, decimals=2, signed=True),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _items(entry: Entry) -> Iterator[str]:
    workloads = [f"{pods} × {code(workload)}" for workload, pods in entry.demand]
    if workloads:
        yield f"for {', '.join(shortened(workloads, WORKLOADS, 'workload'))}"
    for text in (pending_text(entry), proposed_text(entry), merged_text(entry), _words(entry)):
        if text:
            yield text
    for text in failure_texts(entry):
        yield short_prose(text, _LONGEST)
    if entry.reason:
        yield f"reason: {short_prose(entry.reason, _LONGEST)}"
    if entry.outcome is Outcome.CLAIMED:
        yield f"claimed by {code(entry.holder)}; how that ended is not recorded yet"


def _words(entry: Entry) -> str:
    """Whose words counted: those who approved, or who declined it."""
    if entry.outcome is Outcome.DECLINED and entry.ended_by:
        return f"declined by {', '.join(map(code, entry.ended_by))}"
    return approved_text(entry, code)
