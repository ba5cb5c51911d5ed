"""``poolplan snapshot``: a live cluster as a file that plans identically."""

from __future__ import annotations

from pathlib import Path

import click

from gitops.commands.options import remark, surroundings
from gitops.gather import Sources, connect_cluster


@click.command("snapshot")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kubeconfig", metavar="FILE", default="", help="Default: as kubectl finds it.")
@click.option("--context", metavar="NAME", default="", help="The kubeconfig's context.")
def command(file: Path, kubeconfig: str, context: str) -> None:
    """Save what a plan reads from the live cluster to FILE (JSON), without environment values or secrets."""
    from gitops.cluster.live import live_items  # noqa: PLC0415 - loaded only when the command runs
    from gitops.cluster.saving import save_snapshot  # noqa: PLC0415 - likewise

    api = connect_cluster(Sources(kubeconfig=kubeconfig, context=context), surroundings())
    items, warnings = live_items(api)
    for warning in warnings:
        remark(warning)
    remark(f"{save_snapshot(items, file)} objects in {file}")
