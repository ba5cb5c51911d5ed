"""A fake of GitHub's REST API (and the two GraphQL mutations of drafts) over a ``MemoryServer``.

Paths, fields, status codes, pages and error bodies are those of GitHub's published OpenAPI description and REST
documentation. Known to be guessed, because the documentation leaves them open: the words of a 405 that a draft, a
conflict or a forbidden method of merging gets, and that ``/commits/{sha}/pulls`` names squashed requests by the head of
their branch. The team path is the documented one; the order of a page's items follows the documented defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt

from gitops.errors import Stalled, Waiting
from gitops.forges.base import PullRequest, RequestState, RequestText, Vote, Word
from gitops.forges.merging import Method
from gitops.git.base import BranchName, CommitId
from tests.gitops.forges.serving import Answer, Ask, Fake, Json, Refuse, links, page_of, stamp

if TYPE_CHECKING:
    from gitops.forges.memory_server import Kept, MemoryServer

OWNER, NAME = "acme", "fleet"
REPOSITORY = f"{OWNER}/{NAME}"
TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
DOCS = "https://docs.github.com/rest"
LONGEST_BODY = 65_536
_R = f"/repos/{OWNER}/{NAME}"
_STATES = {Word.APPROVES: "APPROVED", Word.OBJECTS: "CHANGES_REQUESTED"}
_MUTATIONS = {"convertPullRequestToDraft": True, "markPullRequestReadyForReview": False}


@dataclass
class FakeApp:
    """A GitHub App with one installation. Its tokens end an hour after they were made."""

    id: str
    installation: int
    public_key: str
    slug: str = "poolplan"
    tokens: list[tuple[str, datetime]] = field(default_factory=list)


class GitHubServer(Fake):
    """``tokens`` say whose each token is; ``methods`` are the ways in which the repository may be merged."""

    prefix = "/api/v3"
    routes = (
        ("GET", "/user", "user"),
        ("GET", "/app", "app_itself"),
        ("POST", r"/app/installations/(\d+)/access_tokens", "new_token"),
        ("GET", f"{_R}/pulls", "pulls"),
        ("POST", f"{_R}/pulls", "new_pull"),
        ("GET", rf"{_R}/pulls/(\d+)", "pull"),
        ("PATCH", rf"{_R}/pulls/(\d+)", "change_pull"),
        ("PUT", rf"{_R}/pulls/(\d+)/merge", "merge_pull"),
        ("GET", rf"{_R}/pulls/(\d+)/reviews", "reviews"),
        ("POST", rf"{_R}/pulls/(\d+)/requested_reviewers", "ask_reviewers"),
        ("GET", rf"{_R}/issues/(\d+)", "issue"),
        ("GET", rf"{_R}/issues/(\d+)/events", "events_of"),
        ("GET", rf"{_R}/issues/(\d+)/comments", "comments"),
        ("POST", rf"{_R}/issues/(\d+)/comments", "new_comment"),
        ("PATCH", rf"{_R}/issues/comments/(\d+)", "change_comment"),
        ("POST", rf"{_R}/issues/(\d+)/labels", "add_labels"),
        ("POST", rf"{_R}/issues/(\d+)/assignees", "add_assignees"),
        ("GET", rf"{_R}/commits/([0-9a-f]+)/pulls", "pulls_of_commit"),
        ("GET", rf"{_R}/commits/([0-9a-f]+)/statuses", "statuses_of"),
        ("POST", rf"{_R}/statuses/([0-9a-f]+)", "new_status"),
        ("GET", rf"{_R}/compare/(.+)\.\.\.([0-9a-f]+)", "compare"),
        ("GET", rf"{_R}/collaborators/([^/]+)/permission", "permission"),
        ("GET", rf"{_R}/branches/([^/]+)", "branch"),
        ("GET", rf"{_R}/branches/([^/]+)/protection", "branch_protection"),
        ("GET", rf"{_R}/rules/branches/([^/]+)", "branch_rules"),
        ("GET", rf"{_R}/rulesets/(\d+)", "ruleset"),
        ("GET", rf"/orgs/{OWNER}/teams/([^/]+)/members", "team_members"),
        ("POST", "/api/graphql", "graphql"),
    )

    def __init__(self, model: MemoryServer, *, token: str = TOKEN, login: str = "poolplan") -> None:
        super().__init__()
        self.model = model
        self.tokens = {token: login}
        self.app_made: FakeApp | None = None
        self.methods = set(Method)
        self.rules: dict[str, list[Json]] = {}
        self.rulesets: dict[int, Json] = {}
        self.statuses: list[tuple[str, Json]] = []
        self.events: dict[int, list[Json]] = {}
        self.teams_asked: dict[int, list[str]] = {}
        self.collaborators: set[str] | None = None
        self.roles: dict[str, str] = {}
        self.nobody: set[str] = set()

    # Who is asking, and how answers are worded

    def who(self, ask: Ask) -> str:
        scheme, _, token = ask.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and self.app_made is not None:
            return self._app_login(token)
        if token in self.tokens:
            return self.tokens[token]
        now = self.model.clock.now()
        if self.app_made and any(token == known and now < ends for known, ends in self.app_made.tokens):
            return f"{self.app_made.slug}[bot]"
        raise Refuse(401, {"message": "Bad credentials", "documentation_url": DOCS, "status": "401"})

    def missing(self) -> Refuse:
        return Refuse(404, {"message": "Not Found", "documentation_url": DOCS, "status": "404"})

    def paged(self, ask: Ask, items: list[Json]) -> Answer:
        shown, page, last, size = page_of(ask, items, default=30)
        return Answer(shown, headers={"link": links(ask, page, last, size)} if last > 1 else {})

    def invalid(self, *errors: Json) -> Refuse:
        body = {"message": "Validation Failed", "errors": list(errors), "documentation_url": DOCS, "status": "422"}
        return Refuse(422, body)

    def _app_login(self, token: str) -> str:
        """The App's, where a JWT is signed by it, has begun, and ends within ten minutes."""
        assert self.app_made is not None
        try:
            claims = jwt.decode(
                token, self.app_made.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.PyJWTError:
            raise Refuse(401, {"message": "A JSON web token could not be decoded", "documentation_url": DOCS}) from None
        now = self.model.clock.now().timestamp()
        if claims["iss"] != self.app_made.id or not claims["iat"] <= now < claims["exp"] <= now + 600:
            words = "'Expiration time' claim ('exp') is too far in the future"
            raise Refuse(401, {"message": words, "documentation_url": DOCS})
        return f"{self.app_made.slug}[bot]"

    # Users and Apps

    def user(self, ask: Ask) -> Json:
        if ask.who.endswith("[bot]"):
            raise Refuse(403, {"message": "Resource not accessible by integration", "documentation_url": DOCS})
        return user(ask.who)

    def permission(self, ask: Ask, login: str) -> Json:
        """Of a public repository: who may not write may read."""
        if login in self.nobody:
            raise self.missing()
        name = "write" if self.model.writes(login) else "read"
        return {"permission": name, "role_name": self.roles.get(login, name), "user": user(login)}

    def app_itself(self, ask: Ask) -> Json:
        if self.app_made is None:
            raise self.missing()
        return {"id": 1, "slug": self.app_made.slug, "name": "poolplan", "owner": user(OWNER), "events": []}

    def new_token(self, ask: Ask, installation: str) -> Json:
        if self.app_made is None or int(installation) != self.app_made.installation:
            raise self.missing()
        made = f"ghs_{len(self.app_made.tokens):036d}"
        ends = self.model.clock.now() + timedelta(hours=1)
        self.app_made.tokens.append((made, ends))
        return Answer({"token": made, "expires_at": stamp(ends), "permissions": {"pull_requests": "write"}}, 201)

    # Pull requests

    def pulls(self, ask: Ask) -> Json:
        state, query = ask.query.get("state", "open"), ask.query
        head = query.get("head", "").partition(":")[2]
        found = [
            one
            for one in self.model.requests()
            if state in ("all", "open" if one.state is RequestState.OPEN else "closed")
            and query.get("base", one.base) == one.base
            and (not head or head == one.branch)
        ]
        backwards = query.get("direction", "desc") == "desc"
        return [self._pull(one) for one in sorted(found, key=lambda one: one.number, reverse=backwards)]

    def new_pull(self, ask: Ask) -> Json:
        body = ask.body
        branch, base = BranchName(body["head"].rpartition(":")[2]), BranchName(body["base"])
        for name, value in (("head", branch), ("base", base)):
            if self._head(value) is None:
                raise self.invalid({"resource": "PullRequest", "field": name, "code": "invalid"})
        if not body.get("title"):
            raise self.invalid({"resource": "Issue", "code": "missing_field", "field": "title"})
        self._check_body(body.get("body") or "")
        standing = [one for one in self.model.requests() if (one.branch, one.base) == (branch, base) and not one.fork]
        if any(one.state is RequestState.OPEN for one in standing):
            words = f"A pull request already exists for {OWNER}:{branch}."
            raise self.invalid({"resource": "PullRequest", "code": "custom", "message": words})
        if self._head(branch) == self._head(base):
            words = f"No commits between {base} and {branch}"
            raise self.invalid({"resource": "PullRequest", "code": "custom", "message": words})
        text = RequestText(title=body["title"], body=body.get("body") or "", draft=bool(body.get("draft")))
        made = self.model.request(ask.who, text, branch=branch, base=base)
        return Answer(self._whole(made.number), 201)

    def pull(self, ask: Ask, number: str) -> Json:
        return self._whole(self._kept(number).shown.number)

    def change_pull(self, ask: Ask, number: str) -> Json:
        kept = self._kept(number)
        self._check_body(ask.body.get("body") or "")
        words = {name: ask.body[name] for name in ("title", "body") if name in ask.body}
        self.model.change(int(number), **words)
        if ask.body.get("state") == "closed" and kept.shown.state is RequestState.OPEN:
            self.model.close(ask.who, int(number))
        return self._whole(int(number))

    def merge_pull(self, ask: Ask, number: str) -> Json:
        kept, body = self._kept(number), ask.body or {}
        if kept.shown.draft:
            raise self._unmergeable("Pull Request is still a draft")
        if kept.shown.state is not RequestState.OPEN:
            raise self._unmergeable("Pull Request is not mergeable")
        method = Method(body.get("merge_method", "merge"))
        if method not in self.methods:
            name = {Method.MERGE: "Merge commits", Method.SQUASH: "Squash merges", Method.REBASE: "Rebase merges"}
            raise self._unmergeable(f"{name[method]} are not allowed on this repository.")
        if body.get("sha", kept.shown.head) != kept.shown.head:
            words = "Head branch was modified. Review and try the merge again."
            raise Refuse(409, {"message": words, "documentation_url": DOCS, "status": "409"})
        message = "\n\n".join(filter(None, (body.get("commit_title"), body.get("commit_message"))))
        try:
            made = self.model.merge(ask.who, int(number), method, message=message)
        except Waiting:
            raise self._unmergeable("Pull Request is not mergeable") from None
        return {"sha": made, "merged": True, "message": "Pull Request successfully merged"}

    def reviews(self, ask: Ask, number: str) -> Json:
        return [self._review(index, vote) for index, vote in enumerate(self._kept(number).votes)]

    def ask_reviewers(self, ask: Ask, number: str) -> Json:
        kept, people = self._kept(number), ask.body.get("reviewers", [])
        if kept.shown.author in people:
            raise Refuse(422, {"message": "Review cannot be requested from pull request author.", "documentation_url": DOCS})
        if self.collaborators is not None and not self.collaborators.issuperset(people):
            words = "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the acme/fleet repository."
            raise Refuse(422, {"message": words, "documentation_url": DOCS})
        noted = self.events.setdefault(int(number), [])
        for login in people:
            kept.asked += [login] if login not in kept.asked else []
            noted.append({"event": "review_requested", "requested_reviewer": user(login)})
        for slug in ask.body.get("team_reviewers", []):
            self.teams_asked.setdefault(int(number), []).append(slug)
            noted.append({"event": "review_requested", "requested_team": {"slug": slug, "name": slug}})
        return Answer(self._whole(int(number)), 201)

    # The issue half of a pull request

    def issue(self, ask: Ask, number: str) -> Json:
        shown = self._kept(number).shown
        closer = user(shown.ended_by) if shown.ended_by else None
        state = "open" if shown.state is RequestState.OPEN else "closed"
        return {"number": shown.number, "state": state, "closed_by": closer, "pull_request": {"html_url": shown.url}}

    def events_of(self, ask: Ask, number: str) -> Json:
        self._kept(number)
        return [{"event": "renamed", "actor": user("ada")}, *self.events.get(int(number), [])]

    def comments(self, ask: Ask, number: str) -> Json:
        return [self._comment(said) for said in self._kept(number).comments]

    def new_comment(self, ask: Ask, number: str) -> Json:
        self._kept(number)
        self._check_body(ask.body["body"])
        return Answer(self._comment(self.model.say(ask.who, int(number), ask.body["body"])), 201)

    def change_comment(self, ask: Ask, id_: str) -> Json:
        self._check_body(ask.body["body"])
        for request in self.model.requests():
            for said in self.model.kept(request.number).comments:
                if said.id == id_:
                    said.text = ask.body["body"]
                    return self._comment(said)
        raise self.missing()

    def add_labels(self, ask: Ask, number: str) -> Json:
        self._kept(number)
        self.model.label(int(number), *ask.body["labels"])
        return Answer([{"id": 1, "name": name, "color": "ededed"} for name in self._kept(number).shown.labels])

    def add_assignees(self, ask: Ask, number: str) -> Json:
        kept = self._kept(number)
        kept.assigned = (*kept.assigned, *(one for one in ask.body["assignees"] if one not in kept.assigned))
        return Answer({"number": int(number), "assignees": [user(login) for login in kept.assigned]}, 201)

    # Commits and branches

    def pulls_of_commit(self, ask: Ask, sha: str) -> Json:
        self._known(sha)
        found = []
        for one in self.model.requests():
            merged = one.state is RequestState.MERGED and CommitId(sha) in (*self.model.kept(one.number).brought, one.head)
            if merged or (one.state is RequestState.OPEN and one.head == sha):
                found.append(self._pull(one))
        return found

    def statuses_of(self, ask: Ask, sha: str) -> Json:
        self._known(sha)
        return [status for commit, status in reversed(self.statuses) if commit == sha]

    def new_status(self, ask: Ask, sha: str) -> Json:
        self._known(sha)
        if ask.body.get("state") not in ("error", "failure", "pending", "success"):
            raise self.invalid({"resource": "Status", "code": "custom", "field": "state", "message": "state is not included in the list"})
        if len(ask.body.get("description") or "") > 140:
            words = "description is too long (maximum is 140 characters)"
            raise self.invalid({"resource": "Status", "code": "custom", "field": "description", "message": words})
        known = [1 for commit, status in self.statuses if (commit, status["context"]) == (sha, ask.body["context"])]
        if len(known) >= 1000:
            raise self.invalid("This SHA and context has reached the maximum number of statuses.")
        status = {
            "id": len(self.statuses) + 1, "state": ask.body["state"], "description": ask.body.get("description"),
            "target_url": ask.body.get("target_url"), "context": ask.body.get("context", "default"),
            "created_at": stamp(self.model.now()), "creator": user(ask.who),
        }  # fmt: skip
        self.statuses.append((sha, status))
        return Answer(status, 201)

    def compare(self, ask: Ask, base: str, sha: str) -> Json:
        commit = CommitId(sha)
        head = self._head(BranchName(base))
        if head is None:
            raise self.missing()
        self._known(sha)
        behind = self.model.repository.contains(BranchName(base), commit)
        status = "identical" if head == commit else "behind" if behind else "diverged"
        return {"status": status, "ahead_by": 0, "behind_by": 0, "total_commits": 0, "commits": [], "files": []}

    def branch(self, ask: Ask, name: str) -> Json:
        head = self._head(BranchName(name))
        protection = self.model.protection(BranchName(name))
        if head is None:
            raise Refuse(404, {"message": "Branch not found", "documentation_url": DOCS, "status": "404"})
        protected = protection.protected or name in self.rules
        return {"name": name, "commit": {"sha": head}, "protected": protected}

    def branch_protection(self, ask: Ask, name: str) -> Json:
        protection = self.model.protection(BranchName(name))
        if not protection.protected:
            raise Refuse(404, {"message": "Branch not protected", "documentation_url": DOCS, "status": "404"})
        shown: dict[str, Any] = {
            "url": ask.url, "enforce_admins": {"url": ask.url, "enabled": True},
            "allow_force_pushes": {"enabled": protection.forced}, "allow_deletions": {"enabled": False},
        }  # fmt: skip
        if protection.approvals:
            shown["required_pull_request_reviews"] = {
                "url": ask.url, "dismiss_stale_reviews": True, "require_code_owner_reviews": False,
                "required_approving_review_count": protection.approvals,
            }  # fmt: skip
        return shown

    def branch_rules(self, ask: Ask, name: str) -> Json:
        return self.rules.get(name, [])

    def ruleset(self, ask: Ask, number: str) -> Json:
        if int(number) not in self.rulesets:
            raise self.missing()
        return self.rulesets[int(number)]

    def team_members(self, ask: Ask, slug: str) -> Json:
        try:
            return [user(login) for login in sorted(self.model.members(slug))]
        except Stalled:
            raise self.missing() from None

    # GraphQL

    def graphql(self, ask: Ask) -> Json:
        number = int(ask.body["variables"]["id"].removeprefix("PR_"))
        for mutation, draft in _MUTATIONS.items():
            if mutation in ask.body["query"]:
                self.model.change(number, draft=draft)
                return {"data": {mutation: {"clientMutationId": None}}}
        return {"data": None, "errors": [{"type": "undefinedField", "message": "Field doesn't exist on type 'Mutation'"}]}

    # Shapes

    def _pull(self, one: PullRequest) -> dict[str, Json]:
        kept = self.model.kept(one.number)
        merged = one.state is RequestState.MERGED
        voted = {vote.who for vote in kept.votes}
        repo = {"id": 1, "name": NAME, "full_name": REPOSITORY, "private": True, "owner": user(OWNER)}
        theirs = {**repo, "id": 2, "full_name": f"mallory/{NAME}"}
        head = {"label": f"{OWNER}:{one.branch}", "ref": one.branch, "sha": one.head, "user": user(OWNER)}
        return {
            "id": one.number, "node_id": f"PR_{one.number}", "number": one.number, "html_url": one.url,
            "state": "open" if one.state is RequestState.OPEN else "closed", "locked": False, "title": one.title,
            "body": one.body or None, "user": user(one.author), "draft": one.draft,
            "labels": [{"id": 1, "name": name, "color": "ededed", "default": False} for name in one.labels],
            "assignees": [user(login) for login in kept.assigned],
            "requested_reviewers": [user(login) for login in kept.asked if login not in voted],
            "requested_teams": [{"slug": slug, "name": slug} for slug in self.teams_asked.get(one.number, [])],
            "head": {**head, "repo": theirs if one.fork else repo}, "base": {"ref": one.base, "sha": one.head, "repo": repo},
            "created_at": stamp(one.created_at), "updated_at": stamp(one.created_at), "closed_at": stamp(one.ended_at),
            "merged_at": stamp(one.ended_at) if merged else None,
            "merge_commit_sha": one.merged_as or "f" * 40,
        }  # fmt: skip

    def _whole(self, number: int) -> dict[str, Json]:
        """With what a single request has more than one of a list."""
        one = self.model.kept(number).shown
        merged = one.state is RequestState.MERGED
        return {
            **self._pull(one), "merged": merged, "mergeable": None if merged else True, "commits": 1,
            "merged_by": user(one.ended_by) if merged and one.ended_by else None, "comments": 0,
        }  # fmt: skip

    def _review(self, index: int, vote: Vote) -> Json:
        return {
            "id": index + 1, "user": user(vote.who), "body": "", "commit_id": vote.commit,
            "state": "DISMISSED" if vote.dismissed else _STATES[vote.word], "submitted_at": stamp(vote.at),
        }  # fmt: skip

    def _comment(self, said: Any) -> Json:
        return {"id": int(said.id), "body": said.text, "user": user(said.author), "author_association": "MEMBER"}

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
            words = f"No commit found for SHA: {sha}"
            raise Refuse(422, {"message": words, "documentation_url": DOCS, "status": "422"}) from None

    def _check_body(self, text: str) -> None:
        if len(text) > LONGEST_BODY:
            words = f"body is too long (maximum is {LONGEST_BODY} characters)"
            raise self.invalid({"resource": "Issue", "code": "custom", "field": "body", "message": words})

    def _unmergeable(self, words: str) -> Refuse:
        return Refuse(405, {"message": words, "documentation_url": DOCS, "status": "405"})


def user(login: str) -> Json:
    """A simple user."""
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login, "id": sum(login.encode()), "node_id": login, "type": kind, "site_admin": False}
