"""``poolplan validate``: are policy and settings right, and (``--live``) is everything there that an apply needs?"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from gitops.commands.options import remark, surroundings
from gitops.errors import ExitCode, InputError
from gitops.gather import Sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.gather import Surroundings


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--live", is_flag=True, help="Look at programs, OVH credentials and rights, region and cluster too.")
@click.option("--kubeconfig", metavar="FILE", default="", help="For --live. Default: as kubectl finds it.")
@click.option("--context", metavar="NAME", default="", help="The kubeconfig's context.")
def command(paths: tuple[Path, ...], live: bool, kubeconfig: str, context: str) -> int:
    """Check policy files (NodePool, OVHNodeClass) and settings (cluster.yaml) at PATHS.

    Errors carry file:line:column and the path of the field.
    """
    if not paths and not live:
        raise InputError("nothing to check: name files or folders, or give --live")
    around = surroundings()
    if paths:
        remark(check_files(paths, around))
    return _live(Sources(kubeconfig=kubeconfig, context=context), around) if live else ExitCode.DONE


def check_files(paths: Sequence[Path], around: Surroundings) -> str:
    """What was found to be right. Raises InputError or InputErrors for what is wrong."""
    from gitops.cluster import read_policy  # noqa: PLC0415 - loaded only when the command runs
    from gitops.settings_read import load_settings  # noqa: PLC0415 - likewise

    settings = [path for path in _files(paths) if path.name == "cluster.yaml"]
    others = [path for path in _files(paths) if path.name != "cluster.yaml"]
    for path in settings:
        for warning in load_settings(path, around.environment).warnings:
            around.remark(warning)
    found = read_policy(others, around.environment) if others else None
    for warning in found.warnings if found else ():
        around.remark(warning)
    policy = found.policy if found else None
    pools, classes = (len(policy.node_pools), len(policy.node_classes)) if policy else (0, 0)
    return f"right: {pools} NodePools, {classes} OVHNodeClasses, {len(settings)} settings files"


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        below = [one for one in below if one == path or one.suffix in (".yaml", ".yml", ".json")]
        found += [one for one in below if "pools" not in one.parts and one.name != "plan.json"]
    return found


def _live(sources: Sources, around: Surroundings) -> int:
    from gitops.checks import run_checks  # noqa: PLC0415 - loaded only when asked for

    failed = 0
    with TemporaryDirectory() as launchers:
        for check in run_checks(sources, around, launchers=Path(launchers)):
            failed += not check.passed
            click.echo(f"{'ok  ' if check.passed else 'FAIL'}  {check.name}: {check.detail}")
    return ExitCode.FAILED if failed else ExitCode.DONE
