"""``poolplan demo``: the whole story on the sandbox, offline."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gitops.errors import InputError


@click.command("demo")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR",
              help="Leave the repository, state and kubeconfig here, to look at. Must be empty or new.")  # fmt: skip
@click.option("--step", "pause", is_flag=True, help="Wait for Enter after each step.")
def command(keep: Path | None, pause: bool) -> None:
    """Play nine steps: pods that wait, the plan, the diff, the approval, Terraform's apply, nodes that join.

    Everything runs on this machine: an OVH API, a small cluster, a Git repository. Nothing is scripted output.
    """
    if keep is not None:
        _prepare(keep)
    with nullcontext(str(keep)) if keep else TemporaryDirectory(prefix="poolplan-demo-") as folder:
        _play(Path(folder).absolute(), pause=pause)
    if keep is not None:
        click.echo(f"\nThe repository is {keep / 'fleet.git'}; git clone it to look at it.")


def _prepare(keep: Path) -> None:
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise InputError(f"--keep {keep}: the folder is not empty; name a new one")
    except OSError as error:
        raise InputError(f"--keep {keep}: {error.strerror}") from error


def _play(folder: Path, *, pause: bool) -> None:
    from gitops.clock import monotonic  # noqa: PLC0415 - loaded only when the command runs
    from gitops.demo.stage import set_stage  # noqa: PLC0415 - likewise
    from gitops.demo.story import Story  # noqa: PLC0415 - likewise
    from renderer.terminal import Screen  # noqa: PLC0415 - likewise

    started = monotonic()
    stage = set_stage(folder)
    try:
        story = Story(stage, click.echo, Screen(color=sys.stdout.isatty()))
        for number, step in enumerate(story.steps(), start=1):
            click.echo(f"\n{number}/9  {step.title}\n")
            step.play(story)
            if pause:
                click.prompt("\nEnter goes on", default="", show_default=False, prompt_suffix=" ")
    finally:
        stage.sandbox.stop()
    click.echo(f"\nDone in {monotonic() - started:.0f} s.")
