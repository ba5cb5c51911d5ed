"""What every forge keeps, whether in memory, faked at the level of its API, or a real server."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.errors import Stalled, Waiting
from gitops.forges.base import STATUS_CONTEXT, Protection, RequestState, RequestText, StatusState, Word
from gitops.forges.markers import marked
from gitops.forges.merging import Method
from gitops.git.base import BranchName
from tests.commands.waiting import until
from tests.contracts.forges import ADA, BOT, GRACE, MAKERS, MALLORY, Maker, World
from tests.gitops.git.tools import MAIN, ROOT, isolate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.forges.base import PullRequest
    from gitops.git.base import CommitId

SIDE, OTHER = BranchName("poolplan/prod/up"), BranchName("people/other")
TEXT = RequestText(title="Grow prod by 2 nodes", body="**+2** nodes\n\n| pool | nodes |\n|---|---|\n| a | 1 → 3 |")
MESSAGE = "Grow prod by 2 nodes\n\nWhy: 7 pods wait\n\nPoolplan-Digest: sha256:aa"


@pytest.fixture(params=MAKERS, ids=str)
def maker(request: pytest.FixtureRequest) -> Maker:
    made: Maker = request.param
    return made


@pytest.fixture
def world(maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    isolate(tmp_path / "home", monkeypatch)
    with ExitStack() as stack:
        yield maker.make(tmp_path, stack)


def opened(world: World, text: RequestText = TEXT) -> PullRequest:
    """A request of ours from a branch with one commit."""
    world.push(SIDE, "2\n")
    return world.forge.open(text, branch=SIDE, base=MAIN)


def merge(world: World, made: PullRequest) -> CommitId:
    """Merge by poolplan, as soon as the forge has found out that it can be."""
    found: list[CommitId] = []

    def done() -> bool:
        try:
            found.append(world.forge.merge(made.number, head=made.head, message=MESSAGE))
        except Waiting:
            return False
        return True

    until(f"request {made.number} is merged", done)
    return found[0]


# Who it is


def test_a_forge_says_who_it_is_and_who_we_are(world: World) -> None:
    assert world.forge.name
    assert "://" not in world.forge.name
    assert world.forge.me() == BOT
    assert world.forge.reviews
    assert world.forge.body_limit >= 32_768


# Opening and reading


def test_what_is_opened_is_read_back(world: World) -> None:
    head = world.push(SIDE, "2\n")
    made = world.forge.open(TEXT, branch=SIDE, base=MAIN)
    assert (made.state, made.branch, made.base, made.head) == (RequestState.OPEN, SIDE, MAIN, head)
    assert (made.title, made.body, made.author) == (TEXT.title, TEXT.body, BOT)
    assert (made.draft, made.fork, made.labels) == (False, False, ())
    assert (made.merged_as, made.ended_by, made.ended_at) == (None, "", None)
    assert made.created_at.utcoffset() == timedelta(0)
    assert made.url.startswith("http")
    assert world.forge.get(made.number) == made


def test_opening_again_leaves_the_open_request_as_it_is(world: World) -> None:
    made = opened(world)
    again = world.forge.open(RequestText(title="Another", body="text", draft=True), branch=SIDE, base=MAIN)
    assert again == made
    assert [one.number for one in world.forge.open_requests(MAIN)] == [made.number]


def test_a_request_is_opened_with_labels_reviewers_and_assignees(world: World) -> None:
    text = RequestText(
        title="Grow", body="It", labels=("poolplan", "scale: up"), reviewers=(ADA, GRACE), assignees=(GRACE,)
    )
    made = opened(world, text)
    assert world.forge.get(made.number).labels == ("poolplan", "scale: up")
    assert world.people.asked(made.number) == [ADA, GRACE]
    assert world.people.assigned(made.number) == [GRACE]


def test_a_draft_is_one_and_its_title_is_ours(world: World) -> None:
    made = opened(world, RequestText(title="Grow", body="It", draft=True))
    assert made.draft
    assert made.title == "Grow"
    assert world.forge.get(made.number) == made


def test_a_person_s_draft_is_seen(world: World) -> None:
    world.push(OTHER, who=ADA)
    number = world.people.request(ADA, OTHER, draft=True)
    assert world.forge.get(number).draft


def test_text_comes_back_as_it_went(world: World) -> None:
    """Nothing of it is a command to the forge: it is the renderer that escapes for Markdown."""
    body = "a & b < c > d \"e\" 'f' `g` ü € \\ % %2F ${h}\n\n```\n  code\n```\n\n<!-- hidden -->\n- x"
    made = opened(world, RequestText(title='Grow "a" & <b> 100% ü', body=body))
    assert (made.title, made.body) == ('Grow "a" & <b> 100% ü', body)
    assert world.forge.get(made.number).body == body


def test_a_body_as_long_as_the_limit_is_taken(world: World) -> None:
    body = "é" * (world.forge.body_limit - 1) + "!"
    made = opened(world, RequestText(title="Grow", body=body))
    assert world.forge.get(made.number).body == body


def test_the_head_follows_the_branch(world: World) -> None:
    made = opened(world)
    pushed = world.push(SIDE, "3\n")
    assert pushed != made.head
    assert world.forge.get(made.number).head == pushed
    assert [one.head for one in world.forge.open_requests(MAIN)] == [pushed]


def test_all_open_requests_are_listed_by_number_people_s_too(world: World, maker: Maker) -> None:
    ours = opened(world)
    numbers = [ours.number]
    for index in range(maker.page + 1):
        world.push(f"people/{index}", who=ADA)
        numbers.append(world.people.request(ADA, BranchName(f"people/{index}")))
    world.people.close(ADA, numbers.pop())
    listed = world.forge.open_requests(MAIN)
    assert [one.number for one in listed] == numbers
    assert {one.author for one in listed} == {ADA, BOT}
    assert listed[0] == ours


def test_requests_onto_another_branch_are_another_list(world: World) -> None:
    release = BranchName("release")
    world.push(release, "1.5\n")
    world.push(SIDE, "2\n")
    onto_release = world.forge.open(TEXT, branch=SIDE, base=release)
    onto_main = world.forge.open(TEXT, branch=SIDE, base=MAIN)
    assert onto_main.number != onto_release.number
    assert [one.number for one in world.forge.open_requests(MAIN)] == [onto_main.number]
    assert [one.number for one in world.forge.open_requests(release)] == [onto_release.number]
    assert world.forge.newest(SIDE, release) == onto_release
    assert world.forge.newest(SIDE, MAIN) == onto_main


def test_there_is_nothing_to_list_at_first(world: World) -> None:
    assert world.forge.open_requests(MAIN) == ()
    assert world.forge.newest(SIDE, MAIN) is None


def test_a_request_that_does_not_exist_stalls(world: World) -> None:
    head = world.main
    for ask in (
        lambda: world.forge.get(4711), lambda: world.forge.revise(4711, TEXT), lambda: world.forge.votes(4711),
        lambda: world.forge.comment(4711, "m", "x"), lambda: world.forge.close(4711, "x"),
        lambda: world.forge.merge(4711, head=head, message="x"),
    ):  # fmt: skip
        with pytest.raises(Stalled):
            ask()


def test_a_branch_that_does_not_exist_cannot_be_proposed(world: World) -> None:
    with pytest.raises(Stalled):
        world.forge.open(TEXT, branch=BranchName("never/pushed"), base=MAIN)


# The newest


def test_the_newest_request_of_a_branch_is_the_one_made_last(world: World) -> None:
    first = opened(world)
    world.forge.close(first.number, "Demand is gone")
    assert world.forge.newest(SIDE, MAIN) == world.forge.get(first.number)
    second = world.forge.open(TEXT, branch=SIDE, base=MAIN)
    assert second.number != first.number
    assert world.forge.newest(SIDE, MAIN) == second
    world.people.close(ADA, second.number)
    newest = world.forge.newest(SIDE, MAIN)
    assert newest is not None
    assert (newest.number, newest.state, newest.ended_by) == (second.number, RequestState.CLOSED, ADA)


def test_another_s_newer_request_does_not_hide_ours(world: World, maker: Maker) -> None:
    made = opened(world)
    world.forge.close(made.number, "Demand is gone")
    for index in range(maker.page + 1):
        world.push(f"people/{index}", who=ADA)
        world.people.request(ADA, BranchName(f"people/{index}"))
    newest = world.forge.newest(SIDE, MAIN)
    assert newest is not None
    assert newest.number == made.number


def test_a_branch_that_was_deleted_leaves_its_request_behind(world: World) -> None:
    made = opened(world)
    world.forge.close(made.number, "Demand is gone")
    world.repository.delete_branch(SIDE, expect=made.head)
    left = world.forge.newest(SIDE, MAIN)
    assert left is not None
    assert (left.number, left.branch, left.head) == (made.number, SIDE, made.head)
    assert left.state is RequestState.CLOSED


# Revising


def test_a_revised_request_says_something_else(world: World) -> None:
    made = opened(world)
    revised = world.forge.revise(made.number, RequestText(title="Grow by 3", body="**+3**"))
    assert (revised.number, revised.title, revised.body) == (made.number, "Grow by 3", "**+3**")
    assert world.forge.get(made.number) == revised
    assert world.forge.revise(made.number, RequestText(title="Grow by 3", body="**+3**")) == revised


def test_a_request_becomes_a_draft_and_none(world: World) -> None:
    made = opened(world)
    assert world.forge.revise(made.number, RequestText(title="Grow", body="It", draft=True)).draft
    assert world.forge.get(made.number).draft
    ready = world.forge.revise(made.number, RequestText(title="Grow", body="It"))
    assert (ready.draft, ready.title) == (False, "Grow")
    assert not world.forge.get(made.number).draft


def test_labels_that_people_gave_stay(world: World) -> None:
    made = opened(world, RequestText(title="Grow", body="It", labels=("poolplan",)))
    world.people.label(ADA, made.number, "urgent")
    revised = world.forge.revise(made.number, RequestText(title="Grow", body="It", labels=("poolplan", "scale: up")))
    assert revised.labels == ("poolplan", "scale: up", "urgent")
    assert world.forge.revise(made.number, TEXT).labels == ("poolplan", "scale: up", "urgent")


def test_what_opening_did_not_come_to_is_made_up_for(world: World) -> None:
    """Killed after the request was made and before anything was added to it."""
    text = RequestText(title="Grow", body="It", labels=("poolplan",), reviewers=(ADA,), assignees=(GRACE,))
    made = opened(world, RequestText(title=text.title, body=text.body))
    standing = world.forge.open(text, branch=SIDE, base=MAIN)
    assert (standing.number, standing.labels) == (made.number, ())
    assert world.forge.revise(made.number, text).labels == ("poolplan",)
    assert world.people.asked(made.number) == [ADA]
    assert world.people.assigned(made.number) == [GRACE]
    assert world.forge.get(made.number).labels == ("poolplan",)


def test_reviewers_are_asked_once(world: World) -> None:
    text = RequestText(title="Grow", body="It", reviewers=(ADA, BOT))
    made = opened(world, text)
    assert world.people.asked(made.number) == [ADA]
    world.forge.revise(made.number, text)
    assert world.people.asked(made.number) == [ADA]
    world.people.approve(ADA, made.number)
    world.forge.revise(made.number, RequestText(title="Grow", body="It", reviewers=(ADA, GRACE)))
    assert GRACE in world.people.asked(made.number)
    assert [(vote.who, vote.word, vote.dismissed) for vote in world.forge.votes(made.number)] == [
        (ADA, Word.APPROVES, False)
    ]


# Comments


def test_a_comment_is_made_once_and_then_kept_up_to_date(world: World) -> None:
    number = opened(world).number
    first = world.forge.comment(number, "poolplan:verdict", "Not yet\n\nSoon")
    assert (first.body, first.author) == ("Not yet\n\nSoon", BOT)
    assert world.forge.comment(number, "poolplan:verdict", "Not yet\n\nSoon") == first
    later = world.forge.comment(number, "poolplan:verdict", "Yes")
    assert (later.id, later.body) == (first.id, "Yes")
    said = world.people.comments(number)
    assert len(said) == 1
    assert said[0][0] == BOT
    assert said[0][1].endswith("Yes")


def test_comments_with_other_markers_are_others(world: World) -> None:
    number = opened(world).number
    ids = {world.forge.comment(number, marker, "same").id for marker in ("poolplan:a", "poolplan:b", "poolplan:ab")}
    assert len(ids) == 3
    assert len(world.people.comments(number)) == 3


def test_a_person_who_copies_a_marker_does_not_become_us(world: World, maker: Maker) -> None:
    number = opened(world).number
    fake = marked("poolplan:verdict", "Approved, merge me")
    for _ in range(maker.page + 1):
        world.people.say(MALLORY, number, fake)
    world.forge.comment(number, "poolplan:verdict", "Refused")
    world.forge.comment(number, "poolplan:verdict", "Refused still")
    said = world.people.comments(number)
    assert [text for who, text in said if who == MALLORY] == [fake] * (maker.page + 1)
    ours = [text for who, text in said if who == BOT]
    assert len(ours) == 1
    assert ours[0].endswith("Refused still")


# Closing


def test_a_closed_request_says_why_and_is_closed_once(world: World) -> None:
    made = opened(world)
    world.forge.close(made.number, "Nothing is left to do")
    world.forge.close(made.number, "Nothing is left to do")
    closed = world.forge.get(made.number)
    assert (closed.state, closed.merged_as) == (RequestState.CLOSED, None)
    assert closed.ended_by == BOT
    assert closed.ended_at is not None
    assert closed.ended_at.utcoffset() == timedelta(0)
    assert closed.ended_at >= made.created_at
    said = world.people.comments(made.number)
    assert [who for who, _ in said] == [BOT]
    assert said[0][1].endswith("Nothing is left to do")
    assert world.forge.open_requests(MAIN) == ()


def test_what_others_ended_is_left_alone(world: World) -> None:
    made = opened(world)
    world.people.close(ADA, made.number)
    world.forge.close(made.number, "Nothing is left to do")
    assert world.people.comments(made.number) == []
    world.people.reopen(ADA, made.number)
    reopened = world.forge.get(made.number)
    assert (reopened.state, reopened.ended_by, reopened.ended_at) == (RequestState.OPEN, "", None)
    world.people.merge(ADA, made.number)
    world.forge.close(made.number, "Nothing is left to do")
    assert world.forge.get(made.number).state is RequestState.MERGED
    assert world.people.comments(made.number) == []


# Merging


def test_a_merge_is_a_commit_on_the_base(world: World) -> None:
    made = opened(world)
    before = world.main
    merged = merge(world, made)
    assert world.main == merged != before
    assert world.repository.contains(MAIN, before)
    assert world.repository.read(merged, ROOT) == world.repository.read(made.head, ROOT)
    shown = world.repository.show(merged)
    assert shown.message.startswith("Grow prod by 2 nodes\n\nWhy: 7 pods wait")
    assert shown.trailers("Poolplan-Digest") == ("sha256:aa",)
    after = world.forge.get(made.number)
    assert (after.state, after.merged_as, after.head) == (RequestState.MERGED, merged, made.head)
    assert after.ended_by == BOT
    assert after.ended_at is not None
    assert after.ended_at.tzinfo == UTC


def test_merging_again_changes_nothing(world: World) -> None:
    made = opened(world)
    merged = merge(world, made)
    assert world.forge.merge(made.number, head=made.head, message=MESSAGE) == merged
    assert world.main == merged


def test_a_request_that_a_person_merged_is_merged(world: World) -> None:
    made = opened(world)
    world.people.merge(ADA, made.number, Method.SQUASH)
    merged = world.main
    assert world.forge.merge(made.number, head=made.head, message=MESSAGE) == merged == world.main
    assert world.forge.get(made.number).ended_by == ADA


def test_a_head_that_moved_is_not_merged(world: World) -> None:
    made = opened(world)
    before = world.main
    world.push(SIDE, "99\n", who=MALLORY)
    with pytest.raises(Waiting):
        world.forge.merge(made.number, head=made.head, message=MESSAGE)
    assert world.main == before
    assert world.forge.get(made.number).state is RequestState.OPEN


def test_a_draft_is_not_merged(world: World) -> None:
    made = opened(world, RequestText(title="Grow", body="It", draft=True))
    before = world.main
    with pytest.raises(Waiting):
        world.forge.merge(made.number, head=made.head, message=MESSAGE)
    assert world.main == before


def test_a_conflict_is_not_merged(world: World) -> None:
    made = opened(world)
    moved = world.push(MAIN, "5\n", who=ADA)
    with pytest.raises(Waiting):
        world.forge.merge(made.number, head=made.head, message=MESSAGE)
    assert world.main == moved


def test_a_closed_request_is_not_merged(world: World) -> None:
    made = opened(world)
    world.people.close(ADA, made.number)
    before = world.main
    with pytest.raises(Stalled):
        world.forge.merge(made.number, head=made.head, message=MESSAGE)
    assert world.main == before


# Votes


def test_a_vote_is_for_the_head_that_was_looked_at(world: World) -> None:
    made = opened(world)
    assert world.forge.votes(made.number) == ()
    world.people.approve(ADA, made.number)
    vote = world.forge.votes(made.number)[0]
    assert (vote.who, vote.word, vote.commit, vote.dismissed) == (ADA, Word.APPROVES, made.head, False)
    assert vote.at.utcoffset() == timedelta(0)
    assert vote.at >= made.created_at
    pushed = world.push(SIDE, "99\n", who=MALLORY)
    stale = world.forge.votes(made.number)[0]
    assert (stale.who, stale.commit) == (ADA, made.head)
    world.people.approve(ADA, made.number)
    assert [(one.who, one.commit) for one in world.forge.votes(made.number)] == [(ADA, pushed)]


def test_the_latest_word_of_each_person_counts(world: World) -> None:
    number = opened(world).number
    world.people.object_to(GRACE, number)
    world.people.approve(ADA, number)
    world.people.approve(MALLORY, number)
    assert [(one.who, one.word) for one in world.forge.votes(number)] == [
        (ADA, Word.APPROVES), (GRACE, Word.OBJECTS), (MALLORY, Word.APPROVES),
    ]  # fmt: skip
    world.people.approve(GRACE, number)
    world.people.object_to(ADA, number)
    assert [(one.who, one.word) for one in world.forge.votes(number)] == [
        (ADA, Word.OBJECTS), (GRACE, Word.APPROVES), (MALLORY, Word.APPROVES),
    ]  # fmt: skip


def test_a_dismissed_vote_is_one_until_the_next(world: World) -> None:
    number = opened(world).number
    world.people.approve(ADA, number)
    world.people.dismiss(ADA, number)
    dismissed = world.forge.votes(number)
    assert [one.who for one in dismissed if not one.dismissed] == []
    world.people.approve(ADA, number)
    assert [(one.who, one.word, one.dismissed) for one in world.forge.votes(number)] == [(ADA, Word.APPROVES, False)]


def test_a_vote_by_one_who_may_only_read_says_so(world: World) -> None:
    world.people.reader(MALLORY)
    made = opened(world)
    world.people.approve(ADA, made.number)
    world.people.object_to(GRACE, made.number)
    world.people.approve(MALLORY, made.number)
    votes = world.forge.votes(made.number)
    assert [(vote.who, vote.commit, vote.writes) for vote in votes] == [
        (ADA, made.head, True), (GRACE, made.head, True), (MALLORY, made.head, False),
    ]  # fmt: skip
    world.people.object_to(MALLORY, made.number)
    later = world.forge.votes(made.number)[-1]
    assert (later.who, later.word, later.writes, later.stands) == (MALLORY, Word.OBJECTS, False, False)


def test_talk_is_no_vote(world: World) -> None:
    number = opened(world).number
    world.people.say(ADA, number, "LGTM, approved! :+1:")
    assert world.forge.votes(number) == ()


def test_votes_outlive_the_merge(world: World) -> None:
    made = opened(world)
    world.people.approve(ADA, made.number)
    merge(world, made)
    world.repository.refresh()
    world.repository.delete_branch(SIDE, expect=made.head)
    assert [(one.who, one.commit) for one in world.forge.votes(made.number)] == [(ADA, made.head)]


# Which request brought a commit


@pytest.mark.parametrize("method", Method)
def test_the_request_that_brought_a_commit_is_found(world: World, method: Method) -> None:
    made = opened(world)
    world.push(MAIN, "aside\n", path="docs/a", who=ADA)
    world.people.merge(ADA, made.number, method)
    brought = world.forge.bringing(world.main, MAIN)
    assert brought == world.forge.get(made.number)
    assert brought is not None
    assert (brought.state, brought.merged_as) == (RequestState.MERGED, world.main)
    pushed = world.push(MAIN, "more\n", path="docs/b", who=ADA)
    assert world.forge.bringing(pushed, MAIN) is None
    assert world.forge.bringing(world.repository.show(pushed).parents[0], MAIN) == brought


def test_a_merge_brings_the_branch_s_own_commits_too(world: World) -> None:
    first = world.push(OTHER, "2\n", who=ADA)
    second = world.push(OTHER, "more\n", path="docs/a", onto=first, who=ADA)
    number = world.people.request(ADA, OTHER)
    world.people.merge(ADA, number)
    for commit in (first, second, world.main):
        brought = world.forge.bringing(commit, MAIN)
        assert brought is not None
        assert brought.number == number


def test_every_commit_of_a_rebase_is_brought_by_it(world: World) -> None:
    first = world.push(OTHER, "2\n", message="One", who=ADA)
    world.push(OTHER, "more\n", path="docs/a", onto=first, message="Two", who=ADA)
    number = world.people.request(ADA, OTHER)
    before = world.push(MAIN, "aside\n", path="docs/b", message="Aside", who=ADA)
    world.people.merge(ADA, number, Method.REBASE)
    last = world.repository.show(world.main)
    found = [world.forge.bringing(commit, MAIN) for commit in (last.id, last.parents[0], before)]
    assert [one.number if one else None for one in found] == [number, number, None]
    assert found[0] is not None
    assert found[0].merged_as == last.id


def test_an_open_request_has_brought_nothing(world: World) -> None:
    made = opened(world)
    assert world.forge.bringing(made.head, MAIN) is None
    world.people.close(ADA, made.number)
    assert world.forge.bringing(made.head, MAIN) is None


def test_a_commit_that_was_brought_to_another_branch_was_not_brought_here(world: World) -> None:
    release = BranchName("release")
    world.push(release, "extra\n", path="docs/release")
    world.push(SIDE, "2\n")
    made = world.forge.open(TEXT, branch=SIDE, base=release)
    merged = merge(world, made)
    assert world.forge.bringing(merged, MAIN) is None
    found = world.forge.bringing(merged, release)
    assert found is not None
    assert found.number == made.number


# Protection, teams, statuses


def test_protection_is_what_the_server_has(world: World) -> None:
    assert world.forge.protection(MAIN) == Protection(protected=False)
    world.people.protect(MAIN)
    assert world.forge.protection(MAIN) == Protection(protected=True)
    assert world.forge.protection(OTHER) == Protection(protected=False)
    world.people.protect(MAIN, approvals=2)
    assert world.forge.protection(MAIN) == Protection(protected=True, approvals=2)
    world.people.protect(MAIN, forced=True)
    assert world.forge.protection(MAIN).forced
    world.people.unprotect(MAIN)
    assert world.forge.protection(MAIN) == Protection(protected=False)


def test_a_team_has_members(world: World, maker: Maker) -> None:
    team = world.people.team("platform", ADA, GRACE)
    assert world.forge.members(team) == {ADA, GRACE}
    if maker.nested:
        world.people.team("night", MALLORY, below=team)
        assert world.forge.members(team) == {ADA, GRACE, MALLORY}


def test_an_unknown_team_stalls(world: World) -> None:
    team = world.people.team("platform", ADA)
    with pytest.raises(Stalled, match="nobodies"):
        world.forge.members(team.replace("platform", "nobodies"))


def test_a_commit_has_the_status_it_was_given(world: World, maker: Maker) -> None:
    head, url = opened(world).head, "https://example.test/plan"
    for state in StatusState:
        for _ in range(2):
            world.forge.set_status(head, state, "d" * 140, url=url)
        shown = StatusState.FAILURE if maker.lumped and state is StatusState.ERROR else state
        assert world.people.statuses(head) == {STATUS_CONTEXT: (shown.value, "d" * 140, url)}


def test_the_last_status_counts(world: World) -> None:
    head = opened(world).head
    world.forge.set_status(head, StatusState.PENDING, "Waits for a review")
    world.forge.set_status(head, StatusState.SUCCESS, "May be merged")
    assert world.people.statuses(head)[STATUS_CONTEXT][:2] == ("success", "May be merged")
