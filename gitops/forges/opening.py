"""A cluster's settings → the forge that they name, signed in. An SDK is loaded only for the forge that needs it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gitops.errors import InputError
from gitops.forges.credentials import Around, Secret
from gitops.forges.rest import Server
from gitops.settings_forge import ForgeKind
from gitops.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.clock import Clock
    from gitops.forges.base import Forge
    from gitops.forges.credentials import Secrets
    from gitops.forges.github_auth import AppTokens
    from gitops.git.base import Repository
    from gitops.settings_forge import ForgeSettings

HOSTS = {ForgeKind.GITHUB: "github.com", ForgeKind.GITLAB: "gitlab.com"}
"""The public servers, which need no address."""


def open_forge(
    settings: ForgeSettings, repository: Repository, environment: Mapping[str, str], clock: Clock, *,
    remark: Callable[[str], None] | None = None, tally: Tally | None = None,
) -> Forge:  # fmt: skip
    """The forge of these settings. No call is made yet, so nothing is wrong with the token before the first.

    ``remark`` takes warnings about where secrets are kept. Raises InputError where the settings name no way to sign in.
    """
    if settings.kind is ForgeKind.PLAIN:
        from gitops.forges.plain import PlainForge  # noqa: PLC0415 - only the one that is needed

        return PlainForge(repository)
    return open_server(settings, environment, clock, remark=remark, tally=tally)


def open_server(
    settings: ForgeSettings, environment: Mapping[str, str], clock: Clock, *,
    remark: Callable[[str], None] | None = None, tally: Tally | None = None,
) -> Forge:  # fmt: skip
    """As ``open_forge``, for every kind but PLAIN."""
    around = Around(
        environment=environment, clock=clock, cluster=cache(lambda: _cluster(environment)),
        remark=remark or (lambda _: None), tally=tally or Tally(),
    )  # fmt: skip
    if settings.kind is ForgeKind.GITHUB:
        return _github(settings, around)
    token = _token(settings, around)
    if settings.kind is ForgeKind.GITLAB:
        from gitops.forges.gitlab import GitLabForge  # noqa: PLC0415 - only the one that is needed
        from gitops.forges.gitlab_api import GitLabApi, server_url  # noqa: PLC0415 - likewise

        server = _server(settings, server_url(settings.url), around)
        return GitLabForge(GitLabApi(server, token, clock), settings.repository)
    from gitops.forges.gitea import GiteaForge  # noqa: PLC0415 - only the one that is needed
    from gitops.forges.gitea_api import GiteaApi  # noqa: PLC0415 - likewise

    return GiteaForge(GiteaApi(_server(settings, settings.url, around), token, clock), settings.repository)


def git_sign_in(
    settings: ForgeSettings, environment: Mapping[str, str], clock: Clock, *,
    remark: Callable[[str], None] | None = None,
) -> Callable[[], str]:  # fmt: skip
    """The forge's own token for Git over HTTPS, renewed as it must be. Raises InputError for plain Git."""
    if settings.kind is ForgeKind.PLAIN:
        raise InputError("is plain, which has no token that Git could sign in with", path="spec.forge.kind")
    around = Around(
        environment=environment, clock=clock, cluster=cache(lambda: _cluster(environment)),
        remark=remark or (lambda _: None),
    )  # fmt: skip
    return (_token(settings, around) if settings.app is None else _app_tokens(settings, around)).current


def _github(settings: ForgeSettings, around: Around) -> Forge:
    from gitops.forges.github import GitHubForge  # noqa: PLC0415 - only the one that is needed
    from gitops.forges.github_api import GitHubApi, api_url  # noqa: PLC0415 - likewise

    server = _server(settings, api_url(settings.url), around)
    if settings.app is None:
        return GitHubForge(GitHubApi(server, _token(settings, around), around.clock), settings.repository)
    tokens = _app_tokens(settings, around)
    return GitHubForge(GitHubApi(server, tokens, around.clock), settings.repository, login=tokens.login)


def _app_tokens(settings: ForgeSettings, around: Around) -> AppTokens:
    from gitops.forges.github_api import api_url  # noqa: PLC0415 - only where GitHub is used
    from gitops.forges.github_auth import AppKey, AppTokens  # noqa: PLC0415 - PyGithub loads here

    app, clock = settings.app, around.clock
    if app is None:
        raise InputError("is missing: say which App signs in", path="spec.forge.app")
    key = AppKey(app.id, Secret(app.private_key, around, what="the private key of the GitHub App"), clock)
    return AppTokens(_server(settings, api_url(settings.url), around), key, app.installation, clock)


def _token(settings: ForgeSettings, around: Around) -> Secret:
    if settings.token is None:
        raise InputError("is missing: say where the forge's token is kept", path="spec.forge.token")
    return Secret(settings.token, around)


def _server(settings: ForgeSettings, url: str, around: Around) -> Server:
    host = urlsplit(settings.url).netloc or HOSTS.get(settings.kind, "")
    name = f"{host.removeprefix('api.')}/{settings.repository}"
    return Server(url=url, name=name, ca_file=settings.ca_file, tally=around.tally)


def _cluster(environment: Mapping[str, str]) -> Secrets:
    from gitops.cluster.connection import connect  # noqa: PLC0415 - a second of imports

    return connect(environment)
