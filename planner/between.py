"""The plan between two declared pool sets, for a change that a person made: what it does, costs and needs.

No demand is behind it. Nodes that it lets go are named where the cluster is at hand (``planner.leaving``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from planner.accounts import pool_price
from planner.canonical import Digest, value_digest
from planner.diff import action_for
from planner.drift import as_observed, listed
from planner.guardrails import nodes_removed
from planner.leaving import Leaving
from planner.plan import Action, Change, Cost, Evidence, Plan, Price, Reason
from planner.pools import PoolName, PoolSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planner.catalog import Catalog
    from planner.pools import Pool

BY_HAND: Final = "by-hand"
DRIFTED: Final = "drift"
EMERGENCY: Final = "emergency"
EDITED: Final = Reason(BY_HAND, "somebody changed the pool's file")
NOTHING: Final = Digest("")
"""In place of the digest of an input that had no part in a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a plan between two pool sets is made with. ``policy`` is its digest, ``now`` is RFC 3339.

    ``observed`` tells the pools' ids, which are preconditions; ``victims`` are the nodes that leave, by pool.
    ``adopts``: the second pool set is what is there already.
    """

    catalog: Catalog
    policy: Digest
    now: str
    observed: PoolSet = field(default_factory=PoolSet)
    victims: Mapping[str, Leaving] = field(default_factory=dict)
    reason: Reason = EDITED
    adopts: bool = False


def plan_between(before: PoolSet, after: PoolSet, given: Given) -> Plan:
    """The plan that leads from one to the other; its only reason is that somebody wrote it."""
    names = sorted(before.names() | after.names())
    changes = tuple(one for name in names if (one := _change(before.get(name), after.get(name), given)) is not None)
    catalog = given.catalog
    cost = Cost(currency=catalog.currency, before=_price(before, catalog), after=_price(after, catalog))
    evidence = Evidence(
        snapshot=NOTHING, policy=given.policy, catalog=value_digest(catalog), now=given.now, prices=catalog.source,
        pools=value_digest((before, after)),
    )  # fmt: skip
    return Plan(
        declared=before, desired=after, changes=changes, cost=cost, evidence=evidence, adopts=given.adopts,
    )  # fmt: skip


def adoption(declared: PoolSet, observed: PoolSet, names: Iterable[str] | None = None) -> PoolSet:
    """The declared pools as the provider has them: what somebody changed there is taken over, what is gone goes.

    Only pools that the provider's own list has count, which it knows by an id: nodes tell of pools too little.
    ``names`` are those that it is done to; None: to all.
    """
    seen = listed(observed)
    return as_observed(declared, seen, declared.names() if names is None else names) if seen.pools else declared


def without_victims(plan: Plan) -> tuple[str, ...]:
    """The pools that lose nodes and name none of them, or too few: such a plan cannot be applied."""
    return tuple(one.pool for one in plan.changes if len(one.victims) < nodes_removed(one))


def _change(before: Pool | None, after: Pool | None, given: Given) -> Change | None:
    action, forcing = action_for(before, after)
    if action is Action.NOOP:
        return None
    name = PoolName((before or after).name)  # type: ignore[union-attr]  # one of them is there, else nothing changes
    seen, leaving = given.observed.get(name), given.victims.get(name, Leaving())
    return Change(
        pool=name, action=action, after=after, forces_replace=forcing,
        before=replace(before, state=seen.state) if before and seen else before,
        reasons=(given.reason,), victims=leaving.nodes, drains=leaving.drains,
        cost_before=pool_price(before, given.catalog), cost_after=pool_price(after, given.catalog),
    )  # fmt: skip


def _price(pools: PoolSet, catalog: Catalog) -> Price:
    price = Price()
    for pool in pools:
        price = price.plus(pool_price(pool, catalog))
    return price
