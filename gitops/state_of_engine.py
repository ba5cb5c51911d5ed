"""What Terraform's own state holds of a cluster's pools, as it was last written: nothing is asked of OVH for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.agreement import RESOURCE, pool_of
from gitops.delivery import work_of, working
from gitops.engines.making import Ground, terraform
from gitops.fleet import at_cluster
from gitops.gather import connect
from renderer.layout import POOLS

if TYPE_CHECKING:
    from gitops.delivery import Place
    from gitops.fleet import Fleet
    from gitops.gather import Surroundings
    from planner.pools import Pool


def state_pools(fleet: Fleet, around: Surroundings, place: Place) -> tuple[tuple[Pool, str], ...]:
    """The pools in the state that the main branch's files name, each with the id that it is known by.

    Raises Waiting while somebody applies, and what Terraform complains of.
    """
    settings = fleet.settings
    around, work = at_cluster(settings, around), work_of(place.work, settings)
    with working(work, settings):
        engine = terraform(Ground(
            settings=settings, work=work, environment=around.environment, client=connect(around), clock=around.clock,
            owns=lambda _pool: False, program=place.program, cli_config=place.cli_config,
        ))  # fmt: skip
        held = engine.resources(fleet.files.inside(POOLS))
    pools = [one.values for one in held if one.resource_type == RESOURCE]
    return tuple((pool_of(values), str(values.get("id") or "")) for values in pools)
