"""``poolplan apply``: the approved plan of the main branch, with Terraform, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from gitops.commands.options import remark, repo_options, surroundings
from gitops.commands.state import state_folder
from gitops.errors import ExitCode
from gitops.gather import Sources


@click.command("apply")
@repo_options
@click.option("--kubeconfig", metavar="FILE", default="", help="Whose nodes to cordon before removal.")
@click.option("--context", metavar="NAME", default="", help="The kubeconfig's context.")
@click.option("--program", metavar="NAME|PATH", default="", help="terraform, tofu, a path, or embedded.")
@click.option("--cli-config", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="A Terraform CLI configuration file, for instance to name a provider mirror.")  # fmt: skip
def command(
    repo: str, cluster: str, kubeconfig: str, context: str, program: str, cli_config: Path | None
) -> int:
    """Apply what was merged into the main branch: check the approval, let Terraform plan, compare, apply that plan.

    Exits 3, with nothing changed, when anything is not exactly as approved.
    """
    from gitops.delivery import Place, deliver  # noqa: PLC0415 - loaded only when the command runs
    from gitops.engines.base import Progress, Stage  # noqa: PLC0415 - likewise
    from gitops.fleet import open_fleet  # noqa: PLC0415 - likewise

    def report(progress: Progress) -> None:
        time = f", {progress.elapsed_seconds} s" if progress.stage is not Stage.STARTED else ""
        remark(f"{progress.action} {progress.pool_name}: {progress.stage.value}{time}")

    around = surroundings()
    state = state_folder(around.environment)
    fleet = open_fleet(repo, cluster, around, cache=state / "git")
    place = Place(work=state / "terraform", program=program, cli_config=cli_config)
    applied = deliver(fleet, Sources(kubeconfig=kubeconfig, context=context), around, place, report=report, say=remark)
    if not applied.changed and not applied.removed:
        click.echo("Nothing to do: the approved plan is in effect.")
    else:
        pools, nodes = _count(applied.changed, "pool"), _count(len(applied.removed), "node")
        click.echo(f"Applied: {pools} changed, {nodes} removed.")
    for drift in applied.drift:
        remark(f"still different: {drift}")
    return ExitCode.FAILED if applied.drift else ExitCode.DONE


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
