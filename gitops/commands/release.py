"""``poolplan release``: let go of pools and leave them as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gitops.commands.handing import conclude, handing_options, open_scene
from gitops.errors import InputError, Refused

if TYPE_CHECKING:
    from gitops.commands.handing import Scene
    from planner.pools import Pool


@click.command("release")
@click.argument("pools_named", metavar="POOL...", nargs=-1, required=True)
@handing_options
def command(**options: Any) -> int:
    """Propose that Git no longer declares pools. Nothing changes at the provider, and poolplan leaves them alone.

    A proposal that stands already is added to. With Terraform (1.7, OpenTofu 1.10), the merged files take each pool out
    of its state. Afterwards such a pool is room that poolplan counts on and never changes.
    """
    from planner.handover import release_plan  # noqa: PLC0415 - loaded when the command runs
    from planner.portion import Kind  # noqa: PLC0415 - likewise

    scene = open_scene(options)
    chosen = [_pool(name, scene) for name in sorted(set(options["pools_named"]))]
    _refuse_pruned(chosen, scene)
    plan = release_plan(scene.fleet.declared, [*chosen, *scene.asked(Kind.RELEASE)], scene.given)
    return conclude(scene, plan, Kind.RELEASE, options)


def _pool(name: str, scene: Scene) -> Pool:
    """Raises InputError for a pool that is not declared, or not there."""
    if scene.fleet.declared.get(name) is None:
        there = ", ".join(pool.name for pool in scene.fleet.declared) or "no pool"
        said = f"Git declares no pool {name} to be released; it declares {there}"
        raise InputError(f"{said}, and poolplan changes no other")
    pool = scene.observed.get(name)
    if pool is None:
        raise InputError(f"the provider has no pool {name}: there is nothing to let go of, and poolplan drift says so")
    return pool


def _refuse_pruned(pools: list[Pool], scene: Scene) -> None:
    """Argo CD and Flux delete what leaves Git, nodes and all, unless the object in the cluster forbids it."""
    from renderer.delegated import PROTECTION  # noqa: PLC0415 - loaded when the command runs
    from renderer.layout import POOLS, manifest_file  # noqa: PLC0415 - likewise
    from renderer.manifests import manifest  # noqa: PLC0415 - likewise

    settings = scene.fleet.settings
    if settings.delegate is None or not PROTECTION[settings.delegate]:
        return
    paths = {manifest_file(pool.name): scene.fleet.declared.get(pool.name) for pool in pools}
    texts = {path: scene.fleet.files.get(POOLS / path) for path in paths}
    bare = [
        f"{settings.folder / POOLS / path} lacks the annotations that keep the object"
        for path, pool in paths.items()
        if pool is not None and manifest(pool, texts[path], delegate=settings.delegate) != texts[path]
    ]
    if bare:
        raise Refused(
            f"{settings.delegate.value} would delete what leaves Git, with its nodes; let it apply files that poolplan "
            "rendered for it, then release again",
            reasons=tuple(bare),
        )
