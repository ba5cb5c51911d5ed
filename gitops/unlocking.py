"""Ends a lock of a cluster's Terraform state that its holder left behind, in the folder where Terraform works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.delivery import work_of, working
from gitops.engines.making import Ground, terraform
from gitops.errors import Stalled
from gitops.fleet import at_cluster
from gitops.gather import connect
from gitops.settings import Engine
from renderer.layout import POOLS

if TYPE_CHECKING:
    from gitops.delivery import Place
    from gitops.fleet import Fleet
    from gitops.gather import Surroundings


def unlock(fleet: Fleet, around: Surroundings, place: Place, lock: str) -> None:
    """End the lock of this id, whoever has it. Raises Stalled where there is none, or where no Terraform is at work."""
    settings = fleet.settings
    if settings.engine is not Engine.TERRAFORM:
        raise Stalled(f"cluster {settings.name} has engine {settings.engine.value}: no Terraform state of it is locked")
    around, work = at_cluster(settings, around), work_of(place.work, settings)
    with working(work, settings):
        terraform(Ground(
            settings=settings, work=work, environment=around.environment, client=connect(around), clock=around.clock,
            owns=lambda _pool: False, program=place.program, cli_config=place.cli_config,
        )).unlock(lock, fleet.files.inside(POOLS))  # fmt: skip
