"""Quantities, money and durations: exact, rounded up, and refused with a remedy when they are none."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import ValueRefused
from planner.quantity import (
    MICRO,
    format_money,
    parse_duration,
    parse_money,
    parse_quantity,
    round_money,
    to_milli,
    to_whole,
)
from planner.resources import CPU, MEMORY, MOST, describe_amount, format_amount, parse_amount

QUANTITIES = {
    "0": 0, "1": 1, "+1": 1, "1.": 1, ".5": Fraction(1, 2), "0.5": Fraction(1, 2), "007": 7, "-0": 0,
    "1n": Fraction(1, 10**9), "1u": Fraction(1, 10**6), "500m": Fraction(1, 2), "1k": 1000, "1M": 10**6,
    "1G": 10**9, "1T": 10**12, "1P": 10**15, "1E": 10**18, "1Ki": 1024, "1Mi": 1024**2, "1.5Gi": 3 * 2**29,
    "1Ti": 2**40, "1Pi": 2**50, "1Ei": 2**60, "2e3": 2000, "2E3": 2000, "2e+3": 2000, "5e-1": Fraction(1, 2),
    "1.5e1": 15, "12e0": 12, "9223372036854775807": 2**63 - 1,
    "9223372036854775808": 2**63 - 1, "8Ei": 2**63 - 1, "1e19": 2**63 - 1, "1e30": 2**63 - 1, "1e999": 2**63 - 1,
}  # fmt: skip
NO_QUANTITIES = (
    "", " ", "1.5.2", "-3", "-1m", "1 Gi", " 1", "1\n", "Gi", ".", "+", "e3", "1e", "1e3Ki", "1K", "1mi", "1gi", "1GB",
    "1i", "0x10", "1_000", "1,5", "NaN", "inf", "٣", "1e9999", "9" * 5000,
    "1." + "0" * 5000,
)  # fmt: skip


@pytest.mark.parametrize(("text", "value"), QUANTITIES.items())
def test_a_quantity_is_read_exactly(text: str, value: Fraction | int) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize("text", NO_QUANTITIES)
def test_what_is_no_quantity_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        parse_quantity(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("text", "milli", "whole"),
    [("1", 1000, 1), ("100u", 1, 1), ("1n", 1, 1), ("1500m", 1500, 2), ("0.0001", 1, 1), ("0", 0, 0), ("1.0", 1000, 1)],
)
def test_rounding_goes_up_because_a_request_is_never_made_smaller(text: str, milli: int, whole: int) -> None:
    assert (to_milli(text), to_whole(text)) == (milli, whole)


def test_cpu_counts_in_thousandths_and_everything_else_in_ones() -> None:
    assert (parse_amount("cpu", "250m"), parse_amount("memory", "1Ki"), parse_amount("nvidia.com/gpu", "2")) == (
        250, 1024, 2,
    )  # fmt: skip


def test_more_than_any_machine_has_is_as_much_as_nothing_overflows_with() -> None:
    assert {parse_amount(name, text) for name in ("cpu", "memory") for text in ("1e30", "2Ei", "1e18")} == {MOST}


whole_numbers = st.integers(min_value=0, max_value=2**62)


@given(whole_numbers)
def test_a_plain_number_means_itself(number: int) -> None:
    assert parse_quantity(str(number)) == number


@given(st.sampled_from([CPU, MEMORY]), st.integers(min_value=0, max_value=2**50))
def test_an_amount_that_is_written_is_read_back(name: str, amount: int) -> None:
    assert parse_amount(name, format_amount(name, amount)) == amount


@given(st.decimals(min_value=0, max_value=10**6, places=9))
def test_rounding_up_never_loses_and_never_adds_a_whole_unit(number: object) -> None:
    exact = parse_quantity(str(format(number, "f")))  # type: ignore[str-format] # a Decimal
    assert exact <= Fraction(to_milli(format(number, "f")), 1000) < exact + Fraction(1, 1000)  # type: ignore[str-format]


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_is_refused(text: str) -> None:
    for parse in (parse_quantity, parse_money, parse_duration):
        with suppress(ValueRefused):
            assert parse(text) >= 0


@pytest.mark.parametrize(
    ("name", "amount", "text"),
    [
        (CPU, 1840, "1840m"), (CPU, 2000, "2"), (MEMORY, 6 * 2**30, "6Gi"), (MEMORY, 6 * 10**9, "5.6Gi"),
        (MEMORY, 512 * 2**20, "512Mi"), (MEMORY, 0, "0"), (MEMORY, 1, "1"), (MEMORY, 1536, "1.5Ki"), (MEMORY, 10**6, "976.6Ki"), ("pods", 110, "110"),
        (MEMORY, 1_234_567 * 2**30, "1234567Gi"),
    ],
)  # fmt: skip
def test_amounts_for_people(name: str, amount: int, text: str) -> None:
    assert describe_amount(name, amount) == text


# Money


@pytest.mark.parametrize(
    ("text", "micros"),
    [("0.0512", 51200), ("25.17", 25_170_000), ("0", 0), ("1", MICRO), ("0.0000001", 1), ("1e-7", 1), ("1000000000", 10**15)],
)
def test_money_is_read_as_micro_units_rounded_up(text: str, micros: int) -> None:
    assert parse_money(text) == micros


@pytest.mark.parametrize(
    "text", ["", "free", "-0.01", "NaN", "Infinity", "1e10", "1,5", "0.05 EUR", "1_0", "٣", "1e-999999999", "9" * 5000]
)
def test_what_is_no_amount_of_money_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        parse_money(text)


@given(st.integers(min_value=0, max_value=10**15))
def test_money_is_written_exactly_and_read_back(micros: int) -> None:
    assert parse_money(format_money(micros)) == micros


@given(st.integers(min_value=-(10**15), max_value=10**15), st.integers(min_value=0, max_value=6))
def test_rounded_money_is_nearest(micros: int, decimals: int) -> None:
    text = round_money(micros, decimals=decimals)
    assert abs(Fraction(text) * MICRO - micros) * 2 <= 10 ** (6 - decimals)
    assert len(text.partition(".")[2]) == decimals
    assert text.strip("-0.") or not text.startswith("-")


@pytest.mark.parametrize(
    ("micros", "text"), [(51200, "0.0512"), (100_000, "0.10"), (3_000_000, "3.00"), (0, "0.00"), (-51200, "-0.0512")]
)
def test_money_has_two_decimals_at_least(micros: int, text: str) -> None:
    assert format_money(micros) == text


# Durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m", 60), ("720h", 720 * 3600), ("1h30m", 5400), ("90s", 90), ("1h1m1s", 3661), ("1.5h", 5400), ("0s", 0),
        ("1ms", 1), ("1500ms", 2), ("1us", 1), ("2h1ns", 7201),
    ],
)  # fmt: skip
def test_a_duration_is_read_in_seconds_rounded_up(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1d", "-1h", "1h ", "1h30", "1 h", "Never", "٣h", "9" * 5000 + "h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        parse_duration(text)
