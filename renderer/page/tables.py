"""The page's tables: pods that wait, proposals, what is lacking, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
from renderer.page.markup import Html, element, link, void
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
"""Changes of the history that the page shows."""
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
        (element("td", tag(one.stands)), element("td", str(len(one.pods)), class_="n"),
         element("td", link(one.url, one.text) if one.url else one.text, _pods(one.pods), class_="w"))
        for one in waiting
    )  # fmt: skip
    return table("Pods that wait", ("state", "pods", "what for"), rows, right=(1,))


def offers_table(offers: Sequence[Offer], now: datetime | None) -> Html:
    today = now.isoformat() if now else ""
    rows = (
        (element("td", link(one.url, _named(one))), element("td", tag(one.state)),
         element("td", one.change, *([void("br"), element("small", one.reason)] if one.reason else []), class_="w"),
         element("td", time_text(one.since, now=today) or "–", class_="t"))
        for one in offers
    )  # fmt: skip
    return table("Open proposals", ("proposal", "state", "change", "since"), rows)


def missing_table(missing: Sequence[Missing], now: datetime | None) -> Html:
    today = now.isoformat() if now else ""
    rows = (
        (element("td", one.offering), element("td", f"{one.lack}, met by {one.pool}: {one.what}", class_="w"),
         element("td", time_text(one.until, now=today), class_="t"), element("td", one.remedy, class_="w"))
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


def table(
    name: str, head: Sequence[str], rows: Iterable[Sequence[Html]], *, right: Collection[int] = ()
) -> Html:  # fmt: skip
    """A table that scrolls by itself where the screen is narrow. ``right`` are the places of columns of figures."""
    heads = (element("th", one, scope="col", class_="n" if place in right else None) for place, one in enumerate(head))
    body = (element("tr", *row) for row in rows)
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


def _entry(one: Entry, now: datetime) -> tuple[Html, ...]:
    demand = ", ".join(shortened(demand_texts(one), WORKLOADS, "workload"))
    lines = [
        f"for {demand}" if demand else "",
        "; ".join(filter(None, (proposed_text(one), merged_text(one), approved_text(one)))), waited_text(one),
        *failure_texts(one), f"reason: {one.reason}" if one.reason else "",
    ]  # fmt: skip
    price = [element("div", figures_text(one)), *([element("small", text)] if (text := cost_text(one, now)) else [])]
    state = tag(one.outcome.value, _OUTCOMES.get(one.outcome, ""))
    said = outcome_text(one)
    return (
        element("td", name_of(one)), element("td", state, void("br"), element("small", said)),
        element("td", *price, class_="w"), element("td", *(element("div", line) for line in lines if line), class_="w"),
    )  # fmt: skip
