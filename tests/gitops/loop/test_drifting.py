"""Drift in the loop: every kind of it, every policy, both ways to settle it, and what waits until it is settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from gitops.catalogs.bundle import bundled
from gitops.loop.drafting import draft_of
from gitops.loop.ledger import append
from gitops.loop.passes import look
from gitops.loop.proposing import settle
from gitops.loop.records import Event, Record
from gitops.loop.steps import Step
from gitops.loop.waits import comes_again
from gitops.review.rules import ReviewRules, Rule
from planner.between import Given
from planner.drift import CHOICES, DriftKind, Treatment, differences, engine_drift, find_drift
from planner.handover import import_plan
from planner.labels import OVH_POOL
from planner.nodes import Node
from planner.pending import rfc3339
from planner.pools import Pool, PoolSet, ProviderState
from planner.portion import Kind
from planner.snapshot import Snapshot
from planner.taints import Taint
from renderer.layout import POOLS, terraform_file
from tests.gitops.loop.town import ADA, GRACE, Town, nodes

NAME = "karpenter-b3-8-a"
NOW = "2026-03-01T12:00:00Z"
#: What somebody made of a pool of two nodes; None: it is gone.
DRIFTED: dict[str, tuple[DriftKind, Pool | None]] = {
    "grown": (DriftKind.SIZE, nodes(5)),
    "shrunk": (DriftKind.SIZE, nodes(1)),
    "bounds": (DriftKind.BOUNDS, replace(nodes(2), maximum=9)),
    "template": (DriftKind.TEMPLATE, replace(nodes(2), labels=(("a", "b"),), taints=(Taint("x"),))),
    "autoscale": (DriftKind.AUTOSCALE, replace(nodes(3), autoscale=True)),
    "made-anew": (DriftKind.RECREATED, replace(nodes(2), flavor="b3-16")),
    "gone": (DriftKind.GONE, None),
}
OTHER = replace(nodes(1, "karpenter-b3-8-b"), state=ProviderState(id="2", current_nodes=1))


def there(pool: Pool) -> Pool:
    return replace(pool, state=ProviderState(id="7", current_nodes=pool.desired))


@pytest.fixture
def town() -> Town:
    """Two pools, of two nodes and of one, that are as Git says."""
    town = Town()
    merged(town, Kind.UP, town.plan(nodes(2), replace(OTHER, state=None)))
    town.apply()
    observe(town, [nodes(2)])
    return town


def observe(town: Town, pools: Iterable[Pool]) -> None:
    """The provider has these, and the other one; every node has joined, and is empty."""
    town.observed = PoolSet.of([*map(there, pools), OTHER])
    town.snapshot = Snapshot(nodes=tuple(
        Node(name=f"{pool.name}-{number}", labels=((OVH_POOL, pool.name),))
        for pool in town.observed for number in range(pool.desired)
    ))  # fmt: skip


def merged(town: Town, kind: Kind, plan: object = None) -> str:
    """Propose, approve and merge a kind; its description."""
    town.propose(plan or town.plan(*town.declared))  # type: ignore[arg-type]
    body = town.accept(kind).body
    town.propose(town.plan(*town.declared))
    return body


def with_policy(town: Town, kind: DriftKind, treatment: Treatment) -> None:
    town.settings = replace(town.settings, drift={**dict.fromkeys(CHOICES, Treatment.ADOPT), kind: treatment})


def steps(town: Town, *kinds: Kind) -> dict[Kind, Step]:
    done = town.propose(town.plan(*town.declared))
    return {kind: done[kind].step for kind in kinds or (Kind.DRIFT, Kind.RESTORE)}


def carried_out(town: Town) -> None:
    """The provider does what the last plan that was applied says."""
    _, plan = town.engine[-1]
    observe(town, [pool for pool in plan.desired if pool.name != OTHER.name])


@pytest.mark.parametrize("name", sorted(DRIFTED))
def test_adopt_takes_it_into_git_and_changes_nothing_there(town: Town, name: str) -> None:
    kind, pool = DRIFTED[name]
    with_policy(town, kind, Treatment.ADOPT)
    observe(town, [pool] if pool else [])
    assert steps(town) == {Kind.DRIFT: Step.PROPOSE, Kind.RESTORE: Step.REST}
    body = merged(town, Kind.DRIFT)
    assert "nothing changes there" in body
    assert town.declared == PoolSet.of([*([pool] if pool else []), OTHER])
    (turn, _), = town.apply().applied
    assert turn.plan.adopts
    assert town.ledger.records[-1].figures.added == town.ledger.records[-1].figures.removed == 0
    assert not differences(find_drift(town.declared, town.observed))
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}


@pytest.mark.parametrize("name", sorted(DRIFTED))
def test_restore_puts_the_provider_back_by_a_plan_that_is_reviewed(town: Town, name: str) -> None:
    kind, pool = DRIFTED[name]
    with_policy(town, kind, Treatment.RESTORE)
    before = town.declared
    observe(town, [pool] if pool else [])
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.PROPOSE}
    body = merged(town, Kind.RESTORE)
    assert "puts them back to what Git says" in body
    assert (town.declared == before) is (name != "made-anew"), "only a new pool has a new name"
    (turn, _), = town.apply().applied
    assert turn.plan.declared.get(NAME) == pool
    assert not turn.plan.adopts
    assert town.ledger.records[-1].kind == "restore"
    carried_out(town)
    assert not differences(find_drift(town.declared, town.observed))
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}
    assert town.apply().applied == ()


def test_nodes_that_leave_to_put_a_pool_back_are_named_before_anybody_approves(town: Town) -> None:
    with_policy(town, DriftKind.SIZE, Treatment.RESTORE)
    observe(town, [nodes(4)])
    town.propose(town.plan(*town.declared))
    assert f"{NAME}-0" in town.request(Kind.RESTORE).body
    merged(town, Kind.RESTORE)
    (turn, _), = town.apply().applied
    assert turn.plan.changes[0].victims == (f"{NAME}-0", f"{NAME}-1")


NEW = nodes(1, "karpenter-b3-8-c")


def about_new(town: Town) -> dict[Kind, Step]:
    return steps(town, Kind.IMPORT, Kind.DRIFT, Kind.RESTORE)


def terraform_of(town: Town, name: str) -> str:
    """The pool's file on main."""
    text = town.repository.read(town.main, town.settings.folder).get(POOLS / terraform_file(name))
    assert text is not None
    return text


def only(kind: Kind, step: Step) -> dict[Kind, Step]:
    return {**dict.fromkeys((Kind.IMPORT, Kind.DRIFT, Kind.RESTORE), Step.REST), kind: step}


def test_a_pool_that_only_looks_like_poolplan_s_is_taken_in_without_a_change_to_it(town: Town) -> None:
    with_policy(town, DriftKind.UNDECLARED, Treatment.ADOPT)
    observe(town, [nodes(2), NEW])
    assert about_new(town) == only(Kind.IMPORT, Step.PROPOSE)
    body = merged(town, Kind.IMPORT)
    assert "this takes it into Git" in body
    assert "not asked again until OVHcloud has something else again" in body
    assert "the pools stay as they are, and as unknown as they are" in body
    assert town.declared == PoolSet.of([nodes(2), NEW, OTHER])
    text = terraform_of(town, NEW.name)
    assert f"{town.settings.ovh.kube_id}/7" in text, "Terraform is told by which id"
    (turn, _), = town.apply().applied
    assert [(str(one.pool), one.action.value) for one in turn.plan.changes] == [(NEW.name, "import")]
    assert about_new(town) == only(Kind.IMPORT, Step.REST)


def test_a_pool_that_nobody_declared_is_deleted_where_that_is_wanted_by_a_plan_that_names_its_nodes(town: Town) -> None:
    with_policy(town, DriftKind.UNDECLARED, Treatment.RESTORE)
    observe(town, [nodes(2), NEW])
    assert about_new(town) == only(Kind.RESTORE, Step.PROPOSE)
    merged(town, Kind.RESTORE)
    (turn, _), = town.apply().applied
    assert [(str(one.pool), one.action.value, one.victims) for one in turn.plan.changes] == [
        (NEW.name, "delete", (f"{NEW.name}-0",)),
    ]  # fmt: skip
    carried_out(town)
    assert about_new(town) == only(Kind.RESTORE, Step.REST)
    assert town.apply().applied == ()


def test_people_are_asked_whether_a_pool_is_taken_in_or_goes(town: Town) -> None:
    observe(town, [nodes(2), NEW])
    assert about_new(town) == only(Kind.IMPORT, Step.PROPOSE)
    body = town.request(Kind.IMPORT).body.replace("\\", "")
    assert f"close this; then deleting {NEW.name} is proposed" in body
    town.server.close(ADA, town.request(Kind.IMPORT).number)
    steps(town)
    assert about_new(town) == only(Kind.RESTORE, Step.PROPOSE)
    assert "the plan is another one" in town.said(town.request(Kind.IMPORT).number)
    town.server.close(ADA, town.request(Kind.RESTORE).number)
    steps(town)
    assert about_new(town) == only(Kind.RESTORE, Step.REST), "both were declined: it is left as it is"
    waiting = town.propose(town.plan(nodes(2), replace(OTHER, state=None), NEW.resized(2)))[Kind.UP]
    assert "settled first" in waiting.reason


@pytest.mark.parametrize("status", ["DELETING", "DELETED"])
def test_a_pool_that_goes_already_is_nobody_s_question(town: Town, status: str) -> None:
    town.observed = PoolSet.of([*town.observed, replace(NEW, state=ProviderState(id="8", status=status))])
    assert about_new(town) == only(Kind.IMPORT, Step.REST)


def test_a_pool_that_was_released_is_nobody_s_question(town: Town) -> None:
    observe(town, [nodes(2), NEW])
    town.edit({f"pools/terraform/released-{NEW.name}.tf": "# let go\n"})
    assert about_new(town) == only(Kind.IMPORT, Step.REST)


def test_what_people_ask_for_and_what_is_found_is_one_proposal(town: Town) -> None:
    workers = nodes(3, "workers")
    observe(town, [nodes(2), workers])
    made = import_plan(town.declared, [there(workers)], Given(catalog=bundled(), policy=town.policy, now=NOW))
    seen = look(town.world(), town.trees(), made, town.inputs(), now=town.clock.now())
    assert settle(seen, Kind.IMPORT)[-1].step is Step.PROPOSE
    observe(town, [nodes(2), workers, NEW])
    assert about_new(town) == only(Kind.IMPORT, Step.REVISE)
    tip = town.tip(Kind.IMPORT)
    plan = town.trees().at(tip).plan if tip else None
    assert plan is not None
    assert [change.pool for change in plan.changes] == [NEW.name, "workers"]


@pytest.mark.parametrize("known", [[], [(nodes(2), "another id"), (OTHER, "2")]], ids=["lost", "another"])
def test_what_the_engine_s_state_does_not_know_is_taken_up_by_a_reviewed_import(
    town: Town, known: list[tuple[Pool, str]]
) -> None:
    town.engine_state = engine_drift(known, town.declared, town.observed)
    before = town.declared
    assert about_new(town) == only(Kind.IMPORT, Step.PROPOSE)
    assert "this takes it up there" in merged(town, Kind.IMPORT)
    assert town.declared == before
    assert "import {" in terraform_of(town, NAME)
    assert about_new(town) == only(Kind.IMPORT, Step.REST), "it waits to be applied"
    (turn, _), = town.apply().applied
    wanted = [NAME] if known else [NAME, OTHER.name]
    assert [(str(one.pool), one.action.value) for one in turn.plan.changes] == [(name, "import") for name in wanted]
    assert about_new(town) == only(Kind.IMPORT, Step.REST), "lost again: the files say already by which id"
    assert town.apply().applied == ()


def test_what_the_engine_mends_by_itself_is_only_told(town: Town) -> None:
    known = [(nodes(5), "7"), (OTHER, "2"), (nodes(1, "karpenter-gone"), "9")]
    town.engine_state = engine_drift(known, town.declared, town.observed)
    assert town.engine_state
    assert about_new(town) == only(Kind.IMPORT, Step.REST)


def test_an_import_for_the_engine_that_is_closed_is_remembered(town: Town) -> None:
    town.engine_state = engine_drift([(OTHER, "2")], town.declared, town.observed)
    steps(town)
    town.server.close(ADA, town.request(Kind.IMPORT).number)
    steps(town)
    assert about_new(town) == only(Kind.IMPORT, Step.REST)
    town.engine_state = engine_drift([], town.declared, town.observed)
    assert about_new(town) == only(Kind.IMPORT, Step.PROPOSE), "that is another question"


def test_an_import_for_the_engine_stands_where_nobody_looked_again(town: Town) -> None:
    town.engine_state = engine_drift([(OTHER, "2")], town.declared, town.observed)
    steps(town)
    town.engine_state = None
    assert about_new(town) == only(Kind.IMPORT, Step.AWAIT)
    town.engine_state = ()
    assert about_new(town) == only(Kind.IMPORT, Step.WITHDRAW)
    town.engine_state = None
    assert about_new(town) == only(Kind.IMPORT, Step.REST)


def test_what_the_engine_knows_is_not_asked_about_while_somebody_applies(town: Town) -> None:
    record = Record(event=Event.CLAIMED, at=rfc3339(town.clock.now()), kind="up", digest="d", commit=town.main, holder="two")
    append(town.repository, town.settings, town.ledger, record)
    town.engine_state = engine_drift([], town.declared, town.observed)
    assert about_new(town) == only(Kind.IMPORT, Step.REST)


def test_an_import_for_the_engine_stands_while_somebody_applies(town: Town) -> None:
    town.engine_state = engine_drift([(OTHER, "2")], town.declared, town.observed)
    steps(town)
    record = Record(event=Event.CLAIMED, at=rfc3339(town.clock.now()), kind="up", digest="d", commit=town.main, holder="two")
    append(town.repository, town.settings, town.ledger, record)
    town.engine_state = ()
    assert about_new(town) == only(Kind.IMPORT, Step.AWAIT)


def test_where_nodes_cannot_be_named_that_is_said(town: Town) -> None:
    with_policy(town, DriftKind.SIZE, Treatment.RESTORE)
    observe(town, [nodes(4)])
    town.snapshot = Snapshot()
    done = town.propose(town.plan(*town.declared))[Kind.RESTORE]
    assert (done.step, done.reason) == (
        Step.AWAIT, f"too few nodes of {NAME} are known to let them go by name",
    )  # fmt: skip


def test_ask_tells_both_ways_and_closing_leads_to_the_other_one(town: Town) -> None:
    observe(town, [nodes(5)])
    assert steps(town) == {Kind.DRIFT: Step.PROPOSE, Kind.RESTORE: Step.REST}
    body = town.request(Kind.DRIFT).body
    assert "merge this; then Git says what OVHcloud has, and nothing is changed there" in body
    assert f"close this; then putting {NAME} back to what Git says is proposed" in body.replace("\\", "")
    town.server.close(ADA, town.request(Kind.DRIFT).number)
    steps(town)
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.PROPOSE}
    town.server.close(ADA, town.request(Kind.RESTORE).number)
    steps(town)
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}, "both were declined: it is left as it is"
    observe(town, [nodes(6)])
    assert steps(town)[Kind.DRIFT] is Step.PROPOSE, "that is another drift"
    assert comes_again(Kind.RESTORE, town.settings.proposals) == "the plan is another one"


def test_closing_what_is_only_adopted_asks_for_nothing_else(town: Town) -> None:
    with_policy(town, DriftKind.SIZE, Treatment.ADOPT)
    observe(town, [nodes(5)])
    steps(town)
    assert "not asked again until OVHcloud has something else again" in town.request(Kind.DRIFT).body
    town.server.close(ADA, town.request(Kind.DRIFT).number)
    steps(town)
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}


def test_two_pools_go_two_ways_at_once(town: Town) -> None:
    grown = replace(OTHER, desired=3)
    town.observed = PoolSet.of([there(replace(nodes(3), autoscale=True)), grown])
    assert steps(town) == {Kind.DRIFT: Step.PROPOSE, Kind.RESTORE: Step.AWAIT}, "no node is known by name"
    observe(town, [replace(nodes(3), autoscale=True)])
    town.observed = PoolSet.of([there(replace(nodes(3), autoscale=True)), grown])
    assert steps(town) == {Kind.DRIFT: Step.AWAIT, Kind.RESTORE: Step.PROPOSE}
    merged(town, Kind.RESTORE)
    (turn, _), = town.apply().applied
    assert [change.pool for change in turn.plan.changes] == [NAME]
    town.observed = PoolSet.of([there(nodes(2)), grown])
    merged(town, Kind.DRIFT)
    (turn, _), = town.apply().applied
    assert [change.pool for change in turn.plan.changes] == [OTHER.name]
    assert not differences(find_drift(town.declared, town.observed))


def test_foreign_pools_are_never_touched(town: Town) -> None:
    town.observed = PoolSet.of([*town.observed, there(nodes(9, "system"))])
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}
    assert town.propose(town.plan(*town.declared))[Kind.UP].step is Step.REST


def test_nothing_is_made_of_pools_that_only_nodes_tell_of(town: Town) -> None:
    town.observed = PoolSet.of([replace(nodes(5), state=ProviderState())])
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}
    town.observed = PoolSet()
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}, "an empty answer is no answer"


def test_growth_of_a_pool_that_drifted_waits_and_that_of_others_does_not(town: Town) -> None:
    observe(town, [nodes(5)])
    done = town.propose(town.plan(nodes(3), replace(OTHER, state=None)))
    assert (done[Kind.UP].step, done[Kind.UP].reason) == (
        Step.AWAIT,
        f"what somebody changed at the provider is settled first: {NAME}: desiredNodes is 5 at the provider, 2 in Git",
    )  # fmt: skip
    done = town.propose(town.plan(nodes(2), replace(OTHER, desired=2, state=None)))
    assert done[Kind.UP].step is Step.PROPOSE
    merged(town, Kind.DRIFT)
    town.apply()
    assert town.propose(town.plan(nodes(6), replace(OTHER, state=None)))[Kind.UP].step is Step.PROPOSE


def test_a_proposal_that_stands_is_withdrawn_where_its_pool_drifts(town: Town) -> None:
    town.propose(town.plan(nodes(3), replace(OTHER, state=None)))
    observe(town, [nodes(5)])
    done = town.propose(town.plan(nodes(3), replace(OTHER, state=None)))
    assert done[Kind.UP].step is Step.WITHDRAW
    assert "settled first" in done[Kind.UP].reason


def test_a_plan_that_puts_back_is_not_proposed_twice_while_it_waits_to_be_applied(town: Town) -> None:
    with_policy(town, DriftKind.SIZE, Treatment.RESTORE)
    observe(town, [nodes(1)])
    merged(town, Kind.RESTORE)
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}
    observe(town, [nodes(0)])
    assert steps(town)[Kind.RESTORE] is Step.PROPOSE, "the pool moved on: what was approved is out of date"
    merged(town, Kind.RESTORE)
    (turn, _), = town.apply().applied
    assert turn.plan.changes[0].before == nodes(0), "the last word counts"


def test_a_plan_that_puts_back_gives_way_to_what_is_merged_after_it(town: Town) -> None:
    with_policy(town, DriftKind.SIZE, Treatment.RESTORE)
    observe(town, [nodes(1)])
    merged(town, Kind.RESTORE)
    merged(town, Kind.UP, town.plan(nodes(2), replace(OTHER, desired=2, state=None)))
    (turn, _), = town.apply().applied
    assert [change.pool for change in turn.plan.changes] == [OTHER.name]
    town.observed = PoolSet.of([there(nodes(1)), replace(OTHER, desired=2)])
    assert steps(town)[Kind.RESTORE] is Step.AWAIT
    merged(town, Kind.RESTORE)
    (turn, _), = town.apply().applied
    assert [change.pool for change in turn.plan.changes] == [NAME]


def test_a_plan_that_puts_back_and_that_nobody_approved_stands_in_nobody_s_way(town: Town) -> None:
    with_policy(town, DriftKind.SIZE, Treatment.RESTORE)
    observe(town, [nodes(1)])
    town.propose(town.plan(*town.declared))
    town.server.merge(ADA, town.request(Kind.RESTORE).number)
    steps(town)
    town.clock.at += timedelta(minutes=1)
    assert steps(town)[Kind.RESTORE] is Step.PROPOSE, "it is proposed anew, to be approved"
    delivery = town.apply()
    assert delivery.applied == ()
    assert delivery.withheld is not None
    done = town.propose(town.plan(nodes(2), replace(OTHER, desired=2, state=None)))
    assert (done[Kind.UP].step, done[Kind.RESTORE].step) == (Step.PROPOSE, Step.AWAIT)
    town.accept(Kind.RESTORE)
    assert len(town.apply().applied) == 1


def test_what_main_asks_for_is_planned_anew_where_its_pool_moved_on(town: Town) -> None:
    """Growth was merged, and before it was applied somebody changed that very pool: the apply would be refused."""
    merged(town, Kind.UP, town.plan(nodes(3), replace(OTHER, state=None)))
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}, "it stands as the plan found it"
    observe(town, [nodes(5)])
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.PROPOSE}
    merged(town, Kind.RESTORE)
    (turn, _), = town.apply().applied
    change, = turn.plan.changes
    assert change.before is not None
    assert change.after is not None
    assert (change.before.desired, change.after.desired, len(change.victims)) == (5, 3, 2)
    carried_out(town)
    assert town.apply().applied == ()
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}


def test_taking_over_is_a_class_of_its_own_that_rules_may_let_through(town: Town) -> None:
    from gitops.review.classes import Class  # noqa: PLC0415 - used once

    rule = Rule(name="as it is", classes=frozenset({Class.ADOPT}), approvals=0)
    town.settings = replace(town.settings, review=ReviewRules(rules=(rule,), protected_branch=False))
    with_policy(town, DriftKind.SIZE, Treatment.ADOPT)
    observe(town, [nodes(5)])
    assert steps(town)[Kind.DRIFT] is Step.PROPOSE
    assert steps(town)[Kind.DRIFT] is Step.MERGE
    done = town.propose(town.plan(nodes(2), replace(OTHER, desired=2, state=None)))
    assert done[Kind.UP].step is Step.PROPOSE, "growth still needs a word"


def test_an_emergency_is_no_drift_while_it_is_reviewed_and_goes_where_that_refused_it(town: Town) -> None:
    new = nodes(1, "karpenter-b3-8-c")
    plan = town.plan(nodes(4), replace(OTHER, state=None), new)
    tree = town.trees().at(town.main)
    commit = town.repository.commit(draft_of(plan, Kind.UP, tree, town.settings), parent=town.main)
    record = Record(event=Event.EMERGENCY, at=rfc3339(town.clock.now()), kind="emergency", digest=plan.digest,
                    commit=commit, by=(ADA,), reason="the shop is down")  # fmt: skip
    append(town.repository, town.settings, town.ledger, record, keep=(commit,))
    observe(town, [nodes(4), new])
    done = town.propose(town.plan(*town.declared))
    assert {kind: done[kind].step for kind in (Kind.EMERGENCY, Kind.DRIFT, Kind.RESTORE, Kind.IMPORT)} == {
        Kind.EMERGENCY: Step.PROPOSE, Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST, Kind.IMPORT: Step.REST,
    }  # fmt: skip
    waiting = town.propose(town.plan(nodes(3), replace(OTHER, state=None)))[Kind.UP]
    assert "settled first" in waiting.reason, "a plan from what Git says would undo it"
    town.server.close(GRACE, town.request(Kind.EMERGENCY).number)
    steps(town)
    assert about_new(town) == only(Kind.RESTORE, Step.PROPOSE)
    merged(town, Kind.RESTORE)
    (turn, _), = town.apply().applied
    assert [(str(one.pool), one.action.value, len(one.victims)) for one in turn.plan.changes] == [
        (NAME, "update", 2), (new.name, "delete", 1),
    ]  # fmt: skip
    carried_out(town)
    assert steps(town) == {Kind.DRIFT: Step.REST, Kind.RESTORE: Step.REST}


def test_in_plain_git_a_branch_that_is_deleted_asks_for_the_other_way() -> None:
    town = Town(plain=True)
    town.propose(town.plan(nodes(2), replace(OTHER, state=None)))
    fast_forward(town, Kind.UP)
    town.apply()
    observe(town, [nodes(1)])
    steps(town)
    tip = town.tip(Kind.DRIFT)
    assert tip is not None
    town.repository.delete_branch(town.branch(Kind.DRIFT), expect=tip)
    steps(town)
    steps(town)
    fast_forward(town, Kind.RESTORE)
    steps(town)
    (turn, _), = town.apply().applied
    assert turn.plan.changes[0].after == nodes(2)
    carried_out(town)
    assert town.apply().applied == ()


def fast_forward(town: Town, kind: Kind) -> None:
    tip = town.tip(kind)
    assert tip is not None
    town.repository.push(tip, town.repository_main(), expect=town.main)
