"""Money, counts and lines for people."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderer.text import columns, count, money, one_line, pad, shortened, wrapped
from tests.renderer.strategies import texts


@pytest.mark.parametrize(("micros", "currency", "decimals", "signed", "shown"), [
    (102_300, "EUR", 4, False, "€0.1023"),
    (102_300, "EUR", 4, True, "+€0.1023"),
    (-68_959, "USD", 4, True, "-$0.0690"),
    (-2_500_000, "GBP", 2, False, "-£2.50"),
    (0, "EUR", 4, True, "€0.0000"),
    (-40, "EUR", 4, True, "€0.0000"),
    (1_234_567_890, "CAD", 2, False, "CA$1234.57"),
    (1_005_000, "PLN", 2, False, "1.01 zł"),
    (3_000_000, "MAD", 2, True, "+3.00 MAD"),
    (-1_000_000, "X\n|", 2, False, "-¤1.00"),
    (1_000_000, "", 2, False, "¤1.00"),
])  # fmt: skip
def test_amounts_are_rounded_and_carry_their_currency(
    micros: int, currency: str, decimals: int, signed: bool, shown: str
) -> None:
    assert money(micros, currency, decimals=decimals, signed=signed) == shown


def test_one_is_not_many() -> None:
    assert [count(number, "pod") for number in (0, 1, 2)] == ["0 pods", "1 pod", "2 pods"]


@given(st.text())
def test_a_line_has_nothing_that_cannot_be_seen(text: str) -> None:
    line = one_line(text)

    assert [char for char in line if not char.isprintable()] == []
    assert one_line(line) == line


@pytest.mark.parametrize(("text", "line"), [
    ("a\n b\t\tc ", "a b c"), ("\x1b[31m", "\\x1b[31m"), ("\u202ea", "\\u202ea"), ("\U000e0001", "\\U000e0001"),
    ("\ud800", "\\ud800"), ("é 漢", "é 漢"),
])  # fmt: skip
def test_what_cannot_be_seen_is_its_code_point(text: str, line: str) -> None:
    assert one_line(text) == line


def test_wide_and_combining_characters_are_counted_as_a_terminal_shows_them() -> None:
    assert [columns(text) for text in ("ab", "漢字", "e\u0301")] == [2, 4, 1]
    assert pad("漢", 4) == "漢  "


@given(texts.filter(lambda text: bool(text.split())))
def test_wrapping_loses_no_word(text: str) -> None:
    line = unicodedata.normalize("NFC", one_line(text))

    assert " ".join(wrapped(line, width=40, first="  ", rest="    ")).split() == line.split()


def test_long_lists_say_how_many_more_there_are() -> None:
    assert shortened(["a", "b", "c"], 2, "node") == ["a", "b", "c"]
    assert shortened(["a", "b", "c", "d"], 2, "node") == ["a", "b", "… and 2 nodes more"]
