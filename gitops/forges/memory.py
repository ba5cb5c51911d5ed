"""A forge in memory for tests and simulations: the whole seam, with every call counted, and faults on demand."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gitops.errors import Stalled, Waiting
from gitops.forges.base import STATUS_CONTEXT, Comment, Protection, PullRequest, RequestState, latest_votes
from gitops.forges.markers import CLOSING, marked, unmarked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.forges.base import RequestText, StatusState, Vote
    from gitops.forges.memory_server import MemoryServer
    from gitops.git.base import BranchName, CommitId

BODY_LIMIT = 65_536
"""As GitHub's, the smallest of those that poolplan knows."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was made through the seam."""

    name: str
    arguments: tuple[object, ...]


@dataclass(slots=True)
class _Fault:
    name: str
    left: int
    error: BaseException
    after: bool


class MemoryForge:
    """Keeps the contract of ``gitops.forges.base.Forge`` over a server, in the name of ``login``.

    ``calls`` are all that were made, in order, those that failed included; empty it as you like.
    """

    def __init__(self, server: MemoryServer, *, login: str = "poolplan", body_limit: int = BODY_LIMIT) -> None:
        self.server = server
        self.calls: list[Call] = []
        self._login = login
        self._body_limit = body_limit
        self._faults: list[_Fault] = []
        self._lies: dict[int, dict[str, Any]] = {}

    # What tests ask of it

    def fail(self, error: BaseException, *, on: str = "", nth: int = 1, after: bool = False) -> None:
        """Let the ``nth`` call from now (of that name, or of any) raise; ``after``: once it has taken effect."""
        self._faults.append(_Fault(on, nth, error, after))

    def lie(self, number: int, **fields: Any) -> None:
        """From now on show a request with these fields, whatever the server has; none: the truth again."""
        self._lies[number] = fields

    def count(self, name: str = "") -> int:
        """How many calls of that name were made, or of any."""
        return sum(1 for call in self.calls if name in ("", call.name))

    # The seam

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def body_limit(self) -> int:
        return self._body_limit

    @property
    def reviews(self) -> bool:
        return True

    def me(self) -> str:
        return self._login

    def open_requests(self, base: BranchName) -> tuple[PullRequest, ...]:
        with self._call("open_requests", base):
            shown = map(self._shown, self.server.requests())
            return tuple(one for one in shown if one.base == base and one.state is RequestState.OPEN)

    def get(self, number: int) -> PullRequest:
        with self._call("get", number):
            return self._shown(self.server.kept(number).shown)

    def newest(self, branch: BranchName, base: BranchName) -> PullRequest | None:
        with self._call("newest", branch, base):
            return self._newest(branch, base)

    def bringing(self, commit: CommitId, base: BranchName) -> PullRequest | None:
        with self._call("bringing", commit, base):
            merged = [one for one in self.server.requests() if one.state is RequestState.MERGED and one.base == base]
            brought = [one for one in merged if commit in self.server.kept(one.number).brought]
            return self._shown(brought[0]) if brought else None

    def open(self, text: RequestText, *, branch: BranchName, base: BranchName) -> PullRequest:
        with self._call("open", text, branch, base):
            self._check(text.body)
            standing = self._newest(branch, base)
            if standing and standing.state is RequestState.OPEN:
                return standing
            return self._shown(self.server.request(self._login, text, branch=branch, base=base))

    def revise(self, number: int, text: RequestText) -> PullRequest:
        with self._call("revise", number, text):
            self._check(text.body)
            if self.server.kept(number).shown.state is not RequestState.OPEN:
                raise Stalled(f"{self.name}: request {number} is not open: it cannot be revised")
            self.server.change(number, title=text.title, body=text.body, draft=text.draft)
            return self._shown(self.server.dress(number, text))

    def comment(self, number: int, marker: str, body: str) -> Comment:
        with self._call("comment", number, marker, body):
            return self._comment(number, marker, body)

    def close(self, number: int, body: str) -> None:
        with self._call("close", number, body):
            if self.server.kept(number).shown.state is RequestState.OPEN:
                self._comment(number, CLOSING, body)
                self.server.close(self._login, number)

    def merge(self, number: int, *, head: CommitId, message: str) -> CommitId:
        with self._call("merge", number, head, message):
            shown = self._shown(self.server.kept(number).shown)
            if shown.merged_as is not None:
                return shown.merged_as
            if self.server.kept(number).shown.head != head:
                raise Waiting(f"{self.name}: request {number} was pushed to meanwhile: it is not merged")
            made = self.server.merge(self._login, number, message=message)
            return self._shown(self.server.kept(number).shown).merged_as or made

    def votes(self, number: int) -> tuple[Vote, ...]:
        with self._call("votes", number):
            said = latest_votes(self.server.kept(number).votes)
            return tuple(replace(vote, writes=self.server.writes(vote.who)) for vote in said)

    def protection(self, branch: BranchName) -> Protection:
        with self._call("protection", branch):
            return self.server.protection(branch)

    def members(self, team: str) -> frozenset[str]:
        with self._call("members", team):
            return self.server.members(team)

    def set_status(self, commit: CommitId, state: StatusState, description: str, *, url: str = "") -> None:
        with self._call("set_status", commit, state, description, url):
            self.server.statuses[commit, STATUS_CONTEXT] = (state, description, url)

    @contextmanager
    def _call(self, name: str, *arguments: object) -> Iterator[None]:
        """Note the call, and raise before or after it where that was asked for."""
        self.calls.append(Call(name, arguments))
        due = [fault for fault in self._faults if fault.name in ("", name)]
        for fault in due:
            fault.left -= 1
        raising = next((fault for fault in due if not fault.left), None)
        self._faults = [fault for fault in self._faults if fault.left > 0]
        if raising and not raising.after:
            raise raising.error
        yield
        if raising:
            raise raising.error

    def _shown(self, request: PullRequest) -> PullRequest:
        lies = self._lies.get(request.number, {})
        return replace(request, **lies) if lies else request

    def _newest(self, branch: BranchName, base: BranchName) -> PullRequest | None:
        ours = [one for one in self.server.requests() if (one.branch, one.base, one.fork) == (branch, base, False)]
        return self._shown(ours[-1]) if ours else None

    def _comment(self, number: int, marker: str, body: str) -> Comment:
        text = marked(marker, body)
        self._check(text)
        for said in self.server.kept(number).comments:
            if said.author == self._login and unmarked(marker, said.text) is not None:
                said.text = text
                return Comment(id=said.id, body=body, author=self._login)
        said = self.server.say(self._login, number, text)
        return Comment(id=said.id, body=body, author=self._login)

    def _check(self, text: str) -> None:
        if len(text) > self._body_limit:
            raise Stalled(f"{self.name} takes texts of {self._body_limit} characters, not of {len(text)}")
