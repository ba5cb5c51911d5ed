"""What GitHub does that other forges do not: ways of merging, rulesets, drafts by GraphQL, Apps and their tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gitops.errors import Stalled, Waiting
from gitops.forges.base import Protection, RequestText, StatusState
from gitops.forges.github import GitHubForge
from gitops.forges.github_api import GitHubApi, api_url
from gitops.forges.github_auth import AppKey, AppTokens
from gitops.forges.merging import Method
from gitops.forges.rest import Server
from gitops.git.base import BranchName, CommitId
from tests.contracts.forges import ADA, BOT, GRACE, MALLORY, Ticking
from tests.gitops.forges.githubserver import REPOSITORY, FakeApp, GitHubServer
from tests.gitops.forges.serving import serving
from tests.gitops.forges.worlds import Constant, GitHubPeople
from tests.gitops.git.tools import MAIN

if TYPE_CHECKING:
    from contextlib import ExitStack

    from gitops.forges.base import PullRequest
    from tests.contracts.forges import World

SIDE = BranchName("poolplan/prod/up")
TEXT = RequestText(title="Grow", body="It")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()  # fmt: skip


def fake_of(world: World) -> GitHubServer:
    assert isinstance(world.people, GitHubPeople)
    return world.people.fake


def opened(world: World, text: RequestText = TEXT) -> PullRequest:
    world.push(SIDE, "2\n")
    return world.forge.open(text, branch=SIDE, base=MAIN)


@pytest.mark.parametrize(
    ("written", "api"),
    [
        ("", "https://api.github.com"),
        ("https://github.com", "https://api.github.com"),
        ("https://github.com/", "https://api.github.com"),
        ("https://ghe.example.test", "https://ghe.example.test/api/v3"),
        ("https://ghe.example.test/api/v3/", "https://ghe.example.test/api/v3"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com"),
    ],
)
def test_an_address_leads_to_its_api(written: str, api: str) -> None:
    assert api_url(written) == api


@pytest.mark.parametrize("allowed", Method)
def test_a_repository_may_forbid_ways_of_merging(github: World, allowed: Method) -> None:
    fake_of(github).methods = {allowed}
    made = opened(github)
    merged = github.forge.merge(made.number, head=made.head, message="Grow\n\nPoolplan-Digest: sha256:aa")
    assert merged == github.main
    assert len(github.repository.show(merged).parents) == (2 if allowed is Method.MERGE else 1)
    if allowed is not Method.REBASE:
        assert github.repository.show(merged).trailers("Poolplan-Digest") == ("sha256:aa",)


def test_no_way_of_merging_at_all_is_told(github: World) -> None:
    fake_of(github).methods = set()
    made = opened(github)
    with pytest.raises(Waiting, match=r"Merge commits are not allowed .*; Squash .*; Rebase"):
        github.forge.merge(made.number, head=made.head, message="Grow")


def test_a_missing_review_is_a_reason_to_wait_and_no_other_way_is_tried(github: World) -> None:
    made = opened(github)
    words = "At least 1 approving review is required by reviewers with write access."
    fake_of(github).fail(405, {"message": words}, on="PUT")
    with pytest.raises(Waiting, match=words):
        github.forge.merge(made.number, head=made.head, message="Grow")
    assert [call for call in fake_of(github).calls if call[0] == "PUT"] == [("PUT", f"/repos/acme/fleet/pulls/{made.number}/merge")]


def test_the_head_is_sent_along_so_that_a_push_meanwhile_is_not_merged(github: World) -> None:
    made = opened(github)
    words = "Head branch was modified. Review and try the merge again."
    fake_of(github).fail(409, {"message": words}, on="PUT")
    with pytest.raises(Waiting, match="modified"):
        github.forge.merge(made.number, head=made.head, message="Grow")
    assert fake_of(github).sent[-1].body["sha"] == made.head


def test_a_request_that_somebody_opened_meanwhile_is_taken(github: World) -> None:
    """Between our look and our POST; the second look finds it."""
    world = github
    world.push(SIDE, "2\n")
    number = world.people.request(ADA, SIDE)
    fake_of(world).fail(200, [], on="GET")
    assert world.forge.open(TEXT, branch=SIDE, base=MAIN).number == number


def test_a_plan_of_github_without_drafts_is_told(github: World) -> None:
    github.push(SIDE, "2\n")
    fake_of(github).fail(422, {"message": "Draft pull requests are not supported in this repository."}, on="POST")
    with pytest.raises(Stalled, match="let proposals be no drafts"):
        github.forge.open(RequestText(title="Grow", body="It", draft=True), branch=SIDE, base=MAIN)


def test_a_refused_draft_is_told(github: World) -> None:
    made = opened(github)
    fake_of(github).fail(200, {"data": None, "errors": [{"type": "FORBIDDEN", "message": "Not yours"}]}, on="graphql")
    with pytest.raises(Stalled, match="cannot be made a draft: Not yours"):
        github.forge.revise(made.number, RequestText(title="Grow", body="It", draft=True))


def test_a_branch_of_a_fork_is_never_ours(github: World) -> None:
    world = github
    world.push(SIDE, "2\n")
    theirs = fake_of(world).model.request("mallory", TEXT, branch=SIDE, base=MAIN, fork=True)
    assert world.forge.newest(SIDE, MAIN) is None
    ours = world.forge.open(TEXT, branch=SIDE, base=MAIN)
    assert ours.number != theirs.number
    assert [(one.number, one.fork) for one in world.forge.open_requests(MAIN)] == [(theirs.number, True), (ours.number, False)]


def test_who_was_let_off_is_not_asked_again(github: World) -> None:
    text = RequestText(title="Grow", body="It", reviewers=(ADA, GRACE, "acme/platform", BOT))
    made = opened(github, text)
    fake = fake_of(github)
    assert fake.teams_asked == {made.number: ["platform"]}
    fake.model.kept(made.number).asked.remove(ADA)
    fake.calls.clear()
    github.forge.revise(made.number, text)
    assert github.people.asked(made.number) == [GRACE]
    assert not [call for call in fake.calls if call[0] != "GET"]


def test_a_reviewer_who_is_no_collaborator_is_told(github: World) -> None:
    fake_of(github).collaborators = {ADA}
    with pytest.raises(Stalled, match="may only be requested from collaborators"):
        opened(github, RequestText(title="Grow", body="It", reviewers=("nobody",)))
    standing = github.forge.newest(SIDE, MAIN)
    assert standing is not None
    assert standing.title == "Grow"


def test_a_revision_that_changes_nothing_is_one_call(github: World) -> None:
    text = RequestText(title="Grow", body="It\r\n", labels=("poolplan",), reviewers=(ADA,), assignees=(GRACE,))
    made = opened(github, text)
    fake_of(github).calls.clear()
    github.forge.revise(made.number, text)
    assert len(fake_of(github).calls) == 1


# Votes that count for nothing


def test_a_review_of_a_deleted_account_never_counts(github: World) -> None:
    made = opened(github)
    review = {"id": 1, "user": None, "state": "APPROVED", "commit_id": made.head, "submitted_at": "2026-03-01T12:00:00Z"}
    fake_of(github).fail(200, [review], on="reviews")
    assert [(vote.who, vote.writes) for vote in github.forge.votes(made.number)] == [("ghost", False)]
    assert not [path for _, path in fake_of(github).calls if "collaborators" in path]


@pytest.mark.parametrize(
    ("answer", "writes"),
    [
        ({"permission": "admin", "role_name": "admin"}, True),
        ({"permission": "write", "role_name": "maintain"}, True),
        ({"permission": "write", "role_name": "our-own"}, True),
        ({"permission": "write"}, True),
        ({"permission": "read", "role_name": "triage"}, False),
        ({"permission": "none", "role_name": ""}, False),
        ({"permission": "something new"}, False),
    ],
)
def test_who_may_write_is_what_github_says(github: World, answer: dict[str, str], writes: bool) -> None:
    made = opened(github)
    github.people.approve(ADA, made.number)
    fake_of(github).fail(200, answer, on="permission")
    assert [vote.writes for vote in github.forge.votes(made.number)] == [writes]


def test_who_is_not_known_to_the_repository_may_not_write(github: World) -> None:
    made = opened(github)
    fake_of(github).nobody.add("dependabot[bot]")
    github.people.approve("dependabot[bot]", made.number)
    assert [vote.writes for vote in github.forge.votes(made.number)] == [False]


def test_votes_cannot_be_counted_without_the_right_to_see_who_may_write(github: World) -> None:
    made = opened(github)
    github.people.approve(ADA, made.number)
    fake_of(github).fail(403, {"message": "Must have push access to view collaborator permission."}, on="permission")
    with pytest.raises(Stalled, match="may write"):
        github.forge.votes(made.number)


def test_each_who_said_a_word_that_stands_is_one_call(github: World) -> None:
    made = opened(github)
    calls = fake_of(github).calls
    calls.clear()
    github.forge.votes(made.number)
    assert len(calls) == 1
    for who in (ADA, GRACE, ADA):
        github.people.approve(who, made.number)
    github.people.approve(MALLORY, made.number)
    github.people.dismiss(MALLORY, made.number)
    calls.clear()
    github.forge.votes(made.number)
    assert sorted(path.rpartition("collaborators/")[2] for _, path in calls[1:]) == [f"{ADA}/permission", f"{GRACE}/permission"]


def test_a_request_that_was_left_half_made_has_no_label(github: World) -> None:
    """So that what it lacks is seen: labels are given last."""
    text = RequestText(title="Grow", body="It", labels=("poolplan",), reviewers=(ADA,), assignees=(GRACE,))
    for call in ("requested_reviewers", "assignees", "labels"):
        fake_of(github).fail(502, {"message": "Bad Gateway"}, on=f"/{call}")
        with pytest.raises(Waiting):
            opened(github, text)
        standing = github.forge.newest(SIDE, MAIN)
        assert standing is not None
        assert standing.labels == ()
        assert github.forge.revise(standing.number, text).labels == ("poolplan",)
        assert (github.people.asked(standing.number), github.people.assigned(standing.number)) == ([ADA], [GRACE])
        github.forge.close(standing.number, "Again")


def test_comments_and_reviews_that_are_not_handed_in_are_no_votes(github: World) -> None:
    made = opened(github)
    ada = {"login": ADA}
    at = "2026-03-01T12:00:00Z"
    reviews = [
        {"user": ada, "state": "CHANGES_REQUESTED", "commit_id": made.head, "submitted_at": at},
        {"user": ada, "state": "COMMENTED", "commit_id": made.head, "submitted_at": "2026-03-01T13:00:00Z"},
        {"user": {"login": GRACE}, "state": "PENDING", "commit_id": made.head},
        {"user": {"login": GRACE}, "state": "SOMETHING_NEW", "commit_id": made.head, "submitted_at": at},
    ]
    fake_of(github).fail(200, reviews, on="reviews")
    assert [(vote.who, vote.word.value) for vote in github.forge.votes(made.number)] == [(ADA, "objects")]


# Which request brought a commit


def test_a_squashed_head_is_not_on_the_base(github: World) -> None:
    """GitHub names the request for it all the same."""
    made = opened(github)
    github.people.merge(ADA, made.number, Method.SQUASH)
    assert github.forge.bringing(made.head, MAIN) is None
    assert github.forge.bringing(github.main, MAIN) is not None


def test_a_commit_that_github_does_not_have_was_brought_by_nobody(github: World) -> None:
    assert github.forge.bringing(CommitId("0" * 40), MAIN) is None


# Protection


def rule(kind: str, ruleset: int = 7, **parameters: object) -> dict[str, object]:
    return {"type": kind, "ruleset_id": ruleset, "ruleset_source_type": "Repository", "parameters": parameters}


REVIEW = rule("pull_request", required_approving_review_count=2)


@pytest.mark.parametrize(
    ("rules", "bypass", "expected"),
    [
        ([rule("required_linear_history")], [], Protection(protected=False)),
        ([REVIEW], [], Protection(protected=True, forced=True, approvals=2)),
        ([REVIEW, rule("non_fast_forward")], [], Protection(protected=True, approvals=2)),
        ([REVIEW, rule("non_fast_forward")], None, Protection(protected=True, approvals=2)),
        ([REVIEW, rule("non_fast_forward")], [{"actor_type": "Team"}], Protection(protected=True, forced=True, approvals=2)),
    ],
)  # fmt: skip
def test_rulesets_protect_too(github: World, rules: list[object], bypass: list[object] | None, expected: Protection) -> None:
    fake = fake_of(github)
    fake.rules["main"] = rules
    fake.rulesets[7] = {"id": 7, "enforcement": "active", **({} if bypass is None else {"bypass_actors": bypass})}
    assert github.forge.protection(MAIN) == expected


def test_the_stricter_of_rule_and_ruleset_counts(github: World) -> None:
    github.people.protect(MAIN, approvals=1, forced=True)
    fake_of(github).rules["main"] = [REVIEW, rule("non_fast_forward", ruleset=9)]
    assert github.forge.protection(MAIN) == Protection(protected=True, approvals=2)


@pytest.mark.parametrize(("status", "words"), [(403, "Resource not accessible by integration"), (404, "Not Found")])
def test_no_right_to_look_is_not_no_protection(github: World, status: int, words: str) -> None:
    """A fine-grained token gets a 403, a classic one a 404."""
    github.people.protect(MAIN)
    fake_of(github).fail(status, {"message": words}, on="main/protection")
    with pytest.raises(Stalled, match="Administration: read"):
        github.forge.protection(MAIN)


def test_a_repository_that_cannot_be_seen_is_not_an_unprotected_branch(github: World) -> None:
    fake_of(github).fail(404, {"message": "Not Found"}, on="branches/main")
    with pytest.raises(Stalled, match=r"check spec\.forge\.repository"):
        github.forge.protection(MAIN)


# Statuses and teams


def test_a_status_is_not_made_twice(github: World) -> None:
    made = opened(github)
    for _ in range(3):
        github.forge.set_status(made.head, StatusState.PENDING, "Waits")
    assert len(fake_of(github).statuses) == 1
    github.forge.set_status(made.head, StatusState.PENDING, "Waits for two")
    assert len(fake_of(github).statuses) == 2


def test_a_status_needs_a_commit_that_was_pushed(github: World) -> None:
    with pytest.raises(Stalled, match="has it been pushed"):
        github.forge.set_status(CommitId("0" * 40), StatusState.PENDING, "Waits")


def test_a_long_description_is_cut(github: World) -> None:
    made = opened(github)
    github.forge.set_status(made.head, StatusState.ERROR, "d" * 500)
    assert github.people.statuses(made.head)["poolplan/plan"][1] == "d" * 140


def test_a_team_is_of_the_repository_s_organization_unless_it_says_otherwise(github: World) -> None:
    github.people.team("platform", ADA)
    for name in ("platform", "acme/platform", "@acme/platform"):
        assert github.forge.members(name) == {ADA}
    with pytest.raises(Stalled, match="/orgs/other/teams/platform/members"):
        github.forge.members("other/platform")


# A GitHub App


def signed_in(
    world: World, stack: ExitStack, *, pem: str = PEM, app: str = "12345", installation: int = 77
) -> tuple[GitHubForge, AppTokens, Ticking]:  # fmt: skip
    fake = fake_of(world)
    fake.app_made = FakeApp("12345", 77, PUBLIC)
    clock = fake.model.clock
    assert isinstance(clock, Ticking)
    server = Server(url=f"{stack.enter_context(serving(fake.app()))}/api/v3", name=f"github.test/{REPOSITORY}")
    tokens = AppTokens(server, AppKey(app, Constant(pem), clock), installation, clock)
    return GitHubForge(GitHubApi(server, tokens, clock), REPOSITORY, login=tokens.login), tokens, clock


def test_an_app_signs_in_and_acts_as_its_bot(github: World, stack: ExitStack) -> None:
    forge, _, _ = signed_in(github, stack)
    github.push(SIDE, "2\n")
    made = forge.open(TEXT, branch=SIDE, base=MAIN)
    assert forge.me() == made.author == "poolplan[bot]"
    first = forge.comment(made.number, "poolplan:verdict", "Not yet")
    assert forge.comment(made.number, "poolplan:verdict", "Yes").id == first.id


def test_a_token_is_used_until_shortly_before_its_end(github: World, stack: ExitStack) -> None:
    forge, _, clock = signed_in(github, stack)
    given = fake_of(github).app_made
    assert given is not None
    for _ in range(3):
        forge.open_requests(MAIN)
    assert len(given.tokens) == 1
    clock.sleep(timedelta(minutes=50))
    forge.open_requests(MAIN)
    assert len(given.tokens) == 1
    clock.sleep(timedelta(minutes=6))
    forge.open_requests(MAIN)
    assert len(given.tokens) == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"pem": "no key at all"}, r"privateKey must lead to the PEM file"),
        ({"app": "999"}, r"refuses the token"),
        ({"installation": 1}, r"needs|has to be that of an App that is installed"),
    ],
)
def test_an_app_that_cannot_sign_in_is_told(github: World, stack: ExitStack, wrong: dict[str, str | int], told: str) -> None:
    forge, _, _ = signed_in(github, stack, **wrong)  # type: ignore[arg-type] # a table of them
    with pytest.raises(Stalled, match=told) as caught:
        forge.open_requests(MAIN)
    assert "PRIVATE KEY" not in str(caught.value)


def test_what_an_app_holds_is_hidden(github: World, stack: ExitStack) -> None:
    forge, tokens, _ = signed_in(github, stack)
    forge.open_requests(MAIN)
    current = tokens.current()
    line = PEM.splitlines()[3]
    assert repr(tokens) == "AppTokens('12345', 77)"
    fake_of(github).fail(403, {"message": f"{current} and {line} may not"})
    with pytest.raises(Stalled, match=r"\[hidden\] and \[hidden\] may not"):
        forge.open_requests(MAIN)
