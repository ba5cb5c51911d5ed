"""Lists in pages that all show one instant, as an API server hands them out; old ones are forgotten."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from gitops.sandbox.cluster.jsonvalues import object_at
from gitops.sandbox.cluster.refusals import Refusal, bad_request

if TYPE_CHECKING:
    from gitops.sandbox.cluster.jsonvalues import Json, Object

KEPT_LISTS = 16


class Pages:
    """The lists whose next page somebody may ask for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, Object] = OrderedDict()
        self._count = 0

    def page(self, listed: Object, *, limit: int, token: str) -> Object:
        """The first ``limit`` items of ``listed``, or those that follow where ``token`` stands; 0 means all.

        Raises a 400 for a token that nobody gave, and a 410 for one whose list is forgotten.
        """
        name, _, begin = token.partition(":")
        if token and not begin.isdecimal():
            raise bad_request("continue key is not valid")
        with self._lock:
            whole = self._kept.get(name) if token else listed
            if whole is None:
                raise Refusal(410, "Expired", "The provided continue parameter is too old to display a consistent list")
            start = int(begin or 0)
            items = _items(whole)
            end = start + limit if limit else len(items)
            return {**whole, "items": items[start:end], "metadata": self._metadata(whole, name, end, len(items))}

    def _metadata(self, whole: Object, name: str, end: int, size: int) -> Object:
        metadata = object_at(whole, "metadata")
        if end >= size:
            return metadata
        if not name:
            self._count += 1
            name = f"list-{self._count}"
        self._kept[name] = whole
        self._kept.move_to_end(name)
        while len(self._kept) > KEPT_LISTS:
            self._kept.popitem(last=False)
        return {**metadata, "continue": f"{name}:{end}", "remainingItemCount": size - end}


def _items(listed: Object) -> list[Json]:
    items = listed.get("items")
    return items if isinstance(items, list) else []
