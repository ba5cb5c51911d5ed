"""The page's tables: pods that wait, proposals, what is lacking, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from renderer.history import (
    WORKLOADS,
    Outcome,
    approved_text,
    cost_text,
    demand_texts,
    failure_texts,
    figures_text,
    merged_text,
    name_of,
    outcome_text,
    proposed_text,
    total_text,
    waited_text,
)
from renderer.page.costs import cost_chart
from renderer.page.markup import Html, element, joined, link, void
from renderer.text import count, shortened
from renderer.wording import time_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from renderer.history import Entry, History
    from renderer.page.facts import Offer, Waiting
    from renderer.status import Missing

NAMED: Final = 200
"""Pods that are named in one row of what waits."""
ROWS: Final = 40
"""Rows of a table, newest or most urgent first; what is left is counted."""
TONES: Final = {
    "uncovered": "stop", "failed": "stop", "proposed": "wait", "planned": "wait", "approved": "go", "joining": "go",
    "fits": "go", "applying": "go",
}  # fmt: skip
_OUTCOMES: Final = {
    Outcome.APPLIED: "go", Outcome.COVERED: "go", Outcome.FAILED: "stop", Outcome.OPEN: "wait", Outcome.MERGED: "wait",
    Outcome.CLAIMED: "wait",
}  # fmt: skip


def waiting_table(waiting: Sequence[Waiting]) -> Html:
    """Each state with how many pods are in it; their names are behind a click."""
    rows = (
        (cell(tag(one.stands)), cell(str(len(one.pods)), look="n"),
         cell(link(one.url, one.text) if one.url else one.text, _pods(one.pods), look="w"))
        for one in waiting[:ROWS]
    )  # fmt: skip
    shown = table("Pods that wait", ("state", "pods", "how far"), rows, figures=(1,))
    left = sum(len(one.pods) for one in waiting[ROWS:])
    return joined((shown, element("p", f"and {count(left, 'pod')} more", class_="soft") if left else ""))


def offers_table(offers: Sequence[Offer], now: datetime | None) -> Html:
    today = now.isoformat() if now else ""
    rows = (
        (cell(link(one.url, _named(one))), cell(tag(one.state)),
         cell(one.change, *([void("br"), element("small", one.reason)] if one.reason else []), look="w"),
         cell(time_text(one.since, now=today) or "–", look="t"))
        for one in offers
    )  # fmt: skip
    return table("Open proposals", ("proposal", "state", "change", "since"), rows)


def missing_table(missing: Sequence[Missing], now: datetime | None) -> Html:
    today = now.isoformat() if now else ""
    rows = (
        (cell(one.offering), cell(f"{one.lack}, met by {one.pool}: {one.what}", look="w"),
         cell(time_text(one.until, now=today), look="t"), cell(one.remedy, look="w"))
        for one in missing
    )  # fmt: skip
    return table("Taken for unavailable", ("what", "why", "until", "remedy"), rows)


def history_part(history: History) -> Html:
    """The line of costs, what all came to, and the newest changes."""
    total = total_text(history)
    left = len(history.entries) - ROWS
    more = f"{count(left, 'older change')} more: poolplan history shows all" if left > 0 else ""
    return Html("".join((
        cost_chart(history), element("p", total) if total else "",
        table("History", ("change", "outcome", "nodes and price", "how it went"),
              (_entry(one, history.now) for one in history.entries[:ROWS])),
        element("p", more, class_="soft") if more else "",
    )))  # fmt: skip


class Cell(NamedTuple):
    """A cell's markup, and how it is set: ``n`` figures, ``w`` text that wraps, ``t`` text that does not."""

    content: Html
    look: str = ""


def cell(*children: str, look: str = "") -> Cell:
    return Cell(joined(children), look)


def table(name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], *, figures: Collection[int] = ()) -> Html:
    """A table. On a narrow screen each row is a list of its cells, with what the head says before each one.

    ``figures`` are the places of columns that are set to the right.
    """
    heads = [element("th", one, scope="col", class_="n" if place in figures else None)
             for place, one in enumerate(head)]  # fmt: skip
    body = (
        element("tr", *(
            element("td", one.content, class_=one.look or ("n" if place in figures else None), data_label=head[place])
            for place, one in enumerate(row)
        )) for row in rows
    )  # fmt: skip
    whole = element("table", element("thead", element("tr", *heads)), element("tbody", *body))
    return element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=name)


def tag(word: str, tone: str | None = None) -> Html:
    """A state as a word in a frame; the colour only repeats it."""
    return element("span", word, class_=f"tag {TONES.get(word, '') if tone is None else tone}".strip())


def _pods(pods: Sequence[str]) -> Html:
    if len(pods) == 1:
        return element("p", pods[0], class_="soft")
    names = ", ".join(shortened(pods, NAMED, "pod"))
    return element("details", element("summary", f"{pods[0]} and {len(pods) - 1} more"), element("p", names))


def _named(one: Offer) -> str:
    number = one.url.rpartition("/")[2]
    return f"{one.kind} #{number}" if number.isdigit() else f"{one.kind}, branch {one.branch}"


def _entry(one: Entry, now: datetime) -> tuple[Cell, ...]:
    demand = ", ".join(shortened(demand_texts(one), WORKLOADS, "workload"))
    lines = [
        f"for {demand}" if demand else "",
        "; ".join(filter(None, (proposed_text(one), merged_text(one), approved_text(one)))), waited_text(one),
        *failure_texts(one), f"reason: {one.reason}" if one.reason else "",
    ]  # fmt: skip
    price, since = [element("div", figures_text(one))], cost_text(one, now)
    price += [element("small", since)] if since else []
    state, said = tag(one.outcome.value, _OUTCOMES.get(one.outcome, "")), outcome_text(one)
    more = () if said == one.outcome.value else (void("br"), element("small", said))
    return (
        cell(name_of(one), look="t"), cell(state, *more),
        cell(*price, look="t"), cell(*(element("div", line) for line in lines if line), look="w"),
    )  # fmt: skip
