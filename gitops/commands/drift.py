"""``poolplan drift``: the pools Git declares against those the provider has."""

from __future__ import annotations

import click

from gitops.commands.options import remark, repo_options, surroundings
from gitops.commands.state import state_folder
from gitops.errors import ExitCode
from gitops.gather import connect


@click.command("drift")
@repo_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when something differs.")
def command(repo: str, cluster: str, detailed_exitcode: bool) -> int:
    """Say how the provider's pools differ from what the repository's main branch declares."""
    from gitops.fleet import at_cluster, open_fleet  # noqa: PLC0415 - loaded only when the command runs
    from gitops.verify import find_drift  # noqa: PLC0415 - likewise
    from renderer.layout import POOLS, released_names  # noqa: PLC0415 - likewise

    around = surroundings()
    fleet = open_fleet(repo, cluster, around, cache=state_folder(around.environment) / "git")
    released = released_names(fleet.files.inside(POOLS).paths())
    observed = connect(at_cluster(fleet.settings, around)).pools()
    found = find_drift(fleet.declared, observed, released=released)
    for drift in found:
        click.echo(str(drift))
    if not found:
        remark("no drift: the provider has what Git declares")
    return ExitCode.CHANGES if found and detailed_exitcode else ExitCode.DONE
