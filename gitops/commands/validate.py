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

SETTINGS = "cluster.yaml"
POLICY = "policy"


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--live", is_flag=True, help="Look at programs, OVH rights and quota, cluster and forge too.")
@click.option("--repo", metavar="PATH|URL", default="",
              help="For --live: the fleet repository, to see whether it can be read and pushed to.")  # fmt: skip
@click.option("--kubeconfig", metavar="FILE", default="", help="For --live. Default: as kubectl finds it.")
@click.option("--context", metavar="NAME", default="", help="The kubeconfig's context.")
def command(paths: tuple[Path, ...], live: bool, repo: str, kubeconfig: str, context: str) -> int:
    """Check policy files (NodePool, OVHNodeClass) and settings (cluster.yaml) at PATHS.

    Errors carry file:line:column and the path of the field.
    """
    if not paths and not live:
        raise InputError("nothing to check: name files or folders, or give --live")
    around = surroundings()
    if paths:
        remark(check_files(paths, around))
    return _live(Sources(kubeconfig=kubeconfig, context=context), around, paths, repo) if live else ExitCode.DONE


def check_files(paths: Sequence[Path], around: Surroundings) -> str:
    """What was found to be right. Raises InputError or InputErrors for what is wrong, or where there is nothing.

    Policies are checked cluster by cluster: two clusters of a repository may have NodePools of one name.
    """
    from gitops.cluster import read_policy  # noqa: PLC0415 - loaded only when the command runs
    from gitops.settings_read import load_settings  # noqa: PLC0415 - likewise

    settings, policies = _sorted_files(paths)
    for path in settings:
        around.remark(f"checking {path} and the policy beside it")
        for warning in load_settings(path, around.environment).warnings:
            around.remark(warning)
    for path in _strangers(paths):
        around.remark(f"{path} is left out, and so is the policy beside it: it has no apiVersion of poolplan.dev")
    pools = classes = 0
    for files in policies:
        found = read_policy(files, around.environment)
        for warning in found.warnings:
            around.remark(warning)
        if found.unknown_kinds:
            listed = ", ".join(f"{count} × {kind}" for kind, count in found.unknown_kinds.items())
            around.remark(f"left out, because they are no policy: {listed}")
        pools, classes = pools + len(found.policy.node_pools), classes + len(found.policy.node_classes)
    if not pools + classes + len(settings):
        listed = ", ".join(str(path) for path in paths)
        raise InputError(f"{listed}: nothing to check: no NodePool, no OVHNodeClass and no cluster.yaml")
    counts = ((pools, "NodePool", "s"), (classes, "OVHNodeClass", "es"), (len(settings), "settings file", "s"))
    return "right: " + ", ".join(f"{count} {name}{'' if count == 1 else more}" for count, name, more in counts)


def _sorted_files(paths: Sequence[Path]) -> tuple[list[Path], list[list[Path]]]:
    """The settings files, and the policy files of each cluster; files that belong to no cluster go together."""
    settings: list[Path] = []
    policies: dict[Path | None, list[Path]] = {}
    for path in paths:
        clusters = [one for one in sorted(path.rglob(SETTINGS)) if _is_settings(one)] if path.is_dir() else []
        settings += [path] if path.name == SETTINGS else clusters
        for cluster in clusters:
            policies.setdefault(cluster.parent, []).extend(_manifests(cluster.parent / POLICY))
        if not clusters and path.name != SETTINGS:
            policies.setdefault(None, []).extend(_manifests(path))
    return settings, [files for files in policies.values() if files]


def _strangers(paths: Sequence[Path]) -> list[Path]:
    """Files named like settings, beside settings: somebody else's, or such as lost what tells whose they are."""
    named = [sorted(path.rglob(SETTINGS)) for path in paths if path.is_dir()]
    return [one for files in named if any(map(_is_settings, files)) for one in files if not _is_settings(one)]


def _is_settings(path: Path) -> bool:
    """Whether a file of that name is poolplan's: others name files like that too."""
    return b"poolplan.dev/" in path.read_bytes()


def _manifests(path: Path) -> list[Path]:
    """The YAML and JSON files of a folder and below it, hidden ones left out; a file is itself."""
    if not path.is_dir():
        return [path] if path.name != POLICY or path.exists() else []
    below = [one for one in sorted(path.rglob("*")) if one.suffix in (".yaml", ".yml", ".json") and one.is_file()]
    return [one for one in below if not any(part.startswith(".") for part in one.relative_to(path).parts)]


def _live(sources: Sources, around: Surroundings, paths: Sequence[Path], repo: str) -> int:
    from gitops.checks import run_checks  # noqa: PLC0415 - loaded only when asked for
    from gitops.settings_read import load_settings  # noqa: PLC0415 - likewise

    failed, clusters = 0, [load_settings(path, around.environment) for path in _sorted_files(paths)[0]]
    with TemporaryDirectory() as made:
        folder = Path(made)
        for check in run_checks(
            sources, around, launchers=folder, clusters=clusters, repo=repo, cache=folder / "git"
        ):  # fmt: skip
            failed += check.needed and not check.passed
            click.echo(str(check))
    return ExitCode.FAILED if failed else ExitCode.DONE
