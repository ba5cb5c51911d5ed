"""What must still be true of the provider just before an approved plan is carried out; pure.

Nodes go by name or not at all: where others are there than the plan found, OVHcloud would choose among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.apply.steps import lessens
from planner.plan import Action
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planner.plan import Change, Plan
    from planner.pools import Pool, PoolSet


def losing(plan: Plan) -> tuple[str, ...]:
    """The pools whose nodes have to be looked at."""
    return tuple(str(one.pool) for one in plan.changes if lessens(one))


def other_nodes(plan: Plan, observed: PoolSet, nodes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Every pool whose nodes are not as the plan found them, as sentences.

    ``nodes`` are the names of the nodes of a pool that are not on their way out.
    """
    reasons: list[str] = []
    for change in plan.changes:
        pool = observed.get(change.pool)
        if pool is not None and lessens(change):
            reasons += [f"{change.pool}: {text}" for text in _of_pool(change, pool, nodes[change.pool])]
    return tuple(reasons)


def still_there(plan: Plan, nodes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The victims that have not left yet, by name."""
    return tuple(sorted(
        name for change in plan.changes for name in nodes.get(change.pool, ()) if name in change.victims
    ))  # fmt: skip


def _of_pool(change: Change, pool: Pool, names: Sequence[str]) -> list[str]:
    seen = change.before.state.id if change.before and change.before.state else ""
    if seen and pool.state and pool.state.id != seen:
        return [f"it is another pool than the plan saw: id {pool.state.id}, not {seen}"]
    stays = change.after.desired if change.after is not None and change.action is Action.UPDATE else 0
    others = sorted(name for name in names if name not in change.victims)
    removed = ", ".join(change.victims) or "no node"
    if len(others) > stays:
        there = f"of those there it does not remove {', '.join(others)}"
        return [f"the plan leaves {count(stays, 'node')}, and {there}; it removes {removed}"]
    if len(others) < stays and change.victims:
        return [f"without {removed} the pool has {count(len(others), 'node')}, the plan leaves {stays}"]
    return []
