"""How far what a plan orders may be from the least it could cost: proven, in tenths of a percent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.plan import Plan


def gap_tenths(plan: Plan) -> int | None:
    """Tenths of a percent, rounded up, that the ordered nodes cost more per hour than is proven to be needed.

    Pools that do not grow are no part of it: the bound holds for what is ordered, and other pools would only make the
    share look smaller. None where nothing is ordered, and where as good as nothing is proven to be needed.
    """
    grown = (change.cost_after.hourly - change.cost_before.hourly for change in plan.changes)
    ordered = sum(amount for amount in grown if amount > 0)
    excess = max(0, plan.cost.after.hourly - plan.cost.lower_bound_hourly)
    needed = ordered - excess
    return -(-excess * 1000 // needed) if needed > 0 else None


def percent(tenths: int) -> str:
    """``34`` → ``3.4``."""
    return f"{tenths // 10}.{tenths % 10}"
