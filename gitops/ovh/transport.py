"""One signed call to the OVH API through the ``ovh`` package: its answer as a JSON value, or an error of poolplan's.

The package's own error classes are left aside: they depend on the body being an object, so a text or a list in an error
answer ends in AttributeError there. What is called, and what an answer means, is left to ``client``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from gitops.clock import unix_time
from gitops.errors import InputError, PoolplanError, Stalled, Waiting
from gitops.ovh.failures import CallRefused, NotFound, error_for, failure_of
from gitops.tally import Tally

if TYPE_CHECKING:
    from requests import RequestException

    from gitops.clock import Clock
    from gitops.ovh.credentials import Credentials

Json = Mapping[str, object]
NOT_THE_API = "this is not an OVH API; check OVH_ENDPOINT, whose URL ends in /1.0"
TIMEOUTS = (10.0, 120.0)
"""Seconds to connect, and between two bytes of an answer: the order catalog has several MB."""
PAUSES = (1.0, 4.0)
"""Seconds before the second and third try of a GET that was answered 429 or 5xx."""
LONGEST_PAUSE = 10.0
"""A server that asks for more is not waited for here: the caller decides."""


class Caller(Protocol):
    """Calls the API: ``path`` begins below ``/1.0``. Whatever goes wrong is a PoolplanError."""

    def call(self, method: str, path: str, *, body: Json | None = None, signed: bool = True) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came over the wire."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def unavailable(self) -> bool:
        """True where the same call may well succeed a little later."""
        return self.status == 429 or self.status >= 500

    @property
    def delay(self) -> float:
        """Seconds that the server asks to wait."""
        text = self.headers.get("Retry-After", "")
        return float(text) if text.isdecimal() else 0.0


class Transport:
    """A caller over HTTP."""

    def __init__(self, credentials: Credentials, clock: Clock, tally: Tally | None = None) -> None:
        self._credentials = credentials
        self._clock = clock
        self._tally = tally or Tally()
        self._client = _ovh_client(credentials)
        self._knows_time = False

    def call(self, method: str, path: str, *, body: Json | None = None, signed: bool = True) -> object:
        """The answer's JSON, None where it has no body. A GET that is answered 429 or 5xx is tried three times."""
        if signed and not self._knows_time:
            self._learn_time()
        answer = self._send((method, path), body, signed=signed)
        for pause in PAUSES if method == "GET" else ():
            wait = max(pause, answer.delay)
            if not answer.unavailable or wait > LONGEST_PAUSE:
                break
            self._clock.sleep(timedelta(seconds=wait))
            answer = self._send((method, path), body, signed=signed)
        return self._value((method, path), answer)

    def _learn_time(self) -> None:
        """Signatures carry the server's time. The package would ask by itself, but not survive every answer."""
        try:
            time = self.call("GET", "/auth/time", signed=False)
        except NotFound:
            time = None
        if not isinstance(time, int):
            raise CallRefused(f"{self._credentials.url}/auth/time tells no time: {NOT_THE_API}")
        self._client._time_delta = time - int(unix_time())  # noqa: SLF001 - what its property would have set
        self._knows_time = True

    def _send(self, call: tuple[str, str], body: Json | None, *, signed: bool) -> Answer:
        from requests import RequestException  # noqa: PLC0415 - slow to load

        try:
            response = self._client.raw_call(*call, data=body, need_auth=signed)
        except RequestException as error:
            self._tally.count("ovh", call[0], "no answer")
            raise _network_error(error, self._credentials) from None
        self._tally.count("ovh", call[0], str(response.status_code))
        return Answer(status=response.status_code, content=response.content, headers=response.headers)

    def _value(self, call: tuple[str, str], answer: Answer) -> object:
        try:
            value: object = msgspec.json.decode(answer.content) if answer.content.strip() else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if answer.status < 300:
                where = f"{call[0]} {self._credentials.url}{call[1].partition('?')[0]}"
                raise CallRefused(f"the answer to {where} is not JSON: {NOT_THE_API}") from None
            value = answer.content.decode(errors="replace")
        if answer.status >= 300:
            raise error_for(failure_of(call, answer.status, value, answer.headers), self._credentials)
        return value


def _ovh_client(credentials: Credentials) -> Any:
    from configparser import Error  # noqa: PLC0415 - only here

    from ovh.client import ENDPOINTS, Client  # noqa: PLC0415 - slow to load
    from ovh.exceptions import InvalidConfiguration  # noqa: PLC0415

    ENDPOINTS.setdefault(credentials.endpoint, credentials.url)  # the package takes names alone
    try:
        client = Client(
            credentials.endpoint,
            credentials.application_key,
            credentials.application_secret,
            credentials.consumer_key,
            timeout=TIMEOUTS,
        )
    except (InvalidConfiguration, Error) as error:  # it looks for OAuth2 settings too
        reason = f"the OVH settings do not fit together: {' '.join(str(error).split())}"
        raise InputError(f"{reason}; unset OVH_CLIENT_ID or mend ovh.conf") from None
    if credentials.local:
        client._session.trust_env = False  # noqa: SLF001 - no proxy stands between a machine and itself
    return client


def _network_error(error: RequestException, credentials: Credentials) -> PoolplanError:
    from requests import exceptions  # noqa: PLC0415 - slow to load

    where = credentials.url
    remedy = "is the sandbox running?" if credentials.local else "check the network and any proxy"
    if isinstance(error, exceptions.SSLError):
        return Stalled(f"the certificate of {where} is not trusted; check the clock, any proxy and REQUESTS_CA_BUNDLE")
    if isinstance(error, exceptions.ReadTimeout):
        return Waiting(f"{where} did not answer within {TIMEOUTS[1]:g} s; {remedy}")
    if isinstance(error, exceptions.ConnectionError):
        return Waiting(f"nothing answers at {where}; {remedy}")
    return Waiting(f"the call to {where} broke off ({type(error).__name__}); {remedy}")
