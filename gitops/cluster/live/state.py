"""What is known of a live cluster at this moment: the objects of every kind, and how sure it is.

Followers write, one a kind; whoever plans reads. Only what decides a plan is kept of an object, as its JSON
(``gitops.cluster.saving``): a change that leaves that alone is no change. Everything may be called from any thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from gitops.cluster.live.batching import Batch
from gitops.errors import PoolplanError, Stalled, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitops.clock import Bell
    from gitops.cluster.items import Item
    from gitops.cluster.kinds import Kind

STALE_AFTER = 180.0
"""Seconds without a word from the server about a kind after which nothing is planned: a watch is broken off sooner."""
Key = tuple[str, str]
"""Namespace ("" for none) and name."""


@dataclass(slots=True)
class _Held:
    """One kind's objects. ``heard`` is when the server last spoke of it; ``error`` what has been wrong since then.

    ``remark`` says why it has none, where it cannot have any; ``warns`` whether plans say so.
    """

    objects: dict[Key, Item] = field(default_factory=dict)
    settled: bool = False
    heard: float = 0.0
    error: PoolplanError | None = None
    remark: str = ""
    warns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KindHealth:
    """How well one kind is known. ``age`` is in seconds, since the server last spoke of it; None: it never did."""

    kind: str
    synced: bool
    age: float | None
    objects: int
    problem: str = ""
    remark: str = ""


class ClusterState:
    """``seconds`` is a steady clock; ``bell`` rings when a change comes that is the first of a batch."""

    def __init__(
        self, address: str, kinds: Sequence[Kind], *, seconds: Callable[[], float], bell: Bell,
        stale_after: float = STALE_AFTER,
    ) -> None:  # fmt: skip
        self._address, self._seconds, self._bell, self._stale_after = address, seconds, bell, stale_after
        self._lock = Lock()
        self._held = {kind: _Held() for kind in kinds}
        self._batch = Batch()

    # What followers say

    def replace(self, kind: Kind, objects: dict[Key, Item]) -> None:
        """These are all objects of the kind now."""
        with self._lock:
            held = self._held[kind]
            before = held.objects
            kept = {key: before[key] if before.get(key) == item else item for key, item in objects.items()}
            same = before.keys() == kept.keys() and all(before[key] is item for key, item in kept.items())
            held.objects = kept
            held.remark, held.warns = "", False
            self._hear(held, changed=not same)  # those that are the same stay, for their values are known

    def put(self, kind: Kind, key: Key, item: Item) -> None:
        """The object is new, or as it is now."""
        with self._lock:
            held = self._held[kind]
            before = held.objects.get(key)
            changed = before is None or before != item
            if changed:
                held.objects[key] = item
            self._hear(held, changed=changed)

    def drop(self, kind: Kind, key: Key) -> None:
        """The object is gone."""
        with self._lock:
            held = self._held[kind]
            self._hear(held, changed=held.objects.pop(key, None) is not None)

    def hear(self, kind: Kind) -> None:
        """The server says that nothing has changed."""
        with self._lock:
            self._hear(self._held[kind], changed=False)

    def lack(self, kind: Kind, remark: str, *, warns: bool) -> None:
        """There can be no objects of the kind; ``warns`` where a plan must say that it knows none."""
        with self._lock:
            held = self._held[kind]
            changed = bool(held.objects) or held.remark != remark
            held.objects, held.remark, held.warns = {}, remark, warns
            self._hear(held, changed=changed)

    def fail(self, kind: Kind, error: PoolplanError) -> None:
        """The server cannot be asked about the kind, or does not answer; what was known stays known for a while."""
        with self._lock:
            self._held[kind].error = error

    def _hear(self, held: _Held, *, changed: bool) -> None:
        now = self._seconds()
        was_sure = held.settled and not self._is_stale(held, now) and not isinstance(held.error, Stalled)
        held.settled, held.heard, held.error = True, now, None
        if (changed or not was_sure) and all(one.settled for one in self._held.values()):
            is_first = self._batch.first is None
            self._batch = self._batch.noting(now)
            if is_first:
                self._bell.ring()

    # What planners ask

    @property
    def batch(self) -> Batch:
        """The changes since ``close_batch``; none before all kinds are known."""
        with self._lock:
            return self._batch

    def close_batch(self) -> None:
        """Somebody knows of the changes up to now."""
        with self._lock:
            self._batch = Batch()

    @property
    def synced(self) -> bool:
        """Whether every kind has been read, and none too long ago."""
        with self._lock:
            return self._refusal() is None

    def everything(self) -> tuple[list[Item], tuple[str, ...]]:
        """All objects, and warnings about kinds of which none can be known.

        Raises Stalled where a person must act, and Waiting where something has not been read or is too old.
        """
        with self._lock:
            refusal = self._refusal()
            if refusal is not None:
                raise refusal
            items = [item for held in self._held.values() for item in held.objects.values()]
            return items, tuple(held.remark for held in self._held.values() if held.warns)

    def health(self) -> tuple[KindHealth, ...]:
        """How well each kind is known, in the order in which they are read."""
        with self._lock:
            now = self._seconds()
            return tuple(
                KindHealth(
                    kind=kind.resource, synced=self._problem(kind, held, now) is None,
                    age=now - held.heard if held.settled else None, objects=len(held.objects),
                    problem=str(held.error or ""), remark=held.remark,
                )
                for kind, held in self._held.items()
            )  # fmt: skip

    def _refusal(self) -> PoolplanError | None:
        now = self._seconds()
        found = [problem for kind, held in self._held.items() if (problem := self._problem(kind, held, now))]
        return next((one for one in found if isinstance(one, Stalled)), found[0] if found else None)

    def _problem(self, kind: Kind, held: _Held, now: float) -> PoolplanError | None:
        """Why nothing can be planned on what is known of a kind, or None."""
        if isinstance(held.error, Stalled):
            return Stalled(str(held.error))  # a new one each time: an error that is raised again grows
        told = f": {held.error}" if held.error else ""
        if not held.settled:
            return Waiting(f"the {kind.plural} of {self._address} have yet to be read{told}", retry_after=1.0)
        if self._is_stale(held, now):
            age = now - held.heard
            said = f"nothing was heard of the {kind.plural} of {self._address} for {age:.0f} s{told}"
            return Waiting(said, retry_after=5.0)
        return None

    def _is_stale(self, held: _Held, now: float) -> bool:
        return now - held.heard > self._stale_after
