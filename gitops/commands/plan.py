"""``poolplan plan``: which node pools the pending pods need. Changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import (
    for_cluster,
    input_options,
    output_option,
    settings_option,
    sources_of,
    surroundings,
    time_of,
)
from gitops.errors import ExitCode, InputError
from gitops.gather import gather

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from planner.decide import Decision, Inputs
    from planner.plan import Plan


@click.command("plan")
@input_options
@settings_option
@output_option
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the plan document (JSON) here too.")
@click.option("--nodes-out", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the Node objects the plan expects to join, as a v1 List.")  # fmt: skip
@click.option("--evidence", type=click.Path(path_type=Path), metavar="FILE",
              help="Write all that the plan was made from here too, compressed, for poolplan replay.")  # fmt: skip
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when changes are planned.")
def command(**options: Any) -> int:
    """Show which node pools the pending pods need, what they cost, and why. Changes nothing.

    \b
    poolplan plan --snapshot live.json --policy policy/
    kubectl get nodes,pods,ds,pvc,pv,sc,svc -A -o json > live.json
    """
    from gitops.files import write_texts  # noqa: PLC0415 - loaded only when the command runs

    around = surroundings()
    now = time_of(options["now"], around)
    inputs = gather_options(options)
    plan = consider_inputs(inputs, now).plan
    write_texts(_files(plan, options))
    if options["evidence"]:
        from gitops.evidence.files import write_evidence  # noqa: PLC0415 - only when asked for

        write_evidence(options["evidence"], inputs, now=now)
    click.echo(show(plan, options["output"], color=_color(around.environment)), nl=False)
    return ExitCode.CHANGES if options["detailed_exitcode"] and plan.changes else ExitCode.DONE


def consider_options(options: dict[str, Any]) -> Decision:
    """The plan for a command's options and what it was made of. Raises InputError for whatever the planner refuses."""
    now = time_of(options["now"], surroundings())
    return consider_inputs(gather_options(options), now)


def gather_options(options: dict[str, Any]) -> Inputs:
    """What a command's options say to plan from."""
    around = surroundings()
    sources = sources_of(options)
    if options["settings"] is not None:
        from gitops.fleet import at_cluster  # noqa: PLC0415 - as above
        from gitops.settings_read import load_settings  # noqa: PLC0415 - as above

        settings = load_settings(options["settings"], around.environment)
        around, sources = at_cluster(settings, around), for_cluster(sources, options, settings)
    return gather(sources, around)


def consider_inputs(inputs: Inputs, now: datetime) -> Decision:
    """The plan for these inputs and what it was made of. Raises InputError for whatever the planner refuses."""
    from planner.decide import consider  # noqa: PLC0415 - the planner loads only when needed
    from planner.errors import ValueRefused  # noqa: PLC0415 - likewise

    try:
        return consider(inputs, now=now)
    except ValueRefused as error:
        raise InputError(str(error)) from error


def show(plan: Plan, output: str, *, color: bool = False, cluster: str = "") -> str:
    """The plan in the form that was asked for, ending in a newline. ``cluster`` is named in texts for people."""
    if output == "json":
        from renderer.document import plan_text  # noqa: PLC0415 - one view is loaded

        return plan_text(plan)
    if output == "patch":
        from renderer.patch import patch_text, plan_patch  # noqa: PLC0415 - likewise

        return patch_text(plan_patch(plan))
    from renderer.summary import summarize  # noqa: PLC0415 - likewise

    if output == "markdown":
        from renderer.markdown import plan_view as markdown_view  # noqa: PLC0415 - likewise

        return markdown_view(summarize(plan), cluster=cluster)
    from renderer.terminal import Screen, plan_view  # noqa: PLC0415 - likewise

    return plan_view(summarize(plan), cluster=cluster, screen=Screen(color=color))


def _files(plan: Plan, options: dict[str, Any]) -> list[tuple[Path, str]]:
    files: list[tuple[Path, str]] = []
    if options["out"]:
        files.append((options["out"], show(plan, "json")))
    if options["nodes_out"]:
        from renderer.nodes import node_text  # noqa: PLC0415 - only when asked for

        files.append((options["nodes_out"], node_text(plan)))
    return files


def _color(environment: Mapping[str, str]) -> bool:
    return not environment.get("NO_COLOR") and sys.stdout is not None and sys.stdout.isatty()
