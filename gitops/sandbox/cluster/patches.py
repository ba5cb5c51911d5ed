"""The ways to change a part of an object: JSON patch, merge patch, and Kubernetes' strategic merge patch.

The strategic merge knows a list's merge key by the list's name, for the objects that live here. A patch of server-side
apply is merged in the same way: there are no field owners, so it never conflicts and never takes a field away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import jsonpatch
from jsonpointer import JsonPointerException

from gitops.sandbox.cluster.jsonvalues import as_list, as_object, objects_at
from gitops.sandbox.cluster.refusals import Refusal, bad_request, invalid

if TYPE_CHECKING:
    from gitops.sandbox.cluster.jsonvalues import Json, Object

JSON, MERGE, STRATEGIC, APPLY = (
    "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
#: patchMergeKey by list name, from the Go types of k8s.io/api: a list that is not here is replaced as a whole.
MERGE_KEYS: Final = {
    "conditions": "type", "containers": "name", "env": "name", "ephemeralContainers": "name", "hostAliases": "ip",
    "imagePullSecrets": "name", "initContainers": "name", "ownerReferences": "uid", "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey", "volumeDevices": "devicePath", "volumeMounts": "mountPath",
    "volumes": "name", "addresses": "type",
}
MERGED_AS_SETS: Final = ("finalizers",)
DELETED, ORDER, KEPT = "$deleteFromPrimitiveList/", "$setElementOrder/", "$retainKeys"


def apply_patch(item: Object, patch: Json, kind: str) -> Object:
    """The object after a patch of this content type. Raises a 400, 415 or 422."""
    if kind == JSON:
        return _apply_json(item, patch)
    if not isinstance(patch, dict):
        raise bad_request("the patch is not an object")
    if kind == MERGE:
        return merge(item, patch)
    if kind in {STRATEGIC, APPLY}:
        return strategic_merge(item, patch)
    raise Refusal(415, "UnsupportedMediaType", f"the patch type {kind!r} is unknown")


def _apply_json(item: Object, patch: Json) -> Object:
    if not isinstance(patch, list):
        raise bad_request("the patch is not a list of operations")
    try:
        done: Json = jsonpatch.apply_patch(item, [as_object(one) for one in patch])
    except (jsonpatch.JsonPatchException, JsonPointerException) as error:
        raise invalid(f"the patch does not fit the object: {error}") from error
    return as_object(done)


def merge(old: Json, patch: Object) -> Object:
    """RFC 7386: null takes away, objects merge, anything else replaces."""
    result = dict(as_object(old))
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value) if isinstance(value, dict) else value
    return result


def difference(old: Object, new: Object) -> Object:
    """The merge patch that makes ``new`` of ``old``, where ``new`` holds no null."""
    changes: Object = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            if value != before:
                changes[name] = difference(before, value)
        elif value != before or name not in old:
            changes[name] = value
    return changes


def strategic_merge(old: Json, patch: Object) -> Object:
    """Like ``merge``, but lists of objects with a merge key merge item by item, and ``$`` directives are obeyed."""
    if patch.get("$patch") == "replace":
        return _plain(patch)
    result = dict(as_object(old))
    for name, value in patch.items():
        if name.startswith(DELETED):
            place, gone = name.removeprefix(DELETED), as_list(value)
            result[place] = [one for one in as_list(result.get(place)) if one not in gone]
        elif name == KEPT:
            result = {key: kept for key, kept in result.items() if key in as_list(value)}
        elif value is None:
            result.pop(name, None)
        elif not name.startswith("$"):
            result[name] = _merged(name, result.get(name), value, as_list(patch.get(ORDER + name)))
    return result


def _merged(name: str, old: Json, value: Json, order: list[Json]) -> Json:
    if isinstance(value, dict):
        return strategic_merge(old, value)
    if not isinstance(value, list):
        return value
    if name in MERGED_AS_SETS:
        return [*as_list(old), *(one for one in value if one not in as_list(old))]
    key = _merge_key(name, value)
    return _merge_lists(key, {name: old}, name, value, order) if key else value


def _merge_key(name: str, value: list[Json]) -> str:
    """A Service's ports have another key than a container's."""
    key = MERGE_KEYS.get(name, "")
    if key == "containerPort" and any("port" in as_object(one) for one in value):
        return "port"
    return key


def _merge_lists(key: str, holder: Object, name: str, value: list[Json], order: list[Json]) -> list[Json]:
    if any(as_object(one).get("$patch") == "replace" for one in value):
        return [one for one in value if "$patch" not in as_object(one)]
    items = {repr(one.get(key)): one for one in objects_at(holder, name)}
    for one in map(as_object, value):
        if one.get("$patch") == "delete":
            items.pop(repr(one.get(key)), None)
        else:
            items[repr(one.get(key))] = strategic_merge(items.get(repr(one.get(key))), one)
    places = [repr(as_object(one).get(key)) for one in order]
    return [*(items.pop(place) for place in places if place in items), *items.values()]


def _plain(patch: Object) -> Object:
    return {name: value for name, value in patch.items() if not name.startswith("$")}
