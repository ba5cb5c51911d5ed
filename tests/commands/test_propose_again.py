"""``propose --every``: it goes on after failures, and the forge's webhooks wake it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from gitops.clock import Bell, SystemClock
from gitops.commands import propose as command
from gitops.commands.propose import WEBHOOK_SECRET, interval, listening
from gitops.errors import InputError, Waiting
from gitops.gather import Surroundings

if TYPE_CHECKING:
    pass

SECRET = "a secret that is long enough"
BODY = b'{"repository": {"full_name": "acme/fleet"}}'


def around(remarks: list[str], **variables: str) -> Surroundings:
    return Surroundings(environment=variables, clock=SystemClock(), remark=remarks.append)


@pytest.mark.parametrize(("secret", "status", "rings"), [(SECRET, 202, True), ("another one altogether", 401, False)])
def test_a_signed_webhook_wakes_it_and_no_other(secret: str, status: int, rings: bool) -> None:
    remarks: list[str] = []
    bell = Bell()
    with listening("127.0.0.1:0", bell, around(remarks, **{WEBHOOK_SECRET: SECRET})):
        signature = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
        headers = {"X-Gitea-Event": "push", "X-Gitea-Delivery": "1", "X-Gitea-Signature": signature}
        answer = requests.post(f"http://{remarks[0].rpartition(' ')[2]}/", BODY, headers=headers, timeout=10)
    assert answer.status_code == status
    assert bell.wait(timedelta(0)) is rings


@pytest.mark.parametrize(
    ("address", "secret", "told"),
    [
        ("8080", SECRET, "write it like 127.0.0.1:8080"),
        ("127.0.0.1:x", SECRET, "write it like 127.0.0.1:8080"),
        ("127.0.0.1:²", SECRET, "write it like 127.0.0.1:8080"),
        ("127.0.0.1:0", "short", "POOLPLAN_WEBHOOK_SECRET is not set, or shorter than 16 characters"),
    ],
)
def test_what_cannot_be_listened_at_is_refused(address: str, secret: str, told: str) -> None:
    with pytest.raises(InputError, match=told), listening(address, Bell(), around([], **{WEBHOOK_SECRET: secret})):
        pass


def test_options_that_do_not_go_together_are_refused() -> None:
    usual: dict[str, Any] = {"every": "", "listen": "", "now": ""}
    assert interval(usual) is None
    assert interval({**usual, "every": "90s"}) == timedelta(seconds=90)
    for wrong in ({"listen": "a:1"}, {"every": "1s", "now": "2026-01-01T00:00:00Z"}, {"every": "soon"}):
        with pytest.raises(InputError):
            interval({**usual, **wrong})


class Enough(BaseException):
    """The test has seen enough."""


class FakeRepository:
    """A remote that does not answer the second time."""

    def __init__(self) -> None:
        self.refreshed = 0

    def refresh(self) -> None:
        self.refreshed += 1
        if self.refreshed == 1:
            raise Waiting("the remote does not answer")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, as long as three passes are made; the second one fails."""
    happened: list[str] = []

    def once(*_: object) -> int:
        happened.append("pass")
        if len(happened) == 2:
            raise Waiting("the forge does not answer")
        return 0

    def wait(_: Bell, longest: timedelta) -> bool:
        if len(happened) >= 3:
            raise Enough
        assert longest == timedelta(seconds=30)
        return False

    monkeypatch.setattr(command, "propose_all", once)
    monkeypatch.setattr(Bell, "wait", wait)
    monkeypatch.setattr("gitops.fleet.open_source", lambda *_, **__: FakeRepository())
    return happened


def test_a_failure_is_told_and_the_next_pass_is_made(passes: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Enough):
        command.command.main(["--repo", "fleet.git", "--every", "30s"], standalone_mode=False)
    assert passes == ["pass", "pass", "pass"]
    assert capsys.readouterr().err == (
        "poolplan: the remote does not answer\npoolplan: the forge does not answer\n"
    )
