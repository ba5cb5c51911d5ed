"""Exact amounts: Kubernetes quantities as whole millicores or bytes, money as whole micro-units of a currency.

Rounding goes up, as in apimachinery's ``Quantity.Value()`` and ``MilliValue()``: a request is never made smaller.
"""

from __future__ import annotations

import re
from fractions import Fraction

from planner.errors import ValueRefused

_SUFFIXES: dict[str, Fraction] = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1),
    "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12),
    "P": Fraction(10**15), "E": Fraction(10**18),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40),
    "Pi": Fraction(2**50), "Ei": Fraction(2**60),
}  # fmt: skip
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?P<suffix>[eE][+-]?\d{1,3}|[numkMGTPE]|[KMGTPE]i)?", re.ASCII
)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)", re.ASCII)
_MONEY = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_DURATION_UNIT = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 10**3),
                  "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6), "ns": Fraction(1, 10**9)}  # fmt: skip
_LARGEST = 2**63 - 1
_LONGEST = 64  # characters: no number that means something has more, and Python refuses to read thousands of digits
MICRO = 1_000_000
HOURS_PER_MONTH = 730


def count(number: int, noun: str) -> str:
    """``1 pod``, ``2 pods``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def parse_quantity(text: str) -> Fraction:
    """A Kubernetes quantity (``500m``, ``1.5Gi``, ``2e3``) as an exact number of its base unit, never negative.

    As in Kubernetes, what is larger than 2⁶³ - 1 is taken as that.
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        shown = _shown(text)
        raise ValueRefused(f"{shown} is not a quantity; write a number with an optional suffix, like 500m, 2 or 1.5Gi")
    number, suffix = Fraction(match["number"]), match["suffix"] or ""
    scale = _SUFFIXES.get(suffix)
    value = number * (scale if scale is not None else Fraction(10) ** int(suffix[1:]))
    if value < 0:
        raise ValueRefused(f"{text!r} is negative; a quantity here is zero or more")
    return min(value, Fraction(_LARGEST))


def to_milli(text: str) -> int:
    """A quantity in thousandths, rounded up: ``"1"`` is 1000, ``"100u"`` is 1."""
    return _ceil(parse_quantity(text) * 1000)


def to_whole(text: str) -> int:
    """A quantity in whole units (bytes, devices), rounded up."""
    return _ceil(parse_quantity(text))


def parse_money(text: str) -> int:
    """A decimal amount like ``"0.0512"`` in micro-units; more than six decimals are rounded up."""
    if len(text) > _LONGEST or _MONEY.fullmatch(text) is None:
        raise ValueRefused(f"{_shown(text)} is not an amount of money; write a decimal like 0.0512")
    amount = Fraction(text)
    if amount < 0:
        raise ValueRefused(f"{text!r} is negative; an amount of money here is zero or more")
    if amount > 10**9:
        raise ValueRefused(f"{text!r} is not a believable price")
    return _ceil(amount * MICRO)


def format_money(micros: int, *, decimals: int = 2) -> str:
    """Micro-units as an exact decimal with at least ``decimals`` places: 51200 is ``0.0512``."""
    sign, rest = ("-" if micros < 0 else ""), abs(micros)
    fraction = f"{rest % MICRO:06d}".rstrip("0").ljust(decimals, "0")
    return f"{sign}{rest // MICRO}.{fraction}" if fraction else f"{sign}{rest // MICRO}"


def round_money(micros: int, *, decimals: int) -> str:
    """Micro-units rounded half away from zero to ``decimals`` places, for people."""
    step = 10 ** (6 - decimals)
    rounded = (abs(micros) + step // 2) // step * step
    whole, fraction = divmod(rounded, MICRO)
    text = f"{whole}.{fraction // step:0{decimals}d}" if decimals else str(whole)
    return f"-{text}" if micros < 0 and rounded else text


def parse_duration(text: str) -> int:
    """A Go duration (``1m``, ``1h30m``, ``720h``) in whole seconds, rounded up."""
    return _ceil(_seconds(text))


def parse_milliseconds(text: str) -> int:
    """A Go duration (``5s``, ``500ms``) in whole milliseconds, rounded up."""
    return _ceil(_seconds(text) * 1000)


def _seconds(text: str) -> Fraction:
    total, end = Fraction(0), 0
    for match in _DURATION_PART.finditer(text[:_LONGEST]):
        if match.start() != end:
            break
        total, end = total + Fraction(match[1]) * _DURATION_UNIT[match[2]], match.end()
    if end == 0 or end != len(text):
        shown = _shown(text)
        raise ValueRefused(f"{shown} is not a duration; write hours, minutes and seconds, like 720h, 1m or 1h30m")
    return total


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[:20]}…")


def _ceil(value: Fraction) -> int:
    return -((-value.numerator) // value.denominator)
