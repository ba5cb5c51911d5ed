"""People's own pull requests get the plan of what they do as a comment, and the status that protection asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from gitops.forges.base import RequestText, StatusState
from gitops.git.base import BranchName, CommitId
from gitops.loop.proposing import propose
from planner.pools import Pool, PoolSet, ProviderState
from renderer.tree import render_files
from tests.gitops.git.tools import MAIN
from tests.gitops.loop.town import ADA, BOT, GRACE, Town, nodes


@pytest.fixture
def town() -> Town:
    made = Town()
    made.edit_pools(nodes(2))
    return made


def asked(town: Town, texts: dict[str, str], *, fork: bool = False) -> tuple[int, CommitId]:
    """A person's request that says this in the cluster's folder."""
    tip = town.edit(texts, branch="mine")
    text = RequestText(title="Mine", body="")
    return town.server.request(GRACE, text, branch=BranchName("mine"), base=MAIN, fork=fork).number, tip


def pools(town: Town, *wanted: Pool) -> dict[str, str]:
    files = render_files(PoolSet.of(wanted), town.settings.terraform).under(PurePosixPath("pools"))
    return {str(path): text for path, text in files}


def test_an_edit_of_a_pool_is_answered_with_its_plan_and_price(town: Town) -> None:
    number, tip = asked(town, pools(town, nodes(5)))
    town.propose(town.plan(nodes(2)))
    said = town.said(number)
    assert "This change does:" in said
    assert "2 → 5" in said
    assert "grow needs 1 approval" in said
    assert town.server.statuses[tip, "poolplan/plan"][0] is StatusState.PENDING
    town.server.approve(ADA, number)
    town.propose(town.plan(nodes(2)))
    assert town.server.statuses[tip, "poolplan/plan"][0] is StatusState.SUCCESS
    assert len(town.server.kept(number).comments) == 1


def test_an_approval_counts_though_the_provider_knows_the_pool_by_an_id(town: Town) -> None:
    there = replace(nodes(2), state=ProviderState(id="pool-1"))
    town.observed = PoolSet.of([there])
    number, tip = asked(town, pools(town, nodes(5)))
    town.server.approve(ADA, number)
    town.propose(town.plan(nodes(2)))
    assert town.server.statuses[tip, "poolplan/plan"][0] is StatusState.SUCCESS


def test_an_edit_of_the_policy_is_answered_with_what_would_be_proposed(town: Town) -> None:
    number, _ = asked(town, {"policy/a.yaml": "a: 2\n"})
    town.propose(town.plan(nodes(2)))
    assert "With this, poolplan would propose" in town.said(number)


def test_what_takes_nodes_is_told_that_nodes_must_be_named(town: Town) -> None:
    number, _ = asked(town, pools(town, nodes(1)))
    town.propose(town.plan(nodes(2)))
    assert "a file cannot name which" in town.said(number)


def test_what_cannot_be_read_says_where(town: Town) -> None:
    number, tip = asked(town, {"pools/terraform/pool-karpenter-b3-8-a.tf": "resource {"})
    town.propose(town.plan(nodes(2)))
    assert "pool-karpenter-b3-8-a.tf" in town.said(number)
    assert town.server.statuses[tip, "poolplan/plan"][0] is StatusState.FAILURE


def test_a_request_for_two_clusters_is_not_planned(town: Town) -> None:
    number, _ = asked(town, pools(town, nodes(5)))
    other = Town(settings=town.settings, repository=town.repository)
    other.server = town.server
    town.edit_file("clusters/other/policy/b.yaml", "b: 1\n", branch="mine")
    town.server.change(number, head=town.repository.head(BranchName("mine")))
    town.propose(town.plan(nodes(2)))
    assert "one request a cluster" in town.said(number)


@pytest.mark.parametrize("fork", [True, False])
def test_what_does_not_concern_poolplan_is_left_alone(town: Town, fork: bool) -> None:
    texts = pools(town, nodes(5)) if fork else {"notes.md": "hello\n"}
    number, tip = asked(town, texts, fork=fork)
    town.propose(town.plan(nodes(2)))
    assert town.said(number) == ""
    assert (tip, "poolplan/plan") not in town.server.statuses


def test_poolplan_s_own_proposals_are_nobody_s_request(town: Town) -> None:
    """Those of other clusters too: each of them looks at all that is open."""
    branch = BranchName("poolplan/other/up")
    town.edit(pools(town, nodes(5)), branch=branch)
    own = town.server.request(BOT, RequestText(title="Scale up other", body=""), branch=branch, base=MAIN).number
    theirs = town.server.request(GRACE, RequestText(title="Mine", body=""), branch=branch, base=MAIN).number
    town.propose(town.plan(nodes(2)))
    assert town.said(own) == ""
    assert "This change does:" in town.said(theirs)


def test_of_a_proposal_in_the_ledger_nobody_asks_whose_it_is(town: Town) -> None:
    plan = town.plan(nodes(5))
    town.propose(plan)
    town.memory.calls.clear()
    town.propose(plan)
    assert [call.name for call in town.memory.calls] == ["open_requests", "votes"]


def test_the_same_answer_costs_no_call_to_the_same_process(town: Town) -> None:
    asked(town, {"policy/a.yaml": "a: 2\n"})
    inputs = town.inputs()
    world = town.world()
    for _ in range(2):
        world.look_again()
        town.memory.calls.clear()
        propose(world, town.trees(), town.plan(nodes(2)), inputs, now=town.clock.now())
    assert [call.name for call in town.memory.calls] == ["open_requests"]
