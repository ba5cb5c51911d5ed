"""What a faithful engine would do for a plan: the same changes, in Terraform's words and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitops.agreement import RESOURCE, Owner
from gitops.engines.base import EngineChange, EnginePlan, EngineResource
from gitops.engines.pool_values import values_of
from planner.plan import Action

if TYPE_CHECKING:
    from planner.plan import Change, Plan
    from planner.pools import Pool

OWNER = Owner(service_name="project", kube_id="kube")
ACTIONS = {
    Action.CREATE: ("create",), Action.UPDATE: ("update",), Action.DELETE: ("delete",),
    Action.REPLACE: ("delete", "create"), Action.IMPORT: ("no-op",), Action.RELEASE: ("forget",),
}  # fmt: skip


def values(pool: Pool, owner: Owner = OWNER) -> dict[str, Any]:
    return values_of(pool, owner)


def change(one: Change, owner: Owner = OWNER) -> EngineChange:
    before = values(one.before, owner) if one.before else None
    after = values(one.after, owner) if one.after and one.action is not Action.RELEASE else None
    known = f"{owner.service_name}/{owner.kube_id}/{before['id']}" if before and one.action is Action.IMPORT else ""
    if before and after and one.action is Action.UPDATE:
        after["id"] = before["id"]
    return EngineChange(
        address=f"{RESOURCE}.{one.pool}", resource_type=RESOURCE, pool_name=str(one.pool), actions=ACTIONS[one.action],
        before=before, after=after, replace_paths=one.forces_replace, import_id=known,
        after_unknown={"id": True, "status": True} if one.action in (Action.CREATE, Action.REPLACE) else {},
    )  # fmt: skip


def resource(pool: Pool, owner: Owner = OWNER) -> EngineResource:
    return EngineResource(
        address=f"{RESOURCE}.{pool.name}", resource_type=RESOURCE, pool_name=str(pool.name), values=values(pool, owner)
    )


def engine_plan(plan: Plan, owner: Owner = OWNER) -> EnginePlan:
    """What Terraform would show where its files and its state are as the plan assumes."""
    return EnginePlan(
        changes=tuple(change(one, owner) for one in plan.changes), other_changes=(), drift=(), plan_sha256="0",
        terraform_version="1.9.0", settled=tuple(resource(pool, owner) for pool in plan.declared),
    )  # fmt: skip
