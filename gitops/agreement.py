"""Does the engine's own plan do exactly what the reviewed plan says? Pure: two values in, the differences out.

One change more, one fewer or one different is a disagreement, and so is a pool that no longer stands where the plan
found it. A change that is missing because it is in effect already is not: a run that was killed may go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planner.diff import changed_fields
from planner.plan import Action
from planner.pools import Pool, PoolName
from planner.taints import Taint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.engines.base import EngineChange, EnginePlan, EngineResource
    from planner.plan import Change, Plan

RESOURCE: Final = "ovh_cloud_project_kube_nodepool"
_ACTIONS: Final[dict[Action, set[tuple[str, ...]]]] = {
    Action.CREATE: {("create",)},
    Action.UPDATE: {("update",)},
    Action.DELETE: {("delete",)},
    Action.REPLACE: {("delete", "create"), ("create", "delete")},
}
#: Field of a pool → attribute of the Terraform resource.
ATTRIBUTES: Final = {
    "flavor": "flavor_name", "zones": "availability_zones", "desired": "desired_nodes", "minimum": "min_nodes",
    "maximum": "max_nodes", "monthly_billed": "monthly_billed", "anti_affinity": "anti_affinity",
    "autoscale": "autoscale", "labels": "template", "annotations": "template", "taints": "template",
    "finalizers": "template", "unschedulable": "template",
}  # fmt: skip
#: Attributes that say to which cluster and under which name, or that only the provider sets.
_GIVEN = {"name", "kube_id", "service_name"}


@dataclass(frozen=True, slots=True)
class Owner:
    """The cluster that the pools must belong to."""

    service_name: str
    kube_id: str


@dataclass(frozen=True, slots=True, order=True)
class Disagreement:
    """What differs, for one pool or resource, as a sentence."""

    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


def disagreements(plan: Plan, engine_plan: EnginePlan, *, owner: Owner) -> tuple[Disagreement, ...]:
    """Everything in which the engine's plan differs from the approved one; empty when they agree."""
    found: list[Disagreement] = []
    if not engine_plan.complete:
        found.append(Disagreement("terraform", "put part of the work off to a later run"))
    found += [
        Disagreement(other.address, f"would {' and '.join(other.actions)}, which the plan does not say")
        for other in engine_plan.other_changes
    ]
    doing = {change.pool_name: change for change in engine_plan.changes}
    approved = {str(change.pool): change for change in plan.changes}
    if len(doing) != len(engine_plan.changes):
        found.append(Disagreement("terraform", "would change two resources of one pool name"))
    state = {one.pool_name: one for one in engine_plan.settled if one.resource_type == RESOURCE}
    for name in sorted(doing.keys() | approved.keys()):
        change, engine = approved.get(name), doing.get(name)
        if change is None and engine is not None:
            found.append(Disagreement(name, f"terraform would {_verb(engine)} it, which the plan does not say"))
        elif change is not None and engine is None:
            found += _missing(change, state.get(name))
        elif change is not None and engine is not None:
            found += [Disagreement(name, text) for text in _differences(change, engine, owner)]
    return tuple(sorted(found))


def pool_of(values: Mapping[str, Any]) -> Pool:
    """The pool that a resource's values describe; values still unknown count as empty."""
    template = _only(values.get("template"))
    metadata, spec = _only(template.get("metadata")), _only(template.get("spec"))
    return Pool(
        name=PoolName(str(values.get("name") or "")),
        flavor=str(values.get("flavor_name") or ""),
        zones=tuple(values.get("availability_zones") or ()),
        desired=int(values.get("desired_nodes") or 0),
        minimum=int(values.get("min_nodes") or 0),
        maximum=int(values.get("max_nodes") or 0),
        monthly_billed=bool(values.get("monthly_billed")),
        anti_affinity=bool(values.get("anti_affinity")),
        autoscale=bool(values.get("autoscale")),
        labels=_pairs(metadata.get("labels")),
        annotations=_pairs(metadata.get("annotations")),
        finalizers=tuple(metadata.get("finalizers") or ()),
        taints=tuple(sorted(
            Taint(one.get("key", ""), one.get("value") or "", one.get("effect", "")) for one in spec.get("taints") or ()
        )),
        unschedulable=bool(spec.get("unschedulable")),
    )  # fmt: skip


def _missing(change: Change, resource: EngineResource | None) -> list[Disagreement]:
    """The engine does not do an approved change: right only if it is in effect already."""
    name = str(change.pool)
    if change.after is None:
        there = resource is not None
        return [Disagreement(name, "terraform would not delete it, and it is still there")] if there else []
    if resource is None:
        return [Disagreement(name, f"terraform would not {change.action.value} it, and its state has no such pool")]
    wrong = _unequal(change.after, pool_of(resource.values))
    return [Disagreement(name, f"terraform would not {change.action.value} it, though {text}") for text in wrong]


def _differences(change: Change, engine: EngineChange, owner: Owner) -> list[str]:
    if engine.resource_type != RESOURCE:
        return [f"terraform would change a {engine.resource_type}, not a node pool"]
    if engine.actions not in _ACTIONS[change.action]:
        return [f"the plan says {change.action.value}, terraform would {_verb(engine)}"]
    found = _owner_differences(engine, owner)
    if change.before is not None and engine.before is not None:
        found += [f"it has changed since the plan: {text}" for text in _unequal(change.before, pool_of(engine.before))]
        found += _other_pool(change, engine)
    if change.after is not None and engine.after is not None:
        set_to = pool_of(engine.after)
        found += [f"terraform would set another value: {text}" for text in _unequal(change.after, set_to)]
        found += _unnamed(engine)
    if change.action is Action.UPDATE and engine.replace_paths:
        found.append(f"terraform would replace it because of {', '.join(engine.replace_paths)}")
    return found


def _owner_differences(engine: EngineChange, owner: Owner) -> list[str]:
    found = []
    for side in (engine.before, engine.after):
        for name, wanted in (("service_name", owner.service_name), ("kube_id", owner.kube_id)):
            if side is not None and side.get(name) != wanted:
                found.append(f"{name} is not the cluster's: {side.get(name)}")
    return list(dict.fromkeys(found))


def _other_pool(change: Change, engine: EngineChange) -> list[str]:
    """The pool behind the name must be the one the plan saw."""
    seen = change.before.state.id if change.before and change.before.state else ""
    known = str((engine.before or {}).get("id") or "")
    if not seen or not known or seen == known:
        return []
    return [f"it is another pool than the plan saw: id {known}, not {seen}"]


def _unequal(wanted: Pool, found: Pool) -> list[str]:
    """Each field that differs, as ``desired_nodes is 3, the plan says 2``."""
    return [
        f"{ATTRIBUTES[name]} is {_shown(getattr(found, name))}, the plan says {_shown(getattr(wanted, name))}"
        for name in changed_fields(wanted, found)
    ]


def _unnamed(engine: EngineChange) -> list[str]:
    """Attributes that the engine would set and that a plan cannot speak of."""
    before, after = engine.before or {}, engine.after or {}
    known = {*ATTRIBUTES.values(), *_GIVEN}
    found = []
    for name in sorted(after.keys() - known):
        value = after[name]
        if engine.after_unknown.get(name) or not value or value == before.get(name):
            continue
        found.append(f"terraform would set {name}, which the plan does not speak of")
    return found


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(one) if isinstance(one, str) else str(one) for one in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _verb(engine: EngineChange) -> str:
    return "replace" if len(engine.actions) > 1 else engine.actions[0] if engine.actions else "do nothing to"


def _only(block: object) -> Mapping[str, Any]:
    """The one element of a nested block, which Terraform writes as a list."""
    first = block[0] if isinstance(block, list) and block else block
    return first if isinstance(first, dict) else {}


def _pairs(values: object) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(values.items())) if isinstance(values, dict) else ()
