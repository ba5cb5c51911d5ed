"""Hooks of every forge as they are signed, and what is made of those that are not, or that say what they like."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.forges.webhooks import LARGEST, PATIENCE, REMEMBERED, Deliveries, webhook_app
from tests.contracts.forges import Ticking
from tests.gitops.forges.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette

SECRET = "It's a Secret to Everybody"
RAW = b"0123456789abcdef0123456789abcdef"
SIGNING = f"whsec_{base64.b64encode(RAW).decode()}"
BODY = json.dumps({"repository": {"full_name": "acme/fleet"}, "ref": "refs/heads/main"}).encode()
GITLAB_BODY = json.dumps({"object_kind": "push", "project": {"path_with_namespace": "acme/infra/fleet"}}).encode()


def digest(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(body: bytes = BODY, *, event: str = "push", delivery: str = "1", secret: str = SECRET) -> dict[str, str]:
    return {
        "X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": f"sha256={digest(body, secret)}",
    }  # fmt: skip


def standard(clock: Ticking, body: bytes = GITLAB_BODY, *, late: timedelta = timedelta(0), raw: bytes = RAW) -> dict[str, str]:
    sent = str(int((clock.at - late).timestamp()))
    text = f"id-1.{sent}.".encode() + body
    made = base64.b64encode(hmac.new(raw, text, hashlib.sha256).digest()).decode()
    return {
        "X-Gitlab-Event": "Push Hook", "webhook-id": "id-1", "webhook-timestamp": sent, "webhook-signature": f"v1,{made}",
    }  # fmt: skip


@dataclass
class Hooked:
    """An application that takes hooks; ``looks`` are those it led to."""

    client: httpx.Client
    secret: str = SECRET
    clock: Ticking = field(default_factory=Ticking)
    looks: list[str] = field(default_factory=list)

    url: str = ""

    def app(self) -> Starlette:
        return webhook_app(lambda: self.secret, lambda look: self.looks.append(look.repository), self.clock, path="/hook")

    def post(self, headers: dict[str, str], body: bytes = BODY) -> int:
        return self.client.post(f"{self.url}/hook", content=body, headers=headers).status_code


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as made:
        yield made


@pytest.fixture
def hooked(client: httpx.Client) -> Iterator[Hooked]:
    made = Hooked(client)
    with serving(made.app()) as made.url:
        yield made


def test_the_documented_example_of_github() -> None:
    """From GitHub's documentation: secret, payload and signature."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    judge = Deliveries(lambda: "It's a Secret to Everybody", Ticking())
    assert judge.signed({"x-hub-signature-256": signature}, b"Hello, World!")
    assert not judge.signed({"x-hub-signature-256": signature}, b"Hello, World")


@pytest.mark.parametrize("name", ["X-Gitea", "X-Forgejo"])
def test_gitea_and_forgejo(hooked: Hooked, name: str) -> None:
    headers = {f"{name}-Event": "pull_request_approved", f"{name}-Delivery": "7", f"{name}-Signature": digest(BODY)}
    assert hooked.post(headers) == 202
    assert hooked.looks == ["acme/fleet"]
    assert hooked.post({**headers, f"{name}-Signature": digest(BODY + b" ")}) == 401
    assert len(hooked.looks) == 1


def test_github(hooked: Hooked) -> None:
    assert hooked.post(github()) == 202
    assert hooked.looks == ["acme/fleet"]


def test_gitlab_s_secret_token(hooked: Hooked) -> None:
    headers = {"X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Event-UUID": "u", "X-Gitlab-Token": SECRET}
    assert hooked.post(headers, GITLAB_BODY) == 202
    assert hooked.looks == ["acme/infra/fleet"]
    assert hooked.post({**headers, "X-Gitlab-Token": f"{SECRET}x"}, GITLAB_BODY) == 401


def test_gitlab_s_signing_token(hooked: Hooked) -> None:
    hooked.secret = SIGNING
    assert hooked.post(standard(hooked.clock), GITLAB_BODY) == 202
    assert hooked.looks == ["acme/infra/fleet"]


@pytest.mark.parametrize("late", [PATIENCE + timedelta(minutes=1), -PATIENCE - timedelta(minutes=1)])
def test_a_signature_of_another_time_is_none(hooked: Hooked, late: timedelta) -> None:
    hooked.secret = SIGNING
    assert hooked.post(standard(hooked.clock, late=late), GITLAB_BODY) == 401
    assert hooked.looks == []


def test_one_of_several_signatures_is_enough_while_keys_change(hooked: Hooked) -> None:
    hooked.secret = SIGNING
    headers = standard(hooked.clock)
    other = standard(hooked.clock, raw=b"x" * 32)["webhook-signature"]
    assert hooked.post({**headers, "webhook-signature": f"v1a,abc {other} {headers['webhook-signature']}"}, GITLAB_BODY) == 202
    assert hooked.post({**headers, "webhook-signature": f"{other} v2,abc"}, GITLAB_BODY) == 401


def test_what_is_to_be_signed_is_never_taken_unsigned(hooked: Hooked) -> None:
    """The signing token in place of the secret token would prove nothing of the body."""
    hooked.secret = SIGNING
    assert hooked.post({"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SIGNING}, GITLAB_BODY) == 401
    assert hooked.post(github(secret=SIGNING)) == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-GitHub-Event": "push"},
        {"X-GitHub-Event": "push", "X-Hub-Signature": "sha1=0123"},
        {"X-GitHub-Event": "push", "X-Hub-Signature-256": ""},
        {"X-GitHub-Event": "push", "X-Hub-Signature-256": digest(BODY)},
        {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={digest(BODY, 'another secret of it')}"},
        {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={digest(BODY).upper()}"},
        {"X-Gitea-Event": "push", "X-Gitea-Signature": f"sha256={digest(BODY)}"},
        {"X-Gitea-Event": "push", "X-Forgejo-Signature": "0" * 64, "X-Gitea-Signature": digest(BODY)},
        {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": ""},
        {"X-Gitlab-Event": "Push Hook", "webhook-signature": "v1,", "webhook-timestamp": "x", "X-Gitlab-Token": SECRET},
    ],
)
def test_what_is_not_signed_is_refused(hooked: Hooked, headers: dict[str, str]) -> None:
    assert hooked.post(headers) == 401
    assert hooked.looks == []


def test_a_short_secret_opens_nothing(hooked: Hooked) -> None:
    for secret in ("", "short"):
        hooked.secret = secret
        assert hooked.post(github(secret=secret)) == 401
        assert hooked.post({"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": secret}) == 401


def test_a_delivery_that_came_before_is_not_looked_at_again(hooked: Hooked) -> None:
    assert [hooked.post(github(delivery="a")), hooked.post(github(delivery="a")), hooked.post(github(delivery="b"))] == [202] * 3
    assert len(hooked.looks) == 2


def test_a_refused_delivery_does_not_use_up_its_id(hooked: Hooked) -> None:
    assert hooked.post({**github(delivery="a"), "X-Hub-Signature-256": "sha256=" + "0" * 64}) == 401
    assert hooked.post(github(delivery="a")) == 202
    assert len(hooked.looks) == 1


def test_only_so_many_deliveries_are_remembered() -> None:
    judge = Deliveries(lambda: SECRET, Ticking())
    for number in range(REMEMBERED + 10):
        assert judge.fresh({"x-github-delivery": str(number)}, b"")
    assert len(judge._known) == REMEMBERED
    assert not judge.fresh({"x-github-delivery": str(REMEMBERED)}, b"")
    assert judge.fresh({"x-github-delivery": "0"}, b"")


@pytest.mark.parametrize("event", ["ping", "issues", "star", "", "Push"])
def test_other_events_are_thanked_for_and_left(hooked: Hooked, event: str) -> None:
    assert hooked.post(github(event=event)) == 202
    assert hooked.looks == []


def test_a_large_body_is_refused_before_it_is_read_whole(hooked: Hooked) -> None:
    body = b" " * (LARGEST + 1)
    assert hooked.post(github(body), body) == 413
    assert hooked.looks == []


def test_only_posts_are_taken(hooked: Hooked) -> None:
    assert hooked.client.get(f"{hooked.url}/hook").status_code == httpx.codes.METHOD_NOT_ALLOWED
    assert hooked.client.post(f"{hooked.url}/other").status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b'{"repository": null}', b'{"repository": {"full_name": 7}}', b"\xff\xfe", b'{"repository": {"full_name": "a\\u0000b"}}'],
)
def test_a_signed_hook_that_says_nothing_leads_to_a_look_at_everything(hooked: Hooked, body: bytes) -> None:
    assert hooked.post(github(body), body) == 202
    assert hooked.looks == [""]


def test_an_answer_says_nothing(hooked: Hooked) -> None:
    for headers in (github(), {}):
        assert hooked.client.post(f"{hooked.url}/hook", content=BODY, headers=headers).content == b""


@given(st.binary(max_size=200), st.text(max_size=80), st.text(max_size=80))
def test_no_made_up_header_opens_anything(body: bytes, one: str, other: str) -> None:
    judge = Deliveries(lambda: SECRET, Ticking())
    for name in ("x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature", "webhook-signature"):
        assert not judge.signed({name: one, "webhook-timestamp": other, "webhook-id": other}, body)
