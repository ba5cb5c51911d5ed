"""``poolplan explain``: why a pod is where the plan puts it, or nowhere; why a pool changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import input_options
from gitops.commands.plan import make_plan
from gitops.errors import InputError

if TYPE_CHECKING:
    from planner.plan import Change, Plan


@click.command("explain")
@click.argument("name")
@input_options
def command(name: str, **options: Any) -> None:
    """Say why the pod NAME (namespace/name) or the pool NAME is planned the way it is."""
    plan = make_plan(options)
    lines = explain(plan, name)
    if not lines:
        raise InputError(f"the plan speaks of no pod or pool named {name}; pods are written namespace/name")
    click.echo("\n".join(lines))


def explain(plan: Plan, name: str) -> list[str]:
    """The sentences about one pod or pool; none where the plan does not speak of it."""
    return _of_pool(plan, name) + _of_pod(plan, name)


def _of_pod(plan: Plan, name: str) -> list[str]:
    lines = []
    for node in plan.placements:
        if name in node.pods:
            what = "a node still to come" if node.expected else "a node that is there"
            lines.append(f"{name} goes on {node.name}, {what}")
            lines += _of_pool(plan, node.pool) if node.expected else []
    for one in plan.unplaced:
        if name in one.pods:
            lines.append(f"{name} stays pending:")
            lines += [f"  {each.node_pool or 'no NodePool'}, {each.filter}: {each.detail}" for each in one.reasons]
    return lines


def _of_pool(plan: Plan, name: str) -> list[str]:
    change = next((each for each in plan.changes if each.pool == name), None)
    if change is None:
        pool = plan.desired.get(name)
        return [f"pool {name} stays as it is, at {pool.desired} nodes"] if pool else []
    return [_headline(change), *(f"  {reason.text}" for reason in change.reasons)]


def _headline(change: Change) -> str:
    before = change.before.desired if change.before else 0
    after = change.after.desired if change.after else 0
    return f"pool {change.pool}: {change.action.value}, {before} → {after} nodes"
