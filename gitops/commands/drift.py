"""``poolplan drift``: the pools Git declares against those the provider has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import engine_options, remark, repo_options, surroundings
from gitops.commands.state import state_folder
from gitops.errors import ExitCode
from gitops.gather import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.fleet import Fleet
    from gitops.gather import Surroundings
    from planner.drift import Drift
    from planner.pools import PoolSet


@click.command("drift")
@repo_options
@click.option(
    "--output", "-o", type=click.Choice(["text", "json", "patch"]), default="text", show_default=True,
    help="How to show it; json is the drift document, patch is RFC 6902 from the declared pools to what the provider "
    "has in their place.",
)  # fmt: skip
@click.option("--engine-state", is_flag=True, help="Look too at what Terraform's own state has wrong.")
@engine_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when something differs.")
def command(repo: str, cluster: str, output: str, detailed_exitcode: bool, **terraform: Any) -> int:
    """Say how the provider's pools differ from what the repository's main branch declares.

    Pools that are not poolplan's are listed as foreign; they are no difference. Nothing is changed: what becomes of
    each difference is proposed by propose, as spec.drift in cluster.yaml says.
    """
    from gitops.fleet import at_cluster, open_fleet  # noqa: PLC0415 - loaded only when the command runs
    from planner.drift import differences, find_drift, in_order  # noqa: PLC0415 - likewise
    from renderer.layout import POOLS, released_names  # noqa: PLC0415 - likewise

    around = surroundings()
    fleet = open_fleet(repo, cluster, around, cache=state_folder(around.environment) / "git")
    released = released_names(fleet.files.inside(POOLS).paths())
    observed = connect(at_cluster(fleet.settings, around)).pools()
    found = find_drift(fleet.declared, observed, released=released)
    if terraform.pop("engine_state"):
        found = in_order((*found, *_of_engine(fleet, around, observed, **terraform)))
    click.echo(_shown(output, fleet, found, observed), nl=False)
    drifted = bool(differences(found))
    if not drifted:
        remark("no drift: the provider has what Git declares")
    return ExitCode.CHANGES if drifted and detailed_exitcode else ExitCode.DONE


def _of_engine(fleet: Fleet, around: Surroundings, observed: PoolSet, **terraform: Any) -> tuple[Drift, ...]:
    """What the engine's own state has wrong, where it has one."""
    from gitops.delivery import Place  # noqa: PLC0415 - loaded only when it is asked for
    from gitops.engine_states import state_pools  # noqa: PLC0415 - likewise
    from gitops.settings import Engine  # noqa: PLC0415 - likewise
    from planner.drift import engine_drift  # noqa: PLC0415 - likewise

    if fleet.settings.engine is not Engine.TERRAFORM:
        remark(f"engine {fleet.settings.engine.value} keeps no state of its own")
        return ()
    place = Place.below(state_folder(around.environment), **terraform)
    return engine_drift(state_pools(fleet, around, place), fleet.declared, observed)


def _shown(output: str, fleet: Fleet, found: Sequence[Drift], observed: PoolSet) -> str:
    from planner.drift import as_observed, treatments  # noqa: PLC0415 - loaded only when the command runs

    policy = treatments(found, fleet.settings.drift)
    if output == "json":
        from renderer.drift_document import document_text, drift_document  # noqa: PLC0415 - likewise

        return document_text(drift_document(found, policy, cluster=fleet.settings.name, commit=fleet.main))
    if output == "patch":
        from renderer.patch import patch_between, patch_text  # noqa: PLC0415 - likewise

        there = as_observed(fleet.declared, observed, fleet.declared.names())
        return patch_text(patch_between(fleet.declared, there))
    from renderer.drift import drift_table  # noqa: PLC0415 - likewise

    return drift_table(found, policy)
