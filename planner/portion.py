"""A plan split by what kind of proposal its changes belong to: capacity up, capacity down, and all else.

People review each by itself: more nodes are urgent, fewer nodes are not, and a changed pool is neither.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from planner.coming import takes_back
from planner.diff import changed_fields
from planner.plan import Action, Cost, Pending, Price
from planner.pools import PoolSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.plan import Change, PlacedNode, Plan


class Kind(Enum):
    """What a proposal is about. ``EMERGENCY`` was applied before anybody reviewed it; where declared and observed pools
    differ, ``DRIFT`` takes into Git what the provider has and ``RESTORE`` puts the provider back to what Git says: no
    plan has a share of these. ``IMPORT`` and ``RELEASE`` are what a person asks for: no demand makes a plan of them.
    """

    EMERGENCY = "emergency"

    UP = "up"
    DOWN = "down"
    POLICY = "policy"
    DRIFT = "drift"
    RESTORE = "restore"
    IMPORT = "import"
    RELEASE = "release"


#: The actions that leave a pool as it is, and the kind of each.
HANDOVERS: Final = {Action.IMPORT: Kind.IMPORT, Action.RELEASE: Kind.RELEASE}


def kind_of(change: Change) -> Kind:
    """UP: a pool is made or grows. DOWN: it shrinks or goes. POLICY: it is replaced, or differs in more than size.

    IMPORT and RELEASE are as the actions say.
    """
    before, after = change.before, change.after
    if change.action in HANDOVERS:
        return HANDOVERS[change.action]
    if before is None:
        return Kind.UP
    if after is None:
        return Kind.DOWN
    if change.action is Action.REPLACE or changed_fields(before, after) != ("desired",):
        return Kind.POLICY
    return Kind.UP if after.desired > before.desired else Kind.DOWN


def portions(plan: Plan) -> tuple[tuple[Kind, Plan], ...]:
    """Each kind of change as a plan of its own from the same declared pools: up, down, policy, those that there are.

    Together they do what the plan does. The demand (pending and unplaced pods, the certificate, the proven bound) goes
    with the first; so do placements, but those on new nodes of a pool that another portion changes. A plan of one
    kind is its own only portion. Where pools grow because others never came, those go back in the same portion: each
    without the other would be half a change.
    """
    kinds: dict[str, Kind] = {change.pool: kind_of(change) for change in plan.changes}
    if Kind.UP in kinds.values():
        kinds |= {
            one.pool: Kind.UP for one in plan.changes if kinds[one.pool] is Kind.DOWN and takes_back(one)
        }  # fmt: skip
    there = [kind for kind in Kind if kind in kinds.values()]
    if len(there) == 1:
        return ((there[0], plan),)
    return tuple(
        (kind, _portion(
            plan, tuple(change for change in plan.changes if kinds[change.pool] is kind), is_first=kind is there[0],
            placements=tuple(one for one in plan.placements if _home(one, kinds, there[0]) is kind),
        ))
        for kind in there
    )  # fmt: skip


def _home(node: PlacedNode, kinds: dict[str, Kind], first: Kind) -> Kind:
    return kinds.get(node.pool, first) if node.expected else first


def portion_of(plan: Plan, changes: tuple[Change, ...]) -> Plan:
    """Some of the changes of a plan as a plan of its own, with none of its demand but the nodes that they order."""
    names = {change.pool for change in changes}
    mine = tuple(one for one in plan.placements if one.expected and one.pool in names)
    return _portion(plan, changes, is_first=False, placements=mine)


def _portion(plan: Plan, changes: tuple[Change, ...], *, is_first: bool, placements: tuple[PlacedNode, ...]) -> Plan:
    cost = plan.cost
    after = cost.before.plus(_difference(changes))
    # What the new nodes may cost too much is proven of those that the demand ordered.
    excess = max(0, cost.after.hourly - cost.lower_bound_hourly) if is_first else 0
    return replace(
        plan, desired=_applied(plan.declared, changes), changes=changes, placements=placements,
        cost=Cost(
            currency=cost.currency, before=cost.before, after=after,
            lower_bound_hourly=max(0, after.hourly - excess),
        ),
        unplaced=plan.unplaced if is_first else (), certificate=plan.certificate if is_first else None,
        pending=plan.pending if is_first else Pending(),
    )  # fmt: skip


def _difference(changes: Iterable[Change]) -> Price:
    """How much more some changes cost, or less."""
    price = Price()
    for change in changes:
        before, after = change.cost_before, change.cost_after
        price = price.plus(Price(after.hourly - before.hourly, after.monthly - before.monthly))
    return price


def _applied(declared: PoolSet, changes: Iterable[Change]) -> PoolSet:
    pools = {pool.name: pool for pool in declared}
    for change in changes:
        pools.pop(change.pool, None)
        _, after = change.declared
        if after is not None:
            pools[change.pool] = after
    return PoolSet.of(pools.values())
