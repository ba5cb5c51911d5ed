"""Finds out what a user's ``--repo`` is: an address, a bare repository, a checkout of a person, or none of these."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gitops.errors import Stalled
from gitops.git.plain import PlainRepository
from gitops.git.program import Git, SignedIn, redact, run_git, said_by

if TYPE_CHECKING:
    from collections.abc import Callable

_ADDRESS = re.compile(r"\w[\w+.-]*://|(?:[\w.-]+@)?[\w.-]{2,}:")


def open_repository(source: str, *, cache: Path, token: Callable[[], str] | None = None) -> PlainRepository:
    """The repository at an address (mirrored into ``cache``) or at a path on this machine (used where it is).

    ``token`` tells the token by which a remote over HTTP is called; it is asked at each fetch and push, and its value
    stands in no argument, file, address or message. Other remotes are called with git's own ways to sign in. Raises
    Stalled when there is no repository, Fatal without a ``git`` program. Call ``refresh`` next.
    """
    try:
        if "://" in source or (_ADDRESS.match(source) and not Path(source).exists()):
            return open_remote(source, cache=cache, token=token)
        return open_path(Path(source), token=token)
    except OSError as error:
        raise Stalled(f"{redact(source)} cannot be opened: {error.strerror or error}") from error


def open_remote(address: str, *, cache: Path, token: Callable[[], str] | None = None) -> PlainRepository:
    """A remote repository, with a mirror of it in ``cache``, made if missing and worth nothing if lost."""
    name = redact(address)
    if not (cache / "HEAD").is_file():
        if cache.exists() and any(cache.iterdir()):
            raise Stalled(f"{cache} is neither empty nor a mirror of a repository: name another cache folder")
        options = ("--quiet", "--bare", "--template=", "--object-format=sha1", "--initial-branch=main")
        done = run_git("init", *options, "--", str(cache))
        if done.code:
            raise Stalled(f"{cache}: the mirror of {name} cannot be made ({said_by(done)})")
    git = Git(folder=cache.absolute(), name=name, remote=address, signed_in=_signed_in(address, token))
    return PlainRepository(git=git, remote="origin")


def open_path(path: Path, *, token: Callable[[], str] | None = None) -> PlainRepository:
    """A bare repository or a person's checkout. Raises Stalled when it is neither, or only a folder inside of one."""
    git = Git(folder=_git_folder(path), name=str(path))
    done = git.run("rev-parse", "--show-object-format", "--is-bare-repository")
    if done.code:
        raise Stalled(f"{path} is no Git repository that poolplan can use ({said_by(done)})")
    ids, bare = done.out.split()
    if ids != "sha1":
        raise Stalled(f"{path} has {ids} ids; poolplan supports repositories with sha1 ids only")
    if bare == "true":
        return PlainRepository(git=git)
    remote = _remote_of(git)
    if remote and token:
        address = git.output("remote", "get-url", "--push", remote).decode().strip()
        git = replace(git, signed_in=_signed_in(address, token))
    return PlainRepository(git=git, checkout=path.absolute(), remote=remote)


def _signed_in(address: str, token: Callable[[], str] | None) -> SignedIn | None:
    """The server of an HTTP address with the token for it; None for any other address."""
    parts = urlsplit(address)
    if token is None or parts.scheme not in ("http", "https"):
        return None
    return SignedIn(server=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/", token=token)


def _git_folder(path: Path) -> Path:
    if (path / "HEAD").is_file() and (path / "objects").is_dir():
        return path.absolute()
    if not path.is_dir():
        raise Stalled(f"{path} is no folder: name a Git repository")
    done = run_git("-C", str(path), "rev-parse", "--absolute-git-dir", "--show-prefix")
    if done.code:
        raise Stalled(f"{path} is no Git repository ({said_by(done)}): run git init there, or name another")
    folder, _, prefix = done.out.rstrip("\n").partition("\n")
    if prefix:
        above = "/".join([".."] * prefix.count("/"))
        raise Stalled(f"{path} is a folder inside a repository: name the repository's top, {path / above}")
    return Path(folder)


def _remote_of(git: Git) -> str:
    """``origin``, or the only remote there is. Which of several is the reviewed one cannot be guessed."""
    remotes = git.output("remote").decode(errors="replace").split()
    if "origin" in remotes or not remotes:
        return "origin" if remotes else ""
    if len(remotes) > 1:
        raise Stalled(f"{git.name} has the remotes {', '.join(sorted(remotes))}: name the reviewed one origin")
    return remotes[0]
