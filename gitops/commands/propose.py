"""``poolplan propose``: plan from the fleet repository's main branch, and keep the proposals what the plan asks for."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops.clock import Bell
from gitops.commands.options import (
    engine_options,
    for_cluster,
    freeze_option,
    input_options,
    output_option,
    repo_options,
    sources_of,
    surroundings,
    time_of,
)
from gitops.commands.plan import show
from gitops.commands.state import state_folder
from gitops.errors import ExitCode, InputError, PoolplanError
from planner.errors import ValueRefused
from planner.memory import Memory
from planner.quantity import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gitops.fleet import Fleet
    from gitops.gather import Surroundings
    from gitops.git.base import Repository
    from gitops.loop.opening import Worlds
    from gitops.rounds import Planned
    from gitops.settings import Settings
    from planner.drift import Drift

    Memories = defaultdict[str, Memory]

WEBHOOK_SECRET = "POOLPLAN_WEBHOOK_SECRET"  # noqa: S105 - a name


@click.command("propose")
@repo_options
@input_options
@output_option
@freeze_option
@click.option("--engine-state", is_flag=True, help="Look too at what Terraform's own state has wrong.")
@engine_options
@click.option("--evidence", is_flag=True, help="Keep the plan's inputs beside it, so that it can be replayed.")
@click.option("--all-clusters", is_flag=True,
              help="Every cluster of the repository; {cluster} in a path or context is its name.")  # fmt: skip
@click.option("--every", metavar="DURATION", default="",
              help="Do it again so long after each time, like 30s, until interrupted.")  # fmt: skip
@click.option("--listen", metavar="HOST:PORT", default="",
              help="With --every: take the forge's webhooks here, and look at once. Secret: POOLPLAN_WEBHOOK_SECRET.")
def command(**options: Any) -> int:
    """Plan what the repository's main branch and the cluster ask for, and propose it for review.

    Each kind of change (up, down, policy, drift, restore) has one branch and, on a forge, one pull request, revised as
    demand moves and withdrawn when nothing is left to do. The same plan is the same commit: then nothing is pushed or
    said.
    """
    from gitops.fleet import open_source  # noqa: PLC0415 - loaded when the command runs
    from gitops.loop.opening import Worlds  # noqa: PLC0415 - likewise

    around = surroundings()
    pause = interval(options)
    repository = open_source(options["repo"], around, cache=state_folder(around.environment) / "git")
    memories: Memories = defaultdict(Memory)
    worlds = Worlds(around=around, freeze=options["freeze"])
    if pause is None:
        return propose_all(repository, options, worlds, memories)
    bell = Bell()
    with listening(options["listen"], bell, around):
        while True:
            try:
                propose_all(repository, options, worlds, memories)
            except PoolplanError as error:
                around.remark(str(error))
            bell.wait(pause)
            worlds.look_again()
            try:
                repository.refresh()
            except PoolplanError as error:
                around.remark(str(error))


def interval(options: dict[str, Any]) -> timedelta | None:
    """How long to wait between two times; None: once only. Raises InputError for options that do not go together."""
    if not options["every"]:
        if options["listen"]:
            raise InputError("--listen goes with --every: it wakes a poolplan that goes on")
        return None
    if options["now"]:
        raise InputError("--every and --now do not go together: time goes on")
    try:
        return timedelta(seconds=parse_duration(options["every"]))
    except ValueRefused as error:
        raise InputError(f"--every: {error}") from None


@contextmanager
def listening(address: str, bell: Bell, around: Surroundings) -> Iterator[None]:
    """Take webhooks at an address, each of which rings; without one, nothing. Raises InputError for a bad address."""
    if not address:
        yield
        return
    from gitops.forges.webhooks import SHORTEST_SECRET, webhook_app  # noqa: PLC0415 - only where hooks are served
    from gitops.serving import Served, address_of, listen  # noqa: PLC0415 - likewise

    host, port = address_of(address)
    secret = around.environment.get(WEBHOOK_SECRET, "")
    if len(secret) < SHORTEST_SECRET:
        raise InputError(f"{WEBHOOK_SECRET} is not set, or shorter than {SHORTEST_SECRET} characters: hooks need it")
    app = webhook_app(lambda: secret, lambda _: bell.ring(), around.clock)
    with Served(app, listen(port, host=host), name="webhooks") as served:
        around.remark(f"webhooks are taken at {host}:{served.port}")
        yield


def propose_all(
    repository: Repository, options: dict[str, Any], worlds: Worlds, memories: Memories
) -> ExitCode:  # fmt: skip
    """Once over one cluster, or over all of them: then one that fails does not keep the others waiting."""
    from gitops.fleet import cluster_names, read_fleet  # noqa: PLC0415 - loaded when the command runs

    around = worlds.around
    now = time_of(options["now"], around)
    if not options["all_clusters"]:
        fleet = read_fleet(repository, options["cluster"], around)
        _propose(fleet, worlds, options, now, memories[fleet.settings.name])
        return ExitCode.DONE
    failed = 0
    for name in cluster_names(repository):
        try:
            fleet = read_fleet(repository, name, around)
            _propose(fleet, worlds, _named(options, name), now, memories[name])
        except PoolplanError as error:
            failed += 1
            around.remark(f"{name}: {error}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def _propose(fleet: Fleet, worlds: Worlds, options: dict[str, Any], now: datetime, memory: Memory) -> None:
    from gitops.emergency.carrying import bring_to_git  # noqa: PLC0415 - loaded only when the command runs
    from gitops.emergency.opening import act_by_itself  # noqa: PLC0415 - likewise
    from gitops.emergency.outbox import outbox_of  # noqa: PLC0415 - likewise
    from gitops.rounds import plan_round, propose_round, told  # noqa: PLC0415 - likewise

    _refuse_other_objective(options, fleet.settings)
    sources = for_cluster(sources_of(options), options, fleet.settings)
    planned = plan_round(fleet, sources, worlds.around, now=now, memory=memory)
    if options["engine_state"]:
        planned = replace(planned, engine=_of_engine(fleet, planned, options))
    click.echo(show(planned.plan, options["output"], cluster=fleet.settings.name), nl=False)
    world = worlds.of(fleet)
    bring_to_git(world, planned.trees, outbox_of(state_folder(worlds.around.environment), fleet.settings.name))
    proposed = propose_round(planned, world, now=now, keep_evidence=options["evidence"])
    act_by_itself(planned, world, sources, state_folder(worlds.around.environment), now=now)
    for line in told(proposed):
        worlds.around.remark(f"{fleet.settings.name}: {line}" if options["all_clusters"] else line)


def _of_engine(fleet: Fleet, planned: Planned, options: dict[str, Any]) -> tuple[Drift, ...] | None:
    from gitops.delivery import Place  # noqa: PLC0415 - loaded only when it is asked for
    from gitops.engine_states import EngineStates  # noqa: PLC0415 - likewise

    state = state_folder(planned.around.environment)
    place = Place.below(state, program=options["program"], cli_config=options["cli_config"])
    states = EngineStates(place=place)
    states.look(fleet, planned.around)
    return states.drift(fleet, planned.inputs.observed)


def _named(options: dict[str, Any], cluster: str) -> dict[str, Any]:
    """The options with the cluster's name in each path and context."""

    def put(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(put, value))
        if isinstance(value, Path):
            return Path(str(value).replace("{cluster}", cluster))
        return value.replace("{cluster}", cluster) if isinstance(value, str) else value

    named = ("snapshots", "policies", "catalog", "pools", "kubeconfig", "context")
    return {name: put(value) if name in named else value for name, value in options.items()}


def _refuse_other_objective(options: dict[str, Any], settings: Settings) -> None:
    """What plans are to be good at is policy: a plan under another one could never be applied."""
    wanted = options["objective"]
    if wanted and wanted != settings.aims.objective.value:
        written = settings.aims.objective.value
        raise InputError(f"--objective {wanted}: {settings.folder}/cluster.yaml says {written}; change it there")
