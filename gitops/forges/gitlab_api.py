"""GitLab's API as python-gitlab carries it: its connections, addresses and sign-in. Its own retries are off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.errors import Stalled, Waiting
from gitops.forges.rest import TIMEOUT, Reply, RestApi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitlab import Gitlab

    from gitops.clock import Clock
    from gitops.forges.rest import Server, SignIn

PUBLIC = "https://gitlab.com"


def server_url(url: str) -> str:
    """The server's address for what a person wrote: nothing, the address, or that of its API."""
    return (url.rstrip("/") or PUBLIC).removesuffix("/api/v4")


class GitLabApi(RestApi):
    """One project's calls."""

    def __init__(self, server: Server, sign_in: SignIn, clock: Clock) -> None:
        super().__init__(server, sign_in, clock)
        self._server = server
        self._made: tuple[str, Gitlab] | None = None

    def exchange(self, verb: str, path: str, query: Mapping[str, object], body: object) -> Reply:
        from gitlab.exceptions import GitlabError, GitlabHttpError, RedirectError  # noqa: PLC0415 - slow to load
        from requests import RequestException  # noqa: PLC0415 - comes with python-gitlab
        from requests.exceptions import SSLError, TooManyRedirects  # noqa: PLC0415 - likewise

        client, call = self._client(), f"{verb} {path}"
        last: list[Mapping[str, str]] = []  # python-gitlab's errors leave out the headers
        client.session.hooks["response"] = [lambda response, **_: last.append(response.headers)]
        trouble: Waiting | Stalled
        try:
            response = client.http_request(
                verb.lower(), path, query_data=dict(query), post_data=body, obey_rate_limit=False,  # type: ignore[arg-type] # any JSON
                retry_transient_errors=False, max_retries=0,
            )  # fmt: skip
        except GitlabHttpError as error:
            return _reply(call, error.response_code or 0, last, error.response_body or b"")
        except (RedirectError, TooManyRedirects):
            trouble = Stalled(f"{self.name} sends {call} elsewhere; correct spec.forge.url or repository")
        except GitlabError as error:  # a 401 has a class of its own
            if error.response_code is not None:
                return _reply(call, error.response_code, last, error.response_body or b"")
            trouble = Stalled(f"{self.name}: {call} failed ({type(error).__name__})")
        except SSLError as error:
            told = self.hide(str(error))
            trouble = Stalled(f"{self.name}: the server cannot be trusted: {told}; set spec.forge.caFile")
        except (RequestException, OSError) as error:
            trouble = Waiting(f"{self.name} does not answer {call} ({type(error).__name__}); try again later")
        else:
            return _reply(call, response.status_code, last, response.content)
        raise trouble  # here, and not above: what was raised there may hold the headers of the request

    def next_page(self, reply: Reply, query: Mapping[str, object]) -> Mapping[str, object] | None:
        page = reply.headers.get("x-next-page", "")
        return {**query, "page": page} if page else None

    def _client(self) -> Gitlab:
        """The client for the present token: python-gitlab keeps the one that it was made with."""
        from gitlab import Gitlab  # noqa: PLC0415 - half a second of imports

        token = self._sign_in.current()
        if self._made is None or self._made[0] != token:
            client = Gitlab(
                self._server.url, private_token=token, ssl_verify=self._server.ca_file or True, timeout=TIMEOUT,
                retry_transient_errors=False, keep_base_url=True, user_agent="poolplan",
            )  # fmt: skip
            client.session.max_redirects = 0  # the token's header would go along to any other server
            self._made = (token, client)
        return self._made[1]


def _reply(call: str, status: int, headers: list[Mapping[str, str]], body: bytes) -> Reply:
    named = {name.lower(): value for name, value in headers[-1].items()} if headers else {}
    return Reply(call, status, named, body)
