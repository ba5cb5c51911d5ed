"""Misspelt words find the one that was meant, and only that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.spelling import distance, nearest

WORDS = ("topology.kubernetes.io/zone", "kubernetes.io/os", "kubernetes.io/arch", "team", "eu-west-par-a", "eu-west-par-b")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("topology.kubernetes.io/zones", "topology.kubernetes.io/zone"), ("topolgy.kubernetes.io/zone", "topology.kubernetes.io/zone"),
        ("Team", "team"), ("taem", "team"), ("tea", "team"), ("theme", None), ("eu-west-par-z", None), ("", None), ("team", None),
        ("kubernetes.io/so", "kubernetes.io/os"),
    ],
)  # fmt: skip
def test_the_word_that_was_meant(word: str, meant: str | None) -> None:
    assert nearest(word, WORDS) == meant


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_distance_is_the_same_both_ways_and_zero_for_equals_only(left: str, right: str) -> None:
    assert distance(left, right) == distance(right, left)
    assert (distance(left, right) == 0) == (left == right)
    assert abs(len(left) - len(right)) <= distance(left, right) <= max(len(left), len(right))


@given(st.text("abc", max_size=6), st.integers(0, 5), st.sampled_from("abcx"))
def test_one_edit_is_one_apart(word: str, at: int, put: str) -> None:
    assert distance(word, word[:at] + put + word[at:]) == 1
    if at < len(word):
        assert distance(word, word[:at] + word[at + 1 :]) == 1
    if at + 1 < len(word) and word[at] != word[at + 1]:
        assert distance(word, word[:at] + word[at + 1] + word[at] + word[at + 2 :]) == 1
