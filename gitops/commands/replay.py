"""``poolplan replay``: a plan made again from its saved evidence, and compared."""

from __future__ import annotations

from pathlib import Path

import click

from gitops.commands.options import remark
from gitops.errors import InputError, Refused


@click.command("replay")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--evidence", type=click.Path(path_type=Path), required=True, metavar="FILE",
              help="What plan --evidence or propose --evidence saved.")  # fmt: skip
def command(plan: Path, evidence: Path) -> None:
    """Plan again from saved evidence, and refuse (exit 3) a plan document (plan.json) that says anything else.

    Compared are the actions and the digests of all inputs. A proposal may hold one portion of a
    plan: only what adds nodes, only what removes some, or only what changes pools.
    Needs no cluster, no credentials and no network.

    \b
    poolplan replay plan.json --evidence evidence.json.gz
    """
    from gitops.commands.render import read_plan  # noqa: PLC0415 - loaded only when the command runs
    from gitops.evidence.files import read_evidence  # noqa: PLC0415 - likewise
    from gitops.evidence.replay import replay  # noqa: PLC0415 - likewise
    from planner.errors import ValueRefused  # noqa: PLC0415 - likewise

    checked, saved = read_plan(plan), read_evidence(evidence)
    try:
        found = replay(saved, checked)
    except ValueRefused as error:
        raise InputError(f"{evidence}: nothing can be planned from it: {error}") from error
    if found.differences:
        told = f"{plan} is not what poolplan {found.version} plans from {evidence}"
        if saved.version != found.version:
            told += f", which poolplan {saved.version or 'of an unknown version'} wrote: use that version to be sure"
        raise Refused(told, reasons=found.differences)
    if found.others:
        remark(f"not as in the replay, though no approval binds to it: {', '.join(found.others)}")
    click.echo(f"{checked.digest}: the same plan from the same evidence")
