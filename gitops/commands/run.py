"""``poolplan run``: the controller, which plans, proposes and applies for as long as it runs."""

from __future__ import annotations

import signal
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import engine_options, for_cluster, freeze_option, sources_of, surroundings
from gitops.commands.propose import WEBHOOK_SECRET, interval
from gitops.commands.state import state_folder
from gitops.errors import ExitCode, InputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from gitops.controller.running import Running
    from gitops.gather import Sources, Surroundings
    from gitops.settings import Settings

_PATH = click.Path(path_type=Path)


@click.command("run")
@click.option("--repo", metavar="PATH|URL", default="",
              help="The fleet repository, bare or a checkout. Without one it only observes.")  # fmt: skip
@click.option("--cluster", metavar="NAME", default="", help="Which of the repository's clusters, if several.")
@click.option("--kubeconfig", metavar="FILE", default="", help="Of the live cluster. Default: as for kubectl.")
@click.option("--context", metavar="NAME", default="", help="The kubeconfig's context.")
@click.option("--catalog", type=_PATH, metavar="FILE", help="Flavors and prices. Default: the bundled one.")
@click.option("--every", metavar="DURATION", default="1m", show_default=True,
              help="The longest time between two passes; changes in the cluster begin one at once.")  # fmt: skip
@click.option("--listen", metavar="HOST:PORT", default="",
              help="Serve health, metrics, a page and the forge's webhooks here.")  # fmt: skip
@click.option("--no-page", is_flag=True, help="Serve no page: it shows names of workloads to whoever reaches it.")
@click.option("--lease", metavar="NAMESPACE/NAME", default="",
              help="Of several equal processes, the one that holds this Lease acts.")  # fmt: skip
@click.option("--reached-at", metavar="IP:PORT", default="",
              help="Where the others reach this one: what they are asked for, they hand on to the leader.")  # fmt: skip
@click.option("--no-apply", is_flag=True, help="Plan and propose only.")
@click.option("--evidence", is_flag=True, help="Keep each plan's inputs beside it, so that it can be replayed.")
@engine_options
@click.option("--log", type=click.Choice(["json", "text"]), default="json", show_default=True, help="On stderr.")
@freeze_option
def command(**options: Any) -> int:
    """Follow a cluster and its part of the fleet repository: plan after each change, propose, apply what is approved.

    Without --repo it observes: it plans by the cluster's own NodePools, tells what it would do, and does nothing.

    It ends in order on SIGTERM: no further step of an apply begins, and the next start goes on. Several clusters can be
    named with commas; --context and --kubeconfig then take {cluster} for the name.
    """
    from gitops.controller.logs import Log  # noqa: PLC0415 - loaded only when the command runs
    from gitops.controller.running import Running, RunOptions  # noqa: PLC0415 - likewise
    from gitops.redact import secret_values  # noqa: PLC0415 - likewise

    around = surroundings()
    pause = interval({**options, "now": ""})
    if pause is None:
        raise InputError("--every: say how long it may wait at most between two passes")
    log = Log(
        clock=around.clock, write=lambda line: click.echo(line, err=True), as_json=options["log"] == "json",
        secrets=secret_values(around.environment),
    )  # fmt: skip
    clusters = tuple(filter(None, options["cluster"].split(",")))
    running = Running(RunOptions(
        repo=options["repo"], clusters=clusters, sources=lambda name, settings: _sources(options, name, settings),
        state=state_folder(around.environment), every=pause, lease=options["lease"],
        reached_at=_reached_at(options["reached_at"]), applies=not options["no_apply"],
        keep_evidence=options["evidence"], freeze=options["freeze"], program=options["program"],
        cli_config=options["cli_config"],
    ), around, log)  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.end())
    with _served(options["listen"], running, around, page=not options["no_page"]):
        running.start()
        log.say("runs" if options["repo"] else "observes", clusters=[one.name for one in running.controllers])
        running.wait()
        log.say("ending")
        running.stop()
    log.say("ended")
    return ExitCode.DONE


def _sources(options: dict[str, Any], name: str, settings: Settings | None) -> Sources:
    given = {
        "snapshots": (), "policies": (), "pools": None, "region": "", "cluster_plan": None, "objective": None,
        "solve_budget": None, "catalog": options["catalog"],
        "kubeconfig": options["kubeconfig"].replace("{cluster}", name),
        "context": options["context"].replace("{cluster}", name),
    }  # fmt: skip
    sources = sources_of(given)
    return for_cluster(sources, given, settings) if settings is not None else sources


def _reached_at(text: str) -> str:
    from gitops.leading import address_in  # noqa: PLC0415 - loaded only when the command runs

    if text and address_in(text) != text:
        raise InputError(f"--reached-at {text}: write it like 10.2.0.7:8080, with an IP")
    return text


def _served(
    address: str, running: Running, around: Surroundings, *, page: bool
) -> AbstractContextManager[object]:  # fmt: skip
    """Serve health, hooks and the page at an address; without one, nothing. Raises InputError for a bad address."""
    if not address:
        return nullcontext()
    from gitops.controller.forwarding import HandedOn  # noqa: PLC0415 - likewise
    from gitops.controller.serving import controller_app  # noqa: PLC0415 - only where something is served
    from gitops.controller.web import page_routes  # noqa: PLC0415 - likewise
    from gitops.serving import Served, address_of, listen  # noqa: PLC0415 - likewise

    host, port = address_of(address)
    app = controller_app(
        lambda: running.views, page_routes(lambda: running.views) if page else (),
        secret=around.environment.get(WEBHOOK_SECRET, ""), look=running.look_now, clock=around.clock,
        tally=around.tally,
    )  # fmt: skip
    return Served(HandedOn(app, running.leader_elsewhere), listen(port, host=host), name="http")
