"""Changes are looked at together: soon after the last of them, and not too long after the first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.cluster.live.batching import Batch, Window

TIMES = st.lists(st.floats(0, 1000), min_size=1).map(sorted)


def batch(*times: float) -> Batch:
    made = Batch()
    for time in times:
        made = made.noting(time)
    return made


@pytest.mark.parametrize(
    ("times", "now", "wakeup"),
    [
        ((), 5.0, None),
        ((5.0,), 5.0, 1.0),
        ((5.0,), 5.75, 0.25),
        ((5.0, 5.75), 5.75, 1.0),
        ((5.0,), 6.0, 0.0),
        ((5.0,), 60.0, 0.0),
        (tuple(5.0 + 0.5 * step for step in range(20)), 14.5, 0.5),
        (tuple(5.0 + 0.5 * step for step in range(21)), 15.0, 0.0),
    ],
)
def test_cases(times: tuple[float, ...], now: float, wakeup: float | None) -> None:
    assert Window().next_wakeup(batch(*times), now) == wakeup


@given(TIMES, st.floats(0, 1000))
def test_a_batch_closes_within_its_window(times: list[float], later: float) -> None:
    window, now = Window(idle=1.0, longest=10.0), times[-1] + later
    left = window.next_wakeup(batch(*times), now)
    assert left is not None
    assert 0 <= left <= window.idle
    assert (left == 0) == (now >= min(times[-1] + window.idle, times[0] + window.longest))
