"""Runs the ``git`` program one way everywhere: no hooks, no prompts, no settings that change bytes, no secrets shown.

It decides the environment, and which kind of error a failure is; what to run is left to the caller.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gitops.environment import inherited
from gitops.errors import PoolplanError, Stalled, Waiting
from gitops.process import Conversation, Finished, run
from gitops.redact import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOCAL_TIMEOUT = 60.0
"""Seconds for a command that stays on this machine."""
REMOTE_TIMEOUT = 300.0
"""Seconds for a command that talks to a remote: a first fetch of a large repository takes minutes."""

#: What a hook around poolplan may have set to point Git at another repository (``git rev-parse --local-env-vars``).
_FOREIGN = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CEILING_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_DIR",
    "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)  # fmt: skip
#: The identity stands in reflogs only: poolplan writes the bytes of its commits itself.
_QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0", "GIT_AUTHOR_NAME": "poolplan", "GIT_AUTHOR_EMAIL": "poolplan@localhost",
    "GIT_COMMITTER_NAME": "poolplan", "GIT_COMMITTER_EMAIL": "poolplan@localhost", "GCM_INTERACTIVE": "never",
    "LC_ALL": "C", "LANGUAGE": "C",
}  # fmt: skip
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "commit.gpgSign=false", "push.gpgSign=false",
    "push.followTags=false", "push.recurseSubmodules=no", "fetch.recurseSubmodules=no", "gc.auto=0",
    "maintenance.auto=false", "color.ui=false",
)  # fmt: skip

#: Those that talk to a remote.
_REMOTE_COMMANDS = frozenset({"fetch", "push"})

_WEB_LOGIN = re.compile(r"(https?://)[^/\s'\"]*@")
_LOGIN = re.compile(r"(\w+://[^/\s:@'\"]*):[^/\s'\"]*@")
_QUERY = re.compile(r"(\w+://[^\s?'\"]*)\?[^\s'\"]*")

_IN_THE_WAY = re.compile(r"'refs/(?:heads|remotes/[^/']+)/([^']+)' exists; cannot create")
_RIGHTS = re.compile(
    r"authentication failed|could not read (user|pass)|permission denied|access denied|error: 40[13]", re.IGNORECASE
)
_PASSING = re.compile(
    r"could not resolve|unable to access|connection (refused|reset|timed out|closed)|timed? ?out|early EOF|hung up|"
    r"unable to create '.*\.lock'|cannot lock ref|remote end",
    re.IGNORECASE,
)
_MISSING = re.compile(r"not appear to be a git repository|repository .*not found|does not exist", re.IGNORECASE)


def redact(text: str) -> str:
    """The text without the logins and query strings of any address in it."""
    return _QUERY.sub(r"\1", _LOGIN.sub(r"\1@", _WEB_LOGIN.sub(r"\1", text)))


def run_git(
    *arguments: str, secret: Mapping[str, str] | None = None, stdin: bytes = b"", timeout: float = LOCAL_TIMEOUT
) -> Finished:
    """Run git to its end, whatever the outcome. Raises Fatal without a ``git`` program, Waiting after ``timeout``.

    ``secret`` are settings that hold a password or token. They travel in the environment, because neither a file nor
    the machine's list of processes may hold them.
    """
    return run([*_command(), *arguments], env=_environment(secret or {}), stdin=stdin, timeout=timeout)


def talk_to_git(*arguments: str) -> Conversation:
    """Start git and keep it running. Raises Fatal without a ``git`` program."""
    return Conversation([*_command(), *arguments], env=_environment({}))


def _command() -> list[str]:
    return ["git", *(part for setting in _SETTINGS for part in ("-c", setting))]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who poolplan is to a server of Git over HTTP. ``server`` is ``https://host:port/``, ``token`` tells the token as
    it is now: one that expires is renewed while a process runs."""

    server: str
    token: Callable[[], str] = field(repr=False)

    def settings(self, token: str) -> dict[str, str]:
        """What lets git sign in at this server and at no other, whatever the machine's own settings say.

        Every forge takes a token as the password of any user; GitHub wants ``x-access-token`` for that of an App. No
        redirect is followed, or another server would get the header, and no helper answers for a token that is refused.
        """
        login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        return {
            f"http.{self.server}.extraHeader": f"Authorization: Basic {login}", "credential.helper": "",
            f"http.{self.server}.followRedirects": "false",
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """One repository on this machine: its Git folder, what to call it, and the address of ``origin`` where given.

    ``signed_in``: with which token its remote is called; without, git's own ways to sign in are used.
    """

    folder: Path
    name: str
    remote: str = field(default="", repr=False)
    signed_in: SignedIn | None = None

    def run(self, *arguments: str, stdin: bytes = b"", timeout: float = LOCAL_TIMEOUT) -> Finished:
        """Run to the end, whatever the outcome. Raises what the token raises, where one is needed."""
        secret = {"remote.origin.url": self.remote} if self.remote else {}
        token = ""
        if self.signed_in and arguments[0] in _REMOTE_COMMANDS:
            token = self.signed_in.token()
            secret |= self.signed_in.settings(token)
        done = run_git("--git-dir", str(self.folder), *arguments, secret=secret, stdin=stdin, timeout=timeout)
        if not token:
            return done
        hidden = [token, *(value.rpartition(" ")[2] for key, value in secret.items() if key.endswith("extraHeader"))]
        return replace(done, out=_without(done.out, hidden), err=_without(done.err, hidden))

    def output(self, *arguments: str, stdin: bytes = b"", timeout: float = LOCAL_TIMEOUT) -> bytes:
        """What a command prints. Raises the error that its failure means."""
        done = self.run(*arguments, stdin=stdin, timeout=timeout)
        if done.code:
            raise self.failure(done, arguments[0])
        return done.raw

    def failure(self, done: Finished, what: str) -> PoolplanError:
        """The error for people: a branch in the way, rights, a remote out of reach for now, or not there at all."""
        said = _without(said_by(done), _secrets(self.remote))
        if blocking := _IN_THE_WAY.search(done.err + done.out):
            return Stalled(f"{self.name}: a branch named {blocking[1]} is in the way: rename or delete it")
        if _RIGHTS.search(said):
            return Stalled(f"{self.name}: the remote refuses these credentials ({said}): check the key or token of git")
        if _MISSING.search(said):
            return Stalled(f"{self.name}: there is no such repository, or no right to see it ({said})")
        if _PASSING.search(said):
            return Waiting(f"{self.name}: git {what} did not get through ({said}): check its address and the network")
        remedy = ": check its address, the network, and that git may sign in" if what in _REMOTE_COMMANDS else ""
        return Stalled(f"{self.name}: git {what} failed ({said}){remedy}")


def said_by(done: Finished) -> str:
    """The line of Git's talk that says most, without secrets."""
    lines = [line.strip() for line in done.err.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR"))] or lines[-1:]
    text = telling[0] if telling else f"exit code {done.code}"
    return redact(re.sub(r"^(fatal|error): ", "", text)).rstrip(".")


def _secrets(address: str) -> list[str]:
    """The parts of an address that are nobody's business: password or token, and query."""
    login = re.search(r"://(?:[^/\s:]*:)?([^/\s]*)@", address)
    return [part for part in (login[1] if login else "", address.partition("?")[2]) if part]


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def _environment(secret: Mapping[str, str]) -> dict[str, str]:
    environment = inherited(_QUIET)
    for name in _FOREIGN:
        environment.pop(name, None)
    if not secret:
        return environment
    given = environment.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdigit() else 0
    for number, (key, value) in enumerate(secret.items(), start=first):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**environment, "GIT_CONFIG_COUNT": str(first + len(secret))}
