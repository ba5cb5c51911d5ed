"""Contrast by the rules of WCAG 2: text 4.5 to one, what has to be told apart 3 to one, on light and on dark screens."""

from __future__ import annotations

import pytest

from renderer.page.style import DARK, HUES, LIGHT, OTHER

SCHEMES = {"light": LIGHT, "dark": DARK}
TEXT = ("ink", "soft", "link", "good", "bad", "mark")
BACKGROUNDS = ("page", "card", "tint")


def luminance(colour: str) -> float:
    shares = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_text_can_be_read(scheme: str) -> None:
    colours = SCHEMES[scheme]
    assert [(one, on) for one in TEXT for on in BACKGROUNDS if contrast(colours[one], colours[on]) < 4.5] == []


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_pods_and_edges_stand_out(scheme: str) -> None:
    colours = SCHEMES[scheme]
    drawn = (*HUES, OTHER, colours["edge"], colours["link"], colours["bad"])
    assert [(one, on) for one in drawn for on in ("card", "free") if contrast(one, colours[on]) < 3] == []


def test_black_letters_can_be_read_on_every_hue() -> None:
    assert [hue for hue in HUES if contrast(hue, "#000000") < 4.5] == []
