"""Imports and releases are asked for once and kept true by the loop, until they are merged, closed or pointless."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitops.forges.base import RequestState
from gitops.loop.passes import look
from gitops.loop.proposing import settle
from gitops.loop.steps import Step
from gitops.settings_proposals import Proposals
from planner.aims import Aims, policy_digest
from planner.between import Given
from planner.handover import import_plan, release_plan
from planner.plan import Action, Plan
from planner.policy import Policy
from planner.pools import Pool, PoolSet, ProviderState
from planner.portion import Kind
from tests.gitops.loop.town import ADA, Town, nodes
from tests.gitops.plans import pool

WORKERS = pool("workers", 3, state=ProviderState(id="id-1"))
OTHERS = pool("others", 1, state=ProviderState(id="id-2"))


@pytest.fixture
def town() -> Town:
    made = Town()
    made.observed = PoolSet.of([WORKERS, OTHERS])
    return made


def made_plan(town: Town, kind: Kind, *pools: Pool) -> Plan:
    now = town.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    given = Given(catalog=town.inputs().catalog, policy=policy_digest(Policy(), Aims()), now=now)
    return (import_plan if kind is Kind.IMPORT else release_plan)(town.declared, pools, given)


def ask(town: Town, *pools: Pool, kind: Kind = Kind.IMPORT) -> Step:
    """What ``poolplan import`` does once it has its plan; the last step that was taken."""
    town.repository.refresh()
    plan = made_plan(town, kind, *pools)
    seen = look(town.world(), town.trees(), plan, town.inputs(), now=town.clock.now())
    return settle(seen, kind)[-1].step


def idle(town: Town, kind: Kind = Kind.IMPORT) -> Step:
    """A pass without demand."""
    return town.propose(town.plan(*town.declared))[kind].step


def names(town: Town, kind: Kind = Kind.IMPORT) -> list[str]:
    """The pools that the standing proposal is about."""
    tip = town.tip(kind)
    assert tip is not None
    plan = town.trees().at(tip).plan
    assert plan is not None
    return [change.pool for change in plan.changes]


def test_what_was_asked_for_becomes_a_request_that_stands(town: Town) -> None:
    assert ask(town, WORKERS) is Step.PROPOSE
    request = town.request(Kind.IMPORT)
    assert (request.title, request.state) == ("Import pools of prod: 1 pool imported", RequestState.OPEN)
    assert (idle(town), idle(town), names(town)) == (Step.AWAIT, Step.AWAIT, ["workers"])
    assert [one.kind for one in town.ledger.records] == ["import"]


def test_it_is_made_anew_when_main_moves(town: Town) -> None:
    ask(town, WORKERS)
    town.edit_pools(nodes(2))
    town.apply()
    assert idle(town) is Step.REVISE
    tip = town.tip(Kind.IMPORT)
    assert tip is not None
    declared = town.trees().at(tip).pools
    assert declared is not None
    assert declared.names() == {"workers", "karpenter-b3-8-a"}


def test_it_is_made_anew_when_the_pool_changes(town: Town) -> None:
    ask(town, WORKERS)
    town.observed = PoolSet.of([WORKERS.resized(5), OTHERS])
    assert (idle(town), idle(town)) == (Step.REVISE, Step.AWAIT)


def test_a_pool_that_can_no_longer_be_imported_leaves_it(town: Town) -> None:
    ask(town, WORKERS, OTHERS)
    town.observed = PoolSet.of([replace(WORKERS, autoscale=True), OTHERS])
    assert (idle(town), names(town)) == (Step.REVISE, ["others"])
    town.observed = PoolSet.of([WORKERS])
    assert idle(town) is Step.WITHDRAW
    assert town.request(Kind.IMPORT).state is RequestState.CLOSED


def test_it_stays_as_it_is_where_nobody_asked_the_provider(town: Town) -> None:
    ask(town, WORKERS)
    town.observed = PoolSet()
    assert (idle(town), names(town)) == (Step.AWAIT, ["workers"])


def test_who_closes_it_takes_it_back_and_may_ask_again(town: Town) -> None:
    ask(town, WORKERS)
    town.server.close(ADA, town.request(Kind.IMPORT).number)
    assert (idle(town), idle(town)) == (Step.REST, Step.REST)
    assert town.tip(Kind.IMPORT) is None
    assert "somebody asks for it" in town.said(1)
    assert ask(town, WORKERS) is Step.PROPOSE


def test_no_limit_on_proposals_holds_it_up_and_it_holds_up_none(town: Town) -> None:
    town.settings = replace(town.settings, proposals=replace(Proposals(), max_open=1, per_hour=1))
    town.propose(town.plan(nodes(2)))
    assert ask(town, WORKERS) is Step.PROPOSE
    town.server.close(ADA, town.request(Kind.UP).number)
    town.settings = replace(town.settings, proposals=replace(Proposals(), max_open=1, per_hour=9))
    town.propose(town.plan(nodes(9), pods=9))
    assert town.tip(Kind.UP) is not None


def test_approved_and_merged_it_is_applied_as_what_it_is(town: Town) -> None:
    ask(town, WORKERS)
    town.accept(Kind.IMPORT)
    ((turn, _),) = town.apply().applied
    assert [change.action for change in turn.plan.changes] == [Action.IMPORT]
    assert town.ledger.records[-1].kind == "import"
    assert town.declared == PoolSet.of([WORKERS])
    assert idle(town) is Step.REST
    assert ask(town, WORKERS, kind=Kind.RELEASE) is Step.PROPOSE
    town.accept(Kind.RELEASE)
    ((turn, _),) = town.apply().applied
    assert [change.action for change in turn.plan.changes] == [Action.RELEASE]
    assert len(town.declared) == 0


def test_without_an_approval_nothing_is_applied(town: Town) -> None:
    ask(town, WORKERS)
    town.server.merge(ADA, town.request(Kind.IMPORT).number)
    withheld = town.apply().withheld
    assert withheld is not None
    assert "import needs 1 approval (rule default)" in withheld.reasons[0]
