"""Every failure of the API, over HTTP: its kind, and the one line that a user reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.errors import PoolplanError
from gitops.ovh.transport import Transport

CASES = YAML(typ="safe", pure=True).load(Path(__file__).parent / "cases" / "failures.yaml")
SECRETS = {"application_secret": "application-secret-0123456789", "consumer_key": "consumer-key-0123456789"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_failure_becomes_one_line_with_its_remedy(case: dict[str, Any], kit: Any, clock: Any) -> None:
    reply = kit.Reply(case["status"], case["body"].encode(), tuple(case.get("headers", {}).items()))
    with kit.serving(kit.Canned([reply])) as server:
        transport = Transport(kit.credentials(server.url, **SECRETS), clock)
        with pytest.raises(PoolplanError) as caught:
            transport.call(case.get("method", "GET"), case.get("path", "/cloud/project/p/kube"))
    assert (type(caught.value).__name__, str(caught.value)) == (case["kind"], case["text"].replace("{url}", server.url))


def test_a_message_without_end_is_cut(kit: Any, clock: Any) -> None:
    with kit.serving(kit.Canned([kit.Reply(400, b"x" * 5000)])) as server, pytest.raises(PoolplanError) as caught:
        Transport(kit.credentials(server.url), clock).call("GET", "/me")
    assert str(caught.value) == f"OVH refused GET /me (400): {'x' * 300}…"
