"""Drift settled over the sandbox's API: taken into Git nothing is called, put back nothing is left of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops.apply.carrying import apply_plan
from gitops.apply.hands import Hands
from gitops.catalogs.bundle import bundled
from gitops.engines.base import ApplyResult, EnginePlan, Goal, Progress
from gitops.sandbox.server import RunningSandbox
from planner.between import Given, plan_between
from planner.canonical import Digest
from planner.drift import as_observed, differences, find_drift
from planner.labels import OVH_POOL
from planner.leaving import name_victims, side_by_side
from planner.nodes import Node
from planner.plan import Plan
from planner.pools import Pool, PoolSet
from planner.taints import Taint
from renderer.drift import drift_text
from renderer.files import FileSet
from tests.gitops.apply.test_carrying import OWNER, Bench, FakeEngine, FakeNodes, HandClock, Kill, bench, sandbox
from tests.gitops.plans import pool

__all__ = ["bench", "sandbox"]  # fixtures

GIVEN = Given(catalog=bundled(), policy=Digest("policy"), now="2026-03-01T12:00:00Z")
#: What somebody made of a pool of two nodes; None: they deleted it.
CHANGED: dict[str, Pool | None] = {
    "as-it-was": pool("a", 2),
    "grown": pool("a", 4),
    "shrunk": pool("a", 1),
    "emptied": pool("a", 0),
    "bounds": pool("a", 2, minimum=1, maximum=9),
    "labels": pool("a", 2, labels=(("team", "web"),), annotations=(("a", "b"),)),
    "taints": pool("a", 2, taints=(Taint("gpu", "", "NoSchedule"),), unschedulable=True),
    "autoscaled": pool("a", 3, autoscale=True, maximum=9),
    "made-anew": pool("a", 2, flavor="b3-16"),
    "deleted": None,
}
OTHER = pool("b", 1)


def taken(declared: PoolSet, there: PoolSet) -> Plan:
    """The plan that takes what is there into Git."""
    after = as_observed(declared, there, declared.names())
    return plan_between(declared, after, replace(GIVEN, observed=there, adopts=True))


def put_back(bench: Bench, declared: PoolSet, there: PoolSet) -> Plan:
    """The plan from what is there to what Git says, as the loop makes it."""
    given = replace(GIVEN, observed=there)
    before = as_observed(declared, there, declared.names())
    after = side_by_side(before, declared, taken=there.names())
    nodes = [
        Node(name=name, labels=((OVH_POOL, str(one.name)),)) for one in there for name in bench.nodes(one.name)
    ]  # fmt: skip
    victims = name_victims(plan_between(before, after, given), nodes, (), now=HandClock().now())
    return plan_between(before, after, replace(given, victims=victims))


def settle_both_ways(bench: Bench, declared: PoolSet, observed: list[Pool]) -> None:
    there = bench.reset(*observed)
    adopted = taken(declared, there)
    kill = Kill()
    applied = bench.apply(adopted, nodes=FakeNodes(kill), kill=kill)
    assert (applied.changed, applied.removed, applied.drift, kill.effects) == (0, (), (), [])
    assert bench.client().pools() == there
    assert not differences(find_drift(adopted.desired, there))

    back = put_back(bench, declared, there)
    assert bench.apply(back).drift == ()
    assert not differences(find_drift(back.desired, bench.client().pools()))
    again = Kill()
    assert bench.apply(back, kill=again).changed == 0
    assert again.effects == [], "what is in effect is seen as such"


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_both_ways_leave_no_drift(bench: Bench, name: str) -> None:
    changed = CHANGED[name]
    settle_both_ways(bench, PoolSet.of([pool("a", 2), OTHER]), [*([changed] if changed else []), OTHER])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    declared=st.dictionaries(st.sampled_from("abc"), st.sampled_from(sorted({*CHANGED} - {"deleted"})), min_size=1),
    observed=st.dictionaries(st.sampled_from("abc"), st.sampled_from(sorted(CHANGED))),
)
def test_both_ways_leave_no_drift_whatever_was_changed(
    sandbox: RunningSandbox, declared: dict[str, str], observed: dict[str, str]
) -> None:
    wanted, there = (
        [replace(one, name=name) for name, key in sorted(side.items()) if (one := CHANGED[key]) is not None]
        for side in (declared, {name: key for name, key in observed.items() if name in declared})
    )
    settle_both_ways(Bench(sandbox), PoolSet.of(wanted), there)


def test_a_plan_leaves_pools_alone_that_it_does_not_name(bench: Bench) -> None:
    """Pool b drifted and c is gone: growth of a is applied all the same, and undoes neither."""
    there = bench.reset(pool("a", 1), pool("b", 3, labels=(("by", "hand"),)))
    declared = PoolSet.of([there.pools[0], pool("b", 1), pool("c", 1)])
    plan = plan_between(
        declared, PoolSet.of([there.pools[0].resized(2), *declared.pools[1:]]), replace(GIVEN, observed=there)
    )
    assert bench.apply(plan).changed == 1
    assert bench.client().pools() == PoolSet.of([pool("a", 2), there.pools[1]])


@dataclass
class Followed(FakeEngine):
    """An engine that moves a branch which somebody else follows."""

    promoted: list[PoolSet] = field(default_factory=list)

    def plan(self, goal: Goal) -> EnginePlan:
        return replace(super().plan(goal), promotes=True)

    def apply(self, plan: EnginePlan, report: Callable[[Progress], None]) -> ApplyResult:
        self.promoted.append(self.wanted)
        return super().apply(plan, report)


def test_what_git_takes_over_is_told_to_whom_follows_and_only_where_nothing_would_change(bench: Bench) -> None:
    there = bench.reset(pool("a", 3), OTHER)
    adopted = taken(PoolSet.of([pool("a", 2), OTHER]), there)
    kill = Kill()
    client = bench.client(kill)
    engine = Followed(client, OWNER)
    hands = Hands(
        engine=engine, client=client, clock=bench.clock, nodes=FakeNodes, report=lambda _progress: None,
        say=bench.said.append, files=lambda _pools: FileSet(),
    )  # fmt: skip
    assert apply_plan(adopted, OWNER, hands).drift == ()
    assert (engine.promoted, kill.effects) == ([there], [])
    bench.reset(pool("a", 4), OTHER)
    applied = apply_plan(adopted, OWNER, hands)
    assert [drift_text(one) for one in applied.drift] == ["a: desiredNodes is 4 at the provider, 3 in Git"]
    assert (engine.promoted, kill.effects) == ([there], []), "it has moved on: that is drift again"
