"""Words and figures for people, the same in every view: money, counts, and text from elsewhere made harmless."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import TYPE_CHECKING

from planner.quantity import count as count  # noqa: PLC0414 - one of the words of every view
from planner.quantity import round_money

if TYPE_CHECKING:
    from collections.abc import Sequence

_BEFORE = {"EUR": "€", "USD": "$", "GBP": "£", "CAD": "CA$", "AUD": "A$", "SGD": "S$", "INR": "₹"}
_AFTER = {"PLN": " zł", "CZK": " Kč"}
_CODE = re.compile(r"[A-Z]{3}")
ELLIPSIS = "…"


def one_line(text: str) -> str:
    """Text from a cluster or a person as one line: white space is one space, what cannot be seen is its code point."""
    return "".join(char if char.isprintable() else code_point(char) for char in " ".join(text.split()))


def money(micros: int, currency: str, *, decimals: int, signed: bool = False) -> str:
    """An amount with its currency's sign: ``€0.1023``, ``-$2.50``, ``1.00 zł``, ``3.00 MAD``; ``¤`` for no currency."""
    figures = amount(micros, decimals=decimals, signed=signed)
    if currency not in _BEFORE and _CODE.fullmatch(currency):
        return f"{figures}{_AFTER.get(currency, f' {currency}')}"
    sign = figures[:1] if figures[0] in "+-" else ""
    return f"{sign}{currency_sign(currency)}{figures.removeprefix(sign)}"


def amount(micros: int, *, decimals: int, signed: bool = False) -> str:
    """The figures alone: ``0.1023``, ``-2.50``; ``signed``: ``+2.50``. Nothing is neither more nor less."""
    figures = round_money(abs(micros), decimals=decimals)
    zero = not figures.strip("0.")
    return f"{'' if zero else '-' if micros < 0 else '+' if signed else ''}{figures}"


def currency_sign(currency: str) -> str:
    """``€``, ``zł``, ``MAD``; ``¤`` for no currency."""
    known = _BEFORE.get(currency) or _AFTER.get(currency, "").strip()
    return known or (currency if _CODE.fullmatch(currency) else "¤")


def hourly(micros: int, currency: str, *, signed: bool = False) -> str:
    """With four places, as prices of flavors are given."""
    return money(micros, currency, decimals=4, signed=signed)


def monthly(micros: int, currency: str, *, signed: bool = False) -> str:
    return money(micros, currency, decimals=2, signed=signed)


def rough_price(hours: int, months: int, currency: str) -> str:
    """For one glance, signed: ``+€0.20/h (+€149/month)``; a small amount keeps the places that make it one."""
    hourly_places = 2 if abs(hours) >= 100_000 or not hours else 4
    monthly_places = 0 if abs(months) >= 10_000_000 or not months else 2
    hour = money(hours, currency, decimals=hourly_places, signed=True)
    return f"{hour}/h ({money(months, currency, decimals=monthly_places, signed=True)}/month)"


def short_digest(digest: str) -> str:
    """The first twelve digits of a plan's digest, as people see it everywhere."""
    return digest.removeprefix("sha256:")[:12]


def columns(text: str) -> int:
    """How many columns of a terminal the text takes; East Asian wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def pad(text: str, width: int) -> str:
    """The text with spaces up to a number of columns."""
    return text + " " * max(0, width - columns(text))


def wrapped(text: str, *, width: int, first: str, rest: str) -> list[str]:
    """Lines of at most ``width`` columns where words allow it. A name or a path is never broken."""
    return textwrap.wrap(
        text, width=max(width, 40), initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def shortened(items: Sequence[str], limit: int, noun: str) -> list[str]:
    """The first items, and how many more there are."""
    if len(items) <= limit + 1:
        return list(items)
    return [*items[:limit], f"{ELLIPSIS} and {count(len(items) - limit, noun)} more"]


def code_point(char: str) -> str:
    """``\\x1b``, ``\\u202e``."""
    number = ord(char)
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
