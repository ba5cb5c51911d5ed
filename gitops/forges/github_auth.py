"""Signing in to GitHub: what PyGithub asks for a token before each call, and the tokens of a GitHub App.

Loaded only where GitHub is used, with PyGithub.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import jwt
from github.Auth import Auth

from gitops.errors import Stalled
from gitops.forges.github_api import GitHubApi
from gitops.forges.github_wire import App, InstallationToken
from gitops.forges.rest import Right, utc

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.clock import Clock
    from gitops.forges.rest import Server, SignIn

EARLY = timedelta(minutes=5)
"""How long before its end a token is renewed."""
LIFE = timedelta(minutes=9)
"""How long a JWT is good for; GitHub takes ten minutes at most, and clocks differ."""
SKEW = timedelta(seconds=60)
"""A JWT says that it was made so much earlier, as GitHub recommends against clocks that differ."""
APP = Right("to be that of an App that is installed on the repository", "poolplan cannot sign in")


class FreshToken(Auth):
    """What PyGithub asks for the token of each call. Neither ``repr`` nor its log shows it."""

    def __init__(self, sign_in: SignIn, scheme: str) -> None:
        self._sign_in = sign_in
        self._scheme = scheme

    @property
    def token_type(self) -> str:
        return self._scheme

    @property
    def token(self) -> str:
        return self._sign_in.current()


class AppKey:
    """Signs in as a GitHub App itself, by JWTs that its private key signs. ``key`` gives the PEM file's text."""

    def __init__(self, app: str, key: SignIn, clock: Clock) -> None:
        self.app = app
        self._key = key
        self._clock = clock
        self._newest = ""

    def current(self) -> str:
        now = self._clock.now()
        claims = {"iat": _seconds(now - SKEW), "exp": _seconds(now + LIFE), "iss": self.app}
        try:
            self._newest = jwt.encode(claims, self._key.current(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            fault = type(error).__name__
        else:
            return self._newest
        raise Stalled(
            f"the private key of GitHub App {self.app} cannot be used ({fault}): "
            "spec.forge.app.privateKey must lead to the PEM file that GitHub made for the App"
        )

    def secrets(self) -> tuple[str, ...]:
        lines = [line for secret in self._key.secrets() for line in (secret, *secret.splitlines())]
        return (*lines, self._newest)


class AppTokens:
    """Signs in as an App's installation, by tokens that are each used until shortly before their end."""

    def __init__(self, server: Server, key: AppKey, installation: int, clock: Clock) -> None:
        self._api = GitHubApi(server, key, clock, scheme="Bearer")
        self._key = key
        self._installation = installation
        self._clock = clock
        self._given: list[str] = []
        self._ends: datetime | None = None

    def current(self) -> str:
        if self._ends is None or self._clock.now() >= self._ends - EARLY:
            path = f"/app/installations/{self._installation}/access_tokens"
            made = self._api.decode(self._api.call("POST", path, right=APP), InstallationToken)
            self._given = [*self._given[-1:], made.token]  # the one before may still stand in an answer
            self._ends = utc(made.expires_at)
        return self._given[-1]

    def secrets(self) -> tuple[str, ...]:
        return (*self._given, *self._key.secrets())

    def login(self) -> str:
        """The login that the App acts as."""
        return f"{self._api.read(App, '/app', right=APP).slug}[bot]"

    def __repr__(self) -> str:
        return f"AppTokens({self._key.app!r}, {self._installation!r})"


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
