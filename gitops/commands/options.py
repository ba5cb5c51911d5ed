"""Options that several commands share, and how they become ``Sources`` and ``Surroundings``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gitops.clock import SystemClock
from gitops.environment import environment
from gitops.errors import InputError
from gitops.gather import Sources, Surroundings
from planner.aims import Aims, Objective
from planner.errors import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.settings import Settings

F = TypeVar("F", bound="Callable[..., Any]")
_PATH = click.Path(path_type=Path)

_INPUTS = (
    click.option("--snapshot", "snapshots", type=_PATH, multiple=True, metavar="PATH",
                 help="File or folder of Kubernetes YAML or JSON, as kubectl writes it; repeatable."
                      " Default: the live cluster."),
    click.option("--policy", "policies", type=_PATH, multiple=True, metavar="PATH",
                 help="File or folder with NodePool and OVHNodeClass objects. Default: those in the snapshot."),
    click.option("--catalog", type=_PATH, metavar="FILE", help="Flavors and prices. Default: the bundled one."),
    click.option("--pools", type=_PATH, metavar="FILE",
                 help="Observed pools, JSON as the OVH API lists them. Default: the API, else the nodes' labels."),
    click.option("--region", metavar="NAME", default="", help="Region, where no OVHNodeClass names one."),
    click.option("--cluster-plan", type=click.Choice(["free", "standard"]), default=None,
                 help="The cluster's OVH plan: 100 or 500 nodes. Default: what the API says, else standard."),
    click.option("--kubeconfig", metavar="FILE", default="", help="Of the live cluster. Default: as for kubectl."),
    click.option("--context", metavar="NAME", default="", help="The kubeconfig's context."),
    click.option("--objective", type=click.Choice([one.value for one in Objective]), default=None,
                 help="What to make as small as can be. Default: what cluster.yaml says, else cheapest."),
    click.option("--solve-budget", metavar="DURATION", default=None,
                 help="How long to search for cheaper nodes at most. Default: what cluster.yaml says, else 5s."),
    click.option("--now", metavar="RFC3339", default="", help="Plan as if it were this time."),
)  # fmt: skip
_REPO = (
    click.option("--repo", metavar="PATH|URL", required=True, help="The fleet repository, bare or a checkout."),
    click.option("--cluster", metavar="NAME", default="", help="Which of the repository's clusters, if several."),
)
_ENGINE = (
    click.option("--program", metavar="NAME|PATH", default="", help="terraform, tofu, a path, or embedded."),
    click.option("--cli-config", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
                 help="A Terraform CLI configuration file, for instance to name a provider mirror."),
)  # fmt: skip
settings_option = click.option(
    "--settings", type=_PATH, metavar="FILE", help="A cluster.yaml: the cluster, and what its plans are to be good at.",
)  # fmt: skip
freeze_option = click.option(
    "--freeze", metavar="REASON", default=None, help="Let nothing be merged or applied, whatever is approved.",
)  # fmt: skip
output_option = click.option(
    "--output", "-o", type=click.Choice(["text", "json", "markdown", "patch"]), default="text", show_default=True,
    help="How to show the plan; json is the plan document, patch is RFC 6902 on the declared pools.",
)


def input_options(function: F) -> F:
    """The options that say what to plan from."""
    for option in reversed(_INPUTS):
        function = option(function)
    return function


def repo_options(function: F) -> F:
    """The options that say which cluster of which repository."""
    for option in reversed(_REPO):
        function = option(function)
    return function


def engine_options(function: F) -> F:
    """The options that say how Terraform runs."""
    for option in reversed(_ENGINE):
        function = option(function)
    return function


def sources_of(options: dict[str, Any]) -> Sources:
    """The ``Sources`` of a command's options."""
    return Sources(
        snapshots=tuple(options["snapshots"]), policies=tuple(options["policies"]), catalog=options["catalog"],
        pools=options["pools"], region=options["region"], cluster_plan=options["cluster_plan"] or "",
        kubeconfig=options["kubeconfig"], context=options["context"], aims=_aims(options, Aims()),
    )  # fmt: skip


def for_cluster(sources: Sources, options: dict[str, Any], settings: Settings) -> Sources:
    """The sources with what cluster.yaml says in place of what no option says. Raises InputError."""
    return replace(
        sources, region=sources.region or settings.ovh.region, usual_plan=settings.ovh.plan,
        aims=_aims(options, settings.aims),
    )  # fmt: skip


def _aims(options: dict[str, Any], usual: Aims) -> Aims:
    objective, budget = options["objective"], options["solve_budget"]
    return replace(
        usual, objective=Objective(objective) if objective else usual.objective,
        budget=usual.budget if budget is None else _budget(budget),
    )  # fmt: skip


def _budget(text: str) -> int:
    from gitops.decoding import Misfit  # noqa: PLC0415 - loads msgspec
    from gitops.settings_planning import parse_budget  # noqa: PLC0415 - likewise

    try:
        return parse_budget(text)
    except (Misfit, ValueRefused) as error:
        raise InputError(f"--solve-budget: {error}") from None


def surroundings() -> Surroundings:
    """This process's environment and clock; remarks go to stderr."""
    return Surroundings(environment=environment(), clock=SystemClock(), remark=remark)


def remark(text: str) -> None:
    """A line of talk."""
    click.echo(f"poolplan: {text}", err=True)


def time_of(text: str, around: Surroundings) -> datetime:
    """The time of ``--now``, else of the clock. Raises InputError."""
    if not text:
        return around.clock.now()
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        wrong = "is not a time" if when is None else "has no time zone"
        raise InputError(f"--now {text!r} {wrong}; write it like 2026-01-31T12:00:00Z")
    return when.astimezone(UTC)
