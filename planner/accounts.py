"""Whose a pool is and what it costs, for limits on NodePools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner import labels as known
from planner.ownership import owners

if TYPE_CHECKING:
    from collections.abc import Callable

    from planner.catalog import Catalog, Region
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
        flavor = catalog.flavor(pool.flavor)
        found = _labelled(pool) or tuple(sorted(one.name for one in owners(pool, policy, catalog, region)))
        hourly = None if flavor is None else flavor.price(monthly_billed=pool.monthly_billed) * pool.desired
        return Account(node_pools=None if flavor is None and not found else found, hourly=hourly)

    return account


def by_label(pool: Pool) -> Account:
    """What the pool itself says: the NodePool in its label. Nothing of its price."""
    return Account(node_pools=_labelled(pool) or None, hourly=None)


def _labelled(pool: Pool) -> tuple[str, ...]:
    name = dict(pool.labels).get(known.NODEPOOL)
    return (name,) if name else ()
