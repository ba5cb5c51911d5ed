"""What a ledger comes to: each proposal with what it led to, in a simulated town and record by record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import Stalled
from gitops.forges.base import RequestText
from gitops.git.base import BranchName
from gitops.loop.history import fold, history_of
from gitops.loop.ledger import Ledger
from gitops.loop.records import Event, Figures, Record
from planner.portion import Kind
from renderer.history import Outcome, waited_text
from renderer.tree import render_files
from tests.gitops.git.tools import MAIN, NOON
from tests.gitops.loop.town import ADA, GRACE, Town, nodes

if TYPE_CHECKING:
    from gitops.apply.hands import Applied
    from gitops.loop.claims import Turn
    from renderer.history import Entry, History

STEPS = (timedelta(minutes=7), timedelta(minutes=3), timedelta(minutes=2))


@pytest.fixture
def town() -> Town:
    return Town()


def history(town: Town, since: datetime | None = None) -> History:
    town.repository.refresh()
    return history_of(town.ledger, cluster="prod", now=town.clock.at, since=since)


def only(town: Town) -> Entry:
    (entry,) = history(town).entries
    return entry


def slow(town: Town) -> None:
    """Let the cloud take its time."""
    carry = town.carry

    def carry_slowly(turn: Turn) -> Applied:
        town.clock.at += STEPS[2]
        return carry(turn)

    town.carry = carry_slowly  # type: ignore[method-assign]


def test_from_a_proposal_to_its_application(town: Town) -> None:
    slow(town)
    town.propose(town.plan(nodes(2)))
    town.propose(town.plan(nodes(4)))
    number = town.request().number
    assert (only(town).outcome, only(town).revisions) == (Outcome.OPEN, 1)
    town.clock.at += STEPS[0]
    town.server.approve(ADA, number)
    town.server.merge(GRACE, number)
    town.clock.at += STEPS[1]
    town.apply()
    entry = only(town)
    assert (entry.outcome, entry.kind, entry.request, entry.added) == (Outcome.APPLIED, "up", number, 4)
    assert (entry.proposed, entry.approved_by, entry.pending) == (NOON, (ADA,), 3)
    spans = (entry.for_people, entry.to_start, entry.for_cloud)
    assert spans == tuple(int(step.total_seconds()) for step in STEPS)


def test_the_merge_may_be_recorded_after_the_application(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.server.approve(ADA, 1)
    town.server.merge(GRACE, 1)
    town.apply()
    applied = only(town)
    town.clock.at += timedelta(hours=1)
    town.propose(town.plan(*town.declared))
    assert town.events[-1] == "merged"
    assert only(town) == replace(applied, ended_by=(GRACE,))


def test_a_merge_that_waits_and_one_that_is_declined(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.clock.at += timedelta(minutes=5)
    town.server.merge(GRACE, 1)
    town.clock.at += timedelta(hours=1)
    town.propose(town.plan(*town.declared))  # nobody approved it: it gets a proposal of its own
    asked, entry = history(town).entries
    assert (asked.kind, asked.outcome) == ("policy", Outcome.OPEN)
    assert (entry.outcome, entry.ended_by, entry.applied, entry.for_people) == (Outcome.MERGED, (GRACE,), None, 300)

    other = Town()
    other.propose(other.plan(nodes(2)))
    other.server.close(ADA, 1)
    other.propose(other.plan(nodes(2)))
    entry = only(other)
    assert (entry.outcome, entry.ended_by, entry.reason) == (Outcome.DECLINED, (ADA,), "#1 was closed by ada")


def test_what_is_withdrawn_says_why(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.propose(town.plan())
    entry = only(town)
    assert (entry.outcome, entry.reason, entry.request) == (Outcome.WITHDRAWN, "nothing is left to do", 1)
    town.propose(town.plan(nodes(2)))
    assert [one.outcome for one in history(town).entries] == [Outcome.OPEN, Outcome.WITHDRAWN]


def test_failed_tries_stay_on_record(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.server.approve(ADA, 1)
    town.server.merge(GRACE, 1)
    carry = town.carry

    def fail(turn: Turn) -> Applied:
        raise Stalled("the quota is too small")

    town.carry = fail  # type: ignore[method-assign]
    with pytest.raises(Stalled):
        town.apply()
    assert only(town).outcome is Outcome.FAILED
    town.carry = carry  # type: ignore[method-assign]
    town.clock.at += timedelta(minutes=30)
    town.apply()
    entry = only(town)
    assert (entry.outcome, entry.for_cloud) == (Outcome.APPLIED, 1800)
    assert entry.failures == ((NOON, "the quota is too small"),)


def test_a_persons_own_change_is_an_entry_without_a_proposal(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.server.approve(ADA, 1)
    town.server.merge(GRACE, 1)
    town.apply()
    files = render_files(town.plan(nodes(5)).desired, town.settings.terraform).under(PurePosixPath("pools"))
    town.edit({str(path): text for path, text in files}, branch="mine")
    town.server.request(GRACE, RequestText(title="More", body=""), branch=BranchName("mine"), base=MAIN)
    town.server.approve(ADA, 2)
    town.server.merge(GRACE, 2)
    town.apply()
    by_hand, proposed = history(town).entries
    assert (by_hand.proposal, by_hand.request, by_hand.added, by_hand.approved_by) == (False, 2, 3, (ADA,))
    assert (proposed.proposal, proposed.request) == (True, 1)


def test_in_plain_git_a_merge_is_found_by_its_digest() -> None:
    town = Town(plain=True)
    town.propose(town.plan(nodes(2)))
    town.clock.at += timedelta(minutes=5)
    tip = town.tip()
    assert tip is not None
    town.repository.push(tip, MAIN, expect=town.main)
    town.clock.at += timedelta(minutes=1)
    town.apply()
    entry = only(town)
    assert (entry.outcome, entry.proposal, entry.request, entry.approved_by) == (Outcome.APPLIED, True, 0, ())
    assert entry.commit == town.main
    assert (entry.merged, entry.for_people, entry.to_start) == (None, None, None), "a fast-forward keeps no time"
    assert waited_text(entry) == "waited 6 min for its merge and to start, 0 s for the cloud"
    town.clock.at += timedelta(hours=1)
    town.propose(town.plan(*town.declared))
    assert town.events[-1] == "merged"
    assert only(town) == entry


def test_what_a_confirmation_covers_is_told(town: Town) -> None:
    """Main asked for what nobody approved; the proposal that goes the whole way is applied instead."""
    town.propose(town.plan(nodes(2)))
    town.server.approve(ADA, 1)
    town.server.merge(GRACE, 1)
    town.apply()
    town.propose(town.plan(nodes(4)))
    town.server.merge(GRACE, 2)
    town.propose(town.plan(nodes(4)))
    town.server.approve(ADA, town.request(Kind.POLICY).number)
    town.clock.at += timedelta(minutes=1)
    town.server.merge(GRACE, town.request(Kind.POLICY).number)
    town.apply()
    outcomes = [(one.request, one.outcome) for one in history(town).entries]
    assert outcomes == [(3, Outcome.APPLIED), (2, Outcome.COVERED), (1, Outcome.APPLIED)]


def test_costs_count_from_each_application_on(town: Town) -> None:
    def apply(count: int) -> None:
        town.propose(town.plan(nodes(count)))
        number = town.request().number
        town.server.approve(ADA, number)
        town.server.merge(GRACE, number)
        town.apply()
        town.clock.at += timedelta(hours=10)

    apply(2)
    apply(3)
    told = history(town)
    assert [one.cost(told.now) for one in told.entries] == [one.hourly * hours for one, hours in zip(
        told.entries, (10, 20), strict=True)]  # fmt: skip
    assert (told.applied, told.begun) == (2, NOON)
    assert sum(amount for _, amount in told.cost) == sum(one.cost(told.now) or 0 for one in told.entries)


def test_since_leaves_out_what_has_long_ended_but_not_its_cost(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    town.server.approve(ADA, 1)
    town.server.merge(GRACE, 1)
    town.apply()
    town.clock.at += timedelta(days=2)
    told = history(town, since=town.clock.at - timedelta(days=1))
    assert (told.entries, told.applied) == ((), 1)
    assert len(history(town, since=NOON).entries) == 1


def test_nothing_is_on_record_before_the_first_proposal(town: Town) -> None:
    assert (history(town).entries, history(town).cost, history(town).begun) == ((), (), None)


def record(number: int, event: Event, **fields: object) -> Record:
    at = (NOON + timedelta(minutes=number)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    usual = {"kind": "up", "digest": "sha256:a", "number": number, "event": event, "at": at}
    return Record(**{**usual, **fields})  # type: ignore[arg-type]


def test_another_request_takes_the_place_of_one_whose_end_was_not_seen() -> None:
    first, second = fold((record(1, Event.OPENED, request=1), record(2, Event.OPENED, request=2)))
    assert (first.outcome, second.outcome) == (Outcome.SUPERSEDED, Outcome.OPEN)
    first, second = fold((record(1, Event.OPENED, request=1), record(2, Event.DECLINED, request=2)))
    assert (first.outcome, second.outcome) == (Outcome.SUPERSEDED, Outcome.DECLINED)


def test_the_same_plan_proposed_again_is_applied_by_itself() -> None:
    """In plain Git only the digest tells which one was merged: the newest that was not applied."""
    again = fold((
        record(1, Event.OPENED), record(2, Event.CLAIMED, commit="a"), record(3, Event.APPLIED, commit="a"),
        record(4, Event.OPENED, kind="policy"), record(5, Event.CLAIMED, commit="b"),
        record(6, Event.APPLIED, commit="b"),
    ))  # fmt: skip
    assert [(one.number, one.commit, one.kind, one.outcome) for one in again] == [
        (1, "a", "up", Outcome.APPLIED), (4, "b", "policy", Outcome.APPLIED),
    ]  # fmt: skip


def test_a_record_without_a_time_is_told() -> None:
    with pytest.raises(Stalled, match="no time that can be read"):
        fold((record(1, Event.OPENED, at="soon"),))


RECORDS = st.lists(
    st.builds(
        record, number=st.just(0), event=st.sampled_from(Event), kind=st.sampled_from(["up", "down"]),
        request=st.integers(0, 3), digest=st.sampled_from(["sha256:a", "sha256:b"]), commit=st.sampled_from("abc"),
        figures=st.builds(Figures, hourly=st.integers(-9, 9), currency=st.just("EUR")),
    ),
    max_size=25,
)  # fmt: skip


@given(RECORDS)
def test_whatever_was_recorded_every_application_counts_once(made: list[Record]) -> None:
    records = tuple(replace(record(number, one.event), kind=one.kind, request=one.request, digest=one.digest,
                            commit=one.commit, figures=one.figures) for number, one in enumerate(made, 1))  # fmt: skip
    told = history_of(Ledger(records=records), cluster="prod", now=NOON + timedelta(days=1))
    applied = [one for one in records if one.event is Event.APPLIED]
    assert told.applied == len(applied)
    numbers = [one.number for one in told.entries]
    assert numbers == sorted(set(numbers), reverse=True)
    entries = {one.applied: one for one in told.entries if one.applied}
    assert all(entries[NOON + timedelta(minutes=one.number)].approved_by == one.by for one in applied)
