"""The orders in which pods may come to the scheduler, the most important always first, as the scheduling queue does."""

from __future__ import annotations

import hashlib
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from planner.demand import PodGroup

    Run = tuple[int, int]  # a group, by position, and how many of its pods come one after the other
    _Pods = list[tuple[int, str]]


class Order(NamedTuple):
    """One order: how the pods come, and whether the nodes join one after another meanwhile.

    Among equal nodes the scheduler throws dice. ``equal`` is where they fall each time, 0 on the first of them and -1
    on the last, which fills some nodes and leaves others; None: now here, now there. ``spreading``: the scheduler knows
    the pods' workloads, by which it spreads pods that ask for no spread; it does not where somebody made the pods and
    not what they say owns them.
    """

    name: str
    comes: Callable[[Sequence[PodGroup]], list[Run]]
    joining: bool = False
    equal: int | None = None
    spreading: bool = True


def runs(groups: Sequence[PodGroup], order: int) -> list[Run]:
    """All pods in one of the orders, ``order`` being a position in ``ORDERS``."""
    found = ORDERS[order].comes(groups)
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


#: The orders of arrival. By name they come most often, for so the API server lists them.
ORDERS = (
    Order("by name", _by_name), Order("by name, backwards", _backwards), Order("largest first", _largest),
    Order("smallest first", _smallest), Order("one of each workload in turn", _in_turns), Order("shuffled", _shuffled),
    Order("by name, to the first of equal nodes", _by_name, equal=0),
    Order("by name, unknown workloads, to the last of equal nodes", _by_name, equal=-1, spreading=False),
    Order("by name, while nodes join", _by_name, joining=True),
)  # fmt: skip
