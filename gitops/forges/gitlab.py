"""GitLab as a forge, on its public server or one's own. python-gitlab carries the calls (``gitops.forges.gitlab_api``).

A pull request is a merge request there, its number the ``iid``. Facts about people and branches are read in
``gitops.forges.gitlab_facts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from gitops.errors import Stalled, Waiting
from gitops.forges import gitlab_facts as facts
from gitops.forges.base import Comment, RequestState
from gitops.forges.gitlab_rights import API, MERGE
from gitops.forges.gitlab_wire import DRAFT, MergeRequest, Note, User
from gitops.forges.markers import CLOSING, marked, same_text, unmarked
from gitops.forges.rest import OverRest
from gitops.git.base import CommitId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gitops.forges.base import Protection, PullRequest, RequestText, StatusState, Vote
    from gitops.forges.gitlab_api import GitLabApi
    from gitops.git.base import BranchName

BODY_LIMIT = 1_000_000
"""Characters of a comment; a description may have a few more."""
_ASKED = "requested review from"
"""How GitLab's own note on a request for review begins; no field of the API tells who was asked before."""


class GitLabForge(OverRest):
    """Keeps the contract of ``gitops.forges.base.Forge``. ``repository`` is the project's whole path."""

    def __init__(self, api: GitLabApi, repository: str) -> None:
        super().__init__(api.name, BODY_LIMIT, lambda: api.read(User, "/user", right=API).username)
        self._api = api
        self._root = f"/projects/{quote(repository, safe='')}"
        self._ids: dict[str, int] = {}

    def open_requests(self, base: BranchName) -> tuple[PullRequest, ...]:
        query = {"state": "opened", "target_branch": base, "order_by": "created_at", "sort": "asc"}
        found = self._api.pages(MergeRequest, f"{self._root}/merge_requests", query=query, right=API)
        return tuple(sorted((one.value() for one in found), key=lambda one: one.number))

    def get(self, number: int) -> PullRequest:
        return self._request(number).value()

    def newest(self, branch: BranchName, base: BranchName) -> PullRequest | None:
        found = next(self._from(branch, base, state="all"), None)
        return found.value() if found else None

    def bringing(self, commit: CommitId, base: BranchName) -> PullRequest | None:
        """GitLab also names requests that only hold the commit, so that it is on ``base`` is looked at too."""
        path = f"{self._root}/repository/commits/{commit}"
        query = {"state": "merged"}
        found = self._api.pages(MergeRequest, f"{path}/merge_requests", query=query, allow=(404,), right=API)
        merged = [one for one in found if one.state == "merged" and one.target_branch == base]
        exact = [one for one in merged if one.merged_as == commit]
        if not exact and (not merged or not facts.holds(self._api, self._root, base, commit)):
            return None
        return self.get(min(one.iid for one in exact or merged))

    def open(self, text: RequestText, *, branch: BranchName, base: BranchName) -> PullRequest:
        self._check(text.body)
        for standing in self._from(branch, base, state="opened"):
            return standing.value()
        words = {
            "source_branch": branch, "target_branch": base, "title": _title(text), "description": text.body,
            "labels": ",".join(text.labels), "assignee_ids": self._numbers(text.assignees),
            "reviewer_ids": self._numbers(one for one in text.reviewers if one != self.me()),
        }  # fmt: skip
        reply = self._api.call("POST", f"{self._root}/merge_requests", body=words, allow=(409,), right=API)
        if reply.status == 409:  # somebody opened one between two calls of ours
            for standing in self._from(branch, base, state="opened"):
                return standing.value()
            raise Waiting(f"{self.name}: a request from {branch} is being opened{self._api.said(reply)}")
        return self._api.decode(reply, MergeRequest).value()

    def revise(self, number: int, text: RequestText) -> PullRequest:
        self._check(text.body)
        request = self._request(number)
        if not request.open:
            raise Stalled(f"{self.name}: request {number} is not open: it cannot be revised")
        words: dict[str, object] = {}
        if request.draft != text.draft or not same_text(request.plain_title, text.title):
            words["title"] = _title(text)
        if not same_text(request.description or "", text.body):
            words["description"] = text.body
        labels = [one for one in text.labels if one not in request.labels]
        if labels:
            words["add_labels"] = ",".join(labels)
        assignees = request.assignees or []
        if more := _lacking(text.assignees, assignees):
            words["assignee_ids"] = [user.id for user in assignees] + self._numbers(more)
        if more := self._unasked(request, text.reviewers):
            words["reviewer_ids"] = [user.id for user in request.reviewers or []] + self._numbers(more)
        if not words:
            return request.value()
        reply = self._api.call("PUT", f"{self._root}/merge_requests/{number}", body=words, right=API)
        return self._api.decode(reply, MergeRequest).value()

    def comment(self, number: int, marker: str, body: str) -> Comment:
        text, me = marked(marker, body), self.me()
        self._check(text)
        path = f"{self._root}/merge_requests/{number}/notes"
        for note in self._notes(number):
            if note.system or note.author.username != me or unmarked(marker, note.body) is None:
                continue
            if not same_text(note.body, text):
                self._api.call("PUT", f"{path}/{note.id}", body={"body": text}, right=API)
            return Comment(id=str(note.id), body=body, author=me)
        made = self._api.decode(self._api.call("POST", path, body={"body": text}, right=API), Note)
        return Comment(id=str(made.id), body=body, author=me)

    def close(self, number: int, body: str) -> None:
        if self._request(number).open:
            self.comment(number, CLOSING, body)
            path = f"{self._root}/merge_requests/{number}"
            self._api.call("PUT", path, body={"state_event": "close"}, right=API)

    def merge(self, number: int, *, head: CommitId, message: str) -> CommitId:
        request = self._request(number)
        if request.merged_as is not None:
            return CommitId(request.merged_as)
        if request.value().state is not RequestState.OPEN:
            raise Stalled(f"{self.name}: request {number} is closed: it cannot be merged")
        if request.sha != head:
            raise Waiting(f"{self.name}: request {number} was pushed to meanwhile: it is not merged")
        words = {"sha": head, "merge_commit_message": message, "squash_commit_message": message}
        path = f"{self._root}/merge_requests/{number}/merge"
        reply = self._api.call("PUT", path, body=words, allow=(401, 405, 406, 409, 422), right=MERGE)
        if reply.status == 401:  # GitLab's word for a role that may not merge, too
            raise Stalled(f"{self.name}: no right to merge request {number}; the token needs {MERGE.name}")
        if reply.status == 200:
            merged = self._api.decode(reply, MergeRequest).merged_as
            if merged is not None:
                return CommitId(merged)
        raise Waiting(f"{self.name}: request {number} cannot be merged now{self._api.said(reply)}")

    def votes(self, number: int) -> tuple[Vote, ...]:
        return facts.votes(self._api, self._root, number)

    def protection(self, branch: BranchName) -> Protection:
        return facts.protection(self._api, self._root, branch)

    def members(self, team: str) -> frozenset[str]:
        return facts.members(self._api, team)

    def set_status(self, commit: CommitId, state: StatusState, description: str, *, url: str = "") -> None:
        facts.set_status(self._api, self._root, commit, facts.status_words(state, description, url))

    def _request(self, number: int) -> MergeRequest:
        return self._api.read(MergeRequest, f"{self._root}/merge_requests/{number}", right=API)

    def _notes(self, number: int) -> Iterator[Note]:
        query = {"sort": "asc", "order_by": "created_at"}
        return self._api.pages(Note, f"{self._root}/merge_requests/{number}/notes", query=query, right=API)

    def _from(self, branch: BranchName, base: BranchName, *, state: str) -> Iterator[MergeRequest]:
        """The requests from this very project's branch, newest first; GitLab's own filter is only a sieve."""
        query = {
            "state": state, "source_branch": branch, "target_branch": base, "order_by": "created_at", "sort": "desc",
        }  # fmt: skip
        found = self._api.pages(MergeRequest, f"{self._root}/merge_requests", query=query, right=API)
        return (one for one in found if not one.fork and (one.source_branch, one.target_branch) == (branch, base))

    def _unasked(self, request: MergeRequest, reviewers: tuple[str, ...]) -> tuple[str, ...]:
        """Those who were never asked: whom a person took off the list is left in peace."""
        wanted = [one for one in _lacking(reviewers, request.reviewers or []) if one != request.author.username]
        if not wanted:
            return ()
        told = [note.body for note in self._notes(request.iid) if note.system and _ASKED in note.body]
        asked = {word.strip(",.").removeprefix("@") for text in told for word in text.split()}
        return tuple(one for one in wanted if one not in asked)

    def _numbers(self, logins: Iterable[str]) -> list[int]:
        """The ids of users. Raises Stalled for a login that nobody has."""
        wanted = tuple(logins)
        for login in wanted:
            if login not in self._ids:
                found = list(self._api.pages(User, "/users", query={"username": login}, right=API))
                if not found:
                    raise Stalled(f"{self.name} knows no user {login}; correct who is asked for a review or assigned")
                self._ids[login] = found[0].id
        return [self._ids[login] for login in wanted]

    def _check(self, text: str) -> None:
        if len(text) > BODY_LIMIT:
            raise Stalled(f"{self.name} takes texts of {BODY_LIMIT} characters, not of {len(text)}")


def _title(text: RequestText) -> str:
    return f"{DRAFT}{text.title}" if text.draft else text.title


def _lacking(wanted: tuple[str, ...], there: list[User]) -> tuple[str, ...]:
    known = {user.username for user in there}
    return tuple(one for one in wanted if one not in known)
