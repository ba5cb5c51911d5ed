"""How many pods of a request each node takes by amounts alone, worked out once and kept up while nodes fill.

Many kinds ask for the same, and between two questions few nodes change: only these are looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

PLENTY = 10**9
#: How many requests are kept, and after how many changes everything is forgotten: a bound on memory.
KEPT, LOGGED = 64, 20_000
#: Up to so many nodes are looked at one by one.
FEW = 6


@dataclass
class Rooms:
    """Rooms by request, for nodes as columns. Whoever changes what is free says of which nodes."""

    _kept: dict[Hashable, _Room] = field(default_factory=dict)
    _changed: list[int] = field(default_factory=list)

    def changed(self, nodes: Iterable[int]) -> None:
        """What is free on these nodes is not what it was."""
        if self._kept:
            self._changed += nodes
            if len(self._changed) > LOGGED:
                self.forget()

    def forget(self) -> None:
        """There are other nodes now."""
        self._kept, self._changed = {}, []

    def of(
        self, key: Hashable, free: Ints, requests: Sequence[tuple[int, int]], admitted: Callable[[], Flags]
    ) -> Ints:  # fmt: skip
        """Pods by node, PLENTY where they ask for nothing; none where ``admitted`` does not say so.

        ``requests`` are (row of ``free``, amount), and ``key`` stands for them and for who is admitted. Nobody may
        change what is given.
        """
        found = self._kept.pop(key, None)
        if found is None:
            flags = admitted()
            found = _Room(flags, _least(free, requests, flags))
            if len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
        elif found.seen < len(self._changed):
            found.again(free, requests, self._changed[found.seen :])
        found.seen = len(self._changed)
        self._kept[key] = found  # the last of them again: it is the first that goes
        return found.room


@dataclass
class _Room:
    """``room`` as it was after ``seen`` changes."""

    admitted: Flags
    room: Ints
    seen: int = 0

    def again(self, free: Ints, requests: Sequence[tuple[int, int]], nodes: list[int]) -> None:
        """Look at some nodes again; a few of them are quicker one by one."""
        if len(nodes) > FEW:
            self.room[nodes] = _least(free[:, nodes], requests, self.admitted[nodes])
            return
        for node in nodes:
            if self.admitted[node]:
                least = min([int(free[row, node]) // amount for row, amount in requests], default=PLENTY)
                self.room[node] = max(0, least)


def _least(free: Ints, requests: Sequence[tuple[int, int]], admitted: Flags) -> Ints:
    room = np.full(len(admitted), PLENTY, np.int64)
    for row, amount in requests:
        np.minimum(room, free[row] // amount, out=room)
    np.maximum(room, 0, out=room)
    room[~admitted] = 0
    return room
