"""Gitea and Forgejo as a forge. Facts about people, branches and commits are read in ``gitops.forges.gitea_facts``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.errors import Stalled, Waiting
from gitops.forges import gitea_facts as facts
from gitops.forges.base import Comment, RequestState
from gitops.forges.gitea_api import ISSUES, REPOSITORY, USER, one, rest
from gitops.forges.gitea_wire import DRAFT, Label, Pull, Remark, Review, User
from gitops.forges.markers import CLOSING, marked, same_text, unmarked
from gitops.forges.rest import OverRest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitops.forges.base import Protection, PullRequest, RequestText, StatusState, Vote
    from gitops.forges.gitea_api import GiteaApi
    from gitops.git.base import BranchName, CommitId

BODY_LIMIT = 250_000
"""Characters. Gitea itself sets no limit and a real one takes millions; a database may: MySQL once took packets of one
MiB unless told otherwise, which is this many characters of four bytes each."""
COLOR = "#0e8a16"
"""Of a label that was not there yet."""


class GiteaForge(OverRest):
    """Keeps the contract of ``gitops.forges.base.Forge``. ``repository`` is ``owner/name``."""

    def __init__(self, api: GiteaApi, repository: str) -> None:
        super().__init__(api.name, BODY_LIMIT, lambda: api.read(User, "/user", right=USER).login)
        self._api = api
        self._owner = repository.partition("/")[0]
        self._root = f"/repos/{repository}"

    def open_requests(self, base: BranchName) -> tuple[PullRequest, ...]:
        """Oldest first, so that one which is opened meanwhile comes last. A page has 50 unless the server says more."""
        query = {"state": "open", "base_branch": base, "sort": "oldest"}
        found = self._api.pages(Pull, f"{self._root}/pulls", query=query, right=REPOSITORY)
        values = {pull.number: pull.value() for pull in found if pull.base.label == base}
        return tuple(values[number] for number in sorted(values))

    def get(self, number: int) -> PullRequest:
        return self._whole(self._pull(number))

    def newest(self, branch: BranchName, base: BranchName) -> PullRequest | None:
        """Gitea finds some request of a branch at once, as a rule the oldest; the list then has those after it."""
        reply = self._api.call("GET", f"{self._root}/pulls/{one(base)}/{rest(branch)}", allow=(404,), right=REPOSITORY)
        if reply.status == 404:
            self._api.call("GET", self._root, right=REPOSITORY)  # or else the repository is what cannot be seen
            return None
        some = self._api.decode(reply, Pull)
        for pull in self._api.pages(Pull, f"{self._root}/pulls", query=_newest_first(base), right=REPOSITORY):
            if pull.number <= some.number:
                break
            if (pull.head.label, pull.base.label, pull.fork) == (branch, base, False):
                return self._whole(pull)
        return self._whole(some)

    def bringing(self, commit: CommitId, base: BranchName) -> PullRequest | None:
        found = facts.bringing(self._api, self._root, commit, base)
        return found.value() if found else None

    def open(self, text: RequestText, *, branch: BranchName, base: BranchName) -> PullRequest:
        self._check(text.body)
        words = {"title": _title(text), "body": text.body, "head": branch, "base": base}
        reply = self._api.call("POST", f"{self._root}/pulls", body=words, allow=(409,), right=REPOSITORY)
        if reply.status == 409:
            standing = self.newest(branch, base)
            if standing is None or standing.state is not RequestState.OPEN:
                raise self._api.error(reply, REPOSITORY)
            return standing
        return self._dress(self._api.decode(reply, Pull), text)

    def revise(self, number: int, text: RequestText) -> PullRequest:
        self._check(text.body)
        pull = self._pull(number)
        if not pull.is_open:
            raise Stalled(f"{self.name}: request {number} is not open: it cannot be revised")
        title = _title(text)
        if not (same_text(pull.title, title) and same_text(pull.body, text.body)):
            pull = self._patch(number, {"title": title, "body": text.body})
        return self._dress(pull, text)

    def comment(self, number: int, marker: str, body: str) -> Comment:
        text, me = marked(marker, body), self.me()
        self._check(text)
        path = f"{self._root}/issues/{number}/comments"
        for said in self._remarks(number):
            if said.user is None or said.user.login != me or unmarked(marker, said.body) is None:
                continue
            if not same_text(said.body, text):
                own = f"{self._root}/issues/comments/{said.id}"
                self._api.call("PATCH", own, body={"body": text}, right=ISSUES)
            return Comment(id=str(said.id), body=body, author=me)
        made = self._api.decode(self._api.call("POST", path, body={"body": text}, right=ISSUES), Remark)
        return Comment(id=str(made.id), body=body, author=me)

    def close(self, number: int, body: str) -> None:
        if self._pull(number).is_open:
            self.comment(number, CLOSING, body)
            self._patch(number, {"state": "closed"})

    def merge(self, number: int, *, head: CommitId, message: str) -> CommitId:
        pull = self._pull(number)
        if not pull.merged:
            self._refuse_merge(pull, head)
            self._merge(pull, head, message)
            pull = self._pull(number)
        if not pull.merged or not pull.merge_commit_sha:
            raise Waiting(f"{self.name}: request {number} is not merged yet")
        return pull.value().merged_as or head

    def votes(self, number: int) -> tuple[Vote, ...]:
        return facts.votes(self._api, self._root, number)

    def protection(self, branch: BranchName) -> Protection:
        return facts.protection(self._api, self._root, branch)

    def members(self, team: str) -> frozenset[str]:
        return facts.members(self._api, self._owner, team)

    def set_status(self, commit: CommitId, state: StatusState, description: str, *, url: str = "") -> None:
        facts.set_status(self._api, self._root, commit, (state, description, url))

    def _pull(self, number: int) -> Pull:
        return self._api.read(Pull, f"{self._root}/pulls/{number}", right=REPOSITORY)

    def _patch(self, number: int, words: dict[str, object]) -> Pull:
        reply = self._api.call("PATCH", f"{self._root}/pulls/{number}", body=words, right=REPOSITORY)
        return self._api.decode(reply, Pull)

    def _whole(self, pull: Pull) -> PullRequest:
        """With the login of who closed it, which Gitea keeps elsewhere."""
        if pull.is_open or pull.merged:
            return pull.value()
        return pull.value(ended_by=facts.closer(self._api, self._root, pull))

    def _remarks(self, number: int) -> Iterable[Remark]:
        """All comments: Gitea gives them at once. For a request that does not exist it answers 500, and a person would
        wait for ever."""
        path = f"{self._root}/issues/{number}/comments"
        try:
            return self._api.items(self._api.call("GET", path, right=ISSUES), Remark)
        except Waiting:
            self._pull(number)
            raise

    def _refuse_merge(self, pull: Pull, head: CommitId) -> None:
        if not pull.is_open:
            raise Stalled(f"{self.name}: request {pull.number} is closed: it cannot be merged")
        if pull.head.sha != head:
            raise Waiting(f"{self.name}: request {pull.number} was pushed to meanwhile: it is not merged")

    def _merge(self, pull: Pull, head: CommitId, message: str) -> None:
        title, _, words = message.partition("\n")
        body = {
            "Do": _method(pull), "head_commit_id": head, "MergeTitleField": title,
            "MergeMessageField": words.strip("\n"),
        }  # fmt: skip
        path = f"{self._root}/pulls/{pull.number}/merge"
        reply = self._api.call("POST", path, body=body, allow=(405, 409), right=REPOSITORY)
        said = self._api.said(reply)
        if "not allowed to merge" in reply.message:
            raise Stalled(
                f"{self.name}: no right to merge request {pull.number}{said}; the branch's protection says who may"
            )
        if reply.status in (405, 409) and "already merged" not in reply.message:
            raise Waiting(f"{self.name}: request {pull.number} cannot be merged now{said}")

    def _dress(self, pull: Pull, text: RequestText) -> PullRequest:
        """Add the reviewers, assignees and labels that it lacks; those that people gave stay.

        Labels come last: a request that has them has the rest too, also after an end in between.
        """
        asked = self._ask(pull, text.reviewers)
        assigned = [user.login for user in pull.assignees or ()]
        assignees = _lacking(text.assignees, assigned)
        if assignees:
            self._patch(pull.number, {"assignees": [*assigned, *assignees]})
        labels = _lacking(text.labels, [label.name for label in pull.labels or ()])
        if labels:
            self._label(pull.number, labels)
        return (self._pull(pull.number) if labels or assignees or asked else pull).value()

    def _label(self, number: int, labels: list[str]) -> None:
        """Give labels by name; names that the repository and its organization do not know are passed over by Gitea,
        and made then."""
        path, body = f"{self._root}/issues/{number}/labels", {"labels": labels}
        given = self._api.items(self._api.call("POST", path, body=body, right=ISSUES), Label)
        unknown = _lacking(labels, [label.name for label in given])
        for name in unknown:
            made = {"name": name, "color": COLOR, "description": "Given by poolplan"}
            self._api.call("POST", f"{self._root}/labels", body=made, right=ISSUES)
        if unknown:
            self._api.call("POST", path, body={"labels": unknown}, right=ISSUES)

    def _ask(self, pull: Pull, reviewers: tuple[str, ...]) -> bool:
        """Ask those who were not asked yet and have not answered. Whether anybody was asked."""
        waiting = [user.login for user in pull.requested_reviewers or ()]
        waiting += [team.name for team in pull.requested_reviewers_teams or ()]
        author = pull.user.login if pull.user else ""
        wanted = [who for who in reviewers if _lacking((who.rpartition("/")[2],), [*waiting, author])]
        if wanted:
            reviews = self._api.pages(Review, f"{self._root}/pulls/{pull.number}/reviews", right=REPOSITORY)
            answered = [review.user.login for review in reviews if review.user and review.vote()]
            wanted = _lacking(wanted, answered)
        if not wanted:
            return False
        body = {
            "reviewers": [who for who in wanted if "/" not in who],
            "team_reviewers": [who.rpartition("/")[2] for who in wanted if "/" in who],
        }
        path = f"{self._root}/pulls/{pull.number}/requested_reviewers"
        self._api.call("POST", path, body=body, right=REPOSITORY)
        return True

    def _check(self, text: str) -> None:
        if len(text) > BODY_LIMIT:
            raise Stalled(f"{self.name} takes texts of {BODY_LIMIT} characters, not of {len(text)}")


def _newest_first(base: BranchName) -> dict[str, object]:
    return {"state": "all", "base_branch": base}


def _title(text: RequestText) -> str:
    return f"{DRAFT}{text.title}" if text.draft else text.title


def _method(pull: Pull) -> str:
    """A merge commit keeps what was reviewed as it was reviewed; a repository may forbid it."""
    allowed = pull.base.repo
    if allowed is None or allowed.allow_merge_commits:
        return "merge"
    return "squash" if allowed.allow_squash_merge else "rebase"


def _lacking(wanted: Iterable[str], there: Iterable[str]) -> list[str]:
    known = {one.lower() for one in there}
    return [who for who in wanted if who.lower() not in known]
