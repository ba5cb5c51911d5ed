"""The changes of a plan by class, and how much each class changes. Pure.

A rule judges all changes of a class together, so that cutting a change into several gains nothing. One change can be
of several classes: a pool that grows and gets another label is growth and policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from planner.diff import changed_fields
from planner.guardrails import nodes_added, nodes_removed
from planner.plan import Action
from renderer.layout import manifest_file, pools_folder, terraform_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePosixPath

    from planner.plan import Change, Plan
    from planner.pools import PoolName


class Class(Enum):
    """What a change does to a pool; the order is that of every list.

    ADOPT does nothing to it: Git takes over what the provider has, and applying that changes nothing.
    """

    GROW = "grow"
    SHRINK = "shrink"
    DELETE = "delete"
    REPLACE = "replace"
    POLICY = "policy"
    ADOPT = "adopt"
    IMPORT = "import"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """All changes of one class in a plan.

    ``nodes`` are those ordered or let go, whichever are more, and of POLICY, IMPORT and RELEASE all of the pools; of
    ADOPT, by how many Git's word changes. ``hourly`` and ``monthly`` add up how far each pool's cost moves, up or down,
    in micro-units: what one pool saves never hides what another one costs. ``priced``: the price of every pool is
    known. ``priority`` is the least of the changes'.
    """

    kind: Class
    pools: tuple[PoolName, ...]
    nodes: int
    hourly: int
    monthly: int
    priority: int
    priced: bool = True


def classes_of(change: Change) -> tuple[Class, ...]:
    """Every class that the change is of, at least one."""
    whole = {
        Action.CREATE: Class.GROW, Action.DELETE: Class.DELETE, Action.REPLACE: Class.REPLACE,
        Action.IMPORT: Class.IMPORT, Action.RELEASE: Class.RELEASE,
    }  # fmt: skip
    if change.action in whole:
        return (whole[change.action],)
    found = []
    if nodes_added(change):
        found.append(Class.GROW)
    if nodes_removed(change):
        found.append(Class.SHRINK)
    if not found or _other_fields(change):
        found.append(Class.POLICY)
    return tuple(found)


def measure(plan: Plan) -> tuple[Measure, ...]:
    """What the plan changes, by class, in the order of ``Class``; a class without changes is not among them."""
    by_class: dict[Class, list[Change]] = {kind: [] for kind in Class}
    for change in plan.changes:
        for kind in (Class.ADOPT,) if plan.adopts else classes_of(change):
            by_class[kind].append(change)
    return tuple(_measure(kind, changes) for kind, changes in by_class.items() if changes)


def files_of(pools: Iterable[PoolName], cluster: str) -> tuple[PurePosixPath, ...]:
    """The files of these pools in the repository, sorted: what code owners own. Raises ValueRefused for a bad name."""
    folder = pools_folder(cluster)
    return tuple(sorted(folder / file(pool) for pool in pools for file in (terraform_file, manifest_file)))


def _measure(kind: Class, changes: list[Change]) -> Measure:
    return Measure(
        kind=kind,
        pools=tuple(sorted(change.pool for change in changes)),
        nodes=sum(_nodes(kind, change) for change in changes),
        hourly=sum(abs(change.cost_after.hourly - change.cost_before.hourly) for change in changes),
        monthly=sum(abs(change.cost_after.monthly - change.cost_before.monthly) for change in changes),
        priority=min(change.priority for change in changes),
        priced=all(_priced(change) for change in changes),
    )  # fmt: skip


def _nodes(kind: Class, change: Change) -> int:
    if kind in (Class.POLICY, Class.IMPORT, Class.RELEASE):
        return max((pool.desired for pool in (change.before, change.after) if pool is not None), default=0)
    if kind is Class.GROW:
        return nodes_added(change)
    both = kind in (Class.REPLACE, Class.ADOPT)
    return max(nodes_added(change), nodes_removed(change)) if both else nodes_removed(change)


def _other_fields(change: Change) -> bool:
    if change.before is None or change.after is None:
        return False
    return any(field != "desired" for field in changed_fields(change.before, change.after))


def _priced(change: Change) -> bool:
    """Nodes that cost nothing are nodes whose price is not known."""
    sides = ((change.before, change.cost_before), (change.after, change.cost_after))
    return all(cost.hourly > 0 for pool, cost in sides if pool is not None and pool.desired > 0)
