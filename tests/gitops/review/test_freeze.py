"""What freezes a cluster, and what is said of it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.review.freeze import freeze_files, frozen

ROOT, ALL, OWN = freeze_files("prod")


def test_a_freeze_lies_in_one_of_three_places() -> None:
    assert freeze_files("prod") == tuple(map(PurePosixPath, ("FREEZE", "clusters/FREEZE", "clusters/prod/FREEZE")))


def test_without_any_of_them_nothing_is_frozen() -> None:
    assert frozen({}) == ""


@pytest.mark.parametrize(
    ("files", "setting", "flag", "told"),
    [
        ({ROOT: "the fair, till Friday\n"}, "", None, "the fair, till Friday (FREEZE)"),
        ({ALL: ""}, "", None, "clusters/FREEZE says so, without a reason"),
        ({OWN: " \n\t\n"}, "", None, "clusters/prod/FREEZE says so, without a reason"),
        ({OWN: None}, "", None, "clusters/prod/FREEZE cannot be read"),
        ({}, "moving house", None, "moving house (spec.freeze)"),
        ({}, "", "", "--freeze says so, without a reason"),
        (
            {OWN: "c\x1b[2Jd\ne", ROOT: None}, "b", "a",
            "a (--freeze); b (spec.freeze); FREEZE cannot be read; c [2Jd e (clusters/prod/FREEZE)",
        ),
    ],
)  # fmt: skip
def test_each_freeze_says_where_it_stands(
    files: dict[PurePosixPath, str | None], setting: str, flag: str | None, told: str
) -> None:
    assert frozen(files, setting=setting, flag=flag) == told


@given(text=st.one_of(st.none(), st.text()), place=st.sampled_from([ROOT, ALL, OWN]))
def test_whatever_a_file_says_it_freezes_in_one_short_line(text: str | None, place: PurePosixPath) -> None:
    told = frozen({place: text})
    assert str(place) in told
    assert told.isprintable()
    assert len(told) < 300


@given(flag=st.text())
def test_a_flag_freezes_whatever_it_says(flag: str) -> None:
    assert frozen({}, flag=flag)
