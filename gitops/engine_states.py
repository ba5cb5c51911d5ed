"""What Terraform's own state holds of a cluster's pools, and what it has wrong: nothing is asked of OVH for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gitops.agreement import RESOURCE, pool_of
from gitops.delivery import work_of, working
from gitops.engines.making import Ground, terraform
from gitops.errors import PoolplanError
from gitops.fleet import at_cluster
from gitops.gather import connect
from gitops.loop.ledger import read_ledger
from gitops.settings import Engine
from planner.drift import engine_drift, listed
from renderer.layout import POOLS

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.delivery import Place
    from gitops.fleet import Fleet
    from gitops.gather import Surroundings
    from planner.drift import Drift
    from planner.pools import Pool, PoolSet

OFTEN: Final = timedelta(minutes=10)
"""A look starts Terraform and reads the state where it is kept. A state goes wrong by a hand or a loss, not by itself.
"""


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


@dataclass(frozen=True, kw_only=True)
class _Look:
    """``applied`` is the number of the last application before the look: after another one it says nothing.

    ``known`` are the pools that the state holds, each with its id; None: it could not be looked at.
    """

    at: datetime
    applied: int
    known: tuple[tuple[Pool, str], ...] | None


@dataclass(kw_only=True)
class EngineStates:
    """What was seen in each cluster's state. Whoever applies looks; whoever proposes asks what was wrong there."""

    place: Place
    _looks: dict[str, _Look] = field(default_factory=dict)

    def look(self, fleet: Fleet, around: Surroundings) -> None:
        """Look, where that is due: seldom, and after each application. What goes wrong with it is a remark."""
        name, now = fleet.settings.name, around.clock.now()
        applied, last = _applied(fleet), self._looks.get(name)
        due = last is None or last.applied != applied or now - last.at >= OFTEN
        if not due or not applied or fleet.settings.engine is not Engine.TERRAFORM:
            return
        try:
            known = state_pools(fleet, around, self.place)
        except PoolplanError as error:
            around.remark(f"{name}: Terraform's state could not be looked at: {error}")
            known = None
        self._looks[name] = _Look(at=now, applied=applied, known=known)

    def drift(self, fleet: Fleet, observed: PoolSet) -> tuple[Drift, ...] | None:
        """What the state has wrong; None where it was not looked at since the last application."""
        last, there = self._looks.get(fleet.settings.name), listed(observed)
        if last is None or last.known is None or last.applied != _applied(fleet) or not len(there):
            return None
        return engine_drift(last.known, fleet.declared, there)


def _applied(fleet: Fleet) -> int:
    """The number of the ledger's last application; 0: nothing was ever applied."""
    record = read_ledger(fleet.repository, fleet.settings).applied
    return record.number if record else 0
