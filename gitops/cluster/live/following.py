"""Follows one kind of a cluster: lists it, watches it, and begins again where the watch ends.

What comes next is decided in ``gitops.cluster.live.course``; what is known goes to ``gitops.cluster.live.state``.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from gitops.clock import Bell
from gitops.cluster.live.api import GONE, Absent, Answer, Lost, refusal
from gitops.cluster.live.course import Course, End
from gitops.cluster.live.events import Change, read_event, read_head
from gitops.cluster.live.listing import PAGE, Expired, item_of, pages
from gitops.cluster.saving import essence
from gitops.errors import InputError, PoolplanError, Stalled, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.cluster.items import Item
    from gitops.cluster.kinds import Kind
    from gitops.cluster.live.api import Api, Stream
    from gitops.cluster.live.events import Event
    from gitops.cluster.live.state import ClusterState, Key

SILENCE = 100.0
"""Seconds without a byte after which a watch is taken up anew; servers send a bookmark about every minute."""


class Follower:
    """One kind. ``watched`` is for how many seconds the server is asked to watch before it ends the request."""

    def __init__(
        self, api: Api, kind: Kind, state: ClusterState, *, seconds: Callable[[], float], watched: int
    ) -> None:  # fmt: skip
        self._api, self._kind, self._state, self._seconds, self._watched = api, kind, state, seconds, watched
        self._bell = Bell()
        self._lock = Lock()
        self._stream: Stream | None = None
        self._stopped = False

    def run(self) -> None:
        """Follow until ``stop``, from a thread of its own."""
        course = Course()
        while not self._stopped:
            course = self.turn(course)
            if course.pause:
                self._bell.wait(timedelta(seconds=course.pause))

    def stop(self) -> None:
        """End ``run`` soon, whatever it waits for."""
        with self._lock:
            self._stopped = True
            stream = self._stream
        self._bell.ring()
        if stream is not None:
            stream.close()

    def turn(self, course: Course) -> Course:
        """One list or one watch, to its end. Whatever goes wrong is told to the state, and tried again."""
        try:
            return self._watch(course) if course.version else self._list(course)
        except Absent as absent:
            self._state.lack(self._kind, str(absent), warns=False)
            return course.absent()
        except Lost as lost:
            self._state.lack(self._kind, str(lost), warns=True)
            return course.absent()
        except PoolplanError as error:
            self._state.fail(self._kind, error)
        except Exception as error:  # noqa: BLE001 - a thread that ended would leave an old state for a new one
            what = f"following the {self._kind.resource} of {self._api.address} failed: {type(error).__name__}"
            self._state.fail(self._kind, Stalled(what))
        return course.failed()

    def _list(self, course: Course) -> Course:
        try:
            version, objects = self._listed(PAGE)
        except Expired:
            version, objects = self._listed(0)
        self._state.replace(self._kind, objects)
        return course.listed(version)

    def _listed(self, limit: int) -> tuple[str, dict[Key, Item]]:
        objects: dict[Key, Item] = {}
        version = ""
        for page in pages(self._api, self._kind, limit):
            version = page.metadata.resource_version
            objects.update((read_head(raw).key, self._kept(raw)) for raw in page.items or ())
        if not version:
            raise Stalled(f"{self._api.address} lists {self._kind.plural} without a resourceVersion to watch from")
        return version, objects

    def _watch(self, course: Course) -> Course:
        begun = self._seconds()
        opened = self._api.watch(self._kind, version=course.version, seconds=self._watched, silence=SILENCE)
        if isinstance(opened, Answer):
            if opened.status == GONE:
                return course.ended(course.version, End.EXPIRED, lasted=0.0, told=False)
            raise refusal(self._api.address, self._kind, "watch", opened)
        self._state.hear(self._kind)
        with self._lock:
            self._stream = opened
            if self._stopped:
                opened.close()
        version, end, told = course.version, End.OVER, False
        try:
            for line in opened.lines():
                event = self._event(line)
                if event.change is Change.ERROR:
                    end = End.EXPIRED
                    break
                version, told = event.head.metadata.resource_version or version, True
                self._apply(event)
        except Waiting:
            end = End.BROKEN  # no word on it: whether the server answers is seen at the next try
        finally:
            opened.close()
            with self._lock:
                self._stream = None
        return course.ended(version, end, lasted=self._seconds() - begun, told=told)

    def _event(self, line: bytes) -> Event:
        try:
            return read_event(line)
        except ValueError as error:
            what = f"{self._api.address} answered the watch of {self._kind.plural} with something that is no event"
            raise Stalled(what) from error

    def _apply(self, event: Event) -> None:
        if event.change is Change.BOOKMARK:
            self._state.hear(self._kind)
        elif event.change is Change.DELETED:
            self._state.drop(self._kind, event.head.key)
        else:
            self._state.put(self._kind, event.head.key, self._kept(event.raw))

    def _kept(self, raw: msgspec.Raw) -> Item:
        """The object with only what decides a plan; one that cannot be read stays whole, for the plan to say why."""
        try:
            _, line = essence(item_of(self._api, self._kind, raw))
        except InputError:
            line = bytes(raw)  # a copy: the raw one is part of a page
        return item_of(self._api, self._kind, msgspec.Raw(line))
