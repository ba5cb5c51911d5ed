"""The API of Gitea and Forgejo as ``requests`` carries it: one session, the token in a header and nowhere else.

Why no SDK: docs/adr/0010. What a failed call means is said in ``gitops.forges.rest``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from gitops.errors import PoolplanError, Stalled, Waiting
from gitops.forges.rest import MOST_PAGES, PAGE, TIMEOUT, Reply, RestApi, Right

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests import PreparedRequest

    from gitops.clock import Clock
    from gitops.forges.rest import Server, SignIn

T = TypeVar("T")
ROOT = "/api/v1"
USER = Right("the scope read:user", "poolplan does not know who it is")
REPOSITORY = Right("the scope write:repository, and its user the right to write", "nothing can be proposed")
ISSUES = Right("the scope write:issue", "requests cannot be labelled, commented or assigned")
ADMIN = Right("the scope read:repository, and its user to be an administrator of the repository",
              "it cannot be seen how branches are protected")  # fmt: skip
ORGANIZATION = Right("the scope read:organization, and its user to be in the team or an owner of the organization",
                     "it cannot be seen who is in a team")  # fmt: skip
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class GiteaApi(RestApi):
    """One server's calls. ``calls`` counts them."""

    def __init__(self, server: Server, sign_in: SignIn, clock: Clock) -> None:
        super().__init__(server, sign_in, clock)
        from requests import Session  # noqa: PLC0415 - slow to load

        self.calls = 0
        self._url = server.url.rstrip("/").removesuffix(ROOT) + ROOT
        self._page = 0
        self._session = Session()
        self._session.verify = server.ca_file or True
        self._session.headers.update({"Accept": "application/json", "User-Agent": "poolplan"})
        # No proxy stands between a machine and itself.
        self._session.trust_env = urlsplit(server.url).hostname not in _LOOPBACK

    def exchange(self, verb: str, path: str, query: Mapping[str, object], body: object) -> Reply:
        from requests import RequestException  # noqa: PLC0415 - slow to load

        self.calls += 1
        data = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        token = self._sign_in.current()

        def sign(request: PreparedRequest) -> PreparedRequest:
            """An ``auth`` of our own, or else a .netrc of this machine's would take the header's place."""
            request.headers["Authorization"] = f"token {token}"
            return request

        trouble: PoolplanError
        try:
            got = self._session.request(
                verb, self._url + path, params={key: str(value) for key, value in query.items()}, data=data,
                headers=headers, auth=sign, timeout=TIMEOUT, allow_redirects=False,
            )  # fmt: skip
        except RequestException as error:
            trouble = self._silence(error, f"{verb} {path}")
        else:
            lower = {key.lower(): value for key, value in got.headers.items()}
            return Reply(f"{verb} {path}", got.status_code, lower, got.content)
        raise trouble  # here, and not above: what requests raised holds the headers of the request

    def pages(
        self, kind: type[T], path: str, *, query: Mapping[str, object] | None = None, allow: tuple[int, ...] = (),
        right: Right,
    ) -> Iterator[T]:  # fmt: skip
        """Every item of a list. A page may be shorter than asked for, because the server has a limit of its own and
        leaves out what one may not see; so its X-Total-Count says when the end is reached. Raises Waiting where the
        list changes meanwhile: then an item may have slipped from one page to another."""
        total = None
        for page in range(1, MOST_PAGES + 1):
            asked = {**(query or {}), "limit": PAGE, "page": page}
            reply = self.call("GET", path, query=asked, allow=allow, right=right)
            if reply.status in allow:
                return
            counted = self._total(reply)
            if counted != (total if total is not None else counted):
                raise Waiting(f"{self.name}: the list at {path} changed while it was read; try again", retry_after=1.0)
            total = counted
            items = self.items(reply, kind)
            yield from items
            if (page == 1 and len(items) >= total) or page * self._page_size() >= total:
                return
        raise Stalled(f"{self.name}: the list at {path} has more than {MOST_PAGES} pages; poolplan stops there")

    def items(self, reply: Reply, kind: type[T]) -> list[T]:
        """An answer that is a list: one without items may be null."""
        if reply.body.strip() == b"null":
            return []
        return self.decode(reply, list[kind])  # type: ignore[valid-type] # a type made from a value

    def next_page(self, reply: Reply, query: Mapping[str, object]) -> Mapping[str, object] | None:
        """Not used: pages are counted here."""
        raise NotImplementedError

    def error(self, reply: Reply, right: Right) -> PoolplanError:
        """What a failure means for the user. A conflict is one with what somebody else did meanwhile."""
        if reply.status == 409:
            return Waiting(f"{self.name}: {reply.call} met a change by somebody else{self.said(reply)}; try again")
        return super().error(reply, right)

    def _total(self, reply: Reply) -> int:
        count = reply.headers.get("x-total-count", "")
        if not count.isdecimal():
            raise Stalled(f"{self.name}: {reply.call} does not say how long the list is (X-Total-Count)")
        return int(count)

    def _page_size(self) -> int:
        """How many items a page has at the most: the server's setting MAX_RESPONSE_ITEMS, which is 50 untouched."""
        if not self._page:
            settings = self.read(_Settings, "/settings/api", right=REPOSITORY)
            self._page = max(1, min(PAGE, settings.max_response_items))
        return self._page

    def _silence(self, error: Exception, call: str) -> PoolplanError:
        """No answer came."""
        from requests import exceptions  # noqa: PLC0415 - slow to load

        if isinstance(error, exceptions.SSLError):
            told = self.hide(str(error))
            return Stalled(f"{self.name}: the server's certificate is not trusted ({told}); set spec.forge.caFile")
        if isinstance(error, exceptions.InvalidURL | exceptions.MissingSchema | exceptions.InvalidSchema):
            return Stalled(f"{self.name}: spec.forge.url is no address that can be called")
        if isinstance(error, exceptions.Timeout):
            return Waiting(f"{self.name} did not answer {call} within {TIMEOUT} s; try again later")
        return Waiting(f"{self.name} does not answer {call} ({type(error).__name__}); try again later")


def one(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def rest(name: str) -> str:
    """A name that stands at the end of a path and may have slashes."""
    return quote(name, safe="/")


class _Settings(msgspec.Struct):
    max_response_items: int
