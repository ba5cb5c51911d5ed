"""Which of a pool's ordered nodes still come, and which never do: what the provider gave up, or cannot give for now.

A pool that Git declares larger than the provider will make it is no capacity: what is missing is ordered elsewhere, and
the pool goes back to what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.plan import Reason
from planner.pools import LEAVING_STATES
from planner.quantity import count

if TYPE_CHECKING:
    from collections.abc import Container

    from planner.catalog import Catalog, Region
    from planner.plan import Change
    from planner.pools import Pool

NEVER_CAME: Final = "never-came"
_GOING = LEAVING_STATES | {"SUSPENDING", "SUSPENDED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A pool that will not be as large as it is declared: ``stays`` nodes are there or still come.

    ``lost`` are the provider's names of nodes that never joined and never will; ``text`` says why, without a full stop.
    """

    pool: str
    stays: int
    lost: tuple[str, ...]
    text: str

    @property
    def reason(self) -> Reason:
        return Reason(NEVER_CAME, self.text)


def shortfall(pool: Pool, catalog: Catalog, region: Region, joined: Container[str]) -> Shortfall | None:
    """What will not come of a pool; None where all of it may. ``joined`` are the names of the cluster's nodes.

    ``pool`` is as it is declared, with what the provider knows of it. Where its flavor cannot be had in its zone, only
    what the provider has made of it comes.
    """
    state = pool.state
    if state is not None and state.status in _GOING:
        return None
    lost = tuple((name, status) for name, status in (state.broken if state else ()) if name not in joined)
    sold = _is_sold(pool, catalog, region)
    made = min(pool.desired, state.current_nodes) if state else 0
    stays = max(0, (pool.desired if sold else made) - len(lost))
    if stays >= pool.desired or stays < pool.minimum:
        return None
    causes = sorted({status for _, status in lost})
    if stays + len(lost) < pool.desired:
        causes.append(f"{pool.flavor} cannot be had in {pool.zones[0] if pool.zones else region.name} for now")
    text = f"{pool.desired - stays} of {count(pool.desired, 'node')} never came: {', '.join(causes)}"
    return Shortfall(pool=pool.name, stays=stays, lost=tuple(sorted(name for name, _ in lost)), text=text)


def takes_back(change: Change) -> bool:
    """Whether a change that makes a pool smaller lets go only what never came, so that no capacity is lost by it."""
    before, stays = change.before, change.after.desired if change.after else 0
    if before is None or stays >= before.desired:
        return False
    if before.state is None:
        return not change.victims
    lost = {name for name, _ in before.state.broken}
    made = min(before.desired, before.state.current_nodes)
    return lost.issuperset(change.victims) and stays >= made - len(change.victims)


def _is_sold(pool: Pool, catalog: Catalog, region: Region) -> bool:
    flavor = catalog.flavor(pool.flavor)
    return flavor is None or flavor.sold(region, pool.zones[0] if pool.zones else region.zones[0])
