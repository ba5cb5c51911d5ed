"""``poolplan import``: bring existing pools under management without changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gitops.commands.handing import conclude, handing_options, open_scene
from gitops.errors import ExitCode, InputError, Refused
from planner.errors import ValueRefused

if TYPE_CHECKING:
    from gitops.commands.handing import Scene
    from planner.pools import Pool, PoolSet


@click.command("import")
@click.argument("pools_named", metavar="[POOL]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every pool that Git does not declare, as far as it can be.")
@handing_options
def command(**options: Any) -> int:
    """Propose that Git declares pools which the provider has already. Nothing changes at the provider.

    Without a POOL, and without --all, the pools that could be imported are listed. A proposal that stands already is
    added to. With Terraform, the merged files import each pool into its state by the pool's id.
    """
    from planner.handover import import_plan, importable  # noqa: PLC0415 - loaded when the command runs
    from planner.portion import Kind  # noqa: PLC0415 - likewise

    scene = open_scene(options)
    free = importable(scene.fleet.declared, scene.observed)
    named: tuple[str, ...] = options["pools_named"]
    if not named and not options["everything"]:
        _list(free, scene)
        return ExitCode.DONE
    chosen = _all(free, scene) if options["everything"] else _named(named, free, scene)
    plan = import_plan(scene.fleet.declared, {*chosen, *scene.asked(Kind.IMPORT)}, scene.given)
    if not plan.changes:
        scene.around.remark("nothing to import: Git declares these pools already")
        return ExitCode.DONE
    return conclude(scene, plan, Kind.IMPORT, options)


def _list(free: PoolSet, scene: Scene) -> None:
    from renderer.text import count  # noqa: PLC0415 - loaded when the command runs

    for pool in free:
        problem = _problem(pool)
        traits = ", ".join((pool.flavor, *pool.zones, count(pool.desired, 'node')))
        click.echo(f"{pool.name}: {traits}{f'; cannot be imported: {problem}' if problem else ''}")
    if not len(free):
        scene.around.remark("nothing to import: Git declares every pool that the provider has")


def _all(free: PoolSet, scene: Scene) -> list[Pool]:
    """Those that can be; of the others it is said why not."""
    chosen = []
    for pool in free:
        problem = _problem(pool)
        if problem:
            scene.around.remark(f"{pool.name} is left out: {problem}")
        else:
            chosen.append(pool)
    return chosen


def _named(named: tuple[str, ...], free: PoolSet, scene: Scene) -> list[Pool]:
    """Raises InputError for a pool that is not there, and Refused for one that cannot be imported."""
    chosen, problems = [], []
    for name in sorted(set(named)):
        pool = free.get(name)
        if pool is None and scene.fleet.declared.get(name) is None:
            there = ", ".join(one.name for one in free) or "none that Git does not declare"
            raise InputError(f"the provider has no pool {name}; it has {there}")
        if pool is None:
            continue
        problem = _problem(pool)
        problems += [f"{name}: {problem}"] if problem else []
        chosen.append(pool)
    if problems:
        raise Refused("not every pool can be imported, so none is", reasons=tuple(problems))
    return chosen


def _problem(pool: Pool) -> str:
    from planner.handover import import_problem  # noqa: PLC0415 - loaded when the command runs
    from renderer.layout import checked_name  # noqa: PLC0415 - likewise

    try:
        checked_name(pool.name)
    except ValueRefused as error:
        return str(error)
    return import_problem(pool)
