"""Whether a plan is no more than what was approved: an approval survives shrinking (design.md, rule 3). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.plan import Plan


def covers(approved: Plan, plan: Plan) -> tuple[str, ...]:
    """What of ``plan`` was not approved with ``approved``, a sentence each; nothing: it is covered."""
    raise NotImplementedError
