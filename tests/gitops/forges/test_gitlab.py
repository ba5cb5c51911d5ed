"""What GitLab does that other forges do not: approvals without a commit, wildcards, groups, statuses that are steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.errors import Stalled, Waiting
from gitops.forges.base import Protection, RequestText, StatusState, Word
from gitops.forges.gitlab_api import server_url
from gitops.forges.merging import Method
from gitops.git.base import BranchName, CommitId
from tests.contracts.forges import ADA, GRACE, MALLORY
from tests.gitops.forges.gitlabserver import GitLabServer
from tests.gitops.forges.worlds import GitLabPeople
from tests.gitops.git.tools import MAIN

if TYPE_CHECKING:
    from gitops.forges.base import PullRequest
    from tests.contracts.forges import World

SIDE = BranchName("poolplan/prod/up")
TEXT = RequestText(title="Grow", body="It")


def fake_of(world: World) -> GitLabServer:
    assert isinstance(world.people, GitLabPeople)
    return world.people.fake


def opened(world: World, text: RequestText = TEXT) -> PullRequest:
    world.push(SIDE, "2\n")
    return world.forge.open(text, branch=SIDE, base=MAIN)


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("", "https://gitlab.com"),
        ("https://git.example.test/", "https://git.example.test"),
        ("https://git.example.test/api/v4", "https://git.example.test"),
        ("https://example.test/gitlab", "https://example.test/gitlab"),
    ],
)
def test_an_address_leads_to_its_server(written: str, server: str) -> None:
    assert server_url(written) == server


# Votes


def test_an_approval_between_two_pushes_is_for_the_head_it_was_given_at(gitlab: World) -> None:
    made = opened(gitlab)
    gitlab.people.approve(ADA, made.number)
    second = gitlab.push(SIDE, "3\n")
    gitlab.forge.get(made.number)  # GitLab has seen the push
    gitlab.people.approve(GRACE, made.number)
    third = gitlab.push(SIDE, "4\n")
    gitlab.forge.get(made.number)
    gitlab.people.approve(MALLORY, made.number)
    assert [(one.who, one.commit) for one in gitlab.forge.votes(made.number)] == [
        (ADA, made.head), (GRACE, second), (MALLORY, third),
    ]  # fmt: skip


def test_an_approval_before_the_push_was_noted_is_for_the_older_head(gitlab: World) -> None:
    """GitLab notes a push some moments after it: an approval in between does not count for what it may not have seen."""
    made = opened(gitlab)
    gitlab.push(SIDE, "99\n", who=MALLORY)
    gitlab.people.approve(ADA, made.number)
    assert [one.commit for one in gitlab.forge.votes(made.number)] == [made.head]


def test_an_approval_without_a_time_has_that_of_gitlab_s_own_note(gitlab: World) -> None:
    made = opened(gitlab)
    fake_of(gitlab).dated = False
    gitlab.people.approve(ADA, made.number)
    gitlab.push(SIDE, "3\n", who=MALLORY)
    gitlab.forge.get(made.number)
    gitlab.people.say(ADA, made.number, "approved this merge request")
    assert [(one.who, one.word, one.commit) for one in gitlab.forge.votes(made.number)] == [
        (ADA, Word.APPROVES, made.head)
    ]


def test_an_approval_that_no_note_tells_of_is_for_no_head(gitlab: World) -> None:
    made = opened(gitlab)
    fake_of(gitlab).dated = False
    gitlab.people.approve(ADA, made.number)
    fake_of(gitlab).fail(200, [], on="notes")
    assert [(one.who, one.word, one.commit) for one in gitlab.forge.votes(made.number)] == [(ADA, Word.APPROVES, None)]


def test_who_asked_for_changes_objects_to_every_later_head(gitlab: World) -> None:
    made = opened(gitlab)
    gitlab.people.object_to(GRACE, made.number)
    pushed = gitlab.push(SIDE, "3\n")
    assert [(one.who, one.word, one.commit) for one in gitlab.forge.votes(made.number)] == [(GRACE, Word.OBJECTS, pushed)]


def test_an_objection_beats_an_approval_that_still_stands(gitlab: World) -> None:
    made = opened(gitlab)
    user = {"id": 1, "username": ADA}
    at = "2026-03-01T12:30:00.000Z"
    fake_of(gitlab).fail(200, {"approved_by": [{"user": user, "approved_at": at}]}, on="approvals")
    fake_of(gitlab).fail(200, [{"user": user, "state": "requested_changes", "created_at": at}], on="reviewers")
    assert [(one.who, one.word) for one in gitlab.forge.votes(made.number)] == [(ADA, Word.OBJECTS)]


@pytest.mark.parametrize(("level", "writes"), [(0, False), (10, False), (15, False), (20, False), (30, True), (50, True)])
def test_who_may_push_is_a_developer_at_least(gitlab: World, level: int, writes: bool) -> None:
    """Who is assigned, and reporters of a group that a rule names, may approve all the same."""
    made = opened(gitlab)
    fake_of(gitlab).levels[ADA] = level
    gitlab.people.approve(ADA, made.number)
    assert [one.writes for one in gitlab.forge.votes(made.number)] == [writes]


def test_a_member_who_was_blocked_may_not_push(gitlab: World) -> None:
    made = opened(gitlab)
    gitlab.people.approve(ADA, made.number)
    fake_of(gitlab).fail(200, {"username": ADA, "access_level": 40, "state": "blocked"}, on="members/all")
    assert [one.writes for one in gitlab.forge.votes(made.number)] == [False]


def test_without_votes_nobody_s_role_is_asked_for(gitlab: World) -> None:
    made = opened(gitlab)
    fake_of(gitlab).calls.clear()
    gitlab.forge.votes(made.number)
    assert [path for _, path in fake_of(gitlab).calls if "members" in path] == []


# Requests


def test_a_request_under_way_to_be_merged_is_still_open(gitlab: World) -> None:
    made = opened(gitlab)
    raw = dict(fake_of(gitlab)._request(made), state="locked")
    fake_of(gitlab).fail(200, raw, on=f"merge_requests/{made.number}")
    assert gitlab.forge.get(made.number).state.value == "open"


@pytest.mark.parametrize("title", ["Draft: Grow", "draft: Grow", "[Draft] Grow", "(Draft) Grow"])
def test_every_mark_of_a_draft_is_taken_off(gitlab: World, title: str) -> None:
    made = opened(gitlab)
    raw = dict(fake_of(gitlab)._request(made), title=title, draft=True)
    fake_of(gitlab).fail(200, raw, on=f"merge_requests/{made.number}")
    shown = gitlab.forge.get(made.number)
    assert (shown.title, shown.draft) == ("Grow", True)


def test_a_request_that_somebody_opened_meanwhile_is_taken(gitlab: World) -> None:
    gitlab.push(SIDE, "2\n")
    number = gitlab.people.request(ADA, SIDE)
    fake_of(gitlab).fail(200, [], on="source_branch")
    assert gitlab.forge.open(TEXT, branch=SIDE, base=MAIN).number == number


def test_a_branch_of_a_fork_is_never_ours(gitlab: World) -> None:
    gitlab.push(SIDE, "2\n")
    theirs = fake_of(gitlab).model.request(MALLORY, TEXT, branch=SIDE, base=MAIN, fork=True)
    assert gitlab.forge.newest(SIDE, MAIN) is None
    ours = gitlab.forge.open(TEXT, branch=SIDE, base=MAIN)
    assert [(one.number, one.fork) for one in gitlab.forge.open_requests(MAIN)] == [(theirs.number, True), (ours.number, False)]


def test_an_unknown_reviewer_is_told(gitlab: World) -> None:
    gitlab.push(SIDE, "2\n")
    with pytest.raises(Stalled, match="knows no user nobody"):
        gitlab.forge.open(RequestText(title="Grow", body="It", reviewers=("nobody",)), branch=SIDE, base=MAIN)


def test_who_was_let_off_is_not_asked_again(gitlab: World) -> None:
    text = RequestText(title="Grow", body="It", reviewers=(ADA, GRACE))
    made = opened(gitlab, text)
    fake_of(gitlab).model.kept(made.number).asked.remove(ADA)
    fake_of(gitlab).calls.clear()
    gitlab.forge.revise(made.number, text)
    assert gitlab.people.asked(made.number) == [GRACE]
    assert not [call for call in fake_of(gitlab).calls if call[0] != "GET"]


def test_a_revision_that_changes_nothing_is_one_call(gitlab: World) -> None:
    text = RequestText(title="Grow", body="It\r\n", labels=("poolplan",), reviewers=(ADA,), assignees=(GRACE,), draft=True)
    made = opened(gitlab, text)
    fake_of(gitlab).calls.clear()
    gitlab.forge.revise(made.number, text)
    assert len(fake_of(gitlab).calls) == 1


# Merging


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (401, {"message": "401 Unauthorized"}, Stalled, "needs a role that the protected branch allows to merge"),
        (405, {"message": "405 Method Not Allowed"}, Waiting, "cannot be merged now: 405 Method Not Allowed"),
        (406, {"message": "Branch cannot be merged"}, Waiting, "cannot be merged now: Branch cannot be merged"),
        (409, {"message": "SHA does not match HEAD of source branch"}, Waiting, "SHA does not match"),
        (422, {"message": "Branch cannot be merged"}, Waiting, "Branch cannot be merged"),
    ],
)
def test_a_refused_merge_is_told(gitlab: World, status: int, body: object, kind: type[Exception], told: str) -> None:
    made = opened(gitlab)
    before = gitlab.main
    fake_of(gitlab).fail(status, body, on="PUT")
    with pytest.raises(kind, match=told):
        gitlab.forge.merge(made.number, head=made.head, message="Grow")
    assert gitlab.main == before
    assert fake_of(gitlab).sent[-1].body["sha"] == made.head


def test_a_merge_that_waits_for_a_pipeline_is_waited_for(gitlab: World) -> None:
    made = opened(gitlab)
    fake_of(gitlab).fail(200, fake_of(gitlab)._request(made), on="PUT")
    with pytest.raises(Waiting, match="cannot be merged now"):
        gitlab.forge.merge(made.number, head=made.head, message="Grow")


def test_a_squashed_head_is_not_on_the_base(gitlab: World) -> None:
    made = opened(gitlab)
    gitlab.people.merge(ADA, made.number, Method.SQUASH)
    assert gitlab.forge.bringing(made.head, MAIN) is None
    assert gitlab.forge.bringing(gitlab.main, MAIN) is not None
    assert gitlab.forge.bringing(CommitId("0" * 40), MAIN) is None




# Protection


def protected(name: str, *, force: bool = False) -> dict[str, object]:
    return {"id": 1, "name": name, "allow_force_push": force, "push_access_levels": [], "merge_access_levels": []}


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        ([], Protection(protected=False)),
        ([protected("release/*"), protected("mai")], Protection(protected=False)),
        ([protected("m*n")], Protection(protected=True)),
        ([protected("*")], Protection(protected=True)),
        ([protected("main"), protected("m*", force=True)], Protection(protected=True, forced=True)),
        ([protected("m.in", force=True), protected("main")], Protection(protected=True)),
    ],
)
def test_wildcards_protect_too_and_what_one_lets_through_is_let_through(
    gitlab: World, branches: list[object], expected: Protection
) -> None:
    fake_of(gitlab).protected = branches
    assert gitlab.forge.protection(MAIN) == expected


def test_an_edition_without_approval_rules_asks_for_none(gitlab: World) -> None:
    gitlab.people.protect(MAIN, approvals=2)
    fake_of(gitlab).free = True
    assert gitlab.forge.protection(MAIN) == Protection(protected=True)


def test_a_rule_for_another_branch_asks_for_nothing_here(gitlab: World) -> None:
    gitlab.people.protect(MAIN)
    rules = [
        {"approvals_required": 5, "protected_branches": [{"name": "release/*"}]},
        {"approvals_required": 2, "protected_branches": [{"name": "ma*"}]},
        {"approvals_required": 1, "protected_branches": [{"name": "release"}], "applies_to_all_protected_branches": True},
    ]
    fake_of(gitlab).fail(200, rules, on="approval_rules")
    assert gitlab.forge.protection(MAIN).approvals == 2


def test_no_right_to_look_is_not_no_protection(gitlab: World) -> None:
    fake_of(gitlab).fail(403, {"message": "403 Forbidden"}, on="protected_branches")
    with pytest.raises(Stalled, match="role Maintainer"):
        gitlab.forge.protection(MAIN)


# Groups and statuses


def test_a_group_has_those_below_it_and_not_those_above(gitlab: World) -> None:
    fake = fake_of(gitlab)
    above = fake.group("infra", MALLORY)
    team = fake.group("platform", ADA, below=above)
    fake.group("night", GRACE, below=team)
    fake.groups[team].append({"username": "gone", "id": 99, "state": "blocked"})
    assert gitlab.forge.members(f"@{team}") == {ADA, GRACE}
    assert gitlab.forge.members(above) == {ADA, GRACE, MALLORY}


def test_a_step_to_the_same_state_is_not_made(gitlab: World) -> None:
    head = opened(gitlab).head
    fake = fake_of(gitlab)
    gitlab.forge.set_status(head, StatusState.PENDING, "Waits")
    gitlab.forge.set_status(head, StatusState.PENDING, "Waits for two")
    assert [status["description"] for _, status in fake.statuses] == ["Waits"]
    gitlab.forge.set_status(head, StatusState.SUCCESS, "May be merged")
    gitlab.forge.set_status(head, StatusState.SUCCESS, "May be merged by anybody")
    gitlab.forge.set_status(head, StatusState.FAILURE, "Over a guardrail")
    gitlab.forge.set_status(head, StatusState.PENDING, "Waits")
    assert [(status["status"], status["description"]) for _, status in fake.statuses] == [
        ("success", "May be merged"), ("success", "May be merged by anybody"), ("failed", "Over a guardrail"),
        ("pending", "Waits"),
    ]  # fmt: skip


def test_two_that_make_the_same_step_at_once_are_both_right(gitlab: World) -> None:
    head = opened(gitlab).head
    gitlab.forge.set_status(head, StatusState.PENDING, "Waits")
    fake_of(gitlab).fail(200, [], on="GET")
    gitlab.forge.set_status(head, StatusState.PENDING, "Waits")
    assert len(fake_of(gitlab).statuses) == 1


def test_another_bad_request_is_no_step(gitlab: World) -> None:
    head = opened(gitlab).head
    fake_of(gitlab).fail(400, {"message": {"target_url": ["is blocked"]}}, on="POST")
    with pytest.raises(Stalled, match="is blocked"):
        gitlab.forge.set_status(head, StatusState.PENDING, "Waits")


def test_a_status_needs_a_commit_that_was_pushed(gitlab: World) -> None:
    with pytest.raises(Stalled, match="has it been pushed"):
        gitlab.forge.set_status(CommitId("0" * 40), StatusState.PENDING, "Waits")
