"""``poolplan catalog``: a fresh catalog from the OVH API, as a file ``plan --catalog`` reads."""

from __future__ import annotations

from pathlib import Path

import click

from gitops.commands.options import remark, surroundings
from gitops.gather import connect


@click.command("catalog")
@click.option("--region", "regions", multiple=True, metavar="NAME", help="Repeatable. Default: the cluster's region.")
@click.option("--subsidiary", metavar="CODE", default="", help="Whose prices, like FR. Default: the account's.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: standard output.")
def command(regions: tuple[str, ...], subsidiary: str, out: Path | None) -> None:
    """Write flavors, regions, zones and prices as the OVH API has them now."""
    from gitops.catalogs.fetch import fetch_catalog  # noqa: PLC0415 - loaded only when the command runs
    from gitops.catalogs.files import write_catalog  # noqa: PLC0415 - likewise
    from gitops.files import write_texts  # noqa: PLC0415 - likewise

    around = surroundings()
    fresh = fetch_catalog(connect(around), regions=regions, subsidiary=subsidiary, now=around.clock.now())
    for warning in fresh.warnings:
        remark(warning)
    for quota in fresh.quotas:
        remark(f"quota of the project in {quota}")
    text = write_catalog(fresh.catalog)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_texts([(out, text)])
        remark(f"{len(fresh.catalog.flavors)} flavors in {out}")
