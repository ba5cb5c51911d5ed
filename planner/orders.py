"""The orders in which pods may come to the scheduler, the most important always first, as the scheduling queue does."""

from __future__ import annotations

import hashlib
from itertools import groupby
from typing import TYPE_CHECKING

from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from planner.demand import PodGroup

    Run = tuple[int, int]  # a group, by position, and how many of its pods come one after the other
    _Pods = list[tuple[int, str]]


def runs(groups: Sequence[PodGroup], order: int) -> list[Run]:
    """All pods in one of the orders, ``order`` being a position in ``ORDERS``."""
    found = ORDERS[order][1](groups)
    return sorted(found, key=lambda run: -groups[run[0]].needs.priority)


def _by_name(groups: Sequence[PodGroup]) -> list[Run]:
    return _joined(sorted(_pods(groups), key=lambda each: each[1]))


def _backwards(groups: Sequence[PodGroup]) -> list[Run]:
    return _by_name(groups)[::-1]


def _shuffled(groups: Sequence[PodGroup]) -> list[Run]:
    return _joined(sorted(_pods(groups), key=lambda each: hashlib.sha256(each[1].encode()).digest()))


def _largest(groups: Sequence[PodGroup]) -> list[Run]:
    return _by_size(groups, -1)


def _smallest(groups: Sequence[PodGroup]) -> list[Run]:
    return _by_size(groups, 1)


def _by_size(groups: Sequence[PodGroup], sign: int) -> list[Run]:
    """By the mean of the shares of all cpu and all memory."""
    sizes = [(group.needs.requests.get(CPU), group.needs.requests.get(MEMORY)) for group in groups]
    cpu = max(1, sum(size[0] * group.count for size, group in zip(sizes, groups, strict=True)))
    memory = max(1, sum(size[1] * group.count for size, group in zip(sizes, groups, strict=True)))
    shares = [sign * (size[0] * memory + size[1] * cpu) for size in sizes]
    order = sorted(range(len(groups)), key=lambda one: (shares[one], groups[one].key))
    return [(one, groups[one].count) for one in order]


def _in_turns(groups: Sequence[PodGroup]) -> list[Run]:
    """One pod of each group after the other."""
    turns = [(turn, one) for one, group in enumerate(groups) for turn in range(group.count)]
    return [(one, 1) for _, one in sorted(turns)]


def _pods(groups: Sequence[PodGroup]) -> _Pods:
    return [(one, pod) for one, group in enumerate(groups) for pod in group.pods]


def _joined(pods: _Pods) -> list[Run]:
    return [(one, len(list(several))) for one, several in groupby(pods, key=lambda each: each[0])]


#: The orders of arrival: name, how the pods come, and whether the nodes join one after another meanwhile. Where nodes
#: are equal the scheduler throws dice, which fall differently in each order: for that alone one is there twice.
ORDERS: tuple[tuple[str, Callable[[Sequence[PodGroup]], list[Run]], bool], ...] = (
    ("by name", _by_name, False), ("by name, backwards", _backwards, False), ("largest first", _largest, False),
    ("smallest first", _smallest, False), ("one of each workload in turn", _in_turns, False),
    ("shuffled", _shuffled, False), ("by name, with other luck", _by_name, False),
    ("by name, while nodes join", _by_name, True),
)  # fmt: skip
