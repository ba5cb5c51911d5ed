"""An engine for tests, which looks at the pools, shows the way to the wanted ones, and goes it without a pause.

It works on whatever has the calls of ``Provider``: the sandbox through a client, or a provider in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from gitops.agreement import RESOURCE, Owner
from gitops.engines.base import ApplyResult, Engine, EnginePlan, Goal, Progress, Stage
from gitops.errors import Refused
from planner.canonical import digest_of
from planner.pools import Pool, PoolSet, ProviderState
from tests.gitops.enginevalues import engine_plan, resource
from tests.gitops.plans import plan_of


class Provider(Protocol):
    """The calls that an engine makes, as ``OvhClient`` has them."""

    def pools(self) -> PoolSet: ...
    def create_pool(self, pool: Pool) -> Pool: ...
    def update_pool(self, before: Pool, after: Pool, *, nodes_to_remove: Sequence[str] = ()) -> None: ...
    def delete_pool(self, pool_id: str) -> None: ...


@dataclass
class MemoryProvider:
    """Pools that are READY at once. ``note`` is called before and after every call."""

    note: Callable[[str], None] = lambda _call: None
    kept: dict[str, Pool] = field(default_factory=dict)
    serial: int = 0

    def pools(self) -> PoolSet:
        self.note("before GET")
        return PoolSet.of(self.kept.values())

    def create_pool(self, pool: Pool) -> Pool:
        self.note("before POST")
        self.serial += 1
        made = replace(pool, state=ProviderState(id=f"id-{self.serial}"))
        self.kept[made.name] = made
        self.note("after POST")
        return made

    def update_pool(self, before: Pool, after: Pool, *, nodes_to_remove: Sequence[str] = ()) -> None:
        assert not nodes_to_remove
        self.note("before PUT")
        self.kept[before.name] = replace(after, state=self.kept[before.name].state)
        self.note("after PUT")

    def delete_pool(self, pool_id: str) -> None:
        self.note("before DELETE")
        self.kept = {name: pool for name, pool in self.kept.items() if pool.state and pool.state.id != pool_id}
        self.note("after DELETE")


@dataclass
class FakeEngine(Engine):
    """``owns`` says which pools that the goal does not declare it deletes; ``twist`` makes it show something else."""

    provider: Provider
    owner: Owner
    twist: Callable[[EnginePlan], EnginePlan] = lambda found: found
    owns: Callable[[Pool], bool] = lambda _pool: True
    wanted: PoolSet = field(default_factory=PoolSet)
    planned: str = ""
    name: str = "fake"

    def plan(self, goal: Goal) -> EnginePlan:
        self.wanted = goal.pools
        mine = [pool for pool in self.provider.pools() if self.owns(pool) or goal.pools.get(pool.name) is not None]
        found = engine_plan(plan_of(tuple(mine), tuple(goal.pools)), self.owner)
        self.planned = digest_of([(one.pool_name, one.actions, one.before, one.after) for one in found.changes])
        settled = tuple(resource(one, self.owner) for one in mine)
        return self.twist(replace(found, settled=settled, plan_sha256=self.planned))

    def apply(self, plan: EnginePlan, report: Callable[[Progress], None]) -> ApplyResult:
        if plan.plan_sha256 != self.planned:
            raise Refused("this is not the plan that was made last; nothing was changed, plan again")
        there = self.provider.pools()
        completed: list[Progress] = []
        for change in plan.changes:
            one = Progress(pool_name=change.pool_name, address=f"{RESOURCE}.{change.pool_name}",
                           action=change.actions[0], stage=Stage.STARTED)  # fmt: skip
            report(one)
            self._go(there.get(change.pool_name), self.wanted.get(change.pool_name))
            completed.append(replace(one, stage=Stage.COMPLETE))
            report(completed[-1])
        done = [one.action for one in completed]
        return ApplyResult(
            added=done.count("create"), changed=done.count("update"), removed=done.count("delete"),
            completed=tuple(completed),
        )  # fmt: skip

    def _go(self, before: Pool | None, after: Pool | None) -> None:
        if before is None and after is not None:
            self.provider.create_pool(after)
        elif before is not None and after is not None:
            self.provider.update_pool(before, after)
        elif before is not None and before.state is not None:
            self.provider.delete_pool(before.state.id)
