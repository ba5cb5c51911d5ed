"""Secrets do not leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.redact import HIDDEN, SHORTEST, redact, secret_values

SIGNATURE = "$1$" + "0a" * 20


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("X-Ovh-Signature: " + SIGNATURE, f"X-Ovh-Signature: {HIDDEN}"),
        ("{'X-Ovh-Consumer': 'abc', 'X-Other': '1'}", f"{{'X-Ovh-Consumer': '{HIDDEN}', 'X-Other': '1'}}"),
        ("authorization: Bearer abc.def", f"authorization: {HIDDEN}"),
        (f"signed {SIGNATURE}.", f"signed {HIDDEN}."),
        ("GET https://me:pass@state.example/x", f"GET https://{HIDDEN}@state.example/x"),
        ("GET https://state.example/x?a=b", "GET https://state.example/x?a=b"),
        ("pool sandbox", "pool sandbox"),
    ],
)
def test_what_looks_like_a_credential_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert redact(text, ["sandbox"]) == shown


@given(st.text("ab$.", min_size=SHORTEST), st.text("xy "), st.text("xy "))
def test_a_known_secret_never_shows(secret: str, before: str, after: str) -> None:
    assert secret not in redact(f"{before}{secret}{after}", [secret])


def test_a_secret_that_holds_another_is_hidden_whole() -> None:
    assert redact("key aaaaaaaabbbb", ["aaaaaaaa", "aaaaaaaabbbb"]) == f"key {HIDDEN}"


def test_secrets_are_known_by_the_names_of_their_variables() -> None:
    variables = {
        "OVH_APPLICATION_KEY": "ak", "OVH_APPLICATION_SECRET": "as", "OVH_CONSUMER_KEY": "ck", "GITHUB_TOKEN": "t",
        "AWS_SECRET_ACCESS_KEY": "s", "AWS_ACCESS_KEY_ID": "i", "TF_HTTP_PASSWORD": "p", "PATH": "/bin",
        "OVH_ENDPOINT": "ovh-eu", "EMPTY_TOKEN": "", "SSH_KEY_PATH": "/home",
    }
    assert secret_values(variables) == ("ak", "as", "ck", "i", "p", "s", "t")
