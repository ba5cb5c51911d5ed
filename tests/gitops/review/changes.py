"""Plans in a few words, each node at ten cents an hour unless told otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner.plan import Change, Plan, Price
from planner.pools import Pool, PoolName, ProviderState
from planner.quantity import HOURS_PER_MONTH
from tests.gitops.plans import plan_of, pool

NODE = 100_000
"""Micro-euros an hour."""


def written_plan(changes: dict[str, dict[str, Any]], *, node: int = NODE) -> Plan:
    """``{a: {from: 1, to: 3}}``: without from it is made, without to it goes; ``flavor`` and ``label`` become another."""
    before = [_pool(name, one["from"], one) for name, one in changes.items() if "from" in one]
    after = [_after(name, one) for name, one in changes.items() if "to" in one]
    victims = {name: tuple(one["victims"]) for name, one in changes.items() if "victims" in one}
    plan = plan_of(tuple(before), tuple(after), victims=victims)
    priorities = {name: one.get("priority", 0) for name, one in changes.items()}
    return costed(plan, node=node, priorities=priorities)


def costed(plan: Plan, *, node: int = NODE, priorities: dict[str, int] | None = None) -> Plan:
    """The plan with what it costs, and how urgent its changes are."""
    found = tuple(_costed(change, node, (priorities or {}).get(change.pool, 0)) for change in plan.changes)
    sizes = (sum(one.desired for one in plan.declared), sum(one.desired for one in plan.desired))
    cost = replace(plan.cost, before=_price(sizes[0] * node), after=_price(sizes[1] * node))
    return replace(plan, changes=found, cost=cost)


def _pool(name: str, nodes: int, one: dict[str, Any]) -> Pool:
    return pool(name, nodes, state=ProviderState(id=one.get("id", f"id-{name}")))


def _after(name: str, one: dict[str, Any]) -> Pool:
    made = pool(name, one["to"], flavor=one.get("flavor", "b3-8"))
    return replace(made, labels=(("tier", one["label"]),)) if "label" in one else made


def _costed(change: Change, node: int, priority: int) -> Change:
    before, after = (_price(one.desired * node if one else 0) for one in (change.before, change.after))
    return replace(change, cost_before=before, cost_after=after, priority=priority)


def _price(hourly: int) -> Price:
    return Price(hourly, hourly * HOURS_PER_MONTH)


def name_of(number: int) -> PoolName:
    return PoolName(f"karpenter-{number}")
