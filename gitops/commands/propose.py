"""``poolplan propose``: plan from the fleet repository's main branch, and commit the plan on a branch for review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import (
    for_cluster,
    input_options,
    output_option,
    repo_options,
    sources_of,
    surroundings,
    time_of,
)
from gitops.commands.plan import show
from gitops.commands.state import state_folder
from gitops.errors import ExitCode, InputError
from gitops.gather import gather

if TYPE_CHECKING:
    from gitops.propose import Proposed


@click.command("propose")
@repo_options
@input_options
@output_option
def command(**options: Any) -> int:
    """Plan what the repository's main branch and the cluster ask for, and commit it on a branch of its own.

    Merging that branch is the approval. The same plan is the same branch and the same commit; no change, no commit.
    """
    from gitops.fleet import at_cluster, open_fleet  # noqa: PLC0415 - loaded only when the command runs
    from gitops.propose import propose  # noqa: PLC0415 - likewise
    from planner.decide import decide  # noqa: PLC0415 - likewise
    from planner.errors import ValueRefused  # noqa: PLC0415 - likewise

    around = surroundings()
    now = time_of(options["now"], around)
    fleet = open_fleet(options["repo"], options["cluster"], around, cache=state_folder(around.environment) / "git")
    around = at_cluster(fleet.settings, around)
    sources = for_cluster(sources_of(options), options, fleet.settings)
    inputs = gather(sources, around, declared=fleet.declared, policy=fleet.policy)
    try:
        plan = decide(inputs, now=now)
    except ValueRefused as error:
        raise InputError(str(error)) from error
    click.echo(show(plan, options["output"], cluster=fleet.settings.name), nl=False)
    proposed = propose(fleet.repository, plan, fleet.settings)
    for line in told(proposed):
        around.remark(line)
    return ExitCode.DONE


def told(proposed: Proposed) -> list[str]:
    """What became of the proposal, a line each."""
    lines = ["nothing to propose"]
    if proposed.branch and proposed.commit:
        lines = [f"{proposed.state.value}: branch {proposed.branch}, commit {proposed.commit[:12]}"]
    lines += [f"withdrawn: {branch}, an older plan" for branch in proposed.withdrawn]
    return lines + [f"left as it is: {text}" for text in proposed.left]
