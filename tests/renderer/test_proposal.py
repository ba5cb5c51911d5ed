"""What is proposed to Git and to a forge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import ValueRefused
from planner.plan import Plan
from renderer.proposal import branch_name, render_proposal
from tests.renderer.cases import load_case
from tests.renderer.strategies import few_examples, plans

clusters = st.from_regex(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@few_examples
@given(plans(), clusters)
def test_the_message_is_a_short_subject_a_body_and_trailers(plan: Plan, cluster: str) -> None:
    subject, blank, *body = render_proposal(plan, cluster=cluster).message.splitlines()

    assert len(subject) <= 72
    assert blank == ""
    assert body[-3:] == [
        f"Poolplan-Digest: {plan.digest}", f"Poolplan-Cluster: {cluster}", "Poolplan-Plan-Version: v1alpha1",
    ]  # fmt: skip
    assert sum(line.startswith("Poolplan-") for line in body) == 3


def test_the_branch_is_named_after_cluster_and_digest() -> None:
    plan = load_case("first-pool")

    assert branch_name(plan.digest, "demo") == f"poolplan/demo/{plan.digest[7:19]}"
    assert render_proposal(plan, cluster="demo").branch == branch_name(plan.digest, "demo")


def test_the_title_is_the_subject() -> None:
    proposal = render_proposal(load_case("first-pool"), cluster="demo")

    assert proposal.title == "Scale demo: +1 ~0 -0 nodes, +€0.10/h"
    assert proposal.message.startswith(proposal.title + "\n\n")


def test_a_cluster_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueRefused, match="no name of a cluster"):
        render_proposal(load_case("first-pool"), cluster="a\nPoolplan-Digest: x")
