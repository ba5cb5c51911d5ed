"""How a cluster stands: everything that waits, failed or is lacking is told, and telling it changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gitops.apply.hands import Applied
from gitops.apply.journal import Entry
from gitops.apply.steps import Act, Step
from gitops.loop.claims import Turn
from gitops.loop.status import status_of
from renderer.status import Status, status_text
from renderer.status_document import status_document, status_json
from tests.gitops.loop.test_shortages import B, Cloud, failed, merge, out_of_stock
from tests.gitops.loop.town import nodes


@pytest.fixture
def town() -> Cloud:
    return Cloud()


def status(town: Cloud, **told: Any) -> Status:
    town.repository.refresh()
    before = dict(town.repository.branches(""))
    found = status_of(town.world(), town.trees(), now=town.clock.now(), **told)
    assert dict(town.repository.branches("")) == before
    assert json.loads(status_json(found)) == status_document(found)
    return found


def test_nothing_was_ever_applied(town: Cloud) -> None:
    found = status(town, unasked="no OVH credentials are exported")
    assert status_text(found) == (
        f"Cluster   prod\nMain      {town.main[:12]}, nothing was ever applied\n"
        "Drift     not known: no OVH credentials are exported\n"
    )


def test_a_proposal_and_what_it_needs(town: Cloud) -> None:
    merge(town, nodes(1))
    town.apply()
    town.propose(town.plan(nodes(3)))
    found = status(town, drift=2)
    assert [(one.kind, one.request, one.added) for one in found.offers] == [("up", 2, 2)]
    text = status_text(found)
    assert ", applied\n" in text
    assert "Drift     2 differences\n" in text
    assert "up        #2       +2     grow needs 1 approval" in text


def test_what_failed_with_its_next_try_and_what_is_lacking(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    found = status(town, drift=0)
    assert [(one.state.value, one.attempts, one.again) for one in found.asks] == [
        ("failed", 1, "2026-03-01T12:30:00Z"),
    ]
    assert [(one.offering, one.lack, one.until) for one in found.missing] == [
        ("b3-8 in eu-west-par-a", "out-of-stock", "2026-03-01T12:30:00Z"),
    ]
    lines = status_text(found).splitlines()
    assert lines[4].split() == ["CHANGE", "KIND", "REQUEST", "NODES", "STATE"]
    assert lines[5].endswith("up    #1       +3     failed 1 time, next try 12:30 UTC: not all that was ordered came")
    assert lines[7].split() == ["UNAVAILABLE", "UNTIL", "WHY"]
    assert lines[8].startswith("b3-8 in eu-west-par-a  12:30 UTC  out-of-stock, met by karpenter-b3-8-a: b3-8 is out of")
    town.clock.at += timedelta(hours=1)
    later = status(town)
    assert (later.missing, later.asks[0].again) == ((), "")


def test_what_leads_around_stands_beside_it(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    merge(town, nodes(3, B), approve=False)
    found = status(town)
    assert [one.state.value for one in found.asks] == ["failed", "withheld"]
    assert found.asks[1].reasons[0].startswith("grow needs 1 approval")


def test_who_applies_now_and_where_it_is(town: Cloud) -> None:
    merge(town, nodes(3))
    seen: list[Status] = []
    entry = Entry(at="2026-03-01T12:00:00Z", digest="sha256:" + "3" * 64, step=Step(Act.WAIT, ("a", "b")), state="begun")

    def looking(turn: Turn) -> Applied:
        seen.append(status(town, journal=(replace(entry, state="done"), entry)))
        return Applied(changed=len(turn.plan.changes))

    town.carry = looking  # type: ignore[method-assign]
    town.apply()
    assert seen[0].asks[0].state.value == "applying"
    text = status_text(seen[0])
    assert "Claim     one has been applying" in text
    assert "since 12:00 UTC; it holds until 14:00 UTC" in text
    assert "Step      wait a, b of 333333333333, begun 12:00 UTC on this machine, and under way or cut off" in text


@pytest.mark.parametrize(("state", "text", "told"), [
    ("failed", "no quota", "grow a of 333333333333, failed 12:00 UTC on this machine: no quota"), ("done", "", ""),
])  # fmt: skip
def test_a_step_that_ended_badly_is_told(town: Cloud, state: str, text: str, told: str) -> None:
    entry = Entry(
        at="2026-03-01T12:00:00Z", digest="sha256:" + "3" * 64, step=Step(Act.GROW, ("a",)), state=state, text=text,
    )  # fmt: skip
    found = status_text(status(town, journal=(entry,)))
    assert (f"Step      {told}\n" in found) is bool(told)


def test_text_from_elsewhere_is_one_harmless_line(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town, replace(out_of_stock(), what="gone\n\x1b[31mred" + "x" * 200))
    text = status_text(status(town, unasked="two\nlines"))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 160
    assert "two lines" in text


def test_a_freeze_is_told(town: Cloud) -> None:
    town.freeze = "the audit"
    assert "Frozen    " in status_text(status(town))
