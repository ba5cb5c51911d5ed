"""The cost over time as a step line: what the applied changes added to the price of an hour, one after the other.

Each counts with its own price, at its plan's prices, as the history does. What other hands changed is not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from renderer.page.markup import Html, element, void
from renderer.text import count, hourly
from renderer.wording import time_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from renderer.history import History

WIDE: Final = 1000
HIGH: Final = 100
Step = tuple["datetime", int]


def steps_of(history: History, currency: str) -> tuple[Step, ...]:
    """When the sum changed, and to what (micro-units per hour): the first change first."""
    applied = sorted(
        (one.applied, one.number, one.hourly) for one in history.entries if one.applied and one.currency == currency
    )
    total, found = 0, []
    for at, _, change in applied:
        total += change
        found.append((at, total))
    return tuple(found)


def cost_chart(history: History) -> Html:
    """The line of each currency (nearly always one) with its ends in words; empty where nothing was applied."""
    currencies = sorted({one.currency for one in history.entries if one.applied})
    return Html("".join(_chart(steps_of(history, currency), history.now, currency) for currency in currencies))


def _chart(steps: Sequence[Step], now: datetime, currency: str) -> Html:
    begun, last = steps[0][0], steps[-1][1]
    values = [0, *(value for _, value in steps)]
    low, high = min(values), max(values)
    if low == high:
        return Html("")
    since = time_text(begun.isoformat(), now="")
    told = f"{count(len(steps), 'change')} from {since} on; at the end {_price(last, currency)} per hour"
    line, zero = _line(steps, now, low, high), _height(0, low, high)
    svg = element(
        "svg", element("title", f"Cost per hour of what was applied: {told}"),
        void("path", class_="under", d=f"{line}V{zero}H0z"), void("path", class_="zero", d=f"M0 {zero}H{WIDE}"),
        void("path", class_="step", d=line), viewBox=f"0 -2 {WIDE} {HIGH + 4}", preserveAspectRatio="none", role="img",
    )  # fmt: skip
    top = element("span", f"most {_price(high, currency)}/h, least {_price(low, currency)}/h")
    end = element("span", f"now {_price(last, currency)}/h")
    left, right = (element("span", time_text(at.isoformat(), now="")) for at in (begun, now))
    head = element("h3", "What the applied changes added to the cost of an hour")
    axes = (element("div", *pair, class_="axis") for pair in ((top, end), (left, right)))
    return element("div", head, next(axes), svg, next(axes), class_="chart")


def _line(steps: Sequence[Step], now: datetime, low: int, high: int) -> str:
    """From nothing up or down at each change, then level until now."""
    begun = steps[0][0]
    span = max(1, int((now - begun).total_seconds()))
    path = f"M0 {_height(0, low, high)}"
    for at, value in steps:
        path += f"H{min(WIDE, WIDE * max(0, int((at - begun).total_seconds())) // span)}V{_height(value, low, high)}"
    return f"{path}H{WIDE}"


def _height(value: int, low: int, high: int) -> int:
    return HIGH - HIGH * (value - low) // (high - low)


def _price(micros: int, currency: str) -> str:
    return hourly(micros, currency, signed=True)
