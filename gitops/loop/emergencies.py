"""What was applied before anybody reviewed it, and has not been settled: merged into main, or declined.

An emergency leaves a record in the ledger, whose commit holds the plan and the files as they were applied. Until it
is settled there is a proposal for exactly that, and for the grace period nothing undoes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gitops.git.base import CommitId
from gitops.loop.ledger import time_of
from gitops.loop.records import Event
from gitops.review.coverage import covers
from planner.between import EMERGENCY, Given, plan_between
from planner.leaving import Leaving
from planner.plan import Reason
from planner.pools import PoolSet
from planner.portion import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gitops.loop.ledger import Ledger
    from gitops.loop.records import Record
    from gitops.loop.trees import Tree, Trees
    from planner.plan import Plan

_SETTLES: Final = (Event.MERGED, Event.DECLINED, Event.WITHDRAWN)


def unsettled(ledger: Ledger) -> tuple[Record, ...]:
    """The records of emergencies since one was last settled, oldest first."""
    found: list[Record] = []
    for record in ledger.records:
        if record.event is Event.EMERGENCY:
            found.append(record)
        elif record.kind == Kind.EMERGENCY.value and record.event in _SETTLES:
            found.clear()
    return tuple(found)


def refused(ledger: Ledger) -> tuple[Record, ...]:
    """The records of the emergencies that people declined last; none once another one was settled otherwise, or what
    they did was put back.
    """
    found: list[Record] = []
    declined: tuple[Record, ...] = ()
    for record in ledger.records:
        if record.event is Event.EMERGENCY:
            found.append(record)
        elif record.kind == Kind.RESTORE.value and record.event is Event.APPLIED:
            declined = ()
        elif found and record.kind == Kind.EMERGENCY.value and record.event in _SETTLES:
            declined = tuple(found) if record.event is Event.DECLINED else ()
            found.clear()
    return declined


def pools_of(trees: Trees, records: tuple[Record, ...]) -> frozenset[str]:
    """The pools that these emergencies changed."""
    return frozenset(str(change.pool) for plan in _plans(trees, records) for change in plan.changes)


def held(trees: Trees, ledger: Ledger, now: datetime) -> frozenset[str]:
    """The pools that nothing may put back yet: of emergencies that are unsettled, within their grace."""
    grace = trees.settings.emergency.grace
    return pools_of(trees, tuple(one for one in unsettled(ledger) if time_of(one.at) + grace > now))


def retroactive(trees: Trees, main: Tree, ledger: Ledger, observed: PoolSet) -> Plan | None:
    """The plan by which main declares what the unsettled emergencies did; None where there are none."""
    records = unsettled(ledger)
    if not records or main.pools is None or main.policy is None:
        return None
    plans = tuple(_plans(trees, records))
    if len(plans) == 1 and (plans[0].declared, plans[0].evidence.policy) == (main.pools, main.policy):
        return plans[0]  # with all that it says of pods and reasons
    pools = {str(pool.name): pool for pool in main.pools}
    victims: dict[str, Leaving] = {}
    for plan in plans:
        for change in plan.changes:
            pools.pop(str(change.pool), None)
            if change.after is not None:
                pools[str(change.pool)] = change.after
            known = victims.get(str(change.pool), Leaving())
            victims[str(change.pool)] = Leaving(
                nodes=tuple(sorted({*known.nodes, *change.victims})), drains=known.drains or change.drains
            )
    given = Given(
        catalog=trees.catalog, policy=main.policy, now=records[-1].at, observed=observed, victims=victims,
        reason=Reason(EMERGENCY, "; ".join(
            emergency_text(one.reason, by=", ".join(one.by), at=one.at) for one in records
        )),
    )  # fmt: skip
    plan = plan_between(main.pools, PoolSet.of(pools.values()), given)
    return plan if plan.changes else None


def was_emergency(trees: Trees, plan: Plan, ledger: Ledger) -> bool:
    """Whether every change of a plan is one that an unsettled emergency made already."""
    done = tuple(_plans(trees, unsettled(ledger)))
    return bool(plan.changes) and all(
        any(not covers(one, replace(plan, changes=(change,))) for one in done) for change in plan.changes
    )


def _plans(trees: Trees, records: tuple[Record, ...]) -> Iterator[Plan]:
    for record in records:
        plan = trees.at(CommitId(record.commit)).plan
        if plan is not None:
            yield plan


def emergency_text(reason: str, *, by: str, at: str) -> str:
    """Why a pool was changed without a review, and by whom (RFC 3339 ``at``)."""
    return f"{reason} (applied without review at {at} by {by or 'somebody'})"
