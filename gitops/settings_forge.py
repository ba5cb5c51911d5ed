"""``spec.forge`` of cluster.yaml: which forge reviews the proposals, and where its secrets are kept; never the secrets.

Every mistake is told at once, each with its place. What the settings lead to is ``gitops.forges.opening``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gitops import settings_forge_wire as wire
from gitops.decoding import Misfit

if TYPE_CHECKING:
    from gitops.settings_faults import Faults

LOOPBACK = ("127.0.0.1", "::1", "localhost")
CLUSTER = (".svc", ".svc.cluster.local")
"""How names end that only the cluster itself resolves."""
_AT = "spec.forge"
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._/-]*)?")
_PART = r"[A-Za-z0-9_.](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?"
_REPOSITORY = re.compile(rf"(?!.*(?:^|/)\.{{1,2}}(?:/|$)){_PART}/{_PART}")
_PROJECT = re.compile(rf"(?!.*(?:^|/)\.{{1,2}}(?:/|$)){_PART}(?:/{_PART})+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: How the forges let their own tokens begin, so that a token in the place of a name is seen and never shown.
_TOKEN = re.compile(r"(gh[pousr]_|github_pat_|gl[a-z]+-|eyJ)|[0-9a-f]{40}$|-----BEGIN")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")


class ForgeKind(Enum):
    """Which forge there is. PLAIN is Git alone: who merges, approves."""

    PLAIN = "plain"
    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


@dataclass(frozen=True, slots=True)
class Variable:
    """A secret in an environment variable."""

    name: str

    def __str__(self) -> str:
        return f"the environment variable {self.name}"


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A secret in a file that holds nothing else."""

    path: str

    def __str__(self) -> str:
        return f"the file {self.path}"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A secret in one key of a Kubernetes Secret."""

    namespace: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"key {self.key} of the Secret {self.namespace}/{self.name}"


Source = Variable | SecretFile | SecretKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """A GitHub App: its id (or client id), the id of its installation, and where its private key is kept."""

    id: str
    installation: int
    private_key: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeSettings:
    """A forge. ``url`` empty: the forge's public server. One of ``token`` and ``app`` is there, but for PLAIN."""

    kind: ForgeKind = ForgeKind.PLAIN
    url: str = ""
    repository: str = ""
    token: Source | None = None
    app: AppSettings | None = None
    ca_file: str = ""


def read_forge(written: wire.Forge | None, faults: Faults) -> ForgeSettings:
    """The settings; faults are noted, and a default stands in."""
    forge = written or wire.Forge()
    kind = faults.choice(f"{_AT}.kind", forge.kind or "plain", ForgeKind)
    if kind is None:
        return ForgeSettings()
    if kind is ForgeKind.PLAIN:
        _refuse_idle(forge, faults)
        return ForgeSettings()
    faults.attempt(_AT, lambda: _complete(forge, kind), None)
    token, app = forge.token, forge.app
    return ForgeSettings(
        kind=kind,
        url=faults.attempt(f"{_AT}.url", lambda: _address(forge.url or ""), ""),
        repository=_repository(forge.repository, kind, faults),
        token=_source(token, f"{_AT}.token", faults) if token else None,
        app=_app(app, kind, faults) if app else None,
        ca_file=faults.attempt(f"{_AT}.caFile", lambda: _path(forge.ca_file), ""),
    )


def _refuse_idle(forge: wire.Forge, faults: Faults) -> None:
    given = (
        ("url", forge.url), ("repository", forge.repository), ("token", forge.token), ("app", forge.app),
        ("caFile", forge.ca_file),
    )  # fmt: skip
    for name, value in given:
        if value is not None:
            faults.attempt(f"{_AT}.{name}", _idle, None)


def _idle() -> None:
    raise Misfit("has no meaning for plain Git: set kind to github, gitlab or gitea, or remove it")


def _complete(forge: wire.Forge, kind: ForgeKind) -> None:
    if forge.token is None and forge.app is None:
        more = ", or as app" if kind is ForgeKind.GITHUB else ""
        raise Misfit(f"token is missing: say where it is kept, like token: {{env: FORGE_TOKEN}}{more}")
    if forge.token is not None and forge.app is not None:
        raise Misfit("token and app are two ways to sign in: keep one of them")
    if kind is ForgeKind.GITEA and not forge.url:
        raise Misfit("url is missing: the address of the Gitea or Forgejo server")


def _address(url: str) -> str:
    if not url:
        return ""
    if "@" in url or not _URL.fullmatch(url):
        raise Misfit("must be a plain address like https://git.example.org, without user, query or fragment")
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and host not in LOOPBACK and not host.endswith(CLUSTER):
        raise Misfit("must begin with https: the token would be sent in the clear")
    return url.rstrip("/")


def _repository(written: str | None, kind: ForgeKind, faults: Faults) -> str:
    groups = kind is ForgeKind.GITLAB
    what = "group/project, sub-groups included" if groups else "owner/name"

    def judge() -> str:
        if not written:
            raise Misfit(f"is missing: write it as {what}")
        if not (_PROJECT if groups else _REPOSITORY).fullmatch(written) or written.endswith(".git"):
            raise Misfit(f"must be {what}, as the forge's own addresses have it")
        return written

    return faults.attempt(f"{_AT}.repository", judge, "")


def _app(app: wire.App, kind: ForgeKind, faults: Faults) -> AppSettings | None:
    at = f"{_AT}.app"
    if kind is not ForgeKind.GITHUB:
        return faults.attempt(at, _no_app, None)
    key = _source(app.private_key, f"{at}.privateKey", faults)
    made = faults.attempt(f"{at}.id", lambda: _app_id(app.id), "")
    installation = faults.attempt(f"{at}.installation", lambda: _installation(app.installation), 0)
    return AppSettings(id=made, installation=installation, private_key=key) if key else None


def _no_app() -> None:
    raise Misfit("has a meaning only for kind: github; give a token instead")


def _app_id(written: int | str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.]{1,40}", str(written)):
        raise Misfit("must be the App's id or client id")
    return str(written)


def _installation(written: int) -> int:
    if written <= 0:
        raise Misfit("must be the number at the end of the installation's address")
    return written


def _source(written: wire.Source, at: str, faults: Faults) -> Source | None:
    """Where a secret is kept. What was written is not repeated: it may be the secret itself."""
    if [written.env, written.file, written.secret].count(None) != 2:
        return faults.attempt(at, _no_place, None)
    if written.secret is not None:
        return _secret(written.secret, f"{at}.secret", faults)
    env, file = written.env, written.file
    if env is not None:
        return faults.attempt(f"{at}.env", lambda: Variable(_variable(env)), None)
    return faults.attempt(f"{at}.file", lambda: SecretFile(_path(file)), None)


def _no_place() -> None:
    raise Misfit("must name one place: env, file or secret")


def _variable(name: str) -> str:
    if _TOKEN.match(name):
        raise Misfit("is a token, not the name of a variable: revoke it, for Git keeps it, and name a variable")
    if not _VARIABLE.fullmatch(name):
        raise Misfit("must be the name of an environment variable, not its value")
    return name


def _path(path: str | None) -> str:
    if path is not None and not path.startswith("/"):
        raise Misfit("must be a whole path, from / on")
    return path or ""


def _secret(secret: wire.SecretKey, at: str, faults: Faults) -> SecretKey:
    for name, value, form in (
        ("namespace", secret.namespace, _NAME), ("name", secret.name, _NAME), ("key", secret.key, _KEY),
    ):  # fmt: skip
        faults.attempt(f"{at}.{name}", partial(_named, name, value, form), None)
    return SecretKey(secret.namespace, secret.name, secret.key)


def _named(what: str, value: str, form: re.Pattern[str]) -> None:
    if not form.fullmatch(value):
        raise Misfit(f"must be the {what} of a Kubernetes Secret")
