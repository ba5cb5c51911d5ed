"""What GitHub's server knows of people, branches and commits: votes, protection, teams, statuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from gitops.errors import Stalled
from gitops.forges.base import STATUS_CONTEXT, Protection, latest_votes
from gitops.forges.github_rights import ADMINISTRATION, MEMBERS, METADATA, PERMISSION, PULLS, STATUSES
from gitops.forges.github_wire import (
    GHOST,
    Branch,
    BranchProtection,
    Permission,
    Review,
    Rule,
    Ruleset,
    Status,
    User,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitops.forges.base import StatusState, Vote
    from gitops.forges.github_api import GitHubApi
    from gitops.git.base import BranchName, CommitId

LONGEST_DESCRIPTION = 140
_GUARDING = frozenset({"pull_request", "update", "non_fast_forward"})
"""The rules of a ruleset without which a branch is as good as open."""


def votes(api: GitHubApi, root: str, number: int) -> tuple[Vote, ...]:
    """Each person's latest word; comments change nothing.

    Whoever can read the repository can write a review, so that GitHub is asked of each giver whether they may write:
    one call for each word that stands, none where there is none.
    """
    found = api.pages(Review, f"{root}/pulls/{number}/reviews", right=PULLS)
    latest = latest_votes([vote for vote in (review.vote() for review in found) if vote is not None])
    return tuple(replace(vote, writes=not vote.dismissed and _writes(api, root, vote.who)) for vote in latest)


def _writes(api: GitHubApi, root: str, who: str) -> bool:
    """Whether somebody may write to the repository. Who is not known there may not; nor may a deleted account."""
    if who == GHOST:
        return False
    path = f"{root}/collaborators/{quote(who, safe='')}/permission"
    reply = api.call("GET", path, allow=(404,), right=PERMISSION)
    return reply.status == 200 and api.decode(reply, Permission).writes


def protection(api: GitHubApi, root: str, branch: BranchName) -> Protection:
    """From the branch protection rule and from the rulesets that are active for the branch; the stricter counts.

    Who may bypass a ruleset is shown only to those who may change it. Where it is shown, a ruleset that somebody may
    bypass does not keep pushes with force away; where it is not, its word is taken.
    """
    path = quote(branch, safe="")
    reply = api.call("GET", f"{root}/branches/{path}", allow=(404,), right=METADATA)
    if reply.status == 404 and reply.message != "Branch not found":
        raise api.error(reply, METADATA)
    protected = reply.status == 200 and api.decode(reply, Branch).protected
    rules = tuple(api.pages(Rule, f"{root}/rules/branches/{path}", right=METADATA))
    classic = _classic(api, root, path) if protected else None
    if classic is None and not any(rule.type in _GUARDING for rule in rules):
        return Protection(protected=False)
    keeping = classic is not None and not (classic.allow_force_pushes and classic.allow_force_pushes.enabled)
    keeping = keeping or any(rule.type == "non_fast_forward" and _strict(api, root, rule) for rule in rules)
    asked = [rule.approvals for rule in rules if rule.type == "pull_request"]
    if classic is not None and classic.required_pull_request_reviews is not None:
        asked.append(classic.required_pull_request_reviews.required_approving_review_count)
    return Protection(protected=True, forced=not keeping, approvals=max(asked, default=0))


def _classic(api: GitHubApi, root: str, branch: str) -> BranchProtection | None:
    """The branch protection rule; None where only rulesets protect the branch. Raises Stalled without the right."""
    reply = api.call("GET", f"{root}/branches/{branch}/protection", allow=(404,), right=ADMINISTRATION)
    if reply.status == 200:
        return api.decode(reply, BranchProtection)
    if reply.message == "Branch not protected":
        return None
    raise api.error(reply, ADMINISTRATION)  # a classic token without the right is told that there is nothing


def _strict(api: GitHubApi, root: str, rule: Rule) -> bool:
    """Whether a ruleset is known to have nobody who may bypass it, or does not say."""
    reply = api.call("GET", f"{root}/rulesets/{rule.ruleset_id}", allow=(403, 404), right=METADATA)
    return reply.status != 200 or not api.decode(reply, Ruleset).bypass_actors


def members(api: GitHubApi, owner: str, team: str) -> frozenset[str]:
    """Of ``org/team`` or, in the repository's own organization, of ``team``; GitHub adds the child teams' members."""
    organization, _, slug = team.removeprefix("@").rpartition("/")
    organization = organization or owner
    path = f"/orgs/{quote(organization, safe='')}/teams/{quote(slug, safe='')}/members"
    return frozenset(user.login for user in api.pages(User, path, right=MEMBERS))


def status_words(state: StatusState, description: str, url: str) -> Status:
    """The status as GitHub writes it."""
    return Status(
        context=STATUS_CONTEXT, state=state.value, description=description[:LONGEST_DESCRIPTION], target_url=url or None
    )


def set_status(api: GitHubApi, root: str, commit: CommitId, wanted: Status) -> None:
    """Make the status, if the newest of its context is another: a commit takes a thousand of a context, no more."""
    known: Iterable[Status] = api.pages(Status, f"{root}/commits/{commit}/statuses", allow=(422,), right=STATUSES)
    if next((one for one in known if one.context == STATUS_CONTEXT), None) == wanted:
        return
    body = {"context": wanted.context, "state": wanted.state, "description": wanted.description}
    if wanted.target_url:
        body["target_url"] = wanted.target_url
    reply = api.call("POST", f"{root}/statuses/{commit}", body=body, allow=(422,), right=STATUSES)
    if reply.status == 422:
        raise Stalled(f"{api.name}: commit {commit[:12]} takes no status{api.said(reply)}; has it been pushed?")
