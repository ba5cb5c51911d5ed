"""Which rules of a consumer key cover which right."""

from __future__ import annotations

import pytest

from gitops.ovh.answers import Rule
from gitops.ovh.client import OvhClient
from gitops.ovh.rights import POOL, RIGHTS
from gitops.sandbox.settings import CLUSTER, PROJECT

PUT = next(right for right in RIGHTS if (right.method, right.path) == ("PUT", POOL))


@pytest.mark.parametrize(
    ("method", "path", "granted"),
    [
        ("PUT", "/*", True),
        ("PUT", "/cloud/*", True),
        ("PUT", f"/cloud/project/{PROJECT}/kube/{CLUSTER}/nodepool/*", True),
        ("PUT", "/cloud/project/*/kube/*/nodepool/*", True),
        ("GET", "/*", False),
        ("PUT", "/cloud/project/*/kube/*/nodepool", False),
        ("PUT", f"/cloud/project/{'f' * 32}/*", False),
        ("PUT", "/me", False),
    ],
)
def test_a_rule_covers_a_right(method: str, path: str, granted: bool) -> None:
    rules = [Rule(method="GET", path="/me"), Rule(method=method, path=path)]
    assert PUT.granted_by(rules, service_name=PROJECT, kube_id=CLUSTER) is granted


def test_the_sandbox_grants_everything(client: OvhClient) -> None:
    rules = client.credential().rules
    assert all(right.granted_by(rules, service_name=PROJECT, kube_id=CLUSTER) for right in RIGHTS)


def test_each_right_is_listed_once() -> None:
    calls = [(right.method, right.path) for right in RIGHTS]
    assert len(calls) == len(set(calls))
