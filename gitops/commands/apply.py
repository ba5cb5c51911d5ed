"""``poolplan apply``: the approved plan of the main branch, by the cluster's engine, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import engine_options, freeze_option, remark, repo_options, surroundings
from gitops.commands.state import state_folder
from gitops.errors import ExitCode, Refused, Waiting
from gitops.gather import Sources

if TYPE_CHECKING:
    from gitops.loop.delivering import Delivery
    from planner.plan import Plan

_REMEDY = "plan with poolplan propose, review and merge"


@click.command("apply")
@repo_options
@click.option("--kubeconfig", metavar="FILE", default="", help="Of the cluster. Default: as for kubectl.")
@click.option("--context", metavar="NAME", default="", help="The kubeconfig's context.")
@engine_options
@click.option("--catalog", type=click.Path(path_type=Path), metavar="FILE",
              help="Prices, for rules that look at them. Default: the bundled ones.")  # fmt: skip
@click.option("--retry", is_flag=True, help="Try at once what failed before, whatever the time of its next try.")
@click.option("--unlock", metavar="ID", default="", help="First end this lock of the Terraform state.")
@freeze_option
def command(**options: Any) -> int:
    """Apply what was merged into the main branch: check the approval, let the engine plan, compare, apply that plan.

    Exits 3, with nothing changed, when anything is not exactly as approved. What is applied is recorded in the
    repository, on the cluster's ledger branch, so that nothing is applied twice.
    """
    from gitops.delivery import Place, Tell, deliver  # noqa: PLC0415 - loaded only when the command runs
    from gitops.fleet import open_fleet  # noqa: PLC0415 - likewise

    around = surroundings()
    state = state_folder(around.environment)
    fleet = open_fleet(options["repo"], options["cluster"], around, cache=state / "git")
    place = Place.below(state, program=options["program"], cli_config=options["cli_config"])
    sources = Sources(
        kubeconfig=options["kubeconfig"], context=options["context"], catalog=options["catalog"]
    )  # fmt: skip
    if options["unlock"]:
        from gitops.unlocking import unlock  # noqa: PLC0415 - loaded only where it is asked for

        unlock(fleet, around, place, options["unlock"])
        remark(f"the lock {options['unlock']} of the Terraform state is ended")
    tell = Tell(report=lambda one: remark(str(one)), say=remark, freeze=options["freeze"], retry=options["retry"])
    delivery = deliver(fleet, sources, around, place, tell)
    return conclude(delivery, fleet.settings.git.branch)


def conclude(delivery: Delivery, branch: str) -> int:
    """Say what a delivery did. Raises Refused, once that is told, where the next change is not approved."""
    from renderer.drift import drift_text  # noqa: PLC0415 - loaded only when the command runs
    from renderer.text import count, short_digest  # noqa: PLC0415 - likewise

    drift = []
    for turn, applied in delivery.applied:
        pools, nodes = count(applied.changed, "pool"), count(len(applied.removed), "node")
        done = (f"{pools} changed", f"{nodes} removed", *_handed(turn.plan))
        told = "taken into Git, nothing changed" if turn.plan.adopts else ", ".join(done)
        click.echo(f"Applied {short_digest(turn.plan.digest)}: {told}.")
        drift += [f"still different: {drift_text(one)}" for one in applied.drift]
    for line in drift:
        remark(line)
    if delivery.withheld is not None:
        raise Refused(f"what {branch} asks for is not approved as it stands; {_REMEDY}",
                      reasons=delivery.withheld.reasons)  # fmt: skip
    if delivery.waits:
        raise Waiting(delivery.waits)
    if not delivery.begun:
        raise Refused(f"nothing is approved: {delivery.problem or f'{branch} has no plan'}; {_REMEDY}")
    if not delivery.applied:
        click.echo("Nothing to do: the approved plan is in effect.")
    return ExitCode.FAILED if drift else ExitCode.DONE


def _handed(plan: Plan) -> list[str]:
    """How many pools changed hands, where any did."""
    from planner.plan import Action  # noqa: PLC0415 - loaded only when the command runs
    from renderer.text import count  # noqa: PLC0415 - likewise

    found = [(sum(one.action is action for one in plan.changes), word) for action, word in
             ((Action.IMPORT, "imported"), (Action.RELEASE, "released"))]  # fmt: skip
    return [f"{count(number, 'pool')} {word}" for number, word in found if number]
