"""The guide to review rules is true: its files are read without a word, and its verdicts are the program's own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from gitops.review.rules import Denied, ReviewRules, requirement_of
from gitops.settings_read import read_settings
from tests.docs.shell import ROOT
from tests.gitops.review.changes import written_plan

GUIDE = (ROOT / "docs" / "guides" / "review-rules.md").read_text("utf-8")
HEAD = """apiVersion: poolplan.dev/v1alpha1
kind: Cluster
metadata: {name: prod}
spec:
  provider: {ovh: {serviceName: 0123456789abcdef0123456789abcdef, kubeId: abc}}
"""
PLANS: dict[str, dict[str, dict[str, Any]]] = {
    "1 node more": {"a": {"from": 1, "to": 2}},
    "2 nodes more": {"a": {"from": 1, "to": 2}, "b": {"to": 1}},
    "3 nodes more": {"a": {"from": 1, "to": 4}},
    "1 node less": {"a": {"from": 2, "to": 1}},
    "1 node more and 1 less": {"a": {"from": 1, "to": 2}, "b": {"from": 2, "to": 1}},
    "1 node more for a pod of priority 2000000": {"a": {"from": 1, "to": 2, "priority": 2_000_000}},
    "a pool goes": {"a": {"from": 2}},
}
DAYS = {"Sat": "2026-02-28", "Mon": "2026-03-02"}


def _examples() -> list[tuple[str, str, str, str]]:
    """The file, plan, time and verdict of each row."""
    found = []
    for section in GUIDE.split("\n## "):
        block = re.search(r"^```yaml\nspec:\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        if block:
            rows = re.findall(r"^\| (\d .*?|a pool .*?) \| (\w{3} \d\d:\d\d) \| (.*) \|$", section, re.MULTILINE)
            assert rows
            found += [(HEAD + block[1], *row) for row in rows]
    return found


EXAMPLES = _examples()


def _rules(text: str) -> ReviewRules:
    settings = read_settings(text, "cluster.yaml", {})
    assert settings.warnings == ()
    return settings.review


@pytest.mark.parametrize(("text", "plan", "when", "verdict"), EXAMPLES, ids=lambda part: part[:24])
def test_each_verdict_of_the_guide_is_the_programs(text: str, plan: str, when: str, verdict: str) -> None:
    day, clock = when.split()
    now = datetime.fromisoformat(f"{DAYS[day]}T{clock}+01:00")
    found = requirement_of(written_plan(PLANS[plan]), _rules(text), now)
    said = found.denials if isinstance(found, Denied) else found.needs
    assert ", ".join(map(str, said)) == verdict


def test_the_guide_shows_what_rules_must_express() -> None:
    assert len({text for text, *_ in EXAMPLES}) == 3
    assert len(EXAMPLES) == 10


def test_the_reference_is_read_without_a_word() -> None:
    page = (ROOT / "docs" / "reference" / "cluster-yaml.md").read_text("utf-8")
    block = re.search(r"^```yaml\n(apiVersion: .*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert block
    settings = read_settings(block[1], "cluster.yaml", {})
    assert settings.warnings == ()
    assert [rule.name for rule in settings.review.rules] == ["small growth by day", "deletions"]
