"""Reasons for people: whose rules and wishes about zones put new nodes where they are. Nothing decides on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner import labels as known
from planner.aims import Preferences
from planner.claims import is_volume_term
from planner.plan import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.demand import PodGroup
    from planner.pods import AffinityTerm, Needs

NAMED = 3  # workloads that are named, for each rule
ZONE, PREFERRED_ZONE = "zone", "preferred-zone"


def zone_reasons(
    zones: Sequence[str], groups: Iterable[PodGroup], preferences: Preferences
) -> tuple[Reason, ...]:  # fmt: skip
    """Why nodes with pods of these groups are in these zones; none where no pod says anything of zones."""
    told: dict[str, dict[str, set[str]]] = {}
    for group in groups:
        for code, rule in _rules(group.needs, preferences):
            told.setdefault(code, {}).setdefault(rule, set()).add(str(group.owner))
    return tuple(
        Reason(code, f"in {', '.join(zones)}: " + "; ".join(f"{some(sorted(owners))} {rule}" for rule, owners in mine))
        for code in (ZONE, PREFERRED_ZONE) if (mine := told.get(code, {}).items())
    )  # fmt: skip


def some(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _rules(needs: Needs, preferences: Preferences) -> list[tuple[str, str]]:
    """What a pod's rules over zones want, as the end of a clause, and without any what it would rather have; with their
    codes."""
    if must := _said(needs, wish=False):
        return [(ZONE, f"must be {one}") for one in must]
    wishes = _said(needs, wish=True) if preferences is Preferences.RESPECT else []
    return [(PREFERRED_ZONE, f"would rather be {one}") for one in wishes]


def _said(needs: Needs, *, wish: bool) -> list[str]:
    """What a pod must have of zones, or only wishes."""

    def about(terms: Iterable[AffinityTerm]) -> bool:
        zonal = (one for one in terms if one.topology_key == known.ZONE and not is_volume_term(one.selector))
        return any(bool(one.weight) is wish for one in zonal)

    said = {
        "spread over zones": any(one.topology_key == known.ZONE and one.required is not wish for one in needs.spreads),
        "apart by zone": about(needs.anti_affinity),
        f"{'' if wish else 'together '}with other pods in a zone": about(needs.affinity),
    }
    return [text for text, holds in said.items() if holds]
