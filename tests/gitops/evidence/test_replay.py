"""A replay accepts the plan and its portions, and says in what any other plan differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.evidence.files import Saved, load, save
from gitops.evidence.replay import replay
from planner.between import Given, adoption, plan_between
from planner.canonical import digest_of
from planner.decide import decide
from planner.leaving import name_victims
from planner.plan import Action, Cost, Price, Reason
from planner.pools import PoolName, PoolSet, ProviderState
from planner.portion import Kind, portions
from planner.resources import Resources
from renderer.document import plan_text
from renderer.document_read import read_plan_text
from tests.gitops.plans import pool
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod

if TYPE_CHECKING:
    from collections.abc import Callable

    from planner.plan import Change, Plan

NOW_IDLE = NOW + timedelta(hours=1)
#: One pool is to grow for a pod that needs its taint, another has an empty node that goes.
INPUTS = inputs_of(
    [
        node_class(), node_pool("default", ("b3-8",), disruption={"consolidateAfter": "1m"}),
        node_pool("own", ("b3-16",), taints=[{"key": "own", "value": "x", "effect": "NoSchedule"}]),
        node("idle-1", pool="karpenter-idle"),
        pod("waits", cpu="3", tolerations=[{"key": "own", "operator": "Exists"}]),
    ],
    pools=PoolSet.of([
        pool("karpenter-idle", 1, state=ProviderState(id="id-1", current_nodes=1, available_nodes=1)),
    ]),
)  # fmt: skip
SAVED = Saved(inputs=INPUTS, now=NOW_IDLE, version="0.1.0")
PLAN = decide(INPUTS, now=NOW_IDLE)


def test_the_plan_has_two_portions_for_these_tests() -> None:
    assert [kind for kind, _ in portions(PLAN)] == [Kind.UP, Kind.DOWN]


@pytest.mark.parametrize("which", ["whole", "up", "down"])
def test_the_plan_and_each_portion_of_it_are_accepted(which: str) -> None:
    plan = {"whole": PLAN, **{kind.value: portion for kind, portion in portions(PLAN)}}[which]
    found = replay(SAVED, read_plan_text(plan_text(plan)))
    assert (found.differences, found.others) == ((), ())


def hand_made(kind: str) -> Plan:
    """A plan with no demand behind it, as the loop makes them, read back from its document."""
    inputs = DRIFTED
    given = Given(
        catalog=inputs.catalog, policy=decide(inputs, now=NOW_IDLE).evidence.policy, now=PLAN.evidence.now,
        observed=inputs.observed, reason=Reason("drift", "somebody changed the pool at the provider"),
    )  # fmt: skip
    if kind == "drift":
        adopted = adoption(inputs.declared, inputs.observed)
        plan = plan_between(inputs.declared, adopted, replace(given, adopts=True))
    else:
        before = PoolSet.of([pool("karpenter-idle", 2), pool("karpenter-other", 1)])
        bare = plan_between(before, inputs.declared, given)
        named = name_victims(bare, inputs.snapshot.nodes, inputs.snapshot.pods, now=NOW_IDLE)
        plan = plan_between(before, inputs.declared, replace(given, victims=named))
    return read_plan_text(plan_text(plan))


#: Git declares no node, the provider has three, of which one has joined; it is empty.
DRIFTED = replace(
    INPUTS, declared=PoolSet.of([pool("karpenter-idle", 0)]),
    observed=PoolSet.of([pool("karpenter-idle", 3, state=ProviderState(id="id-1"))]),
)  # fmt: skip


@pytest.mark.parametrize("kind", ["drift", "confirmation"])
def test_a_plan_with_no_demand_behind_it_is_replayed_too(kind: str) -> None:
    plan, saved = hand_made(kind), replace(SAVED, inputs=DRIFTED)
    assert plan.changes
    found = replay(saved, plan)
    assert (found.differences, found.others) == ((), ())
    more = replace(plan, changes=tuple(map(grown, plan.changes[:1])))
    assert "desiredNodes (9 in the plan" in "".join(replay(saved, more).differences)
    fewer = replace(DRIFTED, snapshot=replace(DRIFTED.snapshot, nodes=()))
    assert bool(replay(replace(saved, inputs=fewer), plan).differences) is (kind == "confirmation"), "victims are named"


def test_a_plan_without_changes_is_one_too() -> None:
    inputs = inputs_of([node_class(), node_pool()])
    plan = decide(inputs, now=NOW)
    assert plan.changes == ()
    assert replay(Saved(inputs=inputs, now=NOW, version=""), plan).differences == ()
    found = replay(SAVED, replace(plan, evidence=PLAN.evidence))
    assert len(found.differences) == len(PLAN.changes)


def changed(kind: Kind, change: Callable[[Change], Change]) -> Plan:
    """That portion of the plan with its change replaced."""
    plan = dict(portions(PLAN))[kind]
    return replace(plan, changes=tuple(map(change, plan.changes)))


def grown(change: Change) -> Change:
    assert change.after is not None
    return replace(change, after=replace(change.after, desired=9))


def other_flavor(change: Change) -> Change:
    assert change.after is not None
    return replace(change, after=replace(change.after, flavor="b3-64", maximum=7))


def other_id(change: Change) -> Change:
    assert change.before is not None
    return replace(change, before=replace(change.before, state=ProviderState(id="id-2")))


def renamed(change: Change) -> Change:
    return replace(change, pool=PoolName("karpenter-zz"))


UP = next(change.pool for change in PLAN.changes if change.before is None)


@pytest.mark.parametrize(("plan", "told"), [
    (changed(Kind.UP, grown), [f"pool {UP}: not the same after the change: desiredNodes (9 in the plan, 1 in the replay)"]),
    (changed(Kind.UP, other_flavor), [f"pool {UP}: not the same after the change: flavor, maxNodes"]),
    (changed(Kind.UP, renamed), [
        f"pool {UP}: the plan says nothing, the replay says create",
        "pool karpenter-zz: the plan says create, the replay says nothing",
    ]),
    (changed(Kind.DOWN, other_id), ["pool karpenter-idle: its id is id-2 in the plan, id-1 in the replay"]),
    (changed(Kind.DOWN, lambda one: replace(one, victims=("n9", "n8"))), [
        "pool karpenter-idle: the nodes n9, n8 leave in the plan, idle-1 in the replay",
    ]),
    (changed(Kind.DOWN, lambda one: replace(one, victims=())), [
        "pool karpenter-idle: the nodes none leave in the plan, idle-1 in the replay",
    ]),
])  # fmt: skip
def test_another_action_is_told_pool_by_pool(plan: Plan, told: list[str]) -> None:
    assert list(replay(SAVED, plan).differences) == told


def test_an_action_of_another_kind_is_told() -> None:
    plan = changed(Kind.DOWN, lambda one: replace(one, action=Action.REPLACE))
    assert "says replace, the replay says" in replay(SAVED, plan).differences[0]


@pytest.mark.parametrize(("name", "noun"), [
    ("snapshot", "snapshot"), ("policy", "policy"), ("catalog", "catalog"), ("pools", "declared or observed pools"),
])  # fmt: skip
def test_other_inputs_are_told(name: str, noun: str) -> None:
    plan = replace(PLAN, evidence=replace(PLAN.evidence, **{name: digest_of("another")}))
    (told,) = replay(SAVED, plan).differences
    assert told.startswith(f"the plan was made from another {noun} (")
    assert getattr(PLAN.evidence, name)[7:19] in told


def test_another_time_is_told() -> None:
    found = replay(replace(SAVED, now=NOW_IDLE + timedelta(seconds=1)), PLAN)
    assert found.differences[0] == "the plan was made for 2026-03-01T13:00:00Z, the evidence is of 2026-03-01T13:00:01Z"


def test_what_no_digest_covers_is_told_apart() -> None:
    dearer = replace(PLAN, cost=Cost(currency="EUR", before=PLAN.cost.before, after=Price(1)))
    warned = replace(PLAN, warnings=("trust me",))
    prices = replace(PLAN, evidence=replace(PLAN.evidence, prices="my own"))
    for plan, part in ((dearer, "cost"), (warned, "warnings"), (prices, "evidence")):
        found = replay(SAVED, plan)
        assert (found.differences, found.others) == ((), (part,))


def test_a_plan_around_what_the_cloud_lacks_is_replayed_from_what_is_saved() -> None:
    """The catalog without what is lacking, the nodes that never came, and the quota are all among the inputs."""
    flavors = tuple(
        replace(one, unavailable=("eu-west-par-a",)) if one.name == "b3-8" else one for one in INPUTS.catalog.flavors
    )  # fmt: skip
    broken = (("karpenter-short-node-1", "FLAVOR_OUT_OF_STOCK_ERROR"),)
    short = pool("karpenter-short", 2, state=ProviderState(id="id-2", current_nodes=1, broken=broken))
    inputs = replace(
        INPUTS, catalog=replace(INPUTS.catalog, flavors=flavors), quota=Resources.of({"cpu": 4000, "memory": 10**11, "nodes": 9}),
        declared=PoolSet.of([*INPUTS.declared, short]), observed=PoolSet.of([*INPUTS.observed, short]),
    )  # fmt: skip
    plan = decide(inputs, now=NOW_IDLE)
    assert broken[0][0] in {victim for one in plan.changes for victim in one.victims}
    kept = load(save(inputs, now=NOW_IDLE), "evidence")
    assert kept.inputs == inputs
    found = replay(kept, read_plan_text(plan_text(plan)))
    assert (found.differences, found.others) == ((), ())
