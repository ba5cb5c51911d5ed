"""GitHub, and GitHub Enterprise by its address, as a forge. PyGithub carries the calls (``gitops.forges.github_api``).

Facts about people and branches are read in ``gitops.forges.github_facts``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gitops.errors import Stalled, Waiting
from gitops.forges import github_facts as facts
from gitops.forges.base import Comment, RequestState
from gitops.forges.github_rights import CONTENTS, METADATA, PULLS
from gitops.forges.github_wire import Comparison, GraphqlAnswer, Issue, IssueComment, IssueEvent, Merged, Pull, User
from gitops.forges.markers import CLOSING, marked, same_text, unmarked
from gitops.forges.rest import OverRest
from gitops.git.base import CommitId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gitops.forges.base import Protection, PullRequest, RequestText, StatusState, Vote
    from gitops.forges.github_api import GitHubApi
    from gitops.forges.rest import Reply
    from gitops.git.base import BranchName

BODY_LIMIT = 65_536
"""Characters of a request's body and of a comment."""
METHODS = ("merge", "squash", "rebase")
"""In this order: a repository may forbid some. A merge commit keeps what was reviewed as it was reviewed."""
_DRAFT = {True: "convertPullRequestToDraft", False: "markPullRequestReadyForReview"}


class GitHubForge(OverRest):
    """Keeps the contract of ``gitops.forges.base.Forge``. ``repository`` is ``owner/name``.

    ``login`` says who poolplan acts as where the API cannot be asked (a GitHub App); None: the token's own user.
    """

    def __init__(self, api: GitHubApi, repository: str, *, login: Callable[[], str] | None = None) -> None:
        super().__init__(api.name, BODY_LIMIT, login or (lambda: api.read(User, "/user", right=METADATA).login))
        self._api = api
        self._owner = repository.partition("/")[0]
        self._root = f"/repos/{repository}"

    def open_requests(self, base: BranchName) -> tuple[PullRequest, ...]:
        query = {"state": "open", "base": base, "sort": "created", "direction": "asc"}
        found = self._api.pages(Pull, f"{self._root}/pulls", query=query, right=PULLS)
        return tuple(sorted((pull.value() for pull in found), key=lambda one: one.number))

    def get(self, number: int) -> PullRequest:
        return self._whole(self._pull(number))

    def newest(self, branch: BranchName, base: BranchName) -> PullRequest | None:
        found = next(iter(self._from(branch, base, state="all")), None)
        if found is None:
            return None
        return found.value() if found.state == "open" else self.get(found.number)

    def bringing(self, commit: CommitId, base: BranchName) -> PullRequest | None:
        """GitHub also names requests that only hold the commit, so that it is on ``base`` is looked at too."""
        path = f"{self._root}/commits/{commit}/pulls"
        found = self._api.pages(Pull, path, allow=(404, 422), right=PULLS)  # a commit that GitHub does not have
        merged = [one for one in found if one.merged_at is not None and one.base.ref == base]
        exact = [one for one in merged if one.merge_commit_sha == commit]
        if not exact and (not merged or not self._holds(base, commit)):
            return None
        return self.get(min(exact or merged, key=lambda one: (one.merged_at, one.number)).number)

    def open(self, text: RequestText, *, branch: BranchName, base: BranchName) -> PullRequest:
        self._check(text.body)
        for pull in self._from(branch, base, state="open"):
            return pull.value()
        words = {"title": text.title, "body": text.body, "head": branch, "base": base, "draft": text.draft}
        reply = self._api.call("POST", f"{self._root}/pulls", body=words, allow=(422,), right=PULLS)
        if reply.status == 422:
            return self._standing(reply, branch, base)
        return self._dress(self._api.decode(reply, Pull), text)

    def revise(self, number: int, text: RequestText) -> PullRequest:
        self._check(text.body)
        pull = self._pull(number)
        if pull.state != "open":
            raise Stalled(f"{self.name}: request {number} is not open: it cannot be revised")
        if not (same_text(pull.title, text.title) and same_text(pull.body or "", text.body)):
            words = {"title": text.title, "body": text.body}
            reply = self._api.call("PATCH", f"{self._root}/pulls/{number}", body=words, right=PULLS)
            pull = self._api.decode(reply, Pull)
        if pull.draft != text.draft:
            self._turn(pull, draft=text.draft)
        return replace(self._dress(pull, text), draft=text.draft)

    def comment(self, number: int, marker: str, body: str) -> Comment:
        text, me = marked(marker, body), self.me()
        self._check(text)
        path = f"{self._root}/issues/{number}/comments"
        for said in self._api.pages(IssueComment, path, right=PULLS):
            if said.user is None or said.user.login != me or unmarked(marker, said.body or "") is None:
                continue
            if not same_text(said.body or "", text):
                own = f"{self._root}/issues/comments/{said.id}"
                self._api.call("PATCH", own, body={"body": text}, right=PULLS)
            return Comment(id=str(said.id), body=body, author=me)
        made = self._api.decode(self._api.call("POST", path, body={"body": text}, right=PULLS), IssueComment)
        return Comment(id=str(made.id), body=body, author=me)

    def close(self, number: int, body: str) -> None:
        if self._pull(number).state == "open":
            self.comment(number, CLOSING, body)
            self._api.call("PATCH", f"{self._root}/pulls/{number}", body={"state": "closed"}, right=PULLS)

    def merge(self, number: int, *, head: CommitId, message: str) -> CommitId:
        pull = self._pull(number).value()
        if pull.merged_as is not None:
            return pull.merged_as
        if pull.state is not RequestState.OPEN:
            raise Stalled(f"{self.name}: request {number} is closed: it cannot be merged")
        if pull.head != head:
            raise Waiting(f"{self.name}: request {number} was pushed to meanwhile: it is not merged")
        title, _, rest = message.partition("\n")
        words = {"sha": head, "commit_title": title, "commit_message": rest.strip("\n")}
        refusals = []
        for method in METHODS:
            body = {**words, "merge_method": method}
            path = f"{self._root}/pulls/{number}/merge"
            reply = self._api.call("PUT", path, body=body, allow=(405, 409), right=CONTENTS)
            if reply.status == 200:
                return CommitId(self._api.decode(reply, Merged).sha)
            refusals.append(self._api.hide(reply.message))
            if "not allowed on this repository" not in reply.message:
                break
        raise Waiting(f"{self.name}: request {number} cannot be merged now: {'; '.join(refusals)}")

    def votes(self, number: int) -> tuple[Vote, ...]:
        return facts.votes(self._api, self._root, number)

    def protection(self, branch: BranchName) -> Protection:
        return facts.protection(self._api, self._root, branch)

    def members(self, team: str) -> frozenset[str]:
        return facts.members(self._api, self._owner, team)

    def set_status(self, commit: CommitId, state: StatusState, description: str, *, url: str = "") -> None:
        facts.set_status(self._api, self._root, commit, facts.status_words(state, description, url))

    def _pull(self, number: int) -> Pull:
        return self._api.read(Pull, f"{self._root}/pulls/{number}", right=PULLS)

    def _whole(self, pull: Pull) -> PullRequest:
        """With the login of who closed it, which GitHub keeps elsewhere."""
        if pull.state == "open" or pull.merged_at is not None:
            return pull.value()
        closer = self._api.read(Issue, f"{self._root}/issues/{pull.number}", right=PULLS).closed_by
        return pull.value(ended_by=closer.login if closer else "")

    def _from(self, branch: BranchName, base: BranchName, *, state: str) -> Iterable[Pull]:
        """The requests from this very repository's branch, newest first; GitHub's own filter is only a sieve."""
        query = {
            "state": state, "head": f"{self._owner}:{branch}", "base": base, "sort": "created", "direction": "desc",
        }  # fmt: skip
        found = self._api.pages(Pull, f"{self._root}/pulls", query=query, right=PULLS)
        return (one for one in found if not one.fork and (one.head.ref, one.base.ref) == (branch, base))

    def _standing(self, reply: Reply, branch: BranchName, base: BranchName) -> PullRequest:
        """The request that somebody opened between two calls of ours. Raises for any other refusal."""
        for pull in self._from(branch, base, state="open"):
            return pull.value()
        if "raft pull requests are not supported" in reply.message:
            raise Stalled(f"{self.name} has no draft requests on this plan of GitHub: let proposals be no drafts")
        raise self._api.error(reply, PULLS)

    def _holds(self, base: BranchName, commit: CommitId) -> bool:
        path = f"{self._root}/compare/{base}...{commit}"
        return self._api.read(Comparison, path, query={"per_page": 1}, right=CONTENTS).status in ("behind", "identical")

    def _turn(self, pull: Pull, *, draft: bool) -> None:
        """To a draft or back: REST cannot do it, GraphQL can."""
        mutation = _DRAFT[draft]
        query = f"mutation($id: ID!) {{ {mutation}(input: {{pullRequestId: $id}}) {{ clientMutationId }} }}"
        body = {"query": query, "variables": {"id": pull.node_id}}
        reply = self._api.call("POST", self._api.graphql, body=body, right=PULLS)
        errors = self._api.decode(reply, GraphqlAnswer).errors
        if errors:
            told, what = self._api.hide("; ".join(error.message for error in errors)), "a draft" if draft else "ready"
            raise Stalled(f"{self.name}: request {pull.number} cannot be made {what}: {told}")

    def _dress(self, pull: Pull, text: RequestText) -> PullRequest:
        """Add the reviewers, assignees and labels that it lacks; those that people gave stay.

        Labels come last: a request that has them has the rest too, also after an end in between.
        """
        issue = f"{self._root}/issues/{pull.number}"
        self._ask(pull, text.reviewers)
        assignees = _lacking(text.assignees, (user.login for user in pull.assignees))
        if assignees:
            self._api.call("POST", f"{issue}/assignees", body={"assignees": assignees}, right=PULLS)
        labels = _lacking(text.labels, (label.name for label in pull.labels))
        if labels:
            self._api.call("POST", f"{issue}/labels", body={"labels": labels}, right=PULLS)
        shown = pull.value()
        return replace(shown, labels=tuple(sorted({*shown.labels, *labels})))

    def _ask(self, pull: Pull, reviewers: tuple[str, ...]) -> None:
        """Ask those who were never asked: who has answered, or was let off by a person, is left in peace."""
        author = pull.user.login if pull.user else ""
        waiting = {user.login for user in pull.requested_reviewers} | {team.slug for team in pull.requested_teams}
        wanted = [one for one in reviewers if _slug(one) not in waiting and one != author]
        if not wanted:
            return
        path = f"{self._root}/issues/{pull.number}/events"
        asked = set()
        for event in self._api.pages(IssueEvent, path, right=PULLS):
            if event.event == "review_requested":
                asked.add(event.requested_reviewer.login if event.requested_reviewer else "")
                asked.add(event.requested_team.slug if event.requested_team else "")
        people = [one for one in wanted if "/" not in one and one not in asked]
        teams = [_slug(one) for one in wanted if "/" in one and _slug(one) not in asked]
        if people or teams:
            body = {"reviewers": people, "team_reviewers": teams}
            path = f"{self._root}/pulls/{pull.number}/requested_reviewers"
            self._api.call("POST", path, body=body, right=PULLS)

    def _check(self, text: str) -> None:
        if len(text) > BODY_LIMIT:
            raise Stalled(f"{self.name} takes texts of {BODY_LIMIT} characters, not of {len(text)}")


def _lacking(wanted: tuple[str, ...], there: Iterable[str]) -> list[str]:
    known = {one.lower() for one in there}
    return [one for one in wanted if one.lower() not in known]


def _slug(reviewer: str) -> str:
    """A login as it is; of ``org/team`` the team."""
    return reviewer.rpartition("/")[2]
