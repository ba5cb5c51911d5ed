"""Whose a pool is and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner import labels as known
from planner.ownership import owners
from planner.plan import Price

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from planner.catalog import Catalog, Region
    from planner.plan import Plan
    from planner.policy import Policy
    from planner.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The NodePools a pool counts against, None where that is not known; micro-units per hour of all its nodes."""

    node_pools: tuple[str, ...] | None
    hourly: int | None


def accounts(policy: Policy, catalog: Catalog, region: Region) -> Callable[[Pool], Account]:
    """The account of any pool. One that several NodePools could have made counts against each, as in ``owners``."""

    def account(pool: Pool) -> Account:
        known_flavor = catalog.flavor(pool.flavor) is not None
        found = _labelled(pool) or tuple(sorted(one.name for one in owners(pool, policy, catalog, region)))
        hourly = pool_price(pool, catalog).hourly if known_flavor else None
        return Account(node_pools=found if known_flavor or found else None, hourly=hourly)

    return account


def by_label(pool: Pool) -> Account:
    """What the pool itself says: the NodePool in its label. Nothing of its price."""
    return Account(node_pools=_labelled(pool) or None, hourly=None)


def _labelled(pool: Pool) -> tuple[str, ...]:
    name = dict(pool.labels).get(known.NODEPOOL)
    return (name,) if name else ()


def pool_price(pool: Pool | None, catalog: Catalog) -> Price:
    """What all nodes of a pool cost; nothing for a flavor the catalog does not know (the plan warns of it)."""
    flavor = catalog.flavor(pool.flavor) if pool else None
    if pool is None or flavor is None:
        return Price()
    hourly = flavor.price(monthly_billed=pool.monthly_billed) * pool.desired
    return Price(hourly, flavor.monthly_price(monthly_billed=pool.monthly_billed) * pool.desired)


def repriced(plan: Plan, catalog: Catalog) -> Plan:
    """The plan with what this catalog says it costs: prices are not in its digest, so a file may say anything.

    What pools that are not in the plan cost is kept.
    """
    changes = tuple(
        replace(
            change, cost_before=pool_price(change.before, catalog), cost_after=pool_price(change.after, catalog)
        ) for change in plan.changes
    )  # fmt: skip
    before, after = _total(plan.pools_before, catalog), _total(plan.pools_after, catalog)
    others = Price(
        max(0, plan.cost.after.hourly - after.hourly), max(0, plan.cost.after.monthly - after.monthly)
    )  # fmt: skip
    cost = replace(plan.cost, currency=catalog.currency, before=before.plus(others), after=after.plus(others))
    return replace(plan, changes=changes, cost=cost)


def _total(pools: Iterable[Pool], catalog: Catalog) -> Price:
    total = Price()
    for pool in pools:
        total = total.plus(pool_price(pool, catalog))
    return total
