"""A fake of GitLab's REST API, version 4, over a ``MemoryServer``: a project of a sub-group.

Paths, fields, status codes, pages and error bodies are those of GitLab's API documentation, and of its own source where
that says more: a commit status that is under way refuses the step to the state that it has, one that has ended is
followed by a new one. Known to be guessed: the words of a 405 and 422 that a merge gets, and when a version of a merge
request is made, here when the server is next asked after a push. A dismissed vote is one that GitLab takes back: an
approval is gone from the list, and a reviewer stands as ``unreviewed``. A rebase is what GitLab calls the semi-linear
way: the branch itself is rebased and then merged by fast-forward.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gitops.errors import Stalled, Waiting
from gitops.forges.base import PullRequest, RequestState, RequestText, Vote, Word
from gitops.forges.merging import Method
from gitops.git.base import BranchName, CommitId
from tests.gitops.forges.serving import Answer, Ask, Fake, Json, Refuse, links, page_of, stamp

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.forges.memory_server import Kept, MemoryServer

GROUP = "acme/infra"
PROJECT = f"{GROUP}/fleet"
TOKEN = "glpat-0123456789abcdefghij"
LONGEST_BODY = 1_000_000
_P = f"/projects/{quote(PROJECT, safe='')}"
_M = rf"{_P}/merge_requests/(\d+)"
_STATES = {RequestState.OPEN: "opened", RequestState.MERGED: "merged", RequestState.CLOSED: "closed"}
_STEPS = {"pending", "running", "success", "failed", "canceled", "skipped"}


class GitLabServer(Fake):
    """``tokens`` say whose each token is; ``free`` is an edition without approval rules."""

    prefix = "/api/v4"
    routes = (
        ("GET", "/user", "user"),
        ("GET", "/users", "users"),
        ("GET", f"{_P}/merge_requests", "requests"),
        ("POST", f"{_P}/merge_requests", "new_request"),
        ("GET", _M, "request"),
        ("PUT", _M, "change_request"),
        ("PUT", f"{_M}/merge", "merge_request"),
        ("GET", f"{_M}/notes", "notes"),
        ("POST", f"{_M}/notes", "new_note"),
        ("PUT", rf"{_M}/notes/(\d+)", "change_note"),
        ("GET", f"{_M}/approvals", "approvals"),
        ("GET", f"{_M}/reviewers", "reviewers"),
        ("GET", f"{_M}/versions", "versions_of"),
        ("GET", rf"{_P}/repository/commits/([0-9a-f]+)/merge_requests", "requests_of_commit"),
        ("GET", rf"{_P}/repository/commits/([0-9a-f]+)/refs", "refs_of_commit"),
        ("GET", rf"{_P}/repository/commits/([0-9a-f]+)/statuses", "statuses_of"),
        ("POST", rf"{_P}/statuses/([0-9a-f]+)", "new_status"),
        ("GET", f"{_P}/protected_branches", "protected_branches"),
        ("GET", f"{_P}/approval_rules", "approval_rules"),
        ("GET", rf"{_P}/members/all/(\d+)", "member"),
        ("GET", r"/groups/([^/]+)", "one_group"),
        ("GET", r"/groups/([^/]+)/descendant_groups", "groups_below"),
        ("GET", r"/groups/([^/]+)/members", "group_members"),
    )

    def __init__(self, model: MemoryServer, *, token: str = TOKEN, login: str = "poolplan") -> None:
        super().__init__()
        self.model = model
        self.tokens = {token: login}
        self.free = False
        self.dated = True
        self.nobody: set[str] = {"nobody"}
        self.statuses: list[tuple[str, Json]] = []
        self.levels: dict[str, int] = {}
        self.protected: list[Json] | None = None
        self.groups: dict[str, list[Json]] = {}
        self.versions: dict[int, list[tuple[str, datetime]]] = {}
        self.system: dict[int, list[Json]] = {}
        self._ids: dict[str, int] = {}

    def group(self, name: str, *members: str, below: str = "") -> str:
        """Make a group and say its path."""
        path = f"{below or 'acme'}/{name}"
        self.groups[path] = [{**self._user(login), "access_level": 40, "state": "active"} for login in members]
        return path

    # Who is asking, and how answers are worded

    def who(self, ask: Ask) -> str:
        token = ask.headers.get("private-token", "")
        if token not in self.tokens:
            raise Refuse(401, {"message": "401 Unauthorized"})
        self._follow()
        return self.tokens[token]

    def missing(self, what: str = "") -> Refuse:
        return Refuse(404, {"message": f"404 {what} Not Found".replace("  ", " ")})

    def paged(self, ask: Ask, items: list[Json]) -> Answer:
        shown, page, last, size = page_of(ask, items, default=20)
        headers = {
            "x-page": str(page), "x-per-page": str(size), "x-total": str(len(items)), "x-total-pages": str(last),
            "x-next-page": str(page + 1) if page < last else "", "x-prev-page": str(page - 1) if page > 1 else "",
            "link": links(ask, page, last, size),
        }  # fmt: skip
        return Answer(shown, headers=headers)

    def _follow(self) -> None:
        """Note a version for every push that was not noted yet."""
        for one in self.model.requests():
            noted = self.versions.setdefault(one.number, [])
            if not noted or noted[-1][0] != one.head:
                noted.append((one.head, self.model.now() if noted else one.created_at))

    # Users and groups

    def user(self, ask: Ask) -> Json:
        return self._user(ask.who)

    def users(self, ask: Ask) -> Json:
        name = ask.query["username"]
        return [] if name in self.nobody else [self._user(name)]

    def member(self, ask: Ask, number: str) -> Json:
        """Directly or by a group: everybody is a developer, or has the level that is written down, 0 for none."""
        login = next((one for one, known in self._ids.items() if known == int(number)), "")
        level = self.levels.get(login, 30 if self.model.writes(login) else 20)
        if not level:
            raise self.missing()
        return {**self._user(login), "access_level": level, "expires_at": None}

    def one_group(self, ask: Ask, path: str) -> Json:
        return self._group(self._path(path))

    def groups_below(self, ask: Ask, path: str) -> Json:
        above = self._path(path)
        return [self._group(other) for other in sorted(self.groups) if other.startswith(f"{above}/")]

    def group_members(self, ask: Ask, path: str) -> Json:
        return self.groups[self._path(path)]

    # Merge requests

    def requests(self, ask: Ask) -> Json:
        query = ask.query
        wanted = query.get("state", "all")
        found = [
            one
            for one in self.model.requests()
            if wanted in ("all", _STATES[one.state])
            and query.get("target_branch", one.base) == one.base
            and query.get("source_branch", one.branch) == one.branch
        ]
        backwards = query.get("sort", "desc") == "desc"
        return [self._request(one) for one in sorted(found, key=lambda one: one.number, reverse=backwards)]

    def new_request(self, ask: Ask) -> Json:
        body = ask.body
        for name in ("source_branch", "target_branch", "title"):
            if not body.get(name):
                raise Refuse(400, {"error": f"{name} is missing"})
        branch, base = BranchName(body["source_branch"]), BranchName(body["target_branch"])
        for name, value in (("source branch", branch), ("target branch", base)):
            if self._head(value) is None:
                raise Refuse(422, {"message": [f"{name.capitalize()} {value!r} does not exist"]})
        standing = [one for one in self.model.requests() if (one.branch, one.base, one.fork) == (branch, base, False)]
        for one in standing:
            if one.state is RequestState.OPEN:
                words = f"Another open merge request already exists for this source branch: !{one.number}"
                raise Refuse(409, {"message": [words]})
        self._check(body.get("description") or "")
        title, draft = _undrafted(body["title"])
        text = RequestText(
            title=title, body=body.get("description") or "", draft=draft, labels=_labels(body.get("labels")),
            reviewers=self._logins(body.get("reviewer_ids")), assignees=self._logins(body.get("assignee_ids")),
        )  # fmt: skip
        made = self.model.request(ask.who, text, branch=branch, base=base)
        self._note_asked(made.number, text.reviewers)
        self._follow()
        return Answer(self._request(made), 201)

    def request(self, ask: Ask, number: str) -> Json:
        return self._request(self._kept(number).shown)

    def change_request(self, ask: Ask, number: str) -> Json:
        kept, body = self._kept(number), ask.body
        self._check(body.get("description") or "")
        if "title" in body:
            title, draft = _undrafted(body["title"])
            self.model.change(int(number), title=title, draft=draft)
        if "description" in body:
            self.model.change(int(number), body=body["description"])
        self.model.label(int(number), *_labels(body.get("add_labels")))
        if "assignee_ids" in body:
            kept.assigned = self._logins(body["assignee_ids"])
        if "reviewer_ids" in body:
            new = self._logins(body["reviewer_ids"])
            self._note_asked(int(number), tuple(one for one in new if one not in kept.asked))
            kept.asked = list(new)
        if body.get("state_event") == "close" and kept.shown.state is RequestState.OPEN:
            self.model.close(ask.who, int(number))
        return self._request(self._kept(number).shown)

    def merge_request(self, ask: Ask, number: str) -> Json:
        kept, body = self._kept(number), ask.body or {}
        if kept.shown.state is not RequestState.OPEN or kept.shown.draft:
            raise Refuse(405, {"message": "405 Method Not Allowed"})
        if body.get("sha", kept.shown.head) != kept.shown.head:
            raise Refuse(409, {"message": "SHA does not match HEAD of source branch"})
        try:
            self.model.merge(ask.who, int(number), Method.MERGE, message=body.get("merge_commit_message") or "")
        except Waiting:
            raise Refuse(422, {"message": "Branch cannot be merged"}) from None
        return self._request(self._kept(number).shown)

    def notes(self, ask: Ask, number: str) -> Json:
        kept = self._kept(number)
        people = [self._note(int(said.id), said.author, said.text) for said in kept.comments]
        words = {Word.APPROVES: "approved this merge request", Word.OBJECTS: "requested changes"}
        told = [self._note(8000, vote.who, words[vote.word], at=vote.at, system=True) for vote in kept.votes]
        return self.system.get(int(number), []) + told + people

    def new_note(self, ask: Ask, number: str) -> Json:
        self._kept(number)
        self._check(ask.body["body"])
        said = self.model.say(ask.who, int(number), ask.body["body"])
        return Answer(self._note(int(said.id), said.author, said.text), 201)

    def change_note(self, ask: Ask, number: str, id_: str) -> Json:
        self._check(ask.body["body"])
        for said in self._kept(number).comments:
            if said.id == id_:
                said.text = ask.body["body"]
                return self._note(int(said.id), said.author, said.text)
        raise self.missing("Note")

    # Votes

    def approvals(self, ask: Ask, number: str) -> Json:
        latest = self._latest(number)
        given = [vote for vote in latest.values() if vote.word is Word.APPROVES and not vote.dismissed]
        shown = [{"user": self._user(vote.who), "approved_at": _precise(vote.at)} for vote in given]
        if not self.dated:
            shown = [{"user": one["user"]} for one in shown]
        return {"id": int(number), "iid": int(number), "approvals_required": 0, "approvals_left": 0, "approved_by": shown}

    def reviewers(self, ask: Ask, number: str) -> Json:
        kept, latest = self._kept(number), self._latest(number)
        names = {Word.APPROVES: "approved", Word.OBJECTS: "requested_changes"}
        shown = []
        for login in dict.fromkeys((*kept.asked, *latest)):
            vote = latest.get(login)
            state = names[vote.word] if vote and not vote.dismissed else "unreviewed"
            shown.append({"user": self._user(login), "state": state, "created_at": _precise(kept.shown.created_at)})
        return shown

    def versions_of(self, ask: Ask, number: str) -> Json:
        self._kept(number)
        found = list(enumerate(self.versions[int(number)], 1))
        return [
            {"id": index, "head_commit_sha": head, "created_at": _precise(at), "state": "collected"}
            for index, (head, at) in reversed(found)
        ]

    # Commits and branches

    def requests_of_commit(self, ask: Ask, sha: str) -> Json:
        self._known(sha)
        found = []
        for one in self.model.requests():
            brought = one.state is RequestState.MERGED and CommitId(sha) in (*self.model.kept(one.number).brought, one.head)
            open_ = one.state is not RequestState.MERGED and one.head == sha
            if (brought or open_) and ask.query.get("state", "all") in ("all", _STATES[one.state]):
                found.append(self._request(one))
        return found

    def refs_of_commit(self, ask: Ask, sha: str) -> Json:
        self._known(sha)
        there = self.model.repository.branches()
        return [{"type": "branch", "name": name} for name, _ in there if self.model.repository.contains(name, CommitId(sha))]

    def statuses_of(self, ask: Ask, sha: str) -> Json:
        self._known(sha)
        name = ask.query.get("name")
        newest = {one["name"]: one for commit, one in self.statuses if commit == sha and name in (None, one["name"])}
        return list(newest.values())

    def new_status(self, ask: Ask, sha: str) -> Json:
        self._known(sha)
        state, name = ask.body.get("state"), ask.body.get("name") or ask.body.get("context") or "default"
        if state not in _STEPS:
            raise Refuse(400, {"error": "state does not have a valid value"})
        under_way = [
            one
            for commit, one in self.statuses
            if (commit, one["name"]) == (sha, name) and one["status"] in ("pending", "running")
        ]
        words = {"description": ask.body.get("description"), "target_url": ask.body.get("target_url")}
        if under_way:
            if under_way[-1]["status"] == state:
                told = f'Cannot transition status via :enqueue from :{state} (Reason(s): Status cannot transition via "enqueue")'
                raise Refuse(400, {"message": told})
            under_way[-1].update(status=state, **words)
            return Answer(under_way[-1], 201)
        made = {"id": len(self.statuses) + 1, "sha": sha, "name": name, "status": state, "ref": "main", **words}
        self.statuses.append((sha, made))
        return Answer(made, 201)

    def protected_branches(self, ask: Ask) -> Json:
        if self.protected is not None:
            return self.protected
        shown = []
        for name in ("main", "release"):
            protection = self.model.protection(BranchName(name))
            if protection.protected:
                shown.append({
                    "id": len(shown) + 1, "name": name, "allow_force_push": protection.forced,
                    "push_access_levels": [{"access_level": 40, "access_level_description": "Maintainers"}],
                    "merge_access_levels": [{"access_level": 30, "access_level_description": "Developers + Maintainers"}],
                })  # fmt: skip
        return shown

    def approval_rules(self, ask: Ask) -> Json:
        if self.free:
            raise self.missing()
        count = self.model.protection(BranchName("main")).approvals
        return [{
            "id": 1, "name": "All Members", "rule_type": "any_approver", "approvals_required": count,
            "protected_branches": [], "applies_to_all_protected_branches": False,
        }]  # fmt: skip

    # Shapes

    def _request(self, one: PullRequest) -> dict[str, Json]:
        kept = self.model.kept(one.number)
        merged, closed = one.state is RequestState.MERGED, one.state is RequestState.CLOSED
        way = self._way(one)
        ended = self._user(one.ended_by) if one.ended_by else None
        return {
            "id": 1000 + one.number, "iid": one.number, "project_id": 7, "web_url": one.url, "state": _STATES[one.state],
            "title": f"Draft: {one.title}" if one.draft else one.title, "description": one.body or None,
            "draft": one.draft, "work_in_progress": one.draft, "labels": list(one.labels),
            "source_branch": one.branch, "target_branch": one.base, "source_project_id": 8 if one.fork else 7,
            "target_project_id": 7, "author": self._user(one.author), "created_at": _precise(one.created_at),
            "reviewers": [self._user(login) for login in kept.asked],
            "assignees": [self._user(login) for login in kept.assigned], "detailed_merge_status": "mergeable",
            "sha": one.merged_as if way is Method.REBASE else one.head,
            "merge_commit_sha": one.merged_as if way is Method.MERGE else None,
            "squash_commit_sha": one.merged_as if way is Method.SQUASH else None, "merge_user": ended if merged else None, "merged_by": ended if merged else None,
            "merged_at": _precise(one.ended_at) if merged else None, "closed_by": ended if closed else None,
            "closed_at": _precise(one.ended_at) if closed else None,
        }  # fmt: skip

    def _way(self, one: PullRequest) -> Method | None:
        """How it was merged, as the commits tell: a merge has two parents, a rebased commit says what it said."""
        if one.merged_as is None:
            return None
        made = self.model.repository.show(one.merged_as)
        if len(made.parents) > 1:
            return Method.MERGE
        return Method.REBASE if made.message == self.model.repository.show(one.head).message else Method.SQUASH

    def _user(self, login: str) -> dict[str, Any]:
        number = self._ids.setdefault(login, len(self._ids) + 1)
        return {"id": number, "username": login, "name": login.title(), "state": "active", "web_url": f"/{login}"}

    def _logins(self, ids: list[int] | None) -> tuple[str, ...]:
        known = {number: login for login, number in self._ids.items()}
        return tuple(known[one] for one in ids or ())

    def _group(self, path: str) -> dict[str, Any]:
        return {"id": sorted(self.groups).index(path) + 1, "full_path": path, "path": path.rpartition("/")[2]}

    def _path(self, text: str) -> str:
        """The group that a path or an id names."""
        path = sorted(self.groups)[int(text) - 1] if text.isdecimal() else text
        if path not in self.groups:
            raise self.missing("Group")
        return path

    def _note(
        self, id_: int, author: str, text: str, *, at: datetime | None = None, system: bool = False
    ) -> Json:  # fmt: skip
        return {
            "id": id_, "body": text, "author": self._user(author), "system": system, "noteable_type": "MergeRequest",
            "created_at": _precise(at or self.model.now()),
        }  # fmt: skip

    def _note_asked(self, number: int, logins: tuple[str, ...]) -> None:
        if logins:
            words = "requested review from " + " and ".join(f"@{one}" for one in logins)
            self.system.setdefault(number, []).append(self._note(9000 + number, "poolplan", words, system=True))

    def _latest(self, number: str) -> dict[str, Vote]:
        return {vote.who: vote for vote in self._kept(number).votes}

    def _kept(self, number: str) -> Kept:
        try:
            return self.model.kept(int(number))
        except Stalled:
            raise self.missing() from None

    def _head(self, branch: BranchName) -> CommitId | None:
        self.model.repository.refresh()
        return self.model.repository.head(branch)

    def _known(self, sha: str) -> None:
        try:
            self.model.repository.show(CommitId(sha))
        except Stalled:
            raise self.missing("Commit") from None

    def _check(self, text: str) -> None:
        if len(text) > LONGEST_BODY:
            raise Refuse(400, {"message": {"description": [f"is too long (maximum is {LONGEST_BODY} characters)"]}})


def _undrafted(title: str) -> tuple[str, bool]:
    return (title.removeprefix("Draft: "), True) if title.startswith("Draft: ") else (title, False)


def _labels(written: str | None) -> tuple[str, ...]:
    return tuple(one for one in (written or "").split(",") if one)


def _precise(at: datetime | None) -> str | None:
    """With milliseconds, and at an offset from UTC, as GitLab may write it."""
    if at is None:
        return None
    there = at + timedelta(hours=2)
    return f"{(stamp(there) or '').removesuffix('Z')}.000+02:00"
