"""What is proposed to Git and to a forge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import ValueRefused
from planner.plan import Plan
from planner.portion import Kind
from renderer.proposal import render_proposal
from tests.renderer.cases import load_case
from tests.renderer.strategies import few_examples, plans

clusters = st.from_regex(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@few_examples
@given(plans(), clusters, st.sampled_from(Kind))
def test_the_message_is_a_short_subject_a_body_and_trailers(plan: Plan, cluster: str, kind: Kind) -> None:
    subject, blank, *body = render_proposal(plan, cluster=cluster, kind=kind).message.splitlines()

    assert len(subject) <= 72
    assert blank == ""
    assert body[-4:] == [
        f"Poolplan-Digest: {plan.digest}", f"Poolplan-Cluster: {cluster}", f"Poolplan-Kind: {kind.value}",
        "Poolplan-Plan-Version: v1alpha1",
    ]  # fmt: skip
    assert sum(line.startswith("Poolplan-") for line in body) == 4


def test_the_title_is_the_subject() -> None:
    proposal = render_proposal(load_case("first-pool"), cluster="demo", kind=Kind.UP)

    assert proposal.title == "Scale up demo: +1 ~0 -0 nodes, +€0.10/h"
    assert proposal.message.startswith(proposal.title + "\n\n")


def test_a_cluster_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueRefused, match="no name of a cluster"):
        render_proposal(load_case("first-pool"), cluster="a\nPoolplan-Digest: x", kind=Kind.UP)
