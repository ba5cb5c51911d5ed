"""GitHub's API as PyGithub carries it: its connections, headers and sign-in. Its own retries and waits are off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from gitops.errors import Stalled, Waiting
from gitops.forges.rest import TIMEOUT, Reply, RestApi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.clock import Clock
    from gitops.forges.rest import Server, SignIn

PUBLIC = "https://api.github.com"
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="next"')


def api_url(url: str) -> str:
    """The address of the API for what a person wrote: nothing, ``https://github.com``, an Enterprise server's address
    with or without ``/api/v3``, or an API's own address."""
    plain = url.rstrip("/")
    parts = urlsplit(plain)
    host = parts.hostname or ""
    if not plain or host in ("github.com", "www.github.com"):
        return PUBLIC
    return plain if parts.path or host.startswith("api.") else f"{plain}/api/v3"


class GitHubApi(RestApi):
    """One repository's calls. ``scheme`` is what stands before the token: ``token``, or ``Bearer`` before a JWT."""

    def __init__(self, server: Server, sign_in: SignIn, clock: Clock, *, scheme: str = "token") -> None:
        super().__init__(server, sign_in, clock)
        from github import Github  # noqa: PLC0415 - half a second of imports

        from gitops.forges.github_auth import FreshToken  # noqa: PLC0415 - as above

        self._requester = Github(
            base_url=server.url, auth=FreshToken(sign_in, scheme), timeout=TIMEOUT, verify=server.ca_file or True,
            retry=None, seconds_between_requests=None, seconds_between_writes=None, user_agent="poolplan",
        ).requester  # fmt: skip

    def exchange(self, verb: str, path: str, query: Mapping[str, object], body: object) -> Reply:
        from requests import RequestException  # noqa: PLC0415 - comes with PyGithub
        from requests.exceptions import SSLError  # noqa: PLC0415 - likewise

        trouble: Waiting | Stalled
        try:
            status, headers, text = self._requester.requestJson(verb, path, dict(query), None, body)
        except SSLError as error:
            told = self.hide(str(error))
            trouble = Stalled(f"{self.name}: the server cannot be trusted: {told}; set spec.forge.caFile")
        except (RequestException, OSError) as error:
            trouble = Waiting(f"{self.name} does not answer {verb} {path} ({type(error).__name__}); try again later")
        except (RuntimeError, AssertionError):  # PyGithub's words for an answer that leads to another server
            trouble = Stalled(f"{self.name} sends {verb} {path} to another server; correct spec.forge.url")
        else:
            return Reply(f"{verb} {path}", status, headers, text.encode())
        raise trouble  # here, and not above: what PyGithub raised may hold the headers of the request

    @property
    def graphql(self) -> str:
        """The address of the GraphQL API."""
        return str(self._requester.graphql_url)

    def next_page(self, reply: Reply, query: Mapping[str, object]) -> Mapping[str, object] | None:  # noqa: ARG002
        """What stands behind the question mark of the Link header's ``next``."""
        found = _NEXT.search(reply.headers.get("link", ""))
        return dict(parse_qsl(urlsplit(found[1]).query)) if found else None
