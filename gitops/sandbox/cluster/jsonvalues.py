"""Kubernetes objects as plain JSON that is never changed in place: how to look into one and how to make another.

Looking into an object never fails: where something is missing or of another type, the empty value stands in.
"""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = "dict[str, Json]"


def as_object(value: Json) -> Object:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Json) -> str:
    """The value where it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def at(value: Json, *path: str) -> Json:
    """What stands at ``path``, or None."""
    for step in path:
        value = as_object(value).get(step)
    return value


def text_at(value: Json, *path: str) -> str:
    """The text at ``path``, or none."""
    return as_text(at(value, *path))


def object_at(value: Json, *path: str) -> Object:
    """The object at ``path``, or an empty one."""
    return as_object(at(value, *path))


def objects_at(value: Json, *path: str) -> list[Object]:
    """The objects in the list at ``path``; what is no object is left out."""
    return [item for item in as_list(at(value, *path)) if isinstance(item, dict)]


def strings_at(value: Json, *path: str) -> list[str]:
    """The texts in the list at ``path``; what is no text is left out."""
    return [item for item in as_list(at(value, *path)) if isinstance(item, str)]


def pairs_at(value: Json, *path: str) -> dict[str, str]:
    """The texts by name at ``path``, like labels; what is no text is left out."""
    return {key: item for key, item in object_at(value, *path).items() if isinstance(item, str)}


def number_at(value: Json, *path: str, otherwise: int = 0) -> int:
    """The whole number at ``path``, or ``otherwise``."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else otherwise


def changed(value: Object, *path: str, to: Json) -> Object:
    """The object with ``to`` at ``path``; what lies beside the path is shared with the object it was made from."""
    head, *rest = path
    return {**value, head: changed(object_at(value, head), *rest, to=to) if rest else to}


def without(value: Object, *path: str) -> Object:
    """The object with nothing at ``path``."""
    *above, last = path
    inner = object_at(value, *above)
    if last not in inner:
        return value
    rest: Object = {key: item for key, item in inner.items() if key != last}
    return changed(value, *above, to=rest) if above else rest
