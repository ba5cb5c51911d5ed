"""Does the engine's own plan do exactly what the reviewed plan says? Pure: two values in, the differences out.

One change more, one fewer or one different is a disagreement, and so is a pool that no longer stands where the plan
found it. A change that is missing because it is in effect already is not: a run that was killed may go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planner.diff import changed_fields
from planner.errors import ValueRefused
from planner.plan import Action
from planner.pools import Pool, PoolName
from planner.taints import Taint
from renderer.drift import value_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.engines.base import EngineChange, EnginePlan, EngineResource
    from planner.plan import Change, Plan

RESOURCE: Final = "ovh_cloud_project_kube_nodepool"
_ACTIONS: Final[dict[Action, set[tuple[str, ...]]]] = {
    Action.CREATE: {("create",)},
    Action.UPDATE: {("update",)},
    Action.DELETE: {("delete",)},
    Action.REPLACE: {("delete", "create"), ("create", "delete"), ("create",)},  # alone: it was killed in between
    Action.IMPORT: {("no-op",)},
    Action.RELEASE: {("forget",)},
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


def disagreements(
    plan: Plan, engine_plan: EnginePlan, *, owner: Owner, engine: str = "terraform"
) -> tuple[Disagreement, ...]:
    """Everything in which the engine's plan differs from the approved one; empty when they agree.

    ``engine`` is its name, for the sentences.
    """
    found: list[Disagreement] = []
    if not engine_plan.complete:
        found.append(Disagreement(engine, "put part of the work off to a later run"))
    found += [
        Disagreement(other.address, f"would {' and '.join(other.actions)}, which the plan does not say")
        for other in engine_plan.other_changes
    ]
    doing = {change.pool_name: change for change in engine_plan.changes}
    approved = {str(change.pool): change for change in plan.changes}
    if len(doing) != len(engine_plan.changes):
        found.append(Disagreement(engine, "would change two resources of one pool name"))
    state = {one.pool_name: one for one in engine_plan.settled if one.resource_type == RESOURCE}
    for name in sorted(doing.keys() | approved.keys()):
        try:
            texts = _of_pool(approved.get(name), doing.get(name), state.get(name), owner, engine)
        except ValueRefused as refused:
            texts = [f"{engine}'s values of it make no pool: {refused}"]
        found += [Disagreement(name, text) for text in texts]
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


def _of_pool(
    change: Change | None, engine: EngineChange | None, resource: EngineResource | None, owner: Owner, who: str
) -> list[str]:
    """In what the engine differs for one pool; ``resource`` is what its state has of it."""
    if change is None:
        return [_unasked(engine, who)] if engine is not None else []
    return _missing(change, resource, owner, who) if engine is None else _differences(change, engine, owner, who)


def _unasked(engine: EngineChange, who: str) -> str:
    text = f"{who} would {_verb(engine)} it, which the plan does not say"
    if engine.actions != ("update",) or engine.before is None or engine.after is None:
        return text
    there, wanted = pool_of(engine.before), pool_of(engine.after)
    fields = [
        f"{_subject(name)} is {value_text(getattr(there, name))} at the provider, "
        f"{value_text(getattr(wanted, name))} in Git"
        for name in changed_fields(there, wanted)
    ]
    return f"{text}: {', '.join(fields)}" if fields else text


def _missing(change: Change, resource: EngineResource | None, owner: Owner, who: str) -> list[str]:
    """The engine does not do an approved change: right only if it is in effect already."""
    if change.action is Action.RELEASE:
        return [f"{who} would not release it, and its state has it"] if resource is not None else []
    if change.after is None:
        return [f"{who} would not delete it, and it is still there"] if resource is not None else []
    if resource is None:
        return [f"{who} would not {change.action.value} it, and its state has no such pool"]
    wrong = [*_other_owner(resource.values, owner), *_unequal(change.after, pool_of(resource.values))]
    if change.action is Action.IMPORT:
        wrong += _other_pool(change, resource.values)
    return [f"{who} would not {change.action.value} it, though {text}" for text in wrong]


def _differences(change: Change, engine: EngineChange, owner: Owner, who: str) -> list[str]:
    if engine.resource_type != RESOURCE:
        return [f"{who} would change {engine.resource_type}, which is no node pool"]
    if not _is_approved(change, engine):
        return [f"the plan says {change.action.value}, {who} would {_verb(engine)} it"]
    sides = [side for side in (engine.before, engine.after) if side is not None]
    found = list(dict.fromkeys(text for side in sides for text in _other_owner(side, owner)))
    found += [f"it is about a pool named {side.get('name')}" for side in sides if side.get("name") != change.pool]
    if engine.before is not None:
        # A pool that is let go of may be of any shape by now: nothing is done to it.
        found += _moved(change, pool_of(engine.before)) if change.action is not Action.RELEASE else []
        found += _other_pool(change, engine.before)
    if change.action is Action.IMPORT:
        found += _other_import(change, engine, owner, who)
    if change.after is not None and engine.after is not None:
        unequal = _unequal(change.after, pool_of(engine.after))
        found += [f"{who} would set another value: {text}" for text in unequal]
        found += _unknown(engine, who) + _unnamed(engine, who)
    if change.action is Action.UPDATE and engine.replace_paths:
        found.append(f"{who} would replace it because of {', '.join(engine.replace_paths)}")
    return found


def _is_approved(change: Change, engine: EngineChange) -> bool:
    """Whether the engine would do what was approved and not something else, taking in or moving nothing besides."""
    imports = bool(engine.import_id) is (change.action is Action.IMPORT)
    return engine.actions in _ACTIONS[change.action] and imports and not engine.previous_address


def _other_owner(values: Mapping[str, Any], owner: Owner) -> list[str]:
    wanted = {"service_name": owner.service_name, "kube_id": owner.kube_id}
    return [f"{name} is {values.get(name)}, the cluster's is {own}" for name, own in wanted.items()
            if values.get(name) != own]  # fmt: skip


def _moved(change: Change, found: Pool) -> list[str]:
    """Fields that are neither as the plan found them nor, after a run that was killed, as it wants them."""
    if change.before is None:
        return []
    wanted = set(changed_fields(change.after, found)) if change.after is not None else set(ATTRIBUTES)
    moved = [name for name in changed_fields(change.before, found) if name in wanted]
    return [f"it has changed since the plan: {_unlike(name, change.before, found)}" for name in moved]


def _other_pool(change: Change, before: Mapping[str, Any]) -> list[str]:
    """The pool behind the name must be the one the plan saw."""
    seen = change.before.state.id if change.before and change.before.state else ""
    known = str(before.get("id") or "")
    if not seen or not known or seen == known:
        return []
    return [f"it is another pool than the plan saw: id {known}, not {seen}"]


def _other_import(change: Change, engine: EngineChange, owner: Owner, who: str) -> list[str]:
    """The very pool that the plan names, by every id that leads to it."""
    state = change.before.state if change.before else None
    wanted = f"{owner.service_name}/{owner.kube_id}/{state.id if state else ''}"
    return [] if engine.import_id == wanted else [f"{who} would import {engine.import_id}, the plan says {wanted}"]


def _unequal(wanted: Pool, found: Pool) -> list[str]:
    return [_unlike(name, wanted, found) for name in changed_fields(wanted, found)]


def _unlike(name: str, wanted: Pool, found: Pool) -> str:
    """One field that differs, as ``desired_nodes is 3, the plan says 2``."""
    return f"{_subject(name)} is {value_text(getattr(found, name))}, the plan says {value_text(getattr(wanted, name))}"


def _subject(name: str) -> str:
    return f"template {name}" if ATTRIBUTES[name] == "template" else ATTRIBUTES[name]


def _unknown(engine: EngineChange, who: str) -> list[str]:
    """Attributes the plan speaks of and whose value the engine leaves to the provider."""
    named = sorted({*ATTRIBUTES.values(), *_GIVEN})
    return [f"{who} would leave {name} to the provider" for name in named
            if _has_unknown(engine.after_unknown.get(name))]  # fmt: skip


def _has_unknown(marks: object) -> bool:
    if isinstance(marks, dict):
        return any(_has_unknown(mark) for mark in marks.values())
    return any(_has_unknown(mark) for mark in marks) if isinstance(marks, list) else marks is True


def _unnamed(engine: EngineChange, who: str) -> list[str]:
    """Attributes that the engine would set or clear and that a plan cannot speak of."""
    before, after = engine.before or {}, engine.after or {}
    known = {*ATTRIBUTES.values(), *_GIVEN}
    return [
        f"{who} would {'clear' if _is_empty(after.get(name)) else 'set'} {name}, which the plan does not speak of"
        for name in sorted((before.keys() | after.keys()) - known)
        if not engine.after_unknown.get(name) and not _alike(before.get(name), after.get(name))
    ]


def _alike(one: object, other: object) -> bool:
    return one == other or (_is_empty(one) and _is_empty(other))


def _is_empty(value: object) -> bool:
    """Whether the provider means nothing by it: absent, false, zero, or a block of such values only."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not value or (bool(inner) and all(_is_empty(one) for one in inner))


def _verb(engine: EngineChange) -> str:
    """What the engine would do, as a word for people."""
    if engine.import_id or engine.previous_address:
        also = "" if engine.actions == ("no-op",) else f" and {' and '.join(engine.actions)}"
        return ("import" if engine.import_id else "move") + also
    known = {actions: action.value for action in reversed(_ACTIONS) for actions in _ACTIONS[action]}
    return known.get(engine.actions) or " and ".join(engine.actions) or "do nothing to"


def _only(block: object) -> Mapping[str, Any]:
    """The one element of a nested block, which Terraform writes as a list."""
    first = block[0] if isinstance(block, list) and block else block
    return first if isinstance(first, dict) else {}


def _pairs(values: object) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(values.items())) if isinstance(values, dict) else ()
