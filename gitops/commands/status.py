"""``poolplan status``: how a cluster stands, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import freeze_option, repo_options, surroundings, time_of
from gitops.commands.state import state_folder
from gitops.errors import ExitCode, PoolplanError

if TYPE_CHECKING:
    from gitops.fleet import Fleet
    from gitops.gather import Surroundings
    from gitops.git.base import Repository
    from renderer.status import Status


@click.command("status")
@repo_options
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="How to show it; json is a document of kind Status.")  # fmt: skip
@click.option("--now", metavar="RFC3339", default="", help="Tell it as if it were this time.")
@freeze_option
def command(**options: Any) -> int:
    """Tell how a cluster, or each of them, stands: what main asks for, what is under way or failed, what is lacking.

    Read from the fleet repository with its ledger, from the forge, and from this machine's journal; changes nothing.
    Where the OVH API is at hand, what differs there from what Git declares is counted.
    """
    from gitops.fleet import cluster_names, open_source  # noqa: PLC0415 - loaded only when the command runs
    from renderer.status import status_text  # noqa: PLC0415 - likewise
    from renderer.status_document import status_json, statuses_json  # noqa: PLC0415 - likewise

    around = surroundings()
    repository = open_source(options["repo"], around, cache=state_folder(around.environment) / "git")
    names = (options["cluster"],) if options["cluster"] else cluster_names(repository)
    found, failed = [], False
    for name in names:
        try:
            found.append(_status(repository, name, around, options))
        except PoolplanError as error:
            if len(names) == 1:
                raise
            around.remark(f"{name}: {error}")
            failed = True
    if options["output"] == "json":
        click.echo(status_json(found[0]) if len(names) == len(found) == 1 else statuses_json(found), nl=False)
    else:
        click.echo("\n".join(map(status_text, found)), nl=False)
    return ExitCode.FAILED if failed else ExitCode.DONE


def _status(repository: Repository, name: str, around: Surroundings, options: dict[str, Any]) -> Status:
    from gitops.apply.journal import FileJournal  # noqa: PLC0415 - loaded only when the command runs
    from gitops.catalogs.bundle import bundled  # noqa: PLC0415 - likewise
    from gitops.delivery import JOURNAL, WORK, work_of  # noqa: PLC0415 - likewise
    from gitops.fleet import read_fleet  # noqa: PLC0415 - likewise
    from gitops.loop.opening import open_world, trees_of  # noqa: PLC0415 - likewise
    from gitops.loop.status import status_of  # noqa: PLC0415 - likewise

    fleet = read_fleet(repository, name, around)
    drift, unasked = _drift(fleet, around)
    work = work_of(state_folder(around.environment) / WORK, fleet.settings)
    return status_of(
        open_world(fleet, around, freeze=options["freeze"]), trees_of(fleet, around, bundled()),
        now=time_of(options["now"], around), drift=drift, unasked=unasked,
        journal=FileJournal(work / JOURNAL).entries(),
    )  # fmt: skip


def _drift(fleet: Fleet, around: Surroundings) -> tuple[int | None, str]:
    """How many differences there are, or why that is not known: the rest is told all the same."""
    from gitops.fleet import at_cluster  # noqa: PLC0415 - loaded only when the command runs
    from gitops.gather import connect, has_credentials  # noqa: PLC0415 - likewise
    from planner.drift import differences, find_drift  # noqa: PLC0415 - likewise
    from renderer.layout import POOLS, released_names  # noqa: PLC0415 - likewise

    if not has_credentials(around.environment):
        return None, "no OVH credentials are exported"
    try:
        observed = connect(at_cluster(fleet.settings, around)).pools()
        released = released_names(fleet.files.inside(POOLS).paths())
        return len(differences(find_drift(fleet.declared, observed, released=released))), ""
    except PoolplanError as error:
        return None, str(error)
