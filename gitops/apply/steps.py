"""A plan as an ordered list of steps; pure.

First comes what grows, then what leaves: a pool that takes another's place is there before the other one is drained
(design rule 6). What leaves goes by name: cordoned, drained, removed through the API (rule 8).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from planner.plan import Action
from planner.pools import PoolSet
from planner.portion import HANDOVERS

if TYPE_CHECKING:
    from planner.plan import Change, Plan


class Act(Enum):
    """What a step does. GROW and SETTLE are the engine's, all else is done through the APIs.

    HEAL and UNCORDON are in no plan: the first comes before the first step where an earlier try left a failed pool, the
    second where a plan is given up.
    """

    HEAL = "heal"
    UNCORDON = "uncordon"
    GROW = "grow"
    WAIT = "wait"
    CORDON = "cordon"
    DRAIN = "drain"
    REMOVE = "remove"
    SETTLE = "settle"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it does, to which pools, with which nodes; both sorted by name."""

    act: Act
    pools: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.act.value, ", ".join(self.nodes or self.pools))).rstrip()


def steps_of(plan: Plan) -> tuple[Step, ...]:
    """The steps of a plan, in their order. Only one in which something grows and something leaves has two changes of
    the engine.
    """
    growing = tuple(str(one.pool) for one in plan.changes if not lessens(one))
    lessening = [one for one in plan.changes if lessens(one)]
    victims = tuple(sorted(node for one in lessening for node in one.victims))
    steps = [Step(Act.GROW, growing)] if growing else []
    # A pool that only changes hands stays in whatever state it is in.
    coming = tuple(str(one.pool) for one in plan.changes if not lessens(one) and one.action not in HANDOVERS)
    steps += [Step(Act.WAIT, coming)] if coming else []
    if victims:
        steps += [Step(Act.CORDON, nodes=victims), Step(Act.DRAIN, nodes=victims)]
    for one in lessening:
        if one.after is not None and one.victims:
            steps.append(Step(Act.REMOVE, (str(one.pool),), tuple(sorted(one.victims))))
    if lessening:
        steps.append(Step(Act.SETTLE, tuple(str(one.pool) for one in lessening)))
    return (*steps, Step(Act.VERIFY, tuple(str(one.pool) for one in plan.changes if one.action is not Action.RELEASE)))


def lessens(change: Change) -> bool:
    """Whether a pool loses nodes by it."""
    before, after = change.before, change.after
    return after is None or bool(change.victims) or (before is not None and after.desired < before.desired)


def growth(plan: Plan, observed: PoolSet, *, without: frozenset[str] = frozenset()) -> Plan:
    """The plan's first half: what grows or changes, while pools that lose nodes stay as they are observed.

    So what has left already, before a process was killed, does not come back. Pools ``without`` which it goes stay as
    they are observed, too.
    """
    waiting = without.union(str(one.pool) for one in plan.changes if lessens(one))
    rest = [pool for pool in plan.desired if pool.name not in waiting]
    staying = [pool for pool in observed if pool.name in waiting]
    changes = tuple(one for one in plan.changes if str(one.pool) not in waiting)
    return replace(plan, changes=changes, desired=PoolSet.of([*rest, *staying]))
