"""Limits on a plan, and what of a plan breaks them. Whether a broken limit stops anything is decided by the caller.

A limit on the whole (pools, nodes, cost) is broken only by a plan that makes it worse: a cluster that is over its limit
may always be made smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.plan import Action
from planner.quantity import format_money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.plan import Change, Plan
    from planner.pools import PoolSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """The limits; None is no limit. ``max_hourly`` is in micro-units of the catalog's currency."""

    max_nodes_added: int | None = None
    max_nodes_removed: int | None = None
    max_pools: int | None = None
    max_nodes: int | None = None
    max_hourly: int | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that a plan breaks. ``rule`` is its name in cluster.yaml; ``text`` one sentence without a full stop."""

    rule: str
    text: str


def check(plan: Plan, guardrails: Guardrails) -> tuple[Violation, ...]:
    """Every limit that the plan breaks, in the order of cluster.yaml."""
    return (*_steps(plan, guardrails), *_totals(plan, guardrails))


def nodes_added(change: Change) -> int:
    """How many nodes a change orders. A replacement orders all of its nodes anew."""
    if change.after is None:
        return 0
    if change.before is None or change.action is Action.REPLACE:
        return change.after.desired
    return max(0, change.after.desired - change.before.desired)


def nodes_removed(change: Change) -> int:
    """How many nodes a change lets go: all of them in a replacement, and never fewer than the victims it names."""
    if change.before is None:
        return 0
    if change.after is None or change.action is Action.REPLACE:
        return max(change.before.desired, len(change.victims))
    return max(0, change.before.desired - change.after.desired, len(change.victims))


def _steps(plan: Plan, guardrails: Guardrails) -> Iterator[Violation]:
    added, removed = sum(map(nodes_added, plan.changes)), sum(map(nodes_removed, plan.changes))
    limit = guardrails.max_nodes_added
    if limit is not None and added > limit:
        yield Violation("maxNodesAdded", f"the plan adds {_nodes(added)}, at most {limit} may be added")
    limit = guardrails.max_nodes_removed
    if limit is not None and removed > limit:
        yield Violation("maxNodesRemoved", f"the plan removes {_nodes(removed)}, at most {limit} may be removed")


def _totals(plan: Plan, guardrails: Guardrails) -> Iterator[Violation]:
    before, after = len(plan.declared), len(plan.desired)
    if _breaks(guardrails.max_pools, before, after):
        yield Violation("maxPools", f"the plan leads to {after} pools, at most {guardrails.max_pools} are allowed")
    before, after = _size(plan.declared), _size(plan.desired)
    if _breaks(guardrails.max_nodes, before, after):
        yield Violation("maxNodes", f"the plan leads to {_nodes(after)}, at most {guardrails.max_nodes} are allowed")
    before, after = plan.cost.before.hourly, plan.cost.after.hourly
    if _breaks(guardrails.max_hourly, before, after):
        limit = format_money(guardrails.max_hourly or 0)
        text = f"the plan leads to {format_money(after)} {plan.cost.currency} per hour, at most {limit} are allowed"
        yield Violation("maxHourly", text)


def _breaks(limit: int | None, before: int, after: int) -> bool:
    return limit is not None and after > limit and after > before


def _size(pools: PoolSet) -> int:
    return sum(pool.desired for pool in pools)


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
