"""The difference of two pool sets, pool by pool and field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.plan import Action

if TYPE_CHECKING:
    from planner.pools import Pool

#: terraform-provider-ovh: changing one of these destroys the pool and makes it again (ForceNew).
FORCE_NEW: Final = ("flavor", "zones", "monthly_billed", "anti_affinity")
IN_PLACE: Final = (
    "desired", "minimum", "maximum", "autoscale", "labels", "annotations", "taints", "finalizers", "unschedulable",
)  # fmt: skip


def changed_fields(before: Pool, after: Pool) -> tuple[str, ...]:
    """The fields that differ, in a fixed order."""
    return tuple(name for name in (*FORCE_NEW, *IN_PLACE) if getattr(before, name) != getattr(after, name))


def action_for(before: Pool | None, after: Pool | None) -> tuple[Action, tuple[str, ...]]:
    """What has to be done, and which fields force a replacement."""
    if before is None:
        return (Action.NOOP if after is None else Action.CREATE), ()
    if after is None:
        return Action.DELETE, ()
    changed = changed_fields(before, after)
    forcing = tuple(name for name in changed if name in FORCE_NEW)
    if forcing:
        return Action.REPLACE, forcing
    return (Action.UPDATE if changed else Action.NOOP), ()
