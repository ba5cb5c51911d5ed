"""A token reaches the server of a remote over HTTP, and nothing and nobody else."""

from __future__ import annotations

import base64
import shutil
from typing import TYPE_CHECKING

import pytest

from gitops.errors import PoolplanError, Stalled
from gitops.git.opening import open_repository
from tests.gitops.forges.scripted import Given, Script, scripted
from tests.gitops.git.tools import MAIN, draft, files, new_bare, new_checkout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "7f3c9a1e5b2d8f4a6c0e9b7d1f3a5c8e2b4d6f80"
LOGIN = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
SECRETS = (TOKEN, LOGIN)


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a git on PATH writes the arguments of each of its runs, before it is the real one."""
    log, real = tmp_path / "arguments", shutil.which("git")
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{log}"\nexec "{real}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return log


def refreshed(source: str, cache: Path) -> PoolplanError:
    """What a refresh fails with."""
    repository = open_repository(source, cache=cache, token=lambda: TOKEN)
    assert not any(secret in repr(repository) for secret in SECRETS)
    with pytest.raises(PoolplanError) as caught:
        repository.refresh()
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value


def test_the_token_is_in_a_header_and_in_no_argument_or_file(script: Script, watched: Path, tmp_path: Path) -> None:
    refreshed(f"{script.url}/acme/fleet.git", tmp_path / "mirror")
    assert {headers["authorization"] for headers in script.headers} == {f"Basic {LOGIN}"}
    said = watched.read_text()
    assert "fetch" in said
    assert not any(secret in said for secret in SECRETS)
    kept = [path for path in (tmp_path / "mirror").rglob("*") if path.is_file()]
    assert kept
    assert not any(secret.encode() in path.read_bytes() for path in kept for secret in SECRETS)


def test_a_push_carries_it_too(script: Script, watched: Path, tmp_path: Path) -> None:
    repository = open_repository(f"{script.url}/acme/fleet.git", cache=tmp_path / "mirror", token=lambda: TOKEN)
    commit = repository.commit(draft(files(a="1")), parent=None)
    assert script.asked == []
    with pytest.raises(PoolplanError) as caught:
        repository.push(commit, MAIN, expect=None)
    assert script.headers[-1]["authorization"] == f"Basic {LOGIN}"
    assert "git-receive-pack" in script.asked[-1]
    assert not any(secret in watched.read_text() + str(caught.value) for secret in SECRETS)


def test_a_checkout_signs_in_at_its_remote(script: Script, tmp_path: Path) -> None:
    person = new_checkout(tmp_path / "work")
    person.write("a", "1")
    person.commit()
    person.git("remote", "add", "origin", f"{script.url}/acme/fleet.git")
    refreshed(str(person.folder), tmp_path / "unused")
    assert script.headers[-1]["authorization"] == f"Basic {LOGIN}"
    assert not any(secret in (person.folder / ".git" / "config").read_text() for secret in SECRETS)


def test_a_token_that_is_refused_is_not_replaced_by_a_person_s(script: Script, home: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    config = home / ".gitconfig"
    config.write_text(f'{config.read_text()}[credential]\n\thelper = "!touch {asked}; echo password=mine; #"\n')
    script.answers["GET /acme/fleet.git/info/refs"] = Given(401, "no", {"WWW-Authenticate": 'Basic realm="x"'})
    error = refreshed(f"{script.url}/acme/fleet.git", tmp_path / "mirror")
    assert isinstance(error, Stalled)
    assert "refuses these credentials" in str(error)
    assert not asked.exists()


@pytest.mark.parametrize("status", [301, 302, 307])
def test_another_server_gets_no_token(script: Script, tmp_path: Path, status: int) -> None:
    with scripted() as elsewhere:
        script.answers["GET /acme/fleet.git/info/refs"] = Given(
            status, "", {"Location": f"{elsewhere.url}/acme/fleet.git/info/refs?service=git-upload-pack"}
        )
        refreshed(f"{script.url}/acme/fleet.git", tmp_path / "mirror")
        assert script.asked
        assert elsewhere.asked == []


def test_what_the_server_says_back_is_cleaned(script: Script, tmp_path: Path) -> None:
    said = f"refused: Basic {LOGIN} of {TOKEN}"
    script.answers["GET /acme/fleet.git/info/refs"] = Given(403, said, {"Content-Type": "text/plain"})
    repository = open_repository(f"{script.url}/acme/fleet.git", cache=tmp_path / "mirror", token=lambda: TOKEN)
    done = repository.git.run("fetch", "origin")
    assert "remote: refused: Basic" in done.err
    assert not any(secret in done.err + done.out for secret in SECRETS)


def test_a_token_is_asked_for_each_time(script: Script, tmp_path: Path) -> None:
    """One that expires within the hour is renewed while a process runs."""
    tokens = iter(["first", "second"])
    repository = open_repository(f"{script.url}/acme/fleet.git", cache=tmp_path / "mirror", token=lambda: next(tokens))
    for _ in range(2):
        with pytest.raises(PoolplanError):
            repository.refresh()
    seen = [base64.b64decode(headers["authorization"].removeprefix("Basic ")) for headers in script.headers]
    assert list(dict.fromkeys(seen)) == [b"x-access-token:first", b"x-access-token:second"]


def test_remotes_that_are_not_over_http_are_not_given_one(tmp_path: Path) -> None:
    def never() -> str:
        pytest.fail("asked for a token")

    bare = new_bare(tmp_path / "origin")
    for source in (bare.as_uri(), str(bare)):
        repository = open_repository(source, cache=tmp_path / "mirror", token=never)
        repository.refresh()
        first = repository.commit(draft(files(a="1")), parent=None)
        repository.push(first, MAIN, expect=repository.head(MAIN))
        assert repository.head(MAIN) == first


def test_settings_of_a_git_around_are_kept(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.userAgent")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "somebody's")
    refreshed(f"{script.url}/acme/fleet.git", tmp_path / "mirror")
    assert {headers["user-agent"] for headers in script.headers} == {"somebody's"}
    assert {headers["authorization"] for headers in script.headers} == {f"Basic {LOGIN}"}
