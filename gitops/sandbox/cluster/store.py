"""Keeps the cluster's objects, numbers every change, and remembers the latest changes for those who watch.

It decides identity (uid, resourceVersion, generation, creationTimestamp) and nothing about what an object means.
"""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gitops.sandbox.cluster.jsonvalues import as_text, at, changed, number_at, object_at, objects_at, text_at
from gitops.sandbox.cluster.refusals import Refusal, conflict, not_found
from gitops.sandbox.cluster.resources import BY_NAME, resource_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from gitops.sandbox.cluster.jsonvalues import Json, Object

REMEMBERED_CHANGES = 5000
IDS = uuid.UUID("6f1c2f0e-5c39-5d1e-9d3c-2f6f0a6d5b11")


class Key(NamedTuple):
    """Where an object is kept: its resource (plural and group), namespace ("" for none) and name."""

    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """One change: ``old`` is empty for a new object, ``new`` for one that is gone, ``item`` whichever came last."""

    serial: int
    key: Key
    old: Object
    new: Object

    @property
    def item(self) -> Object:
        return self.new or changed(self.old, "metadata", "resourceVersion", to=str(self.serial))


class Store:
    """All objects by key. ``now`` is the instant that new objects are stamped with."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.serial = 0
        self.counters: dict[str, int] = {}
        self.events: deque[Event] = deque(maxlen=REMEMBERED_CHANGES)
        self.listeners: list[Callable[[], None]] = []
        self._kept: dict[str, dict[tuple[str, str], Object]] = {name: {} for name in BY_NAME}

    def find(self, key: Key) -> Object | None:
        """The object, or None."""
        return self._kept[key.resource].get((key.namespace, key.name))

    def get(self, key: Key) -> Object:
        """The object. Raises a 404."""
        found = self.find(key)
        if found is None:
            resource = BY_NAME[key.resource]
            raise not_found(key.name, resource.plural, resource.group)
        return found

    def items(self, resource: str, namespace: str = "") -> list[Object]:
        """All objects of a resource, or those of one namespace, by namespace and name."""
        kept = self._kept[resource]
        return [kept[place] for place in sorted(kept) if namespace in {"", place[0]}]

    def everything(self) -> list[Object]:
        """All objects, by resource, namespace and name."""
        return [item for name in BY_NAME for item in self.items(name)]

    def create(self, key: Key, item: Object) -> Object:
        """Keep a new object. Raises a 409 where the name is taken."""
        if self.find(key) is not None:
            plural = BY_NAME[key.resource].name
            details: Object = {"name": key.name, "kind": plural}
            raise Refusal(409, "AlreadyExists", f'{plural} "{key.name}" already exists', details=details)
        metadata: Object = {
            "creationTimestamp": self.stamp(), "uid": str(uuid.uuid5(IDS, f"{self.serial + 1} {'/'.join(key)}")),
            **object_at(item, "metadata"), "name": key.name, "generation": 1,
        }
        if key.namespace:
            metadata["namespace"] = key.namespace
        return self._keep(key, {**item, "metadata": metadata})

    def replace(self, key: Key, item: Object) -> Object:
        """Keep the object in the place of the one that is there; writing the same again changes nothing.

        Raises a 404, or a 409 where ``item`` was made from an older object. An object that is being deleted goes with
        its last finalizer.
        """
        old = self.get(key)
        expected = text_at(item, "metadata", "resourceVersion")
        if expected and expected != text_at(old, "metadata", "resourceVersion"):
            raise conflict(key.name, "the object has been modified; please apply your changes to the latest version")
        item = changed(item, "metadata", to={**object_at(item, "metadata"), **_identity(old)})
        if item == old:
            return old
        if item.get("spec") != old.get("spec"):
            item = changed(item, "metadata", "generation", to=number_at(old, "metadata", "generation") + 1)
        if "deletionTimestamp" in object_at(item, "metadata") and not at(item, "metadata", "finalizers"):
            return self.remove(key)
        return self._keep(key, item)

    def delete(self, key: Key) -> Object:
        """Delete the object; where finalizers hold it, mark it. Raises a 404."""
        item = self.get(key)
        if not at(item, "metadata", "finalizers"):
            return self.remove(key)
        if at(item, "metadata", "deletionTimestamp"):
            return item
        return self._keep(key, changed(item, "metadata", "deletionTimestamp", to=self.stamp()))

    def remove(self, key: Key) -> Object:
        """Take the object away at once."""
        item = self._kept[key.resource].pop((key.namespace, key.name))
        return self._record(key, item, {})

    def count(self, name: str) -> int:
        """The next number of the counter of that name, from 0."""
        self.counters[name] = self.counters.get(name, -1) + 1
        return self.counters[name]

    def stamp(self) -> str:
        """The present instant as Kubernetes writes it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def since(self, serial: int) -> list[Event]:
        """The changes after ``serial``. Raises a 410 where they are not remembered any more."""
        if serial > self.serial or (serial < self.serial and (not self.events or self.events[0].serial > serial + 1)):
            raise Refusal(410, "Expired", f"too old resource version: {serial} ({self.serial})")
        return [event for event in self.events if event.serial > serial]

    def dump(self) -> Object:
        """Everything that a state file must hold."""
        items: list[Json] = [*self.everything()]
        counters: Object = {name: self.counters[name] for name in sorted(self.counters)}
        return {"serial": self.serial, "counters": counters, "items": items}

    def load(self, state: Object) -> None:
        """Become what ``dump`` gave. Watchers must list again."""
        self.serial = number_at(state, "serial")
        self.counters = {name: number_at(state, "counters", name) for name in object_at(state, "counters")}
        self.events.clear()
        self._kept = {name: {} for name in BY_NAME}
        for item in objects_at(state, "items"):
            key = key_of(item)
            self._kept[key.resource][key.namespace, key.name] = item

    def _keep(self, key: Key, item: Object) -> Object:
        old = self.find(key) or {}
        item = changed(item, "metadata", "resourceVersion", to=str(self.serial + 1))
        self._kept[key.resource][key.namespace, key.name] = item
        return self._record(key, old, item)

    def _record(self, key: Key, old: Object, new: Object) -> Object:
        self.serial += 1
        self.events.append(Event(self.serial, key, old, new))
        for listener in self.listeners:
            listener()
        return self.events[-1].item


def key_of(item: Object, namespace: str = "default") -> Key:
    """Where an object belongs, by its own words. Raises a 404 for a kind that is not kept here."""
    resource = resource_of(as_text(item.get("apiVersion")), as_text(item.get("kind")))
    if resource is None:
        raise not_found(text_at(item, "metadata", "name"), as_text(item.get("kind")) or "object")
    inside = (text_at(item, "metadata", "namespace") or namespace) if resource.namespaced else ""
    return Key(resource.name, inside, text_at(item, "metadata", "name"))


def all_of(items: Iterable[Object]) -> list[Object]:
    """Objects one by one, those inside ``List`` objects too."""
    plain: list[Object] = []
    for item in items:
        plain += all_of(objects_at(item, "items")) if "items" in item else [item]
    return plain


def _identity(old: Object) -> Object:
    """What a client cannot change."""
    kept = ("creationTimestamp", "deletionTimestamp", "generation", "name", "namespace", "resourceVersion", "uid")
    metadata = object_at(old, "metadata")
    return {name: metadata[name] for name in kept if name in metadata}


