"""Review rules, windows, guardrails and freezes of cluster.yaml as values, and what is refused there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.errors import InputError
from gitops.review.classes import Class
from gitops.review.rules import ReviewRules, Rule, UpTo, Voters
from gitops.review.windows import window
from gitops.settings import Settings
from gitops.settings_read import read_settings
from planner.guardrails import EACH, Guardrails, LastDay, PerDay, PerNodePool, limits_of
from tests.gitops.plans import MICRO

FOLDER = Path(__file__).parents[2] / "data" / "review"
WHOLE = (FOLDER / "cluster.yaml").read_text()
REFUSED: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(FOLDER / "refused.yaml")
WORK = window("working-hours", "Europe/Paris", ["Mon", "Tue", "Wed", "Thu", "Fri"], "09:00", "18:00")
NIGHT = window("night", "UTC", ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], "23:00", "19:00")


def read(text: str) -> Settings:
    return read_settings(text, "cluster.yaml", {})


def rules(text: str) -> str:
    """The whole file with these rules."""
    head, _, rest = WHOLE.partition("    rules:\n")
    return f"{head}    rules:\n{text}  guardrails:{rest.partition('  guardrails:')[2]}"


def test_every_setting_is_read() -> None:
    settings = read(WHOLE)
    assert settings.review == ReviewRules(
        rules=(
            Rule(
                name="small growth", classes=frozenset({Class.GROW}), within=(WORK,), outside=(NIGHT,), approvals=0,
                up_to=UpTo(nodes=2, pools=1, hourly=MICRO // 2, monthly=365 * MICRO),
            ),
            Rule(name="urgent", priority_above=1_000_000, approvals=1, voters=Voters(
                users=frozenset({"ada", "renovate[bot]"}), teams=frozenset({"acme/platform", "group/below/team"}),
            )),
            Rule(
                name="quiet", classes=frozenset({Class.SHRINK, Class.DELETE, Class.REPLACE, Class.POLICY}),
                within=(NIGHT,), approvals=0, deny="not at night",
            ),
        ),
        default=Rule(name="default", approvals=2, voters=Voters(code_owners=True)),
        protected_branch=False,
        signed_by=(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ ada@example.org",
            "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567",
        ),
        windows=(WORK, NIGHT),
    )  # fmt: skip
    assert settings.guardrails == Guardrails(
        max_nodes_added=1, max_nodes_removed=2, max_hourly_added=3 * MICRO, max_pools_deleted=4, max_growth_percent=5,
        max_shrink_percent=6, max_pools=7, max_nodes=8, max_hourly=9 * MICRO,
        per_day=PerDay(nodes_added=10, nodes_removed=11, hourly_added=12 * MICRO),
        node_pools=((EACH, PerNodePool(max_nodes=13)), ("gpu", PerNodePool(max_hourly=14 * MICRO))),
    )  # fmt: skip
    assert settings.freeze == "moving house"
    assert settings.warnings == ()


def test_a_node_pool_keeps_what_is_said_for_each() -> None:
    guardrails = read(WHOLE).guardrails
    assert limits_of(guardrails, "gpu") == PerNodePool(max_nodes=13, max_hourly=14 * MICRO)
    assert limits_of(guardrails, "web") == PerNodePool(max_nodes=13)


def test_without_a_word_somebody_must_approve_on_a_protected_branch() -> None:
    bare = read(WHOLE.partition("  windows:")[0])
    assert bare.review == ReviewRules()
    assert bare.review.default == Rule(name="default", approvals=1)
    assert bare.review.protected_branch
    assert (bare.guardrails, bare.freeze) == (Guardrails(), "")
    assert LastDay() == LastDay(nodes_added=0, nodes_removed=0, hourly_added=0)


def test_the_default_may_deny() -> None:
    written = "default: {approvals: 2, from: {codeOwners: true}}"
    assert read(WHOLE.replace(written, "default: deny")).review.default.deny == "no rule allows it"
    assert read(WHOLE.replace(written, "default: {deny: ask ada}")).review.default.deny == "ask ada"


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["is"][:30])
def test_what_cannot_be_is_refused_with_its_place(case: dict[str, Any]) -> None:
    assert case["was"] in WHOLE
    with pytest.raises(InputError) as caught:
        read(WHOLE.replace(case["was"], case["is"], 1))
    assert str(caught.value).splitlines() == [f"cluster.yaml:{told}" for told in case["told"]]


@pytest.mark.parametrize(
    ("first", "second", "idle"),
    [
        ("approvals: 1", "classes: [grow]", True),
        ("classes: [grow, delete], approvals: 1", "classes: [grow]", True),
        ("classes: [grow], approvals: 1", "classes: [grow, delete]", False),
        ("classes: [grow], approvals: 1", "within: [night]", False),
        ("within: [night], approvals: 1", "classes: [grow]", False),
        ("upTo: {nodes: 0}, approvals: 1", "classes: [grow]", False),
        ("priorityAbove: 0, approvals: 1", "classes: [grow]", False),
        ("outside: [night], deny: no", "classes: [grow]", False),
    ],
)
def test_a_rule_that_never_decides_is_warned_of(first: str, second: str, idle: bool) -> None:
    text = f"    - {{name: first, {first}}}\n    - {{name: second, {second}, approvals: 2}}\n"
    told = "cluster.yaml:19:7: spec.review.rules[1] never decides: rule first before it always fits"
    assert read(rules(text)).warnings == ((told,) if idle else ())
