"""Taking existing pools under management, and handing them back: what Git declares changes, the pools do not.

A pool is known by the provider's id, which every such change carries: no other pool of the name is taken or let go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from planner.accounts import pool_price
from planner.between import NOTHING
from planner.canonical import value_digest
from planner.plan import Action, Change, Cost, Evidence, Plan, Price, Reason
from planner.pools import LEAVING_STATES, PoolName, PoolSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planner.between import Given
    from planner.catalog import Catalog
    from planner.pools import Pool

IMPORTED: Final = Reason("import", "the provider has the pool as it stands here; from now on Git declares it")
RELEASED: Final = Reason("release", "the pool stays as it is at the provider; from now on Git does not declare it")
_NOBODY: Final[Mapping[str, Reason]] = {}


def importable(declared: PoolSet, observed: PoolSet) -> PoolSet:
    """The pools that the provider has and Git does not declare."""
    return PoolSet.of(pool for pool in observed if declared.get(pool.name) is None)


def import_problem(pool: Pool) -> str:
    """Why an observed pool cannot be taken under management, without a full stop; empty: it can."""
    state = pool.state
    if pool.autoscale:
        return "OVHcloud's autoscaler sizes it, and a size has one writer: switch its autoscaling off first"
    if state is None or not state.id:
        return "its id is not known: only the OVH API's own list of pools tells it"
    return f"it is in state {state.status}" if state.status in LEAVING_STATES else ""


def import_plan(
    declared: PoolSet, pools: Iterable[Pool], given: Given, *, reasons: Mapping[str, Reason] = _NOBODY
) -> Plan:  # fmt: skip
    """The plan that takes these observed pools under management; what is declared already is left out.

    ``reasons`` are those of pools that nobody asked for, by name.
    """
    taken = PoolSet.of(pool for pool in pools if declared.get(pool.name) is None)
    changes = [_change(pool, Action.IMPORT, given, reasons.get(pool.name, IMPORTED)) for pool in taken]
    return _plan(declared, PoolSet.of([*declared, *taken]), taken, changes, given)


def release_plan(declared: PoolSet, pools: Iterable[Pool], given: Given) -> Plan:
    """The plan that lets go of these observed pools; what is not declared is left out.

    What the change shows is the pool as Git declares it: a size that drifted is nobody's business any more.
    """
    seen = {pool.name: pool for pool in pools}
    freed = PoolSet.of(_with_state(pool, seen[pool.name]) for pool in declared if pool.name in seen)
    staying = PoolSet.of(pool for pool in declared if pool.name not in seen)
    return _plan(declared, staying, freed, [_change(pool, Action.RELEASE, given, RELEASED) for pool in freed], given)


def _plan(declared: PoolSet, desired: PoolSet, pools: PoolSet, changes: Iterable[Change], given: Given) -> Plan:
    price = _price({*declared, *pools}, given.catalog)
    evidence = Evidence(
        snapshot=NOTHING, policy=given.policy, catalog=value_digest(given.catalog), now=given.now,
        prices=given.catalog.source, pools=value_digest((declared, pools)),
    )  # fmt: skip
    return Plan(
        declared=declared, desired=desired, changes=tuple(changes), evidence=evidence,
        cost=Cost(currency=given.catalog.currency, before=price, after=price),
    )  # fmt: skip


def _change(pool: Pool, action: Action, given: Given, reason: Reason) -> Change:
    price = pool_price(pool, given.catalog)
    return Change(
        pool=PoolName(pool.name), action=action, before=pool, after=pool, cost_before=price, cost_after=price,
        reasons=(reason,),
    )  # fmt: skip


def _with_state(pool: Pool, seen: Pool) -> Pool:
    return replace(pool, state=seen.state)


def _price(pools: Iterable[Pool], catalog: Catalog) -> Price:
    price = Price()
    for pool in pools:
        price = price.plus(pool_price(pool, catalog))
    return price
