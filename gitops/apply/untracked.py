"""Pools that are there and that the engine does not keep track of; pure.

Terraform alone has a state that can lack a pool: one that was made by another engine, whose state was lost, or whose
creation failed (OVHcloud's provider stores no id then: reference of its node pool resource, "unexpected state").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.diff import changed_fields
from planner.plan import Action
from planner.pools import LEAVING_STATES, PoolSet

if TYPE_CHECKING:
    from gitops.engines.base import EnginePlan
    from planner.plan import Change, Plan
    from planner.pools import Pool


def names_untracked(plan: Plan, engine_plan: EnginePlan) -> frozenset[str]:
    """The pools that the plan knows, now or in the end, and the engine does not, nor would import as planned, or move.

    What is released is not taken up again. What the files import and the plan does not was in a state that is lost.
    """
    planned = {action: {str(one.pool) for one in plan.changes if one.action is action} for action in Action}
    importing = {one.pool_name for one in engine_plan.changes if one.import_id}
    tracked = {one.pool_name for one in engine_plan.settled} - importing
    tracked |= {one.pool_name for one in engine_plan.changes if one.previous_address}
    tracked |= (importing & planned[Action.IMPORT]) | planned[Action.RELEASE]
    return (plan.declared.names() | plan.desired.names()) - tracked


def untracked(plan: Plan, engine_plan: EnginePlan, observed: PoolSet) -> tuple[PoolSet, tuple[str, ...]]:
    """Those that the provider has: which the engine may take as its own, and why others may not be, as sentences.

    What the plan creates is taken where it is just as the plan wants it: then an earlier try made it.
    """
    changes = {str(one.pool): one for one in plan.changes}
    taken: list[Pool] = []
    reasons: list[str] = []
    for name in sorted(names_untracked(plan, engine_plan)):
        pool = observed.get(name)
        if pool is None or (pool.state is not None and pool.state.status in LEAVING_STATES):
            continue
        text = _another(changes.get(name), pool)
        if text:
            reasons.append(f"{name}: {text}")
        else:
            taken.append(pool)
    return PoolSet.of(taken), tuple(reasons)


def _another(change: Change | None, pool: Pool) -> str:
    """In what the pool that is there is not the plan's."""
    if change is None:
        return ""
    if change.action is Action.CREATE and change.after is not None:
        fields = ", ".join(changed_fields(change.after, pool)).replace("_", " ")
        return f"the provider has a pool of that name already, with another {fields}" if fields else ""
    seen = change.before.state.id if change.before and change.before.state else ""
    known = pool.state.id if pool.state else ""
    return f"it is another pool than the plan saw: id {known}, not {seen}" if seen and known != seen else ""
