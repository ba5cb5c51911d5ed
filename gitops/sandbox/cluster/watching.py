"""Lets a client follow changes: what there is first, unless it says from where, and then every change as it comes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gitops.sandbox.cluster.refusals import Refusal
from gitops.sandbox.cluster.resources import BY_NAME
from gitops.sandbox.cluster.selectors import matching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gitops.sandbox.cluster.cluster import SandboxCluster
    from gitops.sandbox.cluster.jsonvalues import Object
    from gitops.sandbox.cluster.store import Event


BOOKMARK_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What to follow, since which resourceVersion (0: all that is there), and for how many seconds (0: no end).

    With ``bookmarks`` it is told how far it has come: whenever other things have changed, and every minute.
    """

    cluster: SandboxCluster
    resource: str
    namespace: str
    labels: str
    fields: str
    since: int
    seconds: int
    bookmarks: bool
    shape: Callable[[Object], Object]

    async def lines(self) -> AsyncIterator[bytes]:
        """One JSON object a line, until time is up, the cluster closes, or the changes asked for are forgotten."""
        wake, loop = asyncio.Event(), asyncio.get_running_loop()

        def listener() -> None:
            loop.call_soon_threadsafe(wake.set)

        with self.cluster.listening(listener):
            try:
                async with asyncio.timeout(self.seconds or None):
                    async for line in self._lines(wake):
                        yield line
            except TimeoutError:
                return

    async def _lines(self, wake: asyncio.Event) -> AsyncIterator[bytes]:
        with self.cluster.locked() as store:
            items = [] if self.since else self._listing()
            serial = self.since or store.serial
        for item in items:
            yield self._line("ADDED", item)
        told = serial
        while not self.cluster.closed:
            wake.clear()
            try:
                with self.cluster.locked() as store:
                    events = store.since(serial)
            except Refusal as refusal:
                yield msgspec.json.encode({"type": "ERROR", "object": refusal.status}) + b"\n"
                return
            for event in events:
                serial = event.serial
                kind = self._kind(event)
                if kind:
                    told = serial
                    yield self._line(kind, event.item)
            if self.bookmarks and told < serial:
                told = serial
                yield self._bookmark(serial)
            if not await _rings(wake) and self.bookmarks:
                yield self._bookmark(serial)

    def _listing(self) -> list[Object]:
        return self.cluster.listing(self.resource, self.namespace, labels=self.labels, fields=self.fields)

    def _kind(self, event: Event) -> str:
        """What the change is to this watcher: an object that is not meant any more is as good as deleted."""
        if event.key.resource != self.resource or self.namespace not in {"", event.key.namespace}:
            return ""
        meant = matching(self.labels, self.fields)
        before, after = (bool(item) and meant(item) for item in (event.old, event.new))
        if after:
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else ""

    def _bookmark(self, serial: int) -> bytes:
        resource = BY_NAME[self.resource]
        item: Object = {
            "apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"resourceVersion": str(serial)},
        }
        return self._line("BOOKMARK", item)

    def _line(self, kind: str, item: Object) -> bytes:
        return msgspec.json.encode({"type": kind, "object": self.shape(item)}) + b"\n"


async def _rings(wake: asyncio.Event) -> bool:
    """Whether something changed before the next bookmark was due."""
    try:
        async with asyncio.timeout(BOOKMARK_SECONDS):
            await wake.wait()
    except TimeoutError:
        return False
    return True
