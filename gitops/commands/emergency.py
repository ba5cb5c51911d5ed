"""``poolplan emergency``: apply now what the pending pods need, without review, and leave the same record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import (
    for_cluster,
    input_options,
    remark,
    repo_options,
    sources_of,
    surroundings,
    time_of,
)
from gitops.commands.state import state_folder
from gitops.errors import ExitCode, InputError

if TYPE_CHECKING:
    from gitops.emergency.opening import Outcome

SHORTEST = 10


@click.command("emergency")
@repo_options
@input_options
@click.option("--reason", metavar="TEXT", required=True, help="Why nobody can be waited for. It is recorded.")
@click.option("--force", is_flag=True, help="Remove nodes too, where the plan does, and act in a freeze.")
@click.option("--dry-run", is_flag=True, help="Say what it would do, and whether you may; change nothing.")
def command(**options: Any) -> int:
    """Apply now, through the OVH API, the growth that pending pods need, without waiting for a review.

    It keeps to spec.emergency in cluster.yaml, and only those may do it whom the cluster's RBAC or a key allows. Then
    the same files and record go to Git, with a proposal for people to review afterwards. Where Git or the forge is
    away, they wait on this machine, and the next propose or apply brings them there.
    """
    from gitops.emergency.opening import Wish, emergency  # noqa: PLC0415 - loaded only when the command runs

    reason = " ".join(options["reason"].split())
    if len(reason) < SHORTEST:
        raise InputError("--reason: say in a few words why nobody can be waited for; people read it afterwards")
    around = surroundings()
    wish = Wish(
        repo=options["repo"], cluster=options["cluster"], reason=reason, force=options["force"],
        dry_run=options["dry_run"], now=time_of(options["now"], around),
        sources=lambda settings: for_cluster(sources_of(options), options, settings),
    )  # fmt: skip
    return _tell(emergency(wish, around, state_folder(around.environment)))


def _tell(outcome: Outcome) -> int:
    from renderer.drift import drift_text  # noqa: PLC0415 - loaded only when the command runs
    from renderer.text import count  # noqa: PLC0415 - likewise

    click.echo(outcome.view, nl=False)
    if outcome.applied is None:
        click.echo(outcome.verdict)
        return ExitCode.DONE
    for drift in outcome.applied.drift:
        remark(f"still different: {drift_text(drift)}")
    click.echo(f"Applied without review: {count(outcome.applied.changed, 'pool')} changed. {outcome.verdict}")
    return ExitCode.FAILED if outcome.applied.drift else ExitCode.DONE
