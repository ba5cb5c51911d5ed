"""What is merged is applied once, when it is approved, and never otherwise: everybody tries to cheat."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from gitops.apply.hands import Applied
from gitops.errors import PoolplanError, Refused, Stalled, Waiting
from gitops.forges.base import RequestText
from gitops.forges.merging import Method
from gitops.git.base import Author, BranchName, CommitId, Draft
from gitops.git.signing import SshSigner
from gitops.loop.claims import Turn
from gitops.loop.delivering import Delivery
from gitops.loop.steps import Step
from gitops.review.classes import Class
from gitops.review.rules import ReviewRules, Rule, UpTo, Voters
from planner.guardrails import Guardrails, PerDay
from planner.pools import Pool
from planner.portion import Kind
from renderer.files import FileSet
from renderer.tree import render_files
from tests.gitops.git.test_signing import needs_ssh, ssh_key
from tests.gitops.git.tools import MAIN, SOMEBODY
from tests.gitops.loop.town import ADA, BOT, GRACE, Town, nodes
from tests.gitops.plans import pool


@pytest.fixture
def town() -> Town:
    return Town()


def proposed(town: Town, *pools: Pool, **how: object) -> int:
    """Propose these pools; the request's number."""
    town.propose(town.plan(*pools, **how))  # type: ignore[arg-type]
    return town.request().number


def merged(town: Town, *pools: Pool, by: tuple[str, ...] = (ADA,), method: Method = Method.MERGE) -> int:
    """A proposal that these people approved, and one merged."""
    number = proposed(town, *pools)
    for who in by:
        town.server.approve(who, number)
    town.server.merge(ADA, number, method)
    return number


def withheld(delivery: Delivery) -> str:
    assert delivery.withheld is not None
    assert not delivery.applied
    return "; ".join(delivery.withheld.reasons)


@pytest.mark.parametrize("method", Method)
def test_what_was_approved_and_merged_is_applied_once(town: Town, method: Method) -> None:
    number = merged(town, nodes(2), method=method)
    delivery = town.apply()
    assert [turn.plan.desired for turn, _ in delivery.applied] == [town.declared]
    record = town.ledger.records[-1]
    assert (record.event.value, record.by, record.request, record.kind) == ("applied", (ADA,), number, "up")
    assert town.apply() == Delivery()
    assert len(town.engine) == 1
    assert "Applied" in town.said(number)


def test_approving_and_merging_do_not_change_what_is_approved(town: Town) -> None:
    plan = town.plan(nodes(2))
    merged(town, nodes(2))
    assert town.apply().applied[0][0].plan.digest == plan.digest


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        ((), "grow needs 1 approval"),
        ((BOT,), "poolplan is the author, whose own word does not count"),
    ],
)
def test_without_a_word_that_counts_nothing_is_applied(town: Town, by: tuple[str, ...], reason: str) -> None:
    merged(town, nodes(2), by=by)
    assert reason in withheld(town.apply())
    assert town.engine == []


def test_an_approval_that_was_taken_back_does_not_count(town: Town) -> None:
    number = proposed(town, nodes(2))
    town.server.approve(ADA, number)
    town.server.dismiss(ADA, number)
    town.server.merge(ADA, number)
    assert "ada's approval was taken back" in withheld(town.apply())


def test_an_objection_holds(town: Town) -> None:
    number = proposed(town, nodes(2))
    town.server.approve(ADA, number)
    town.server.object_to(GRACE, number)
    town.server.merge(ADA, number)
    assert "grace asks for changes" in withheld(town.apply())


def test_a_stranger_s_approval_does_not_count(town: Town) -> None:
    """Everybody who can read a public repository can approve there."""
    town.server.reader("mallory")
    number = proposed(town, nodes(2))
    town.server.approve("mallory", number)
    town.server.merge(ADA, number)
    reasons = withheld(town.apply())
    assert "mallory may not write to the repository, so the approval does not count" in reasons
    assert "is not known" not in reasons


def test_a_stranger_s_objection_holds_nothing(town: Town) -> None:
    town.server.reader("mallory")
    number = proposed(town, nodes(2))
    town.server.approve(ADA, number)
    town.server.object_to("mallory", number)
    town.server.merge(ADA, number)
    (turn, _), = town.apply().applied
    assert turn.approval.by == (ADA,)


def test_a_right_that_was_taken_away_takes_the_approval_with_it(town: Town) -> None:
    merged(town, nodes(2))
    town.server.reader(ADA)
    assert "ada may not write to the repository" in withheld(town.apply())


@pytest.mark.parametrize("stranger", [True, False])
def test_what_merges_itself_is_held_by_those_who_may_write_alone(town: Town, stranger: bool) -> None:
    rule = Rule(name="small", classes=frozenset({Class.GROW}), approvals=0)
    town.settings = replace(town.settings, review=ReviewRules(rules=(rule,)))
    if stranger:
        town.server.reader("mallory")
    town.server.object_to("mallory", proposed(town, nodes(2)))
    steps = [town.propose(town.plan(nodes(2)))[Kind.UP].step for _ in range(2)]
    assert (Step.MERGE in steps) is stranger


def test_content_changed_under_the_same_branch_after_the_approval(town: Town) -> None:
    number = proposed(town, nodes(2))
    town.server.approve(ADA, number)
    files = render_files(town.plan(nodes(9)).desired, town.settings.terraform).under(PurePosixPath("pools"))
    town.edit({str(path): text for path, text in files}, branch=town.branch())
    town.server.merge(ADA, number)
    assert "ada approved less" in withheld(town.apply())


def test_a_push_with_force_after_the_approval(town: Town) -> None:
    number = proposed(town, nodes(2))
    town.server.approve(ADA, number)
    tip = town.tip()
    bigger = Town(settings=town.settings)
    bigger.propose(bigger.plan(nodes(9)))
    theirs = dict(bigger.repository.read(bigger.tip() or CommitId(""), town.settings.folder))
    draft = Draft(
        root=town.settings.folder, files=FileSet.of(theirs), message="More", at=town.clock.now(),
        author=Author("poolplan", "poolplan@localhost"),
    )  # fmt: skip
    town.repository.push(town.repository.commit(draft, parent=town.main), town.branch(), expect=tip)
    town.server.merge(ADA, number)
    assert "ada approved less" in withheld(town.apply())


def test_a_second_plan_slipped_into_the_merge(town: Town) -> None:
    """The merge commit itself says more than the branch that was reviewed."""
    number = proposed(town, nodes(2))
    town.server.approve(ADA, number)
    tip = town.tip()
    assert tip is not None
    files = render_files(town.plan(nodes(9)).desired, town.settings.terraform).under(PurePosixPath("pools"))
    both = FileSet.of({**dict(town.repository.read(tip, town.settings.folder)), **dict(files)})
    draft = Draft(root=town.settings.folder, files=both, message="Merge", author=SOMEBODY, at=town.clock.now())
    evil = town.repository.commit(draft, parent=town.main, also=(tip,))
    town.repository.push(evil, MAIN, expect=town.main)
    town.server.kept(number).brought = frozenset({evil})
    town.server.change(number, state=town.request().state.MERGED, merged_as=evil)
    assert "ada approved less" in withheld(town.apply())


def test_an_approval_of_another_cluster_is_none_here(town: Town) -> None:
    merged(town, nodes(2))
    other = Town(settings=replace(town.settings, name="other"), repository=town.repository, clock=town.clock)
    other.server = town.server
    other.memory.server = town.server
    copied = {str(path): text for path, text in town.repository.read(town.main, town.settings.folder)}
    other.edit(copied, branch="copy")
    town.server.request(GRACE, RequestText(title="Copy", body=""), branch=BranchName("copy"), base=MAIN)
    town.server.merge(GRACE, 2)
    assert "grow needs 1 approval" in withheld(other.apply())


def test_a_push_to_main_without_a_request(town: Town) -> None:
    merged(town, nodes(2))
    town.apply()
    town.edit_pools(nodes(9))
    assert "came onto main without a pull request" in withheld(town.apply())


@pytest.mark.parametrize(("forced", "reason"), [(None, "main is not protected"), (True, "pushed to with force")])
def test_an_unprotected_main_branch(town: Town, forced: bool | None, reason: str) -> None:
    merged(town, nodes(2))
    if forced is None:
        town.server.unprotect(MAIN)
    else:
        town.server.protect(MAIN, forced=True)
    assert reason in withheld(town.apply())


def test_the_rules_of_before_the_merge_count(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody loosens the rules and uses them in one merge."""
    strict = ReviewRules(default=Rule(name="default", approvals=2))
    monkeypatch.setattr("gitops.settings_read.read_settings", lambda *_: replace(town.settings, review=strict))
    number = proposed(town, nodes(2))
    town.edit({"cluster.yaml": "kind: Cluster # loose\n"}, branch=town.branch())
    town.server.approve(ADA, number)
    town.server.merge(ADA, number)
    assert "grow needs 2 approvals" in withheld(town.apply())


def test_an_approval_survives_shrinking(town: Town) -> None:
    number = proposed(town, nodes(5))
    town.server.approve(ADA, number)
    first = town.tip()
    assert proposed(town, nodes(3)) == number
    town.server.merge(GRACE, number)
    delivery = town.apply()
    assert [turn.approval.by for turn, _ in delivery.applied] == [(ADA,)]
    assert "superseded" in town.events
    assert first is not None
    assert first in town.repository.show(town.superseding()).parents


def test_an_approval_does_not_survive_growth(town: Town) -> None:
    number = proposed(town, nodes(3))
    town.server.approve(ADA, number)
    proposed(town, nodes(5))
    town.server.merge(GRACE, number)
    assert "ada approved less" in withheld(town.apply())


def test_two_merges_before_an_apply_are_applied_one_after_the_other(town: Town) -> None:
    merged(town, nodes(2))
    merged(town, nodes(4))
    assert [turn.plan.desired.pools[0].desired for turn, _ in town.apply().applied] == [2, 4]
    assert town.events.count("applied") == 2


def test_a_merge_during_an_apply_is_not_lost(town: Town) -> None:
    merged(town, nodes(2))
    carry, again = town.carry, []

    def merging(turn: Turn):  # type: ignore[no-untyped-def]
        if not again:
            again.append(merged(town, nodes(4)))
        return carry(turn)

    town.carry = merging  # type: ignore[method-assign]
    assert [turn.plan.desired.pools[0].desired for turn, _ in town.apply().applied] == [2, 4]


def test_turned_back_before_it_was_applied_nothing_happens(town: Town) -> None:
    merged(town, nodes(2))
    town.apply()
    merged(town, nodes(4))
    town.edit_pools(nodes(2))
    assert town.apply() == Delivery()
    assert len(town.engine) == 1


def revert(town: Town, *, approve: bool) -> int:
    """A person's request that turns main back to the tree before its last change."""
    before = town.repository.show(town.main).parents[0]
    texts = {str(path): text for path, text in town.repository.read(before, town.settings.folder)}
    town.edit(texts, "Revert", branch="revert", whole=True)
    number = len(list(town.server.requests())) + 1
    town.server.request(GRACE, RequestText(title="Revert", body=""), branch=BranchName("revert"), base=MAIN)
    if approve:
        town.server.approve(ADA, number)
    town.server.merge(ADA, number)
    return number


def test_a_revert_of_what_was_applied_is_a_change_of_its_own(town: Town) -> None:
    """The old plan, whose digest was approved and applied before, does not run again."""
    merged(town, nodes(4))
    town.apply()
    merged(town, nodes(4), nodes(1, "karpenter-c3-4-a"))
    town.apply()
    revert(town, approve=True)
    assert "does not name them" in withheld(town.apply())
    done = town.propose(town.plan(*town.declared))
    assert done[Kind.POLICY].step is Step.AWAIT or "too few nodes" in done[Kind.POLICY].reason
    assert len(town.engine) == 2


def test_a_reviewed_change_by_hand_is_applied_after_its_merge(town: Town) -> None:
    merged(town, nodes(2))
    town.apply()
    files = render_files(town.plan(nodes(5)).desired, town.settings.terraform).under(PurePosixPath("pools"))
    town.edit({str(path): text for path, text in files}, branch="mine")
    town.server.request(GRACE, RequestText(title="More", body=""), branch=BranchName("mine"), base=MAIN)
    town.server.approve(ADA, 2)
    town.server.merge(GRACE, 2)
    (turn, _), = town.apply().applied
    assert (turn.plan.desired.pools[0].desired, turn.approval.by) == (5, (ADA,))


def test_an_author_does_not_approve_a_change_of_their_own(town: Town) -> None:
    merged(town, nodes(2))
    town.apply()
    files = render_files(town.plan(nodes(5)).desired, town.settings.terraform).under(PurePosixPath("pools"))
    town.edit({str(path): text for path, text in files}, branch="mine")
    town.server.request(GRACE, RequestText(title="More", body=""), branch=BranchName("mine"), base=MAIN)
    town.server.approve(GRACE, 2)
    town.server.merge(GRACE, 2)
    assert "grace is the author" in withheld(town.apply())


def test_what_nobody_approved_on_main_gets_a_proposal_of_its_own(town: Town) -> None:
    merged(town, nodes(2))
    town.apply()
    town.edit_pools(nodes(5))
    done = town.propose(town.plan(nodes(6)))
    assert (done[Kind.UP].step, done[Kind.POLICY].step) == (Step.AWAIT, Step.PROPOSE)
    assert "not approved" in done[Kind.UP].reason
    number = town.request(Kind.POLICY).number
    town.server.approve(ADA, number)
    town.server.merge(GRACE, number)
    (turn, _), = town.apply().applied
    assert turn.plan.desired.pools[0].desired == 5
    assert town.propose(town.plan(nodes(6)))[Kind.UP].step is Step.PROPOSE


def test_a_forge_that_lies_about_the_merge(town: Town) -> None:
    number = merged(town, nodes(2))
    town.memory.lie(number, state=town.request().state.CLOSED)
    assert "is not merged into main, says the forge" in withheld(town.apply())


@pytest.mark.parametrize("call", ["bringing", "votes", "protection", "me"])
def test_a_forge_that_does_not_answer_approves_nothing(town: Town, call: str) -> None:
    merged(town, nodes(2))
    town.memory.fail(Waiting("timed out"), on=call)
    with_me = call != "me" or town.memory.count("me")
    try:
        delivery = town.apply()
    except Waiting:
        assert town.engine == []
    else:
        assert not with_me
        assert delivery.applied


def test_clocks_that_differ_do_not_matter(town: Town) -> None:
    """An approval counts by the commit it saw, not by the hour at which somebody's clock says it was given."""
    town.clock.at += timedelta(days=400)
    number = proposed(town, nodes(2))
    town.server.approve(ADA, number)
    town.clock.at -= timedelta(days=800)
    town.server.merge(ADA, number)
    assert town.apply().applied


def test_a_guardrail_and_a_freeze_stop_what_is_approved(town: Town) -> None:
    town.settings = replace(town.settings, guardrails=Guardrails(max_nodes_added=1))
    merged(town, nodes(2))
    assert "guardrail maxNodesAdded" in withheld(town.apply())
    town.settings = replace(town.settings, guardrails=Guardrails())
    town.freeze = "black friday"
    assert "frozen: black friday" in withheld(town.apply())
    town.freeze = None
    town.edit({"FREEZE": "until Monday\n"})
    assert "frozen: until Monday" in withheld(town.apply())
    assert town.engine == []


def test_the_day_has_a_limit_too(town: Town) -> None:
    town.settings = replace(town.settings, guardrails=Guardrails(per_day=PerDay(nodes_added=3)))
    merged(town, nodes(2))
    assert town.apply().applied
    merged(town, nodes(4))
    assert "perDay" in withheld(town.apply())
    town.clock.at += timedelta(hours=25)
    assert town.apply().applied


def test_small_growth_merges_and_is_applied_by_itself(town: Town) -> None:
    small = Rule(name="small", classes=frozenset({Class.GROW}), up_to=UpTo(nodes=2), approvals=0)
    town.settings = replace(town.settings, review=ReviewRules(rules=(small,)))
    town.propose(town.plan(nodes(2)))
    assert town.propose(town.plan(nodes(2)))[Kind.UP].step is Step.MERGE
    (turn, _), = town.apply().applied
    assert turn.approval.rules == ("small",)
    town.propose(town.plan(nodes(5)))
    assert town.propose(town.plan(nodes(5)))[Kind.UP].step is Step.AWAIT


def test_certain_people_must_agree(town: Town) -> None:
    town.server.team("acme/platform", GRACE)
    rule = Rule(name="platform", approvals=1, voters=Voters(teams=frozenset({"acme/platform"})))
    town.settings = replace(town.settings, review=ReviewRules(rules=(rule,)))
    merged(town, nodes(2), by=(ADA,))
    assert "team acme/platform" in withheld(town.apply())


def test_two_controllers_that_race_apply_once(town: Town) -> None:
    merged(town, nodes(2))
    other = Town(repository=town.repository, clock=town.clock, holder="two", settings=town.settings)
    other.server, other.memory.server, other.engine = town.server, town.server, town.engine
    carry = town.carry

    def racing(turn: Turn):  # type: ignore[no-untyped-def]
        with pytest.raises(Waiting, match="one has been applying"):
            other.apply()
        return carry(turn)

    town.carry = racing  # type: ignore[method-assign]
    town.apply()
    assert other.apply() == Delivery()
    assert len(town.engine) == 1


class Killed(BaseException):
    """The process ends here."""


def test_killed_while_it_applies_it_goes_on_and_ends_in_one_record(town: Town) -> None:
    merged(town, nodes(2))
    carry = town.carry

    def killing(turn: Turn):  # type: ignore[no-untyped-def]
        town.carry = carry  # type: ignore[method-assign]
        raise Killed

    town.carry = killing  # type: ignore[method-assign]
    with pytest.raises(Killed):
        town.apply()
    other = Town(repository=town.repository, clock=town.clock, holder="two", settings=town.settings)
    other.server, other.memory.server = town.server, town.server
    with pytest.raises(Waiting):
        other.apply()
    assert town.apply().applied
    assert town.events == ["opened", "claimed", "applied"]


def test_an_abandoned_claim_ends(town: Town) -> None:
    merged(town, nodes(2))

    def killing(turn: Turn):  # type: ignore[no-untyped-def]
        raise Killed

    town.carry = killing  # type: ignore[method-assign]
    with pytest.raises(Killed):
        town.apply()
    other = Town(repository=town.repository, clock=town.clock, holder="two", settings=town.settings)
    other.server, other.memory.server = town.server, town.server
    town.clock.at += timedelta(hours=3)
    assert other.apply().applied


@pytest.mark.parametrize("error", [Refused("terraform would do more", reasons=("pool x",)), Stalled("no rights")])
def test_a_failure_frees_the_claim_and_is_told(town: Town, error: PoolplanError) -> None:
    number = merged(town, nodes(2))
    carry = town.carry

    def failing(turn: Turn):  # type: ignore[no-untyped-def]
        raise error

    town.carry = failing  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        town.apply()
    assert town.events == ["opened", "claimed", "failed"]
    assert "Not applied" in town.said(number)
    town.carry = carry  # type: ignore[method-assign]
    assert town.apply().applied


def test_main_that_was_rewritten_is_no_basis(town: Town) -> None:
    begin = town.main
    merged(town, nodes(2))
    town.apply()
    town.repository.push(begin, MAIN, expect=town.main)
    with pytest.raises(Stalled, match="was rewritten"):
        town.apply()


def test_in_plain_git_merging_is_the_approval_and_a_change_by_hand_needs_a_plan() -> None:
    town = Town(plain=True)
    town.propose(town.plan(nodes(2)))
    tip = town.tip()
    assert tip is not None
    town.repository.push(tip, MAIN, expect=town.main)
    assert town.apply().applied
    town.edit_pools(nodes(5))
    assert "by hand" in withheld(town.apply())
    town.propose(town.plan(*town.declared))
    tip = town.tip(Kind.POLICY)
    assert tip is not None
    town.repository.push(tip, MAIN, expect=town.main)
    assert [turn.plan.desired.pools[0].desired for turn, _ in town.apply().applied] == [5]


def test_in_plain_git_nobody_can_be_asked(town: Town) -> None:
    town = Town(plain=True, settings=replace(town.settings, review=ReviewRules(default=Rule(name="two", approvals=2))))
    town.propose(town.plan(nodes(2)))
    tip = town.tip()
    assert tip is not None
    town.repository.push(tip, MAIN, expect=town.main)
    assert "plain Git cannot tell who approved" in withheld(town.apply())


def test_a_lost_ledger_begins_where_main_is_in_effect(town: Town) -> None:
    merged(town, nodes(2))
    town.apply()
    merged(town, nodes(4))
    town.apply()
    head = town.repository.head(BranchName("poolplan/prod/ledger"))
    assert head is not None
    town.repository.delete_branch(BranchName("poolplan/prod/ledger"), expect=head)
    town.observed = town.declared
    assert town.apply() == Delivery()
    assert (town.events, len(town.engine)) == (["applied"], 2)
    assert town.ledger.records[0].commit == town.main
    merged(town, nodes(5))
    assert town.apply().applied


@needs_ssh
@pytest.mark.parametrize("signed", [True, False])
def test_only_merges_signed_by_known_keys_where_the_rules_say_so(signed: bool, tmp_path: Path) -> None:
    file, public = ssh_key(tmp_path / "key")
    town = Town(plain=True)
    town.settings = replace(town.settings, review=ReviewRules(signed_by=(public,)))
    town.propose(town.plan(nodes(2)))
    tip = town.tip()
    assert tip is not None
    draft = Draft(
        root=town.settings.folder, files=town.repository.read(tip, town.settings.folder), message="Merge",
        author=SOMEBODY, at=town.clock.now(),
    )  # fmt: skip
    signer = SshSigner(file=file) if signed else None
    town.repository.push(
        town.repository.commit(draft, parent=town.main, also=(tip,), signer=signer), MAIN, expect=town.main
    )
    if signed:
        assert town.apply().applied
    else:
        assert "is not signed by a key of review.signedBy" in withheld(town.apply())


def test_what_grows_does_not_wait_behind_nodes_that_are_in_use_again(town: Town) -> None:
    merged(town, nodes(3))
    town.apply()
    town.propose(town.plan(nodes(2), victims={"karpenter-b3-8-a": ("n0",)}))
    number = town.request(Kind.DOWN).number
    town.server.approve(ADA, number)
    town.server.merge(ADA, number)
    carry = town.carry

    def in_use(turn: Turn) -> Applied:
        if any(one.victims for one in turn.plan.changes):
            raise Refused("nodes that the plan removes are in use now")
        return carry(turn)

    town.carry = in_use  # type: ignore[method-assign]
    with pytest.raises(Refused):
        town.apply()
    merged(town, nodes(3), pool("other", 1))
    ((made, _),) = town.apply().applied
    assert [str(one.pool) for one in made.plan.changes] == ["other"], "what was taken back leaves nothing to remove"
    assert town.apply().applied == ()
