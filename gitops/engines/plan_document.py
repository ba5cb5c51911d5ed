"""Reads the JSON that ``terraform show -json`` makes of a plan or a state, leaving no effect out; pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gitops.engines.base import EngineChange, EnginePlan, EngineResource
from gitops.engines.pool_values import same_pool
from gitops.errors import Fatal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NODE_POOL = "ovh_cloud_project_kube_nodepool"
UNCHANGED = ("no-op",)

Document = dict[str, Any]


def parse_document(text: str) -> Document:
    """The JSON object that ``show -json`` printed, on a line of its own. Raises Fatal when there is none."""
    line = next((line for line in reversed(text.splitlines()) if line.startswith("{")), "")
    try:
        document = json.loads(line)
    except ValueError as error:
        raise Fatal("Terraform's `show -json` printed no JSON: version 1.5 or later is needed") from error
    if not isinstance(document, dict):
        raise Fatal("Terraform's `show -json` printed JSON that is not an object")
    return document


def parse_plan(document: Document, *, sha256: str, warnings: Iterable[str] = ()) -> EnginePlan:
    """The plan as a value. Data sources, outputs and put-off changes are other changes, so that none goes unseen."""
    changes = _changes(document.get("resource_changes"))
    pools = [change for change in changes if change.resource_type == NODE_POOL]
    others = [change for change in changes if change.resource_type != NODE_POOL]
    put_off = _changes(entry.get("resource_change") for entry in document.get("deferred_changes") or ())
    invoked = [_invocation(entry) for entry in document.get("action_invocations") or ()]
    return EnginePlan(
        changes=_ordered(pools),
        other_changes=_ordered([*others, *put_off, *invoked, *_outputs(document.get("output_changes") or {})]),
        drift=_ordered(change for change in _changes(document.get("resource_drift")) if _has_drifted(change)),
        plan_sha256=sha256,
        terraform_version=str(document.get("terraform_version", "")),
        settled=parse_state(document.get("prior_state") or {}),
        complete=document.get("complete", True) is True and not put_off,
        warnings=tuple(warnings),
    )


def parse_state(document: Document) -> tuple[EngineResource, ...]:
    """All managed resources of a state, in the order of addresses. An empty state has none."""
    root = (document.get("values") or {}).get("root_module") or {}
    found = [
        EngineResource(
            address=raw["address"], resource_type=raw["type"], pool_name=_pool_name(raw["values"], None, raw["name"]),
            values=raw["values"], tainted=bool(raw.get("tainted")),
        )
        for raw in _resources(root)
        if raw.get("mode") == "managed"
    ]
    return tuple(sorted(found, key=lambda resource: resource.address))


def _resources(module: Mapping[str, Any]) -> list[Document]:
    below = [raw for child in module.get("child_modules") or () for raw in _resources(child)]
    return [*(module.get("resources") or ()), *below]


def _changes(entries: Iterable[Document] | None) -> list[EngineChange]:
    return [change for entry in entries or () if (change := _change(entry))]


def _change(entry: Document) -> EngineChange | None:
    """One entry, or None when it does nothing at all: no action, nothing adopted, nothing moved."""
    change = entry["change"]
    actions = tuple(change["actions"])
    import_id = str((change.get("importing") or {}).get("id", ""))
    previous = str(entry.get("previous_address", ""))
    if actions == UNCHANGED and not import_id and not previous:
        return None
    before, after = change.get("before"), change.get("after")
    unknown = change.get("after_unknown")
    return EngineChange(
        address=entry["address"], resource_type=entry["type"], actions=actions, before=before, after=after,
        pool_name=_pool_name(after, before, entry["name"]),
        after_unknown=unknown if isinstance(unknown, dict) else {},
        replace_paths=tuple(sorted(".".join(map(str, path)) for path in change.get("replace_paths") or ())),
        reason=str(entry.get("action_reason", "")), import_id=import_id, previous_address=previous,
    )


def _pool_name(after: Mapping[str, Any] | None, before: Mapping[str, Any] | None, label: str) -> str:
    """The pool's name as OVH knows it; the resource's label where the name is left to OVH."""
    return str((after or {}).get("name") or (before or {}).get("name") or label)


def _outputs(outputs: Mapping[str, Any]) -> list[EngineChange]:
    """Outputs as changes of a resource with one attribute, ``value``."""
    return _changes(
        {"address": f"output.{name}", "type": "output", "name": name, "change": _output(change)}
        for name, change in outputs.items()
    )


def _output(change: Document) -> Document:
    values = {side: {"value": change.get(side)} for side in ("before", "after")}
    return {"actions": change["actions"], **values}


def _invocation(entry: Document) -> EngineChange:
    """An action that a newer Terraform would run beside the changes; poolplan never writes one."""
    return EngineChange(
        address=str(entry.get("address", "action")), resource_type=str(entry.get("type", "action")), pool_name="",
        actions=("invoke",), before=None, after=entry,
    )


def _has_drifted(change: EngineChange) -> bool:
    """False for a node pool that is only spelled differently since it was last read."""
    return change.resource_type != NODE_POOL or not same_pool(change.before, change.after)


def _ordered(changes: Iterable[EngineChange]) -> tuple[EngineChange, ...]:
    """By address; a deposed object shares its address with the current one, so actions decide then."""
    return tuple(sorted(changes, key=lambda change: (change.address, change.actions, change.reason)))
