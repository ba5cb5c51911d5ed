"""``poolplan history``: a cluster's ledger, as people ask about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from gitops.commands.options import repo_options, surroundings, time_of
from gitops.commands.state import state_folder
from gitops.errors import InputError


@click.command("history")
@repo_options
@click.option("--since", metavar="RFC3339|DURATION", default="",
              help="Only what happened since this time, or within so long, like 168h.")  # fmt: skip
@click.option("--output", "-o", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True,
              help="How to show it; json is a document of kind History.")  # fmt: skip
@click.option("--now", metavar="RFC3339", default="", help="Tell it as if it were this time.")
def command(**options: Any) -> None:
    """Tell what was proposed and applied: for which pods, on whose word, how long it waited, what it cost since.

    Read from the cluster's ledger branch in the fleet repository; nothing else is asked. A change's cost is its own
    price per hour times the hours since it was applied; what a later change took back is in that one's cost.
    """
    from gitops.fleet import open_source, read_cluster  # noqa: PLC0415 - loaded only when the command runs
    from gitops.loop.history import history_of  # noqa: PLC0415 - likewise
    from gitops.loop.ledger import read_ledger  # noqa: PLC0415 - likewise

    around = surroundings()
    now = time_of(options["now"], around)
    since = _since(options["since"], now)
    repository = open_source(options["repo"], around, cache=state_folder(around.environment) / "git")
    settings, _, _ = read_cluster(repository, options["cluster"], around)
    history = history_of(read_ledger(repository, settings), cluster=settings.name, now=now, since=since)
    click.echo(_shown(history, options["output"]), nl=False)


def _shown(history: Any, output: str) -> str:
    from renderer.history import history_text  # noqa: PLC0415 - loaded only when the command runs
    from renderer.history_document import history_json  # noqa: PLC0415 - likewise
    from renderer.history_markdown import history_markdown  # noqa: PLC0415 - likewise

    return {"text": history_text, "json": history_json, "markdown": history_markdown}[output](history)


def _since(text: str, now: datetime) -> datetime | None:
    """The time that is written, or so long before now. Raises InputError for neither, and for a time to come."""
    from planner.errors import ValueRefused  # noqa: PLC0415 - loaded only when the command runs
    from planner.quantity import parse_duration  # noqa: PLC0415 - likewise

    if not text:
        return None
    try:
        return now - timedelta(seconds=parse_duration(text))
    except ValueRefused:
        pass
    except OverflowError:
        raise InputError(f"--since {text!r} is longer than there are years") from None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise InputError(f"--since {text!r} is neither a time like 2026-01-31T12:00:00Z nor a duration like 168h")
    if when > now:
        raise InputError(f"--since {text} has not come yet")
    return when.astimezone(UTC)
