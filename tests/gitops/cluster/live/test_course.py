"""What follows a list or a watch, and after which pause."""

from __future__ import annotations

import pytest

from gitops.cluster.live.course import ABSENT_PAUSE, PAUSES, Course, End

STEADY = Course("7")


def test_a_list_is_followed_by_a_watch_at_once() -> None:
    assert Course("", 2, 2.0).listed("9") == Course("9", 2, 0.0)


@pytest.mark.parametrize(
    ("before", "end", "lasted", "told", "after"),
    [
        (STEADY, End.OVER, 300.0, False, Course("9")),
        (STEADY, End.OVER, 0.1, True, Course("9")),
        (STEADY, End.OVER, 0.1, False, Course("9", 1, 1.0)),
        (Course("7", 2), End.OVER, 0.1, False, Course("9", 3, 4.0)),
        (Course("7", 2), End.OVER, 20.0, False, Course("9")),
        (STEADY, End.BROKEN, 300.0, True, Course("9", 1, 1.0)),
        (Course("7", 1), End.BROKEN, 0.1, False, Course("9", 2, 2.0)),
        (STEADY, End.EXPIRED, 300.0, True, Course("")),
        (STEADY, End.EXPIRED, 0.1, False, Course("", 1, 1.0)),
    ],
)
def test_after_a_watch(before: Course, end: End, lasted: float, told: bool, after: Course) -> None:
    assert before.ended("9", end, lasted=lasted, told=told) == after


def test_failures_are_tried_again_ever_later_and_then_from_the_beginning() -> None:
    course, pauses, versions = STEADY, [], []
    for _ in range(8):
        course = course.failed()
        pauses.append(course.pause)
        versions.append(course.version)
    assert pauses == [*PAUSES[1:], PAUSES[-1], PAUSES[-1]]
    assert versions == ["7"] * 3 + [""] * 5


def test_what_is_not_there_is_looked_for_again() -> None:
    assert Course("7", 3, 4.0).absent() == Course("", 0, ABSENT_PAUSE)
