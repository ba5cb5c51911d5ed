"""Several changes of main as one, where the first of them failed because the cloud would not give it. Pure.

Each was approved by itself; together they lead from what was applied to where the last of them leads. A pool may stand
anywhere on that way, for the first tries may have come some of it: the walk is shortened to what is left.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.diff import action_for, changed_fields
from planner.guardrails import nodes_removed
from planner.plan import Action, Change
from planner.pools import PoolSet, ProviderState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.plan import Plan
    from planner.pools import Pool


def joined(plans: Sequence[Plan], observed: PoolSet | None = None) -> Plan:
    """The plan that does what these do one after the other. ``observed``: from where the provider's pools stand now.

    A pool that stands nowhere on its way is left as the first plan found it, so that it does not agree.
    """
    first, last = plans[0], plans[-1]
    names = sorted({str(change.pool) for plan in plans for change in plan.changes})
    changes = []
    for name in names:
        walk = [change for plan in plans for change in plan.changes if change.pool == name]
        changes += _joined(walk, observed.get(name) if observed is not None else walk[0].before, given=observed is None)
    return replace(
        last, declared=first.declared, changes=tuple(changes), cost=replace(last.cost, before=first.cost.before),
    )  # fmt: skip


def _joined(walk: Sequence[Change], there: Pool | None, *, given: bool) -> list[Change]:
    places = [walk[0].before, *(one.after for one in walk)]
    start = there if given else _place(places, there)
    end = places[-1]
    action, forcing = action_for(start, end)
    if action is Action.NOOP or (start is None and end is None):
        return []
    change = Change(
        pool=walk[0].pool, action=action, before=_identified(start, walk), after=end, forces_replace=forcing,
        reasons=tuple(dict.fromkeys(reason for one in walk for reason in one.reasons)), pods=walk[-1].pods,
        drains=any(one.drains for one in walk), priority=max(one.priority for one in walk),
        cost_before=walk[0].cost_before, cost_after=walk[-1].cost_after,
    )  # fmt: skip
    if nodes_removed(change):
        change = replace(change, victims=tuple(sorted({node for one in walk for node in one.victims})))
    return [change]


def _place(places: Sequence[Pool | None], there: Pool | None) -> Pool | None:
    """Where on its way a pool stands; where it began, if it stands nowhere on it: then it is another one's."""
    if there is None:
        return None if None in places else places[0]
    on_way = (one for one in reversed(places) if one is not None and not changed_fields(one, there))
    found = next(on_way, places[0])
    return replace(found, state=there.state) if found is not None else None


def _identified(pool: Pool | None, walk: Sequence[Change]) -> Pool | None:
    """The pool with the provider's id that the newest of the plans named, where one did."""
    ids = [one.before.state.id for one in walk if one.before is not None and one.before.state is not None]
    named = next((one for one in reversed(ids) if one), "")
    if pool is None or not named:
        return pool
    return replace(pool, state=replace(pool.state or ProviderState(), id=named))
