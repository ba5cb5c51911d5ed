"""Limits on a plan, and what of a plan breaks them. Whether a broken limit stops anything is decided by the caller.

A limit on the whole (pools, nodes, cost) is broken only by a plan that makes it worse: a cluster that is over its limit
may always be made smaller. Percentages are of the declared nodes, from the first pool on: of no node, any growth is too
much. What cannot be judged, because a price or what was applied is not known, breaks its limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.accounts import by_label
from planner.plan import Action
from planner.quantity import count, format_money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from planner.accounts import Account
    from planner.plan import Change, Plan
    from planner.pools import Pool

EACH: Final = "*"
"""In place of a NodePool's name: every NodePool, as far as it has no limit of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerDay:
    """Limits on all that is applied within 24 hours; None is no limit. ``hourly_added`` in micro-units."""

    nodes_added: int | None = None
    nodes_removed: int | None = None
    hourly_added: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDay:
    """What was applied in the last 24 hours; the plan that is judged is not among it."""

    nodes_added: int = 0
    nodes_removed: int = 0
    hourly_added: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerNodePool:
    """Limits on what the pools of one NodePool are together afterwards; None is no limit."""

    max_nodes: int | None = None
    max_hourly: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """The limits; None is no limit. Money is in micro-units of the catalog's currency, per hour.

    ``node_pools``: (name or ``EACH``, its limits), each name once.
    """

    max_nodes_added: int | None = None
    max_nodes_removed: int | None = None
    max_hourly_added: int | None = None
    max_pools_deleted: int | None = None
    max_growth_percent: int | None = None
    max_shrink_percent: int | None = None
    max_pools: int | None = None
    max_nodes: int | None = None
    max_hourly: int | None = None
    per_day: PerDay | None = None
    node_pools: tuple[tuple[str, PerNodePool], ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that a plan breaks. ``rule`` is its name in cluster.yaml; ``text`` one sentence without a full stop."""

    rule: str
    text: str


def check(
    plan: Plan, guardrails: Guardrails, *, last_day: LastDay | None = None,
    account: Callable[[Pool], Account] = by_label,
) -> tuple[Violation, ...]:  # fmt: skip
    """Every limit that the plan breaks, in the order of ``Guardrails``.

    ``last_day`` None: what was applied is not known. ``account`` says which NodePools a pool belongs to and what it
    costs (``planner.accounts``); a label says the first, and nothing the second.
    """
    steps = () if plan.adopts else tuple(_steps(plan, guardrails))
    return (
        *steps, *_shares(plan, guardrails), *_totals(plan, guardrails),
        *_days(plan, guardrails.per_day or PerDay(), last_day), *_node_pools(plan, guardrails, account),
    )  # fmt: skip


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


def hourly_added(plan: Plan) -> int:
    """Micro-units per hour that the plan adds, pool by pool: what one pool saves does not pay for another one."""
    grown = sum(max(0, change.cost_after.hourly - change.cost_before.hourly) for change in plan.changes)
    return max(grown, plan.cost.after.hourly - plan.cost.before.hourly)


def done_by(plans: Iterable[Plan]) -> LastDay:
    """What these plans add up to, for the limits of a day. What Git takes over was done by others."""
    found = LastDay()
    for plan in plans:
        if plan.adopts:
            continue
        found = LastDay(
            nodes_added=found.nodes_added + sum(map(nodes_added, plan.changes)),
            nodes_removed=found.nodes_removed + sum(map(nodes_removed, plan.changes)),
            hourly_added=found.hourly_added + hourly_added(plan),
        )
    return found


def _steps(plan: Plan, guardrails: Guardrails) -> Iterator[Violation]:
    """The limits on what one plan does."""
    added, removed = sum(map(nodes_added, plan.changes)), sum(map(nodes_removed, plan.changes))
    limit = guardrails.max_nodes_added
    if limit is not None and added > limit:
        yield Violation("maxNodesAdded", f"the plan adds {count(added, 'node')}, at most {limit} may be added")
    limit = guardrails.max_nodes_removed
    if limit is not None and removed > limit:
        yield Violation("maxNodesRemoved", f"the plan removes {count(removed, 'node')}, at most {limit} may be removed")
    limit, more = guardrails.max_hourly_added, hourly_added(plan)
    if limit is not None and more > limit:
        text = f"the plan adds {_money(more, plan)}, at most {format_money(limit)} may be added"
        yield Violation("maxHourlyAdded", text)
    limit = guardrails.max_pools_deleted
    deleted = sum(change.action in (Action.DELETE, Action.REPLACE) for change in plan.changes)
    if limit is not None and deleted > limit:
        text = f"the plan deletes or replaces {count(deleted, 'pool')}, at most {limit} may be"
        yield Violation("maxPoolsDeleted", text)


def _shares(plan: Plan, guardrails: Guardrails) -> Iterator[Violation]:
    """The limits on what one plan does, in percent of the declared nodes. Exact: half a node is no node."""
    before, own = _size(plan.declared), done_by([plan])
    for rule, limit, number, what in (
        ("maxGrowthPercent", guardrails.max_growth_percent, own.nodes_added, ("adds", "to", "added")),
        ("maxShrinkPercent", guardrails.max_shrink_percent, own.nodes_removed, ("removes", "of", "removed")),
    ):
        if limit is not None and number * 100 > limit * before:
            does, of, done = what
            text = f"the plan {does} {count(number, 'node')} {of} {before}, at most {limit} % may be {done}"
            yield Violation(rule, text)


def _totals(plan: Plan, guardrails: Guardrails) -> Iterator[Violation]:
    """The limits on what the cluster is afterwards."""
    before, after = len(plan.pools_before), len(plan.pools_after)
    if _breaks(guardrails.max_pools, before, after):
        yield Violation("maxPools", f"the plan leads to {after} pools, at most {guardrails.max_pools} are allowed")
    before, after = _size(plan.pools_before), _size(plan.pools_after)
    if _breaks(guardrails.max_nodes, before, after):
        text = f"the plan leads to {count(after, 'node')}, at most {guardrails.max_nodes} are allowed"
        yield Violation("maxNodes", text)
    before, after = plan.cost.before.hourly, plan.cost.after.hourly
    if _breaks(guardrails.max_hourly, before, after):
        limit = format_money(guardrails.max_hourly or 0)
        yield Violation("maxHourly", f"the plan leads to {_money(after, plan)}, at most {limit} are allowed")


def _days(plan: Plan, per_day: PerDay, last_day: LastDay | None) -> Iterator[Violation]:
    """The limits on what a day does. A plan that adds nothing to an amount does not break its limit."""
    own = done_by([plan])
    for name, rule, what in (
        ("nodes_added", "perDay.nodesAdded", "added nodes"), ("nodes_removed", "perDay.nodesRemoved", "removed nodes"),
        ("hourly_added", "perDay.hourlyAdded", f"{plan.cost.currency} per hour added"),
    ):  # fmt: skip
        limit, more = getattr(per_day, name), getattr(own, name)
        if limit is None or not more:
            continue
        if last_day is None:
            yield Violation(rule, "what was applied in the last 24 hours is not known, so this day's limit is closed")
        elif (total := getattr(last_day, name) + more) > limit:
            shown = (format_money(total), format_money(limit)) if name == "hourly_added" else (total, limit)
            text = f"the plan and the last 24 hours make {shown[0]} {what}, at most {shown[1]} are allowed"
            yield Violation(rule, text)


def _node_pools(plan: Plan, guardrails: Guardrails, account: Callable[[Pool], Account]) -> Iterator[Violation]:
    """The limits on what the pools of each NodePool are afterwards."""
    if not guardrails.node_pools:
        return
    changed: set[str] = set()
    for change in plan.changes:
        if change.after is not None:
            named = account(change.after).node_pools
            changed |= set(named or ())
            if named is None:
                text = f"it is not known which NodePool {change.pool} belongs to, so the limits of NodePools are closed"
                yield Violation("nodePools", text)
    for name in sorted(changed):
        yield from _node_pool(name, limits_of(guardrails, name), plan, account)


def limits_of(guardrails: Guardrails, name: str) -> PerNodePool:
    """The limits of this NodePool: its own, and those of ``EACH`` for what it has none of its own."""
    named = dict(guardrails.node_pools)
    own, each = named.get(name, PerNodePool()), named.get(EACH, PerNodePool())
    return PerNodePool(
        max_nodes=each.max_nodes if own.max_nodes is None else own.max_nodes,
        max_hourly=each.max_hourly if own.max_hourly is None else own.max_hourly,
    )


def _node_pool(name: str, limits: PerNodePool, plan: Plan, account: Callable[[Pool], Account]) -> Iterator[Violation]:
    sides = (plan.pools_before, plan.pools_after)
    own = [[pool for pool in pools if name in (account(pool).node_pools or ())] for pools in sides]
    before, after = (_size(pools) for pools in own)
    if _breaks(limits.max_nodes, before, after):
        text = f"the plan leads to {count(after, 'node')} of NodePool {name}, at most {limits.max_nodes} are allowed"
        yield Violation(f"nodePools.{name}.maxNodes", text)
    if limits.max_hourly is None:
        return
    rule = f"nodePools.{name}.maxHourly"
    costs = [_cost(pools, account) for pools in own]
    if costs[0] is None or costs[1] is None:
        if after >= before:
            yield Violation(rule, f"a price of NodePool {name} is not known, so its limit is closed")
    elif _breaks(limits.max_hourly, costs[0], costs[1]):
        limit, what = format_money(limits.max_hourly), f"{_money(costs[1], plan)} of NodePool {name}"
        yield Violation(rule, f"the plan leads to {what}, at most {limit} are allowed")


def _cost(pools: Iterable[Pool], account: Callable[[Pool], Account]) -> int | None:
    """Micro-units per hour of all these pools; None where one of their prices is not known."""
    total = 0
    for pool in pools:
        hourly = account(pool).hourly if pool.desired else 0
        if hourly is None:
            return None
        total += hourly
    return total


def _breaks(limit: int | None, before: int, after: int) -> bool:
    return limit is not None and after > limit and after > before


def _size(pools: Iterable[Pool]) -> int:
    return sum(pool.desired for pool in pools)


def _money(micros: int, plan: Plan) -> str:
    return f"{format_money(micros)} {plan.cost.currency} per hour"
