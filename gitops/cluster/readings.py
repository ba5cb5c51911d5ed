"""What a caller that reads one cluster again and again keeps, so that only objects that have changed are read anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from gitops.cluster.needs import NeedsReader
from gitops.cluster.pods import PodReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gitops.cluster.items import Item
    from planner.resources import Resources

T = TypeVar("T")
_SPARE = 1000


_Values = dict[int, "tuple[Item, object]"]


@dataclass
class Readings:
    """Passed to ``read_snapshot`` reading after reading: the snapshot is the same with it and without it.

    An object whose Item is the very same as last time gets the very same value, which ``planner.memory`` then knows
    again at a glance. It belongs to one cluster and one caller at a time. With ``once``, nothing is kept.
    """

    once: bool = False
    needs: NeedsReader = field(default_factory=NeedsReader)
    _pods: PodReader | None = None
    _known: dict[str, tuple[object, _Values]] = field(default_factory=dict)

    def begin(self, pods: int) -> None:
        """A reading of so many pods begins: what only pods that are gone had in common is let go from time to time."""
        if self._pods is not None and self._pods.size + self.needs.size > 2 * pods + _SPARE:
            self.needs, self._pods = NeedsReader(), None

    def pods(self, defaults: Mapping[str, Resources]) -> PodReader:
        """The reader of pods where containers get these requests by default."""
        if self._pods is None or self._pods.defaults != defaults:
            self._pods = PodReader(self.needs, defaults)
        return self._pods

    def values(
        self, kind: str, context: object, items: Iterable[Item], make: Callable[[Item], T]
    ) -> Iterator[tuple[Item, T]]:
        """Each item with what ``make`` gave for it last time, else with what it gives now.

        ``context`` is all that ``make`` looks at besides the item. Items that are not among these any more are
        forgotten once all have been read.
        """
        if self.once:
            yield from ((item, make(item)) for item in items)
            return
        before = self._known.get(kind)
        known = before[1] if before is not None and before[0] == context else {}
        used: _Values = {}
        for item in items:
            found = known.get(id(item))  # the item is kept with its value, so that no other gets its id
            if found is None:
                found = (item, make(item))
            used[id(item)] = found
            yield item, cast("T", found[1])
        self._known[kind] = (context, used)
