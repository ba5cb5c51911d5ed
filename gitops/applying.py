"""From an approved plan to nodes: agreement first, victims by name, then the engine's saved plan, then a look.

The order makes every kill harmless: what is in effect already is seen as such on the next try.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from gitops.agreement import Owner, disagreements
from gitops.errors import Refused, Stalled, Waiting
from gitops.verify import find_drift
from planner.plan import Action
from planner.pools import FAILED_STATES, PoolSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitops.clock import Clock
    from gitops.engines.base import Engine, EnginePlan, Progress
    from gitops.ovh.client import OvhClient
    from gitops.verify import Drift
    from planner.plan import Change, Plan
    from planner.pools import Pool

POLL = timedelta(seconds=1)
PATIENCE = timedelta(hours=1)  # terraform-provider-ovh waits an hour too


class Nodes(Protocol):
    """The cluster's nodes as removal needs them."""

    def cordon(self, names: Sequence[str]) -> None:
        """Let no new pod onto these nodes; a node that is gone is fine. Raises Stalled or Waiting."""

    def occupied(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the nodes that hold a pod which a removal would evict. Raises when that cannot be told."""


@dataclass(frozen=True, kw_only=True)
class Hands:
    """What an apply works with. ``nodes`` is called when nodes are to leave, and may raise: then none leaves."""

    engine: Engine
    client: OvhClient
    clock: Clock
    nodes: Callable[[], Nodes]
    report: Callable[[Progress], None]
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply did: pools the engine changed, nodes that left, and what still differs."""

    changed: int
    removed: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()


def apply_plan(plan: Plan, owner: Owner, hands: Hands) -> Applied:
    """Carry out exactly this plan. Raises Refused, with every reason, before anything is changed."""
    engine_plan = _agreed(plan, owner, hands, so_far="nothing was changed")
    leaving = _leaving(plan, hands.client)
    if leaving:
        _clear(leaving, hands)
    removed = [name for change in plan.changes if change.action is Action.UPDATE for name in _remove(change, hands)]
    if removed:
        engine_plan = _agreed(plan, owner, hands, so_far=f"removed so far: {', '.join(removed)}")
    changed = 0
    if not engine_plan.is_empty:
        result = hands.engine.apply(engine_plan, hands.report)
        changed = result.added + result.changed + result.removed
    return Applied(changed=changed, removed=leaving, drift=_look(plan, hands.client))


def _agreed(plan: Plan, owner: Owner, hands: Hands, *, so_far: str) -> EnginePlan:
    engine_plan = hands.engine.plan()
    found = disagreements(plan, engine_plan, owner=owner)
    if found:
        raise Refused(
            f"terraform would not do exactly what was approved; {so_far}",
            reasons=(*map(str, found), "what to do: set back what was changed outside, or plan, review and merge anew"),
        )
    return engine_plan


def _leaving(plan: Plan, client: OvhClient) -> tuple[str, ...]:
    """The victims that are still there. Raises Refused where further nodes would go, or other ones."""
    observed = client.pools()
    present: list[str] = []
    reasons: list[str] = []
    for change in plan.changes:
        pool = observed.get(change.pool)
        if pool is None or pool.state is None or not (change.victims or _shrinks(change)):
            continue
        names = [node.name for node in client.nodes(pool.state.id) if not node.leaving]
        present += [name for name in names if name in change.victims]
        reasons += [f"{change.pool}: {text}" for text in _other_nodes(change, pool, names)]
    if reasons:
        raise Refused("the nodes are not as the plan found them; nothing was changed, plan again",
                      reasons=tuple(reasons))  # fmt: skip
    return tuple(sorted(present))


def _shrinks(change: Change) -> bool:
    return change.before is not None and _staying(change) < change.before.desired


def _staying(change: Change) -> int:
    return change.after.desired if change.after is not None and change.action is Action.UPDATE else 0


def _other_nodes(change: Change, pool: Pool, names: Sequence[str]) -> list[str]:
    """Nodes go by name or not at all: OVHcloud would choose among those that the plan does not name."""
    seen = change.before.state.id if change.before and change.before.state else ""
    if seen and pool.state and pool.state.id != seen:
        return [f"it is another pool than the plan saw: id {pool.state.id}, not {seen}"]
    stays = _staying(change)
    others = sorted(name for name in names if name not in change.victims)
    removed = ", ".join(change.victims) or "no node"
    if len(others) > stays:
        there = f"{len(others)} are there that the plan does not remove: {', '.join(others)}"
        return [f"{stays} nodes are to stay, and {there}; it removes {removed}"]
    if len(others) < stays and change.victims:
        return [f"without {removed} {len(others)} nodes stay, the plan says {stays}"]
    return []


def _clear(victims: Sequence[str], hands: Hands) -> None:
    """Cordon the victims and make sure that they are still empty: the plan said so, and time has passed."""
    nodes = hands.nodes()
    _refuse_occupied(nodes.occupied(victims), "nothing was changed, plan again")
    nodes.cordon(victims)
    hands.say(f"cordoned {', '.join(victims)}")
    _refuse_occupied(nodes.occupied(victims), f"plan again, after kubectl uncordon {' '.join(victims)}")


def _refuse_occupied(occupied: Sequence[str], remedy: str) -> None:
    if occupied:
        reasons = tuple(f"{name} holds pods that would be evicted" for name in occupied)
        raise Refused(f"nodes that the plan removes are in use now; {remedy}", reasons=reasons)


def _remove(change: Change, hands: Hands) -> tuple[str, ...]:
    """Take the victims out of a pool that stays, by name: Terraform could only lower the count."""
    from gitops.ovh.removal import remove_victims  # noqa: PLC0415 - loads the ovh package

    after = change.after
    if not change.victims or after is None:
        return ()
    pool = hands.client.pools().get(change.pool)
    if pool is None or pool.state is None:
        raise Refused(f"pool {change.pool} is not there any more; plan again")
    sent = remove_victims(hands.client, pool.state.id, change.victims, desired=after.desired)
    if not sent:
        return ()
    hands.say(f"{change.pool}: removing {', '.join(change.victims)}")
    wait_until_ready(hands.client, pool.state.id, hands.clock)
    return change.victims


def wait_until_ready(client: OvhClient, pool_id: str, clock: Clock) -> None:
    """Return when the pool is READY. Raises Stalled in a failed state, Waiting when it takes longer than an hour."""
    end = clock.now() + PATIENCE
    while clock.now() < end:
        pool = client.pool(pool_id)
        status = pool.state.status if pool.state else ""
        if status == "READY":
            return
        if status in FAILED_STATES:
            raise Stalled(f"pool {pool.name} is in state {status}; look at it in the OVHcloud console")
        clock.sleep(POLL)
    raise Waiting(f"pool {pool_id} is not READY after an hour")


def _look(plan: Plan, client: OvhClient) -> tuple[Drift, ...]:
    """What the provider has now against what the plan wanted, for the pools that the plan changed."""
    touched = {str(change.pool) for change in plan.changes}
    declared = PoolSet.of(pool for pool in plan.desired if pool.name in touched)
    observed = PoolSet.of(pool for pool in client.pools() if pool.name in touched)
    return find_drift(declared, observed)
