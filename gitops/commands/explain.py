"""``poolplan explain``: why a pod is where the plan puts it, or nowhere; why a pool changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import input_options, settings_option
from gitops.commands.plan import consider_options
from gitops.errors import InputError

if TYPE_CHECKING:
    from planner.decide import Decision

_MOST = 5
output_option = click.option(
    "--output", "-o", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True,
    help="How to show it; json is a document of kind Explanation.",
)


@click.command("explain")
@click.argument("name")
@input_options
@settings_option
@output_option
def command(name: str, **options: Any) -> None:
    """Say why the pod NAME (namespace/name) or the pool NAME is planned the way it is.

    \b
    For a pod: where it goes and why there, with what the next best costs; or why it stays
    pending, filter by filter for each NodePool, the closest miss first.
    For a pool: why it grows, shrinks or stays.
    """
    decision = consider_options(options)
    click.echo(explain(decision, name, options["output"]), nl=False)


def explain(decision: Decision, name: str, output: str = "text") -> str:
    """What there is to say about one pod or pool. Raises InputError where the plan does not speak of it."""
    from planner.explain import explain_pod, find_pods  # noqa: PLC0415 - only when the command runs
    from renderer import explain as views  # noqa: PLC0415 - likewise

    plan = decision.plan
    change = next((one for one in plan.changes if one.pool == name), None)
    pool, currency = plan.desired.get(name), plan.cost.currency
    if change is not None or pool is not None:
        if output == "json":
            return views.pool_document(name, change, pool, currency)
        sections = views.pool_sections(change, currency) if change else views.still_sections(pool) if pool else ()
        return views.markdown_view(sections) if output == "markdown" else views.text_view(sections)
    found = find_pods(decision, name)
    if len(found) != 1:
        raise InputError(_unknown(decision, name, found))
    study = explain_pod(decision, found[0])
    if output == "json":
        return views.pod_document(study)
    sections = views.pod_sections(study)
    return views.markdown_view(sections) if output == "markdown" else views.text_view(sections)


def _unknown(decision: Decision, name: str, found: tuple[str, ...]) -> str:
    """Why a name means nothing, or too much."""
    from planner.spelling import nearest  # noqa: PLC0415 - only for an error

    if found:
        more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
        return f"{name} is the name of several pods: {', '.join(found[:_MOST])}{more}"
    said = f"the plan speaks of no pod or pool named {name}; pods are written namespace/name"
    pods = (pod.key for pod in decision.inputs.snapshot.pods)
    meant = nearest(name, (*pods, *decision.plan.desired.names()))
    return f"{said}; was {meant} meant?" if meant else said
