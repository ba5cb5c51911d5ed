"""Puts together what a pass works with: the forge that cluster.yaml names, the signing key, the trees of a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops.fleet import policy_of
from gitops.loop.trees import Trees
from gitops.loop.world import World
from gitops.review.codeowners import Dialect
from gitops.settings_forge import ForgeKind
from renderer.layout import CLUSTER

if TYPE_CHECKING:
    from gitops.fleet import Fleet
    from gitops.gather import Surroundings
    from gitops.settings_forge import ForgeSettings
    from gitops.settings_signing import Signing
    from planner.catalog import Catalog

_DIALECTS = {ForgeKind.GITHUB: Dialect.GITHUB, ForgeKind.GITLAB: Dialect.GITLAB, ForgeKind.GITEA: Dialect.GITEA}


def open_world(fleet: Fleet, around: Surroundings, *, freeze: str | None = None) -> World:
    """The repository, its forge and the signing key of a cluster's settings. Raises Stalled without what they name."""
    from gitops.forges.opening import open_forge  # noqa: PLC0415 - one forge's package is loaded
    from gitops.git.signing import signer_of  # noqa: PLC0415 - only with a repository

    settings = fleet.settings
    return World(
        repository=fleet.repository, variables=around.environment, remark=around.remark, freeze=freeze,
        forge=open_forge(
            settings.forge, fleet.repository, around.environment, around.clock, remark=around.remark, tally=around.tally
        ),
        dialect=_DIALECTS.get(settings.forge.kind), signer=signer_of(settings.git.signing, around.environment),
    )  # fmt: skip


@dataclass(kw_only=True)
class Worlds:
    """The worlds of many clusters of one repository: those with the same forge and key share what was learned of it."""

    around: Surroundings
    freeze: str | None = None
    _known: dict[tuple[ForgeSettings, Signing | None], World] = field(default_factory=dict)

    def look_again(self) -> None:
        """A new pass begins: what was learned of requests and teams is asked anew, who poolplan is is not."""
        for world in self._known.values():
            world.look_again()

    def of(self, fleet: Fleet) -> World:
        """The world of a cluster."""
        key = (fleet.settings.forge, fleet.settings.git.signing)
        if key not in self._known:
            self._known[key] = open_world(fleet, self.around, freeze=self.freeze)
        return self._known[key]


def trees_of(fleet: Fleet, around: Surroundings, catalog: Catalog) -> Trees:
    """The trees of a cluster, priced with this catalog."""
    name = fleet.settings.name
    return Trees(
        repository=fleet.repository, settings=fleet.settings, catalog=catalog,
        read_policy=lambda files: policy_of(files, name, around), text=fleet.files.get(CLUSTER) or "",
    )  # fmt: skip
