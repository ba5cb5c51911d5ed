"""What ``poolplan import`` and ``poolplan release`` have in common: what they read, and what becomes of their plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gitops.commands.options import output_option, repo_options, surroundings, time_of
from gitops.commands.plan import show
from gitops.commands.state import state_folder
from gitops.errors import ExitCode
from gitops.gather import Sources, connect, read_catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gitops.fleet import Fleet
    from gitops.gather import Surroundings
    from planner.between import Given
    from planner.catalog import Catalog
    from planner.plan import Plan
    from planner.pools import Pool, PoolSet
    from planner.portion import Kind

F = TypeVar("F", bound="Callable[..., Any]")
_PATH = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--into", type=_PATH, metavar="DIR", help="Write the files there, and propose nothing."),
    click.option("--pools", type=_PATH, metavar="FILE",
                 help="Observed pools, JSON as the OVH API lists them. Default: the API."),
    click.option("--catalog", type=_PATH, metavar="FILE", help="Flavors and prices. Default: the bundled one."),
    click.option("--now", metavar="RFC3339", default="", help="Propose as if it were this time."),
)  # fmt: skip


def handing_options(function: F) -> F:
    """The options that both commands have."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return repo_options(output_option(function))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One cluster of a fleet repository, and the pools that the provider has."""

    fleet: Fleet
    around: Surroundings
    observed: PoolSet
    catalog: Catalog
    now: datetime

    @property
    def given(self) -> Given:
        from planner.aims import policy_digest  # noqa: PLC0415 - loaded when the command runs
        from planner.between import Given  # noqa: PLC0415 - likewise
        from planner.pending import rfc3339  # noqa: PLC0415 - likewise

        policy = policy_digest(self.fleet.policy.policy, self.fleet.settings.aims)
        return Given(catalog=self.catalog, policy=policy, now=rfc3339(self.now))

    def asked(self, kind: Kind) -> list[Pool]:
        """The pools that a proposal which stands already is about, as the provider has them."""
        from gitops.loop.asked import asked_for  # noqa: PLC0415 - loaded when the command runs
        from gitops.loop.opening import trees_of  # noqa: PLC0415 - likewise

        changes = asked_for(trees_of(self.fleet, self.around, self.catalog), kind)
        found = (self.observed.get(change.pool) for change in changes)
        return [pool for pool in found if pool is not None]


def open_scene(options: dict[str, Any]) -> Scene:
    """Read the repository, the provider's pools and the prices. Raises the errors of each."""
    from gitops.fleet import at_cluster, open_fleet  # noqa: PLC0415 - loaded when the command runs

    around = surroundings()
    now = time_of(options["now"], around)
    fleet = open_fleet(options["repo"], options["cluster"], around, cache=state_folder(around.environment) / "git")
    around = at_cluster(fleet.settings, around)
    catalog = read_catalog(Sources(catalog=options["catalog"]), around)
    return Scene(fleet=fleet, around=around, observed=_observed(options, around), catalog=catalog, now=now)


def _observed(options: dict[str, Any], around: Surroundings) -> PoolSet:
    if options["pools"] is None:
        return connect(around).pools()
    from gitops.ovh.pools import read_pools  # noqa: PLC0415 - loads msgspec

    return read_pools(options["pools"])


def conclude(scene: Scene, plan: Plan, kind: Kind, options: dict[str, Any]) -> ExitCode:
    """Show the plan, and propose it or write its files."""
    click.echo(show(plan, options["output"], cluster=scene.fleet.settings.name), nl=False)
    if options["into"] is not None:
        _write(scene, plan, options["into"])
        return ExitCode.DONE
    from gitops.loop.opening import open_world, trees_of  # noqa: PLC0415 - loaded when the command runs
    from gitops.loop.passes import look  # noqa: PLC0415 - likewise
    from gitops.loop.proposing import settle  # noqa: PLC0415 - likewise
    from planner.decide import Inputs  # noqa: PLC0415 - likewise
    from planner.snapshot import Snapshot  # noqa: PLC0415 - likewise

    fleet = scene.fleet
    inputs = Inputs(
        snapshot=Snapshot(), policy=fleet.policy.policy, catalog=scene.catalog, declared=fleet.declared,
        observed=scene.observed,
    )  # fmt: skip
    world, trees = open_world(fleet, scene.around), trees_of(fleet, scene.around, scene.catalog)
    for done in settle(look(world, trees, plan, inputs, now=scene.now), kind):
        scene.around.remark(str(done))
    return ExitCode.DONE


def _write(scene: Scene, plan: Plan, into: Path) -> None:
    from gitops.files import read_folders, write_folder  # noqa: PLC0415 - loaded when the command runs
    from renderer.layout import MANIFESTS, POOLS, TERRAFORM  # noqa: PLC0415 - likewise
    from renderer.tree import removed_paths, render_plan  # noqa: PLC0415 - likewise

    settings = scene.fleet.settings
    files = render_plan(
        plan, settings.terraform, existing=scene.fleet.files.inside(POOLS), delegate=settings.delegate
    )  # fmt: skip
    there = read_folders(into, (TERRAFORM, MANIFESTS))
    written = write_folder(into, files, removed=removed_paths(there, files))
    scene.around.remark(f"{len(files)} files in {into}, {written} of them changed")
