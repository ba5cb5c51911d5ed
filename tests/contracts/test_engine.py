"""What every engine keeps, whether it is a fake, calls the OVH API, or lets Terraform do so."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gitops.agreement import disagreements
from gitops.apply.untracked import untracked
from gitops.engines.base import Progress, Stage
from gitops.errors import PoolplanError, Refused
from planner.pools import PoolSet
from tests.contracts.engines import FOREIGN, MAKERS, OWNER, Bench, Kill, Killed, Maker
from tests.gitops.plans import plan_of, pool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.engines.base import ApplyResult, Engine
    from planner.plan import Plan
    from planner.pools import Pool

LABELLED = {"labels": (("team", "web"),), "maximum": 10}
BEFORE = (pool("grows", 1), pool("goes", 0), pool("stays", 1))
AFTER = (pool("grows", 2, **LABELLED), pool("new", 1), pool("stays", 1))
OURS = frozenset({"grows", "goes", "new", "stays"})


@pytest.fixture(params=MAKERS, ids=str)
def maker(request: pytest.FixtureRequest) -> Maker:
    made: Maker = request.param
    return made


@pytest.fixture
def bench(maker: Maker, tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield maker.make(tmp_path, stack)


def go(bench: Bench, *pools: Pool, engine: Engine | None = None) -> tuple[ApplyResult, list[Progress]]:
    """Plan and apply."""
    engine = engine or bench.engine(OURS)
    told: list[Progress] = []
    result = engine.apply(engine.plan(bench.goal(*pools)), told.append)
    return result, told


def there(bench: Bench) -> PoolSet:
    """The provider's pools, but for the one that is not ours, which must be as it was."""
    found = bench.provider.pools()
    assert found.get(FOREIGN.name) == FOREIGN, "a pool that is not ours was touched"
    return PoolSet.of(one for one in found if one.name != FOREIGN.name)


def test_a_plan_changes_nothing(bench: Bench) -> None:
    go(bench, *BEFORE)
    before = bench.provider.pools()
    plan = bench.engine(OURS).plan(bench.goal(*AFTER))
    assert [one.pool_name for one in plan.changes] == ["goes", "grows", "new"]
    assert bench.provider.pools() == before


def test_what_is_planned_is_done_and_then_there_is_nothing_to_do(bench: Bench) -> None:
    result, _ = go(bench, *BEFORE)
    assert (result.added, result.changed, result.removed) == (3, 0, 0)
    assert there(bench) == PoolSet.of(BEFORE)
    result, _ = go(bench, *AFTER)
    assert (result.added, result.changed, result.removed) == (1, 1, 1)
    assert there(bench) == PoolSet.of(AFTER)
    again = bench.engine(OURS).plan(bench.goal(*AFTER))
    assert again.is_empty
    assert again.complete
    assert {one.pool_name for one in again.settled} == {str(one.name) for one in AFTER}


def test_the_last_pool_can_go_and_the_foreign_one_stays(bench: Bench) -> None:
    go(bench, pool("goes", 0))
    go(bench)
    assert len(there(bench)) == 0


def test_a_plan_of_another_time_is_refused(bench: Bench) -> None:
    engine = bench.engine(OURS)
    old = engine.plan(bench.goal(*BEFORE))
    engine.plan(bench.goal(*AFTER))
    told: list[Progress] = []
    with pytest.raises(Refused):
        engine.apply(old, told.append)
    assert told == []
    assert len(there(bench)) == 0


def test_each_pool_is_told_from_start_to_end(bench: Bench) -> None:
    go(bench, *BEFORE)
    result, told = go(bench, *AFTER)
    for name, action in (("goes", "delete"), ("grows", "update"), ("new", "create")):
        mine = [one for one in told if one.pool_name == name]
        assert {one.action for one in mine} == {action}
        stages = [one.stage for one in mine]
        assert (stages[0], stages[-1]) == (Stage.STARTED, Stage.COMPLETE)
        assert set(stages[1:-1]) <= {Stage.RUNNING}
    assert sorted(one.pool_name for one in result.completed) == ["goes", "grows", "new"]
    assert {one.stage for one in result.completed} == {Stage.COMPLETE}


def test_a_faithful_plan_agrees_and_another_does_not(bench: Bench) -> None:
    go(bench, *BEFORE)
    approved = approval(bench)
    engine_plan = bench.engine(OURS).plan(bench.goal(*AFTER))
    assert disagreements(approved, engine_plan, owner=OWNER) == ()
    more = replace(approved, changes=approved.changes[1:])
    assert [one.subject for one in disagreements(more, engine_plan, owner=OWNER)] == ["goes"]
    other = plan_of(tuple(approved.declared), (pool("grows", 3, **LABELLED), *AFTER[1:]))
    assert [one.subject for one in disagreements(other, engine_plan, owner=OWNER)] == ["grows"]


def test_a_pool_that_became_another_is_not_changed(bench: Bench) -> None:
    go(bench, *BEFORE)
    approved = approval(bench)
    old = approved.declared.get("grows")
    assert old is not None
    bench.provider.update_pool(old, old.resized(5))
    engine_plan = bench.engine(OURS).plan(bench.goal(*AFTER))
    assert [one.subject for one in disagreements(approved, engine_plan, owner=OWNER)] == ["grows"]


def approval(bench: Bench) -> Plan:
    """What was approved: from what is there to AFTER."""
    return plan_of(tuple(there(bench)), AFTER)


def carry_out(bench: Bench, plan: Plan, kill: Kill | None = None) -> None:
    """An apply as poolplan does it: what is there and not known is taken up first, and the plans must agree."""
    engine, goal = bench.engine(OURS, kill), bench.goal(*plan.desired)
    found = engine.plan(goal)
    pools, reasons = untracked(plan, found, bench.provider.pools())
    assert reasons == ()
    if len(pools):
        engine.adopt(pools, OWNER)
        found = engine.plan(goal)
    assert disagreements(plan, found, owner=OWNER) == ()
    engine.apply(found, lambda _progress: None)


def test_killed_at_any_call_and_repeated_it_comes_to_the_same_end(maker: Maker, tmp_path: Path) -> None:
    moment, reached = 1, True
    while reached:
        with ExitStack() as stack:
            bench = maker.make(tmp_path / str(moment), stack)
            go(bench, *BEFORE)
            plan, kill = approval(bench), Kill(moment)
            with suppress(Killed, PoolplanError):
                carry_out(bench, plan, kill)
            reached = len(kill.moments) >= moment
            carry_out(bench, plan)
            assert there(bench) == plan.desired, f"killed at {kill.moments}"
            assert bench.engine(OURS).plan(bench.goal(*AFTER)).is_empty
        moment += maker.stride
    assert moment > 3, "three changes at least"
