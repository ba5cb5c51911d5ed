"""What GitLab's server knows of people, branches and commits: votes, protection, groups, statuses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from gitops.errors import Stalled
from gitops.forges.base import STATUS_CONTEXT, Protection, StatusState, Vote, Word
from gitops.forges.gitlab_rights import API, GROUP, PROTECTION
from gitops.forges.gitlab_wire import (
    Approval,
    ApprovalRule,
    Approvals,
    BranchOfRule,
    CommitStatus,
    Group,
    Member,
    Note,
    ProtectedBranch,
    Reviewer,
    Version,
)
from gitops.forges.rest import utc
from gitops.git.base import CommitId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitops.forges.gitlab_api import GitLabApi
    from gitops.git.base import BranchName

LONGEST_DESCRIPTION = 140
_STATES = {
    StatusState.PENDING: "pending", StatusState.SUCCESS: "success", StatusState.FAILURE: "failed",
    StatusState.ERROR: "failed",
}  # fmt: skip
_APPROVED = "approved this merge request"
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


def votes(api: GitLabApi, root: str, number: int) -> tuple[Vote, ...]:
    """Each person's word, by login.

    An approval is for the newest version that was there when it was given: GitLab keeps no commit with it. A version is
    made some moments after its push, so an approval between the two counts for the older head, the safe side. Older
    versions of GitLab give approvals no time: then it is that of GitLab's own note about the approval, and without such
    a note it is for no head at all. What GitLab takes back, on a push or by hand, is no longer in its answer.

    Who asked for changes objects to whatever head there is, until they approve or are let off.

    GitLab lets some approve who may not push: who is assigned, and reporters of a group that a rule names. An approval
    also outlives its giver's role. So each giver's role as it is now is asked for, those from groups included.
    """
    request = f"{root}/merge_requests/{number}"
    approvals = api.read(Approvals, f"{request}/approvals", right=API).approved_by
    reviewers = [one for one in api.pages(Reviewer, f"{request}/reviewers", right=API) if _objects(one)]
    if not approvals and not reviewers:
        return ()
    versions = sorted(api.pages(Version, f"{request}/versions", right=API), key=lambda one: utc(one.created_at))
    noted = {} if all(one.approved_at for one in approvals) else _noted(api, request)
    said = {one.user.id: _approval(one, versions, noted) for one in approvals}
    for one in reviewers:
        head = CommitId(versions[-1].head_commit_sha) if versions else None
        at = max([utc(one.created_at), *(utc(version.created_at) for version in versions[-1:])])
        said[one.user.id] = Vote(who=one.user.username, word=Word.OBJECTS, commit=head, at=at)
    told = (replace(vote, writes=_writes(api, root, user)) for user, vote in said.items())
    return tuple(sorted(told, key=lambda vote: vote.who))


def _writes(api: GitLabApi, root: str, user: int) -> bool:
    """Whether somebody may push to the project. Who is no member may not, an administrator of the server included."""
    reply = api.call("GET", f"{root}/members/all/{user}", allow=(404,), right=API)
    return reply.status == 200 and api.decode(reply, Member).writes


def _objects(reviewer: Reviewer) -> bool:
    return reviewer.state == "requested_changes"


def _noted(api: GitLabApi, request: str) -> dict[str, datetime]:
    """When each person last approved, by GitLab's own notes, which nobody else can write."""
    notes = api.pages(Note, f"{request}/notes", query={"sort": "asc", "order_by": "created_at"}, right=API)
    return {note.author.username: utc(note.created_at) for note in notes if note.system and _APPROVED in note.body}


def _approval(approval: Approval, versions: Sequence[Version], noted: Mapping[str, datetime]) -> Vote:
    who = approval.user.username
    at = utc(approval.approved_at) if approval.approved_at else noted.get(who)
    if at is None:
        return Vote(who=who, word=Word.APPROVES, commit=None, at=_UNKNOWN)
    seen = [version.head_commit_sha for version in versions if utc(version.created_at) <= at]
    return Vote(who=who, word=Word.APPROVES, commit=CommitId(seen[-1]) if seen else None, at=at)


def protection(api: GitLabApi, root: str, branch: BranchName) -> Protection:
    """From every protected branch whose name fits, wildcards included: what one of them lets through is let through."""
    listed = api.pages(ProtectedBranch, f"{root}/protected_branches", right=PROTECTION)
    fitting = [one for one in listed if _fits(one, branch)]
    if not fitting:
        return Protection(protected=False)
    rules = api.pages(ApprovalRule, f"{root}/approval_rules", allow=(403, 404), right=PROTECTION)
    asked = [rule.approvals_required for rule in rules if _concerns(rule, branch)]
    forced = any(one.allow_force_push for one in fitting)
    return Protection(protected=True, forced=forced, approvals=max(asked, default=0))


def _fits(protected: ProtectedBranch | BranchOfRule, branch: BranchName) -> bool:
    pattern = ".*".join(map(re.escape, protected.name.split("*")))
    return re.fullmatch(pattern, branch) is not None


def _concerns(rule: ApprovalRule, branch: BranchName) -> bool:
    every = rule.applies_to_all_protected_branches or not rule.protected_branches
    return every or any(_fits(one, branch) for one in rule.protected_branches)


def members(api: GitLabApi, group: str) -> frozenset[str]:
    """The active members of a group and of all below it.

    Members of the groups above are left out, though GitLab lets them act in this one: who names ``acme/platform`` in a
    rule does not mean everybody at ``acme``. GitLab's own code owners follow the same rule.
    """
    path = f"/groups/{quote(group.removeprefix('@'), safe='')}"
    top = api.read(Group, path, query={"with_projects": "false"}, right=GROUP)
    below = api.pages(Group, f"{path}/descendant_groups", right=GROUP)
    found: set[str] = set()
    for one in (top, *below):
        listed = api.pages(Member, f"/groups/{one.id}/members", right=GROUP)
        found.update(member.username for member in listed if member.state == "active")
    return frozenset(found)


def holds(api: GitLabApi, root: str, base: BranchName, commit: CommitId) -> bool:
    """Whether the commit is on a branch."""
    query = {"type": "branch"}
    refs = api.pages(BranchOfRule, f"{root}/repository/commits/{commit}/refs", query=query, allow=(404,), right=API)
    return any(one.name == base for one in refs)


def status_words(state: StatusState, description: str, url: str) -> CommitStatus:
    """The status as GitLab writes it."""
    said = description[:LONGEST_DESCRIPTION]
    return CommitStatus(name=STATUS_CONTEXT, status=_STATES[state], description=said, target_url=url or None)


def set_status(api: GitLabApi, root: str, commit: CommitId, wanted: CommitStatus) -> None:
    """Make the status, if it is another than the newest: GitLab refuses a step from a state to the same state.

    So a status that is under way keeps its first description, until it is another status.
    """
    path = f"{root}/repository/commits/{commit}/statuses"
    found = api.pages(CommitStatus, path, query={"name": STATUS_CONTEXT}, allow=(404,), right=API)
    newest = max((one for one in found if one.name == STATUS_CONTEXT), key=lambda one: one.id, default=None)
    if newest is not None and newest.says(wanted):
        return
    body = {"name": wanted.name, "state": wanted.status, "description": wanted.description}
    if wanted.target_url:
        body["target_url"] = wanted.target_url
    reply = api.call("POST", f"{root}/statuses/{commit}", body=body, allow=(400, 404), right=API)
    if reply.status == 404:
        raise Stalled(f"{api.name}: commit {commit[:12]} takes no status{api.said(reply)}; has it been pushed?")
    if reply.status == 400 and "transition" not in reply.message.lower():  # somebody made the same step meanwhile
        raise api.error(reply, API)
