"""One rolling proposal per cluster and kind, on a forge and in plain Git: opened, revised, withdrawn, declined."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.errors import Stalled, Waiting
from gitops.forges.base import RequestState, StatusState
from gitops.git.base import BranchName, CommitId
from gitops.git.memory import MemoryRepository
from gitops.git.signing import SshSigner, known_signer
from gitops.loop.steps import Step
from gitops.settings_proposals import Proposals
from planner.guardrails import Guardrails
from planner.labels import OVH_POOL
from planner.nodes import Node
from planner.plan import Action
from planner.pools import PoolSet, ProviderState
from planner.portion import Kind
from planner.snapshot import Snapshot
from tests.gitops.git.test_signing import needs_ssh, ssh_key
from tests.gitops.loop.town import ADA, BOT, Town, nodes
from tests.gitops.plans import pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def town() -> Town:
    return Town()


def test_a_plan_becomes_a_request_with_a_status(town: Town) -> None:
    plan = town.plan(nodes(2))
    done = town.propose(plan)
    assert {kind: one.step for kind, one in done.items()} == {
        kind: Step.PROPOSE if kind is Kind.UP else Step.REST for kind in Kind
    }  # fmt: skip
    request = town.request()
    assert (request.state, request.author, request.head) == (RequestState.OPEN, BOT, town.tip())
    commit = town.repository.show(request.head)
    assert commit.parents == (town.main,)
    assert commit.trailers("Poolplan-Digest") == (plan.digest,)
    assert town.server.statuses[request.head, "poolplan/plan"][0] is StatusState.PENDING
    assert town.events == ["opened"]
    assert town.ledger.records[0].figures.demand == ()
    assert town.ledger.records[0].request == request.number


def test_the_same_plan_pushes_nothing_and_says_nothing(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    before, main = town.repository.branches(), town.main
    town.memory.calls.clear()
    town.clock.at += timedelta(minutes=1)
    again = town.propose(town.plan(nodes(2)))
    assert again[Kind.UP].step is Step.AWAIT
    assert (town.repository.branches(), town.main) == (before, main)
    assert [call.name for call in town.memory.calls] == ["open_requests", "votes"]


def test_an_idle_pass_asks_the_forge_once(town: Town) -> None:
    town.propose(town.plan())
    assert [call.name for call in town.memory.calls] == ["open_requests"]


def test_demand_that_moves_revises_in_place(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    first = town.request()
    done = town.propose(town.plan(nodes(4)))
    assert done[Kind.UP].step is Step.REVISE
    second = town.request()
    assert second.number == first.number
    assert second.head != first.head
    assert "4" in second.title
    assert town.repository.show(second.head).parents == (town.main,)
    assert town.propose(town.plan(nodes(4)))[Kind.UP].step is Step.AWAIT


def test_nothing_left_to_do_withdraws_with_a_reason(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    done = town.propose(town.plan())
    assert done[Kind.UP].step is Step.WITHDRAW
    assert town.request().state is RequestState.CLOSED
    assert town.tip() is None
    assert "nothing is left to do" in town.said(1)
    assert town.events == ["opened", "withdrawn"]
    assert town.propose(town.plan())[Kind.UP].step is Step.REST
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.PROPOSE
    assert town.request().number == 2


def test_up_and_down_are_two_proposals(town: Town) -> None:
    town.edit_pools(nodes(3), nodes(2, "karpenter-c3-4-a"))
    plan = town.plan(nodes(5), nodes(1, "karpenter-c3-4-a"), victims={"karpenter-c3-4-a": ("n1",)})
    done = town.propose(plan)
    assert (done[Kind.UP].step, done[Kind.DOWN].step) == (Step.PROPOSE, Step.PROPOSE)
    assert town.request(Kind.UP).number != town.request(Kind.DOWN).number
    assert town.propose(plan)[Kind.DOWN].step is Step.AWAIT


def test_a_persons_commit_stops_the_bot_which_says_so(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    number = town.request().number
    theirs = town.edit({"notes.md": "mine\n"}, branch=town.branch())
    done = town.propose(town.plan(nodes(7)))
    assert done[Kind.UP].step is Step.LEAVE
    assert "Ada Lovelace committed" in done[Kind.UP].reason
    assert town.tip() == theirs
    assert "revises it no more" in town.said(number)
    town.propose(town.plan())
    assert town.tip() == theirs
    assert len(town.server.kept(number).comments) == 1


@pytest.mark.parametrize("how", ["amended", "outside", "merged"])
def test_a_commit_that_only_looks_like_the_bots_is_a_persons(town: Town, how: str) -> None:
    town.propose(town.plan(nodes(2)))
    tip = town.tip()
    assert tip is not None
    forged = town.forge_commit(tip, how)
    assert town.propose(town.plan(nodes(3)))[Kind.UP].step is Step.LEAVE
    assert town.tip() == forged


def test_a_closed_proposal_is_a_decision(town: Town) -> None:
    town.propose(town.plan(nodes(2), pods=10))
    town.server.close(ADA, town.request().number)
    assert town.propose(town.plan(nodes(2), pods=10))[Kind.UP].step is Step.REST
    record = town.ledger.records[-1]
    assert (record.event.value, record.by, record.request, record.figures.pending) == ("declined", (ADA,), 1, 10)
    assert town.tip() is None
    town.memory.calls.clear()
    for pods in (10, 11):
        done = town.propose(town.plan(nodes(3), pods=pods))
        assert done[Kind.UP].step is Step.REST
        assert "ada declined #1" in done[Kind.UP].reason
    assert {call.name for call in town.memory.calls} == {"open_requests"}
    assert town.propose(town.plan(nodes(3), pods=12))[Kind.UP].step is Step.PROPOSE


def test_what_was_declined_comes_again_when_it_is_more_urgent(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.server.close(ADA, 1)
    town.propose(town.plan(nodes(2)))
    assert town.propose(town.plan(nodes(2), priority=5))[Kind.UP].step is Step.PROPOSE


def test_a_declined_proposal_that_a_person_opens_again_stands(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.server.close(ADA, 1)
    town.server.reopen(1)
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.AWAIT


def test_merged_proposals_are_tidied_up(town: Town) -> None:
    plan = town.plan(nodes(2))
    town.propose(plan)
    town.server.approve(ADA, 1)
    town.server.merge(ADA, 1)
    assert town.propose(replace(plan, declared=plan.desired, changes=()))[Kind.UP].step is Step.REST
    assert town.tip() is None
    assert town.events == ["opened", "merged"]


def test_a_wave_of_pods_is_one_proposal(town: Town) -> None:
    town.settings = replace(town.settings, proposals=Proposals(min_pending_age=timedelta(minutes=6), min_pending_pods=2))
    assert "minPendingPods" in town.propose(town.plan(nodes(2), pods=1))[Kind.UP].reason
    done = town.propose(town.plan(nodes(2)))
    assert (done[Kind.UP].step, "minPendingAge" in done[Kind.UP].reason) == (Step.AWAIT, True)
    assert town.tip() is None


def test_proposals_are_limited_by_the_hour(town: Town) -> None:
    town.settings = replace(town.settings, proposals=Proposals(per_hour=1))
    town.propose(town.plan(nodes(2)))
    town.propose(town.plan())
    assert "perHour" in town.propose(town.plan(nodes(2)))[Kind.UP].reason
    town.clock.at += timedelta(minutes=61)
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.PROPOSE


def test_a_moved_main_revises_but_only_where_the_clusters_folder_moved(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    tip = town.tip()
    town.edit_elsewhere()
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.AWAIT
    assert town.tip() == tip
    town.edit({"notes.md": "x\n"})
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.REVISE
    assert town.repository.show(town.tip() or tip or town.main).parents == (town.main,)


class Killed(BaseException):
    """The process ends here."""


class Mortal(MemoryRepository):
    """A repository that kills who writes to it, at the n-th write: before it, or once it has taken effect."""

    def __init__(self) -> None:
        super().__init__()
        self.nth, self.after, self.armed = 0, False, False

    def push(self, commit: CommitId, branch: BranchName, *, expect: CommitId | None) -> None:
        self._write(lambda: MemoryRepository.push(self, commit, branch, expect=expect))

    def delete_branch(self, branch: BranchName, *, expect: CommitId) -> None:
        self._write(lambda: MemoryRepository.delete_branch(self, branch, expect=expect))

    def _write(self, write: Callable[[], None]) -> None:
        self.nth -= self.armed
        if self.armed and self.nth == 0 and not self.after:
            raise Killed
        write()
        if self.armed and self.nth == 0:
            raise Killed


def live(town: Town) -> None:
    """Two, four, no, then three nodes are wanted; a person declines, more pods come, one is merged. Killed, it goes on."""
    for wanted, pods in ((2, 3), (2, 3), (4, 3), (4, 3), (0, 0), (0, 0), (3, 9), (3, 9)):
        turn(town, wanted, pods)
    if town.request().state is RequestState.OPEN:
        town.server.close(ADA, town.request().number)
    for wanted, pods in ((3, 9), (3, 9), (3, 20), (3, 20)):
        turn(town, wanted, pods)
    town.server.merge(ADA, town.request().number)
    for _ in range(2):
        turn(town, 3, 0)


def turn(town: Town, wanted: int, pods: int) -> None:
    plan = town.plan(*([nodes(wanted)] if wanted else []), pods=pods)
    town.arm(armed=True)
    try:
        town.propose(plan)
    except Killed:
        town.propose(plan)
    town.arm(armed=False)


def outcome(town: Town) -> tuple[object, ...]:
    """What people and later passes see."""
    return (
        [name for name, _ in town.repository.branches()], [one.state for one in town.server.requests()], town.events,
        [(one.number, one.title) for one in town.server.requests()],
    )  # fmt: skip


STRAIGHT = Town()
live(STRAIGHT)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", range(1, STRAIGHT.memory.count() + 1))
def test_killed_at_any_call_of_the_forge_it_ends_where_an_undisturbed_one_does(nth: int, after: bool) -> None:
    town = Town()
    town.memory.fail(Killed(), nth=nth, after=after)
    live(town)
    assert outcome(town) == outcome(STRAIGHT)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", range(1, 25))
def test_killed_at_any_write_to_git_it_ends_where_an_undisturbed_one_does(nth: int, after: bool) -> None:
    repository = Mortal()
    town = Town(repository=repository)
    repository.nth, repository.after = nth, after
    live(town)
    assert outcome(town) == outcome(STRAIGHT)


def test_a_forge_that_does_not_answer_changes_nothing(town: Town) -> None:
    town.memory.fail(Waiting("timed out"), on="open_requests")
    with pytest.raises(Waiting):
        town.propose(town.plan(nodes(2)))
    assert town.tip() is None


def test_a_ledger_that_cannot_be_read_stops_the_pass(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.break_ledger()
    with pytest.raises(Stalled, match="is no record of a ledger"):
        town.propose(town.plan(nodes(3)))


def test_in_plain_git_the_branch_is_the_proposal() -> None:
    town = Town(plain=True)
    plan = town.plan(nodes(2))
    assert town.propose(plan)[Kind.UP].step is Step.PROPOSE
    assert town.propose(plan)[Kind.UP].step is Step.AWAIT
    assert town.propose(town.plan(nodes(3)))[Kind.UP].step is Step.REVISE
    tip = town.tip()
    assert tip is not None
    town.repository.delete_branch(town.branch(), expect=tip)
    done = town.propose(town.plan(nodes(3)))
    assert (done[Kind.UP].step, "somebody declined" in done[Kind.UP].reason) == (Step.REST, True)
    assert "was deleted" in town.ledger.records[-1].reason


def test_in_plain_git_a_merged_branch_is_tidied_up_and_no_decision() -> None:
    town = Town(plain=True)
    plan = town.plan(nodes(2))
    town.propose(plan)
    tip = town.tip()
    assert tip is not None
    town.repository.push(tip, town.repository_main(), expect=town.main)
    town.repository.delete_branch(town.branch(), expect=tip)
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.REST
    assert town.events == ["opened", "merged"]


def test_a_plan_over_a_guardrail_or_under_a_freeze_is_shown_and_marked(town: Town) -> None:
    town.settings = replace(town.settings, guardrails=Guardrails(max_nodes_added=1))
    town.freeze = "black friday"
    done = town.propose(town.plan(nodes(2)))[Kind.UP]
    assert done.step is Step.PROPOSE
    body = town.request().body
    assert "FREEZE" in body
    assert "maxNodesAdded" in body
    assert "Shown, never applied" in body
    assert town.server.statuses[town.request().head, "poolplan/plan"][0] is StatusState.FAILURE
    town.freeze = None
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.RETELL
    assert "**FREEZE" not in town.request().body


def test_what_somebody_changed_at_the_provider_is_proposed_for_git(town: Town) -> None:
    town.edit_pools(nodes(2))
    town.propose(town.plan(nodes(3)))
    town.server.approve(ADA, 1)
    town.server.merge(ADA, 1)
    town.apply()
    there = replace(nodes(5), state=ProviderState(id="7", current_nodes=5))
    town.observed = PoolSet.of([there])
    done = town.propose(town.plan(*town.declared))
    assert done[Kind.DRIFT].step is Step.PROPOSE
    number = town.request(Kind.DRIFT).number
    town.server.approve(ADA, number)
    town.server.merge(ADA, number)
    (turn_, _), = town.apply().applied
    assert turn_.plan.desired.pools[0].desired == 5
    assert town.ledger.records[-1].kind == "drift"
    assert town.propose(town.plan(*town.declared))[Kind.DRIFT].step is Step.REST


def test_a_reverted_growth_comes_back_as_a_proposal_that_names_the_empty_nodes(town: Town) -> None:
    for wanted in (2, 4):
        town.propose(town.plan(nodes(wanted)))
        number = town.request().number
        town.server.approve(ADA, number)
        town.server.merge(ADA, number)
        town.apply()
    town.edit_pools(nodes(2))
    town.snapshot = Snapshot(nodes=tuple(
        Node(name=f"n{number}", labels=((OVH_POOL, "karpenter-b3-8-a"),)) for number in range(4)
    ))  # fmt: skip
    done = town.propose(town.plan(*town.declared))
    assert done[Kind.POLICY].step is Step.PROPOSE
    assert "n0" in town.request(Kind.POLICY).body
    number = town.request(Kind.POLICY).number
    town.server.approve(ADA, number)
    town.server.merge(ADA, number)
    (turn_, _), = town.apply().applied
    assert turn_.plan.changes[0].victims == ("n0", "n1")


@needs_ssh
def test_a_signed_proposal_is_recognised_as_poolplans_own(town: Town, tmp_path: Path) -> None:
    file, public = ssh_key(tmp_path / "key")
    town.signer = SshSigner(file=file)
    town.propose(town.plan(nodes(2)))
    tip = town.tip()
    assert tip is not None
    assert known_signer(town.repository, tip, [public])
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.AWAIT
    assert town.propose(town.plan(nodes(3)))[Kind.UP].step is Step.REVISE


def merged(town: Town, kind: Kind) -> None:
    number = town.request(kind).number
    town.server.approve(ADA, number)
    town.server.merge(ADA, number)


def test_another_flavor_written_by_hand_comes_as_a_pool_beside_the_old_one(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    merged(town, Kind.UP)
    town.apply()
    town.edit_pools(pool(desired=2, flavor="b3-16"))
    town.snapshot = Snapshot(nodes=tuple(
        Node(name=f"n{number}", labels=((OVH_POOL, "karpenter-b3-8-a"),)) for number in range(2)
    ))  # fmt: skip
    withheld = town.apply().withheld
    assert withheld is not None
    assert withheld.reasons == (
        "OVHcloud cannot change karpenter-b3-8-a (flavor) in place; a pool beside it has to take its place",
    )
    assert town.propose(town.plan(*town.declared))[Kind.POLICY].step is Step.PROPOSE
    merged(town, Kind.POLICY)
    assert [one.name for one in town.declared] == ["karpenter-b3-16-a"]
    (turn_, _), = town.apply().applied
    made, gone = turn_.plan.changes
    assert (made.action, made.pool, gone.action, gone.victims) == (
        Action.CREATE, "karpenter-b3-16-a", Action.DELETE, ("n0", "n1"),
    )  # fmt: skip
    assert town.propose(town.plan(*town.declared))[Kind.POLICY].step is Step.REST
