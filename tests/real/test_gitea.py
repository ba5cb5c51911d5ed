"""A real Gitea keeps the contract of every forge, over Git remotes that are called with a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.clock import SystemClock
from gitops.errors import Stalled, Waiting
from gitops.forges.base import Protection, PullRequest, RequestText
from gitops.forges.gitea import GiteaForge
from gitops.forges.gitea_api import GiteaApi
from gitops.forges.rest import Server
from gitops.git.base import BranchName
from gitops.git.opening import open_repository
from tests.commands.waiting import until
from tests.contracts.forges import ADA, BOT, GRACE, MALLORY, Maker, World, begin
from tests.contracts.test_forge import *  # noqa: F403 - the same suite, over the fixtures below
from tests.contracts.test_forge import MESSAGE, SIDE, TEXT, merge, opened
from tests.gitops.git.tools import MAIN, isolate
from tests.real.conftest import PAGE
from tests.real.giteaserver import Gitea, GiteaPeople

if TYPE_CHECKING:
    from pathlib import Path

    from gitops.git.plain import PlainRepository


class Token:
    """A token that does not change."""

    def __init__(self, value: str) -> None:
        self.value = value

    def current(self) -> str:
        return self.value

    def secrets(self) -> tuple[str, ...]:
        return (self.value,)


def api_of(gitea: Gitea, repository: str, *, who: str = BOT) -> GiteaApi:
    name = f"{gitea.url.partition('://')[2]}/{repository}"
    return GiteaApi(Server(url=gitea.url, name=name), Token(gitea.tokens[who]), SystemClock())


def repository_of(gitea: Gitea, repository: str, folder: Path, *, who: str = BOT) -> PlainRepository:
    return open_repository(gitea.clone_url(repository), cache=folder / "mirror", token=lambda: gitea.tokens[who])


@pytest.fixture
def maker() -> Maker:
    return Maker(name="gitea", make=lambda *_: pytest.fail("made by the fixture world"), page=PAGE)


@pytest.fixture
def world(gitea: Gitea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    isolate(tmp_path / "home", monkeypatch)
    name = gitea.new_repository()
    repository = repository_of(gitea, name, tmp_path)
    repository.refresh()
    begin(repository)
    repository.refresh()
    # After the very first push it takes Gitea a moment to see that the repository is no longer empty.
    until("the repository is not empty", lambda: not gitea.call(BOT, "GET", f"/repos/{name}")["empty"])
    forge = GiteaForge(api_of(gitea, name), name)
    return World(forge=forge, repository=repository, people=GiteaPeople(gitea, name))


# What is Gitea's own


def forge_of(gitea: Gitea, world: World, who: str) -> GiteaForge:
    """The same repository, looked at by somebody else."""
    name = people_of(world).repository
    return GiteaForge(api_of(gitea, name, who=who), name)


def people_of(world: World) -> GiteaPeople:
    assert isinstance(world.people, GiteaPeople)
    return world.people


def test_an_idle_pass_is_one_call(gitea: Gitea, world: World) -> None:
    opened(world)
    name = people_of(world).repository
    api = api_of(gitea, name)
    forge = GiteaForge(api, name)
    forge.open_requests(MAIN)
    assert api.calls == 1


def test_a_body_may_be_much_longer_than_the_limit(gitea: Gitea, world: World) -> None:
    """The limit is poolplan's own: the server keeps a million characters whole."""
    body = "x" * 1_000_000
    world.push(SIDE, "2\n")
    words = {"title": "Long", "body": body, "head": SIDE, "base": MAIN}
    path = f"/repos/{people_of(world).repository}/pulls"
    number = gitea.call(BOT, "POST", path, words)["number"]
    assert world.forge.get(number).body == body


def test_a_token_that_is_wrong_is_refused_and_not_shown(gitea: Gitea, world: World, tmp_path: Path) -> None:
    name, wrong = people_of(world).repository, "0" * 40
    api = GiteaApi(Server(url=gitea.url, name="gitea"), Token(wrong), SystemClock())
    with pytest.raises(Stalled, match="refuses the token") as caught:
        GiteaForge(api, name).me()
    assert wrong not in str(caught.value)
    repository = open_repository(gitea.clone_url(name), cache=tmp_path / "other", token=lambda: wrong)
    with pytest.raises(Stalled, match="refuses these credentials") as refused:
        repository.refresh()
    assert wrong not in str(refused.value)


def test_a_person_s_token_reads_with_a_person_s_rights(gitea: Gitea, world: World, tmp_path: Path) -> None:
    repository = repository_of(gitea, people_of(world).repository, tmp_path / "ada", who=ADA)
    repository.refresh()
    assert repository.head(MAIN) == world.main


def test_a_private_repository_looks_missing_to_strangers(gitea: Gitea, world: World) -> None:
    name = people_of(world).repository
    gitea.call(BOT, "DELETE", f"/repos/{name}/collaborators/{MALLORY}")
    for ask in (lambda forge: forge.open_requests(MAIN), lambda forge: forge.newest(SIDE, MAIN),
                lambda forge: forge.protection(MAIN)):  # fmt: skip
        with pytest.raises(Stalled, match="what a token may not see looks missing"):
            ask(forge_of(gitea, world, MALLORY))


def test_who_may_not_see_a_protection_is_told_no_protection(gitea: Gitea, world: World) -> None:
    forge = forge_of(gitea, world, ADA)
    assert forge.protection(MAIN) == Protection(protected=False)
    world.people.protect(MAIN, approvals=1)
    with pytest.raises(Stalled, match="administrator of the repository"):
        forge.protection(MAIN)


def test_who_may_not_see_a_team_is_told_so(gitea: Gitea, world: World) -> None:
    team = world.people.team("platform", GRACE)
    with pytest.raises(Stalled, match=r"read:organization"):
        forge_of(gitea, world, ADA).members(team)
    assert forge_of(gitea, world, BOT).members("platform") == {GRACE}


def test_a_rule_for_many_branches_protects_each(gitea: Gitea, world: World) -> None:
    release = BranchName("release/1.0")
    world.push(release, "1\n")
    world.people.protect(BranchName("release/*"), approvals=2, forced=True)
    assert world.forge.protection(release) == Protection(protected=True, forced=True, approvals=2)
    assert world.forge.protection(MAIN) == Protection(protected=False)


def test_a_request_from_a_fork_is_one(gitea: Gitea, world: World, tmp_path: Path) -> None:
    name = people_of(world).repository
    organization = name.partition("/")[0]
    fork = f"fleet-{organization}"
    gitea.call(MALLORY, "POST", f"/repos/{name}/forks", {"name": fork})
    theirs = repository_of(gitea, f"{MALLORY}/{fork}", tmp_path / "fork", who=MALLORY)
    until("the fork has its main", lambda: theirs.refresh() is None and theirs.head(MAIN) is not None)
    forked = World(forge=world.forge, repository=theirs, people=world.people)
    forked.push(SIDE, "666\n", who=MALLORY)
    words = {"title": "Grow", "head": f"{MALLORY}:{SIDE}", "base": MAIN}
    number = gitea.call(MALLORY, "POST", f"/repos/{name}/pulls", words)["number"]
    request = world.forge.get(number)
    assert (request.fork, request.branch, request.author) == (True, SIDE, MALLORY)
    assert world.forge.newest(SIDE, MAIN) is None
    ours = opened(world)
    assert not ours.fork
    assert world.forge.newest(SIDE, MAIN) == ours
    assert [one.fork for one in world.forge.open_requests(MAIN)] == [True, False]


def test_a_request_without_its_approvals_waits(gitea: Gitea, world: World) -> None:
    world.people.protect(MAIN, approvals=1)
    made = opened(world)
    with pytest.raises(Waiting, match="cannot be merged now"):
        merge_until(world, made, "approvals")
    world.people.approve(ADA, made.number)
    assert merge(world, made) == world.main


def merge_until(world: World, made: PullRequest, words: str) -> None:
    """Try to merge until the server no longer only looks whether it can be, and says something with these words."""
    last: list[Waiting] = []

    def told() -> bool:
        with pytest.raises(Waiting) as caught:
            world.forge.merge(made.number, head=made.head, message=MESSAGE)
        last[:] = [caught.value]
        return words in str(caught.value)

    until(f"it is told that {words} are missing", told)
    raise last[0]


def test_a_repository_without_merge_commits_is_merged_otherwise(gitea: Gitea, world: World) -> None:
    settings = {
        "has_pull_requests": True,
        "allow_merge_commits": False,
        "allow_rebase": False,
        "default_merge_style": "squash",
    }
    gitea.call(BOT, "PATCH", f"/repos/{people_of(world).repository}", settings)
    made = opened(world)
    merged = merge(world, made)
    shown = world.repository.show(merged) if world.main == merged else None
    assert shown is not None
    assert len(shown.parents) == 1
    assert shown.trailers("Poolplan-Digest") == ("sha256:aa",)


def test_a_push_between_our_look_and_our_merge_is_noticed(
    gitea: Gitea, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server compares the head itself: looking first is not enough."""
    made = opened(world)
    before = world.main
    monkeypatch.setattr(GiteaForge, "_refuse_merge", lambda *_: None)
    world.push(SIDE, "99\n", who=MALLORY)
    with pytest.raises(Waiting, match="head out of date"):
        merge_until(world, made, "head out of date")
    assert world.main == before


def test_a_review_is_dismissed_by_a_push_where_the_branch_says_so(gitea: Gitea, world: World) -> None:
    name = people_of(world).repository
    rule = {"rule_name": MAIN, "required_approvals": 1, "dismiss_stale_approvals": True}
    gitea.call(BOT, "POST", f"/repos/{name}/branch_protections", rule)
    made = opened(world)
    world.people.approve(ADA, made.number)
    assert not world.forge.votes(made.number)[0].dismissed
    world.push(SIDE, "99\n", who=MALLORY)
    until("the approval is dismissed", lambda: world.forge.votes(made.number)[0].dismissed)
    assert world.forge.votes(made.number)[0].commit == made.head


def test_a_vote_of_who_is_asked_again_loses_an_approval_and_no_objection(gitea: Gitea, world: World) -> None:
    made, path = opened(world), f"/repos/{people_of(world).repository}/pulls"
    world.people.approve(ADA, made.number)
    world.people.object_to(GRACE, made.number)
    gitea.call(BOT, "POST", f"{path}/{made.number}/requested_reviewers", {"reviewers": [ADA, GRACE]})
    votes = world.forge.votes(made.number)
    assert [(vote.who, vote.writes, vote.dismissed) for vote in votes] == [(ADA, True, True), (GRACE, True, False)]


@pytest.mark.parametrize("name", ["feat#1", "a%2Fb", "ü/€", "x+y&z=1"])
def test_a_branch_may_have_an_odd_name(world: World, name: str) -> None:
    branch = BranchName(name)
    world.push(branch, "2\n")
    made = world.forge.open(TEXT, branch=branch, base=MAIN)
    assert made.branch == branch
    assert world.forge.newest(branch, MAIN) == made
    assert world.forge.protection(branch) == Protection(protected=False)


def test_a_repository_that_was_renamed_is_not_followed(gitea: Gitea, world: World) -> None:
    made = opened(world)
    gitea.call(BOT, "PATCH", f"/repos/{people_of(world).repository}", {"name": "renamed"})
    with pytest.raises(Stalled, match=r"sends GET .* elsewhere"):
        world.forge.get(made.number)


def test_a_label_of_the_organization_is_used(gitea: Gitea, world: World) -> None:
    name = people_of(world).repository
    gitea.call(BOT, "POST", f"/orgs/{name.partition('/')[0]}/labels", {"name": "poolplan", "color": "#123456"})
    made = opened(world, RequestText(title="Grow", body="It", labels=("poolplan", "own")))
    assert made.labels == ("own", "poolplan")
    assert [one["name"] for one in gitea.call(BOT, "GET", f"/repos/{name}/labels")] == ["own"]


def test_a_reviewer_whom_nobody_knows_is_named(world: World) -> None:
    made = opened(world)
    with pytest.raises(Stalled, match="nobody-at-all"):
        world.forge.revise(made.number, RequestText(title="Grow", body="It", reviewers=("nobody-at-all",)))


def test_a_team_can_be_asked_for_a_review(gitea: Gitea, world: World) -> None:
    team = world.people.team("platform", GRACE)
    name = people_of(world).repository
    organization = name.partition("/")[0]
    gitea.call(BOT, "PUT", f"/repos/{name}/teams/platform")
    made = opened(world, RequestText(title="Grow", body="It", reviewers=(team,)))
    asked = gitea.call(BOT, "GET", f"/repos/{name}/pulls/{made.number}")["requested_reviewers_teams"]
    assert [one["name"] for one in asked] == ["platform"]
    assert team == f"{organization}/platform"
    world.forge.revise(made.number, RequestText(title="Grow", body="It", reviewers=(team,)))
