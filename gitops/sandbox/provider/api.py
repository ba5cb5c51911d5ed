"""The provider's way to the OVH API: a client from the provider's settings, and errors in the real provider's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests
    from ovh import Client

CREDENTIALS = ("application_key", "application_secret", "consumer_key", "client_id", "client_secret")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ApiError(Exception):
    """The API refused, or could not be reached (``status`` 0)."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


class Api:
    """One account at one endpoint. ``settings``: the provider block's values, None where the environment decides."""

    def __init__(self, settings: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._token: str | None = settings.get("access_token") or environment.get("OVH_ACCESS_TOKEN")
        self._headers = dict(settings.get("http_headers") or {})
        extra = settings.get("user_agent_extra")
        self._headers["User-Agent"] = "Terraform/poolplan-sandbox" + (f" - {extra}" if extra else "")
        endpoint = settings.get("endpoint") or environment.get("OVH_ENDPOINT")
        self._client = _client(endpoint, {name: settings.get(name) for name in CREDENTIALS}, token=self._token)

    def check(self) -> None:
        """Ask who we are. Raises ApiError when the credentials are not accepted."""
        try:
            self.call("GET", "/auth/details")
        except ApiError as error:
            raise ApiError(f"OVH client seems to be misconfigured: {error}", status=error.status) from error

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer; None for an empty one. Raises ApiError with the status for all that is not 2xx."""
        from ovh.exceptions import APIError  # noqa: PLC0415 - heavy, and not needed to tell the schema
        from requests import RequestException  # noqa: PLC0415

        headers = dict(self._headers)
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            answer = self._client.raw_call(method, path, body, need_auth=not self._token, headers=headers)
        except (RequestException, APIError) as error:
            raise ApiError(f"calling {method} {path}: {_cause(error)}") from error
        if not answer.ok:
            raise ApiError(f"calling {method} {path}: {_described(answer)}", status=answer.status_code)
        return answer.json() if answer.content else None


def _client(endpoint: str | None, credentials: Mapping[str, str | None], *, token: str | None) -> Client:
    import ovh  # noqa: PLC0415 - heavy, and not needed to tell the schema
    from ovh.client import ENDPOINTS  # noqa: PLC0415

    url = endpoint if endpoint and "/" in endpoint else None
    if url:
        if url.endswith("/"):
            raise ApiError(f"endpoint {url!r} must not end with a slash")
        ENDPOINTS.setdefault(url, url)
    if token:
        credentials = {"application_key": "-", "application_secret": "-", "consumer_key": "-"}
    try:
        client = ovh.Client(endpoint, **credentials)
    except ovh.APIError as error:
        raise ApiError(f"OVH client seems to be misconfigured: {error}") from error
    if url and urlsplit(url).hostname in LOOPBACK:
        client._session.trust_env = False  # noqa: SLF001 - no proxy reaches this machine's loopback
    return client


def _cause(error: BaseException) -> str:
    """What the system said at the bottom of a chain of wrapped errors, such as ``Connection refused``."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return below.strerror
        below = below.__cause__ or below.__context__
    return str(error)


def _described(answer: requests.Response) -> str:
    """OVH's error in one line, with what support asks for: status, class, message, query id."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    kind = f"{body['class']}: " if body.get("class") else ""
    message = body.get("message") or answer.text[:200] or answer.reason
    query = answer.headers.get("X-OVH-QUERYID")
    tail = f" (X-OVH-Query-Id: {query})" if query else ""
    return f'OVHcloud API error (status code {answer.status_code}): {kind}"{message}"{tail}'
