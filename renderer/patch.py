"""A plan as an RFC 6902 JSON Patch from the declared pools to the desired ones, each keyed by its name.

What a change starts from is tested first, so the patch applies to the pools it was made for and to no others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonpatch
import msgspec

from renderer.document import pool_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.plan import Plan
    from planner.pools import Pool, PoolSet

Operation = dict[str, Any]


def pools_document(pools: PoolSet) -> dict[str, Any]:
    """What the patch applies to: pool name → pool, without names inside."""
    return {pool.name: _body(pool) for pool in pools}


def plan_patch(plan: Plan) -> list[Operation]:
    """The operations, in the order of pools and of their fields."""
    return [operation for one in plan.changes for operation in _operations(one.pool, *one.declared)]


def patch_between(before: PoolSet, after: PoolSet) -> list[Operation]:
    """The operations that lead from one set of pools to another."""
    names = sorted(before.names() | after.names())
    return [one for name in names for one in _operations(name, before.get(name), after.get(name))]


def patch_text(operations: list[Operation]) -> str:
    """A patch as JSON text."""
    return json.dumps(operations, indent=2, ensure_ascii=False) + "\n"


def apply_patch(document: dict[str, Any], operations: list[Operation]) -> dict[str, Any]:
    """The patched document; the given one stays as it is. Raises jsonpatch.JsonPatchException where a test fails."""
    patched: dict[str, Any] = jsonpatch.JsonPatch(operations).apply(document)
    return patched


def _operations(pool: str, before: Pool | None, after: Pool | None) -> Iterator[Operation]:
    """``jsonpatch.make_patch`` would find others: moves between pools that look alike, and nothing tested."""
    path = "/" + _pointer(pool)
    if before is None or after is None:
        if before is not None:
            yield {"op": "test", "path": path, "value": _body(before)}
            yield {"op": "remove", "path": path}
        if after is not None:
            yield {"op": "add", "path": path, "value": _body(after)}
        return
    there, wanted = _body(before), _body(after)
    for name in there:
        if there[name] != wanted[name]:
            yield {"op": "test", "path": f"{path}/{name}", "value": there[name]}
            yield {"op": "replace", "path": f"{path}/{name}", "value": wanted[name]}


def _body(pool: Pool) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(pool_entry(pool))
    del body["name"]
    return body


def _pointer(name: str) -> str:
    """One step of an RFC 6901 pointer."""
    return name.replace("~", "~0").replace("/", "~1")
