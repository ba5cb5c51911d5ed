"""What new nodes are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.board import Flags, Ints
    from planner.kinds import Kind


@dataclass(frozen=True, slots=True)
class Ask:
    """Pods that want new nodes: ``count`` of a kind, in one zone if one is named.

    ``per_host`` bounds, by term, how many pods of all asks with that term one node takes. ``options`` are the variants
    of which an empty node takes such a pod, ``open_to`` those that would if they were large enough.
    """

    kind: Kind
    zone: str
    count: int
    request: Ints
    options: Flags
    open_to: Flags
    per_host: tuple[tuple[int, int], ...] = ()
    pods: int = 0

    @property
    def all_pods(self) -> int:
        """How many pods it speaks for. Pods that must share one host are one ask of them all."""
        return self.pods or self.count

    def of(self, count: int) -> Ask:
        """The same for so many pods."""
        if count == self.count and not self.pods:
            return self
        return Ask(self.kind, self.zone, count, self.request, self.options, self.open_to, self.per_host)


def alike(asks: Iterable[Ask]) -> list[Ask]:
    """Asks that differ in nothing but kind and zone as one, with all their pods; in the order of the first of each."""
    merged: dict[tuple[bytes, int, int, object], list[Ask]] = {}
    for one in asks:  # arrays that asks share are known by identity
        key = (one.request.tobytes(), id(one.open_to), id(one.options), one.per_host)
        merged.setdefault(key, []).append(one)
    return [group[0].of(sum(one.count for one in group)) for group in merged.values()]
