"""What a Gitea or Forgejo server knows of people, branches and commits, for ``gitops.forges.gitea``."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from gitops.errors import Stalled
from gitops.forges.base import STATUS_CONTEXT, Protection, Word, latest_votes
from gitops.forges.gitea_api import ADMIN, ISSUES, ORGANIZATION, REPOSITORY, one, rest
from gitops.forges.gitea_wire import (
    Branch,
    Combined,
    Comparison,
    Event,
    GitCommit,
    Pull,
    Review,
    Rule,
    Status,
    Team,
    User,
    login,
)
from gitops.forges.rest import MOST_PAGES, PAGE, utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.forges.base import StatusState, Vote
    from gitops.forges.gitea_api import GiteaApi
    from gitops.git.base import BranchName, CommitId

LEAN = {"stat": "false", "verification": "false", "files": "false"}
"""Leave out of a commit what takes the server long to find."""
SKEW = timedelta(days=1)
"""How far the clock of who made a commit may be ahead of the server's."""
DESCRIPTION = 140


def votes(api: GiteaApi, root: str, number: int) -> tuple[Vote, ...]:
    """Each person's latest word. Every review says itself which commit was looked at.

    Who is asked again is no longer official in what they said, but in the request for more. Gitea then does not count
    their approval any more, which is as good as taken back; their objection stands, or else asking would end it.
    """
    reviews = tuple(api.pages(Review, f"{root}/pulls/{number}/reviews", right=REPOSITORY))
    asked = {login(review.user) for review in reviews if review.state == "REQUEST_REVIEW" and review.official}
    latest = latest_votes([vote for vote in (review.vote() for review in reviews) if vote])
    return tuple(_asked_again(vote) if vote.who in asked and not vote.writes else vote for vote in latest)


def _asked_again(vote: Vote) -> Vote:
    return replace(vote, writes=True, dismissed=vote.dismissed or vote.word is Word.APPROVES)


def closer(api: GiteaApi, root: str, pull: Pull) -> str:
    """Who closed a request: the timeline has it, and is read from that moment on only. Empty where it does not.

    Gitea counts of a timeline only what it shows on one page, so that an empty page is its end.
    """
    if pull.closed_at is None:
        return ""
    since = (utc(pull.closed_at) - timedelta(seconds=1)).isoformat()
    for page in range(1, MOST_PAGES + 1):
        query = {"since": since, "limit": PAGE, "page": page}
        reply = api.call("GET", f"{root}/issues/{pull.number}/timeline", query=query, right=ISSUES)
        events = api.items(reply, Event)
        closing = [login(event.user) for event in events if event.type == "close"]
        if closing or not events:
            return closing[-1] if closing else ""
    return ""


def protection(api: GiteaApi, root: str, branch: BranchName) -> Protection:
    """How a branch is protected. That it is can be read by everybody, whether force is let through only by some.

    A branch that does not exist yet is looked at as not protected. Raises Stalled where the rule cannot be seen.
    """
    reply = api.call("GET", f"{root}/branches/{rest(branch)}", allow=(404,), right=REPOSITORY)
    if reply.status == 404:
        api.call("GET", root, right=REPOSITORY)  # or else the repository itself is what cannot be seen
        return Protection(protected=False)
    found = api.decode(reply, Branch)
    if not found.protected:
        return Protection(protected=False)
    name = found.effective_branch_protection_name
    if not name:
        raise Stalled(
            f"{api.name}: {branch} is protected, but whether against pushes with force is shown to administrators "
            f"only; the token needs {ADMIN.name}"
        )
    rule = api.read(Rule, f"{root}/branch_protections/{rest(name)}", right=ADMIN)
    return Protection(protected=True, forced=rule.enable_force_push, approvals=found.required_approvals)


def members(api: GiteaApi, owner: str, team: str) -> frozenset[str]:
    """Who is in ``org/team``, or in a team of the repository's own organization. Gitea has no teams below teams."""
    organization, _, name = team.rpartition("/")
    path = f"/orgs/{one(organization or owner)}/teams"
    found = [each for each in api.pages(Team, path, right=ORGANIZATION) if each.name.lower() == name.lower()]
    if not found:
        raise Stalled(f"{api.name}: there is no team {team}, or the token's user is not to see it")
    return frozenset(user.login for user in api.pages(User, f"/teams/{found[0].id}/members", right=ORGANIZATION))


def set_status(api: GiteaApi, root: str, commit: CommitId, words: tuple[StatusState, str, str]) -> None:
    """Give the commit our status; one that it has already is not given again, for each one is an event to others."""
    state, description, url = words
    wanted = Status(STATUS_CONTEXT, state.value, description[:DESCRIPTION], url)
    reply = api.call("GET", f"{root}/commits/{commit}/status", query={"limit": PAGE}, right=REPOSITORY)
    latest = api.decode(reply, Combined).statuses or []
    if wanted not in latest:
        body = {"context": STATUS_CONTEXT, "state": state.value, "description": wanted.description, "target_url": url}
        api.call("POST", f"{root}/statuses/{commit}", body=body, right=REPOSITORY)


def bringing(api: GiteaApi, root: str, commit: CommitId, base: BranchName) -> Pull | None:
    """The merged request that brought a commit of ``base``.

    Gitea knows requests by the one commit that each was merged as. For the other commits of a merge or a rebase, the
    requests that were merged after the commit was made are looked at one by one, the last merged first.
    """
    reply = api.call("GET", f"{root}/commits/{commit}/pull", allow=(404,), right=REPOSITORY)
    if reply.status != 404:
        found = api.decode(reply, Pull)
        return found if found.merged and found.base.label == base else None
    reply = api.call("GET", f"{root}/git/commits/{commit}", query=LEAN, allow=(404, 422), right=REPOSITORY)
    if reply.status != 200:
        return None
    made = utc(api.decode(reply, GitCommit).commit.committer.date) - SKEW
    query = {"state": "closed", "sort": "recentclose", "base_branch": base}
    for pull in api.pages(Pull, f"{root}/pulls", query=query, right=REPOSITORY):
        if pull.closed_at is not None and utc(pull.closed_at) < made:
            return None
        if pull.merged and pull.base.label == base and commit in _brought(api, root, pull):
            return pull
    return None


def _brought(api: GiteaApi, root: str, pull: Pull) -> Iterator[str]:
    """The commits that a merged request brought to its base, the one it was merged as first."""
    tip = pull.merge_commit_sha or ""
    merge = api.read(GitCommit, f"{root}/git/commits/{tip}", query=LEAN, right=REPOSITORY)
    parents = [parent.sha for parent in merge.parents or ()]
    if len(parents) > 1:
        path = f"{root}/compare/{parents[0]}...{tip}"
        new = api.read(Comparison, path, query=LEAN, right=REPOSITORY).commits or []
        yield from (commit.sha for commit in new)
        return
    theirs = list(api.pages(GitCommit, f"{root}/pulls/{pull.number}/commits", query=LEAN, right=REPOSITORY))
    query = {"sha": tip, **LEAN}
    here = islice(api.pages(GitCommit, f"{root}/commits", query=query, right=REPOSITORY), len(theirs))
    for ours, original in zip(here, theirs, strict=False):
        if not ours.same_work(original):
            return  # a squash: its commits are not there one by one
        yield ours.sha
