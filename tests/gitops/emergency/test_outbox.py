"""What waits for Git is written before anything is applied, and is lost by nothing that ends the process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gitops.apply.shortages import Shortage
from gitops.emergency.outbox import BEGUN, DONE, FAILED, Entry, Outbox
from gitops.emergency.recording import flush
from gitops.errors import Stalled, Waiting
from gitops.loop.emergencies import held, refused, retroactive, unsettled
from gitops.loop.records import Event
from gitops.loop.retries import unavailable
from gitops.loop.steps import Step
from planner.guardrails import Guardrails
from planner.pools import PoolSet
from planner.portion import Kind
from tests.gitops.loop.town import ADA, Town, nodes
from tests.gitops.plans import SETTINGS

if TYPE_CHECKING:
    from planner.plan import Plan

AT = "2026-03-01T12:00:00Z"


def entry(plan: Plan, **changed: str) -> Entry:
    return replace(Entry(plan=plan, reason="payments are down", by="ada", at=AT), **changed)


@pytest.fixture
def town() -> Town:
    return Town()


def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "emergencies" / "prod")


def test_what_is_put_is_there_again_and_the_last_word_counts(town: Town, tmp_path: Path) -> None:
    box = outbox(tmp_path)
    assert box.entries() == ()
    one = entry(town.plan(nodes(2)))
    box.put(one)
    box.put(replace(one, state=DONE))
    (found,) = box.entries()
    assert (found.plan.digest, found.reason, found.by, found.at, found.state) == (
        one.plan.digest, "payments are down", "ada", AT, DONE,
    )  # fmt: skip
    box.drop(one)
    box.drop(one)
    assert box.entries() == ()


def test_a_file_that_is_none_is_not_taken_for_nothing(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    (tmp_path / "emergencies" / "prod").mkdir(parents=True)
    (tmp_path / "emergencies" / "prod" / "x.json").write_text("{")
    with pytest.raises(Stalled, match="holds no emergency that can be read"):
        box.entries()


def test_without_a_record_nothing_is_applied(town: Town, tmp_path: Path) -> None:
    (tmp_path / "emergencies").write_text("a file where a folder is wanted")
    with pytest.raises(Stalled, match="without a record nothing is applied"):
        outbox(tmp_path).put(entry(town.plan(nodes(2))))


@pytest.mark.parametrize(
    ("state", "text", "ending"),
    [
        (DONE, "", ""), (BEGUN, "", " (it was interrupted)"),
        (FAILED, "OVH is away", " (it failed: OVH is away)"),
    ],
)  # fmt: skip
def test_a_record_says_how_it_ended(town: Town, tmp_path: Path, state: str, text: str, ending: str) -> None:
    box = outbox(tmp_path)
    box.put(entry(town.plan(nodes(2)), state=state, text=text))
    assert flush(town.world(), town.trees(), box) == 1
    (record,) = town.ledger.records
    assert (record.event, record.kind, record.by) == (Event.EMERGENCY, "emergency", ("ada",))
    assert record.reason == f"payments are down{ending}"
    assert record.figures.added == 2
    assert box.entries() == ()


def test_what_the_cloud_lacked_is_led_around_from_then_on(town: Town, tmp_path: Path) -> None:
    box = outbox(tmp_path)
    short = Shortage(pool="a", lack="out-of-stock", flavor="b3-8", zone="eu-west-par-a", what="2 of 2 nodes never came")
    box.put(replace(entry(town.plan(nodes(2)), state=FAILED, text="not all came"), shortages=(short,)))
    flush(town.world(), town.trees(), box)
    assert unavailable(town.ledger, town.clock.now()) == (replace(short, until="2026-03-01T12:30:00Z"),)


def test_killed_between_record_and_outbox_it_is_recorded_once(town: Town, tmp_path: Path) -> None:
    box, one = outbox(tmp_path), entry(town.plan(nodes(2)), state=DONE)
    for _ in range(2):
        box.put(one)
        flush(town.world(), town.trees(), box)
    assert town.events == ["emergency"]


def test_others_who_add_to_the_ledger_meanwhile_do_not_matter(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = outbox(tmp_path)
    box.put(entry(town.plan(nodes(2)), state=DONE))
    push, tries = town.repository.push, iter([True])

    def raced(*given: object, **how: object) -> None:
        if next(tries, False):
            raise Waiting("somebody was faster")
        push(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(town.repository, "push", raced)
    flush(town.world(), town.trees(), box)
    assert town.events == ["emergency"]


def merged(town: Town, kind: Kind) -> int:
    """The kind's proposal is approved, merged and applied; how many changes that were."""
    town.accept(kind)
    return len(town.apply().applied)


def done(town: Town, tmp_path: Path, plan: Plan) -> None:
    """An emergency that did this: the provider has it, the ledger knows it."""
    box = outbox(tmp_path)
    box.put(entry(plan, state=DONE))
    flush(town.world(), town.trees(), box)
    town.observed = plan.desired


def test_it_is_proposed_merged_and_then_in_effect(town: Town, tmp_path: Path) -> None:
    done(town, tmp_path, town.plan(nodes(2)))
    result = town.propose(town.plan())[Kind.EMERGENCY]
    assert result.step is Step.PROPOSE
    request = town.request(Kind.EMERGENCY)
    assert request.title.startswith("Review the emergency in prod: +2 ~0 -0 nodes")
    assert "**This was applied already, without a review.**" in request.body
    assert "- payments are down (applied without review at `2026-03-01T12:00:00Z` by ada)" in request.body
    assert held(town.trees(), town.ledger, town.clock.now()) == {"karpenter-b3-8-a"}
    town.server.approve(ADA, request.number)
    town.server.merge(ADA, request.number)
    town.apply()
    assert town.events[-1] == "applied"
    town.propose(town.plan(*town.declared))
    assert town.events[-1] == "merged"
    assert unsettled(town.ledger) == ()
    assert town.propose(town.plan(*town.declared))[Kind.EMERGENCY].step is Step.REST


def test_it_does_not_count_twice_nor_break_the_guardrails_of_reviewed_plans(town: Town, tmp_path: Path) -> None:
    town.settings = replace(SETTINGS, guardrails=Guardrails(max_nodes_added=1))
    town.propose(town.plan(nodes(1, "karpenter-c3-8-a")))
    merged(town, Kind.UP)
    done(town, tmp_path, town.plan(*town.declared, nodes(3)))
    town.propose(town.plan())
    assert "Guardrail" not in town.request(Kind.EMERGENCY).body
    assert merged(town, Kind.EMERGENCY) == 1


def test_two_emergencies_are_one_proposal(town: Town, tmp_path: Path) -> None:
    done(town, tmp_path, town.plan(nodes(2)))
    town.propose(town.plan())
    more = town.plan(nodes(2), nodes(1, "karpenter-b3-16-a"))
    done(town, tmp_path, more)
    assert town.propose(town.plan())[Kind.EMERGENCY].step is Step.REVISE
    both = retroactive(town.trees(), town.trees().at(town.main), town.ledger, PoolSet())
    assert both is not None
    assert [str(one.pool) for one in both.changes] == ["karpenter-b3-16-a", "karpenter-b3-8-a"]


def test_a_main_that_moves_on_keeps_what_was_done(town: Town, tmp_path: Path) -> None:
    done(town, tmp_path, town.plan(nodes(2)))
    town.propose(town.plan())
    town.edit_pools(nodes(1, "karpenter-c3-8-a"))
    assert town.propose(town.plan(*town.declared))[Kind.EMERGENCY].step is Step.REVISE
    assert town.declared.names() == {"karpenter-c3-8-a"}
    plan = retroactive(town.trees(), town.trees().at(town.main), town.ledger, PoolSet())
    assert plan is not None
    assert plan.desired.names() == {"karpenter-c3-8-a", "karpenter-b3-8-a"}


def test_closed_it_is_declined_and_no_longer_held(town: Town, tmp_path: Path) -> None:
    done(town, tmp_path, town.plan(nodes(2)))
    town.propose(town.plan())
    town.server.close(ADA, town.request(Kind.EMERGENCY).number)
    town.propose(town.plan())
    assert unsettled(town.ledger) == ()
    assert [one.event for one in refused(town.ledger)] == [Event.EMERGENCY]
    assert held(town.trees(), town.ledger, town.clock.now()) == frozenset()


def test_after_its_grace_it_is_held_no_longer(town: Town, tmp_path: Path) -> None:
    done(town, tmp_path, town.plan(nodes(2)))
    assert held(town.trees(), town.ledger, town.clock.now())
    late = town.clock.now() + town.settings.emergency.grace
    assert held(town.trees(), town.ledger, late) == frozenset()
