"""``history``: a bare repository with a ledger is all it asks for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.git.opening import open_repository
from gitops.loop.ledger import append, read_ledger
from gitops.loop.records import Event, Figures, Record
from gitops.settings_read import read_settings
from planner.pending import rfc3339
from tests.commands.tools import NOON, base, new_repository

if TYPE_CHECKING:
    from tests.commands.tools import Desk, Outcome

SETTINGS = base("settings.yaml").replace("ENDPOINT", "ovh-eu").replace("NAME", "demo")
NOW = ("--now", "2026-03-02T12:00:00Z")
FIGURES = Figures(
    added=2, hourly=102_400, monthly=74_752_000, currency="EUR", demand=(("Deployment default/web", 3),), pending=3
)
TOLD = """\
demo: 2 changes, the newest first

  down #2: open
      +0 -1 nodes, -€0.0512/h (-€37/month)
      proposed 2026-03-01 14:00 UTC

  up #1: applied 2026-03-01 12:20 UTC
      +2 -0 nodes, +€0.10/h (+€75/month)
      for 3 × Deployment default/web; 3 pods waited
      proposed 2026-03-01 12:00 UTC; merged 2026-03-01 12:10 UTC; approved by ada
      waited 10 min for people, 5 min to start, 5 min for the cloud
      +€2.42 since: 23 h 40 min at +€0.1024/h

All that was applied since 2026-03-01 12:20 UTC, 1 change: +€2.42 so far. Each counts with its own
price per hour, at its plan's prices, times the hours since.
"""


def at(minutes: int) -> str:
    return rfc3339(NOON + timedelta(minutes=minutes))


@pytest.fixture
def kept(desk: Desk) -> Desk:
    """A desk with a repository whose ledger has an application and an open proposal."""
    fleet = new_repository(desk.folder / "fleet.git")
    fleet.commit({"cluster.yaml": SETTINGS}, "Describe")
    settings = read_settings(SETTINGS, "cluster.yaml", {})
    repository = open_repository(str(fleet.path), cache=fleet.path)
    up, times = {"kind": "up", "digest": "sha256:aa", "request": 1}, {"proposed": at(0), "merged": at(10)}
    saved = Figures(removed=1, hourly=-51_200, monthly=-37_376_000, currency="EUR")
    for record in (
        Record(event=Event.OPENED, at=at(0), proposed=at(0), figures=FIGURES, **up),
        Record(event=Event.CLAIMED, at=at(15), figures=FIGURES, by=("ada",), **times, **up),
        Record(event=Event.APPLIED, at=at(20), figures=FIGURES, by=("ada",), **times, **up),
        Record(event=Event.OPENED, at=at(120), kind="down", digest="sha256:bb", request=2, figures=saved),
    ):
        repository.refresh()
        append(repository, settings, read_ledger(repository, settings), record)
    return desk


def told(desk: Desk, *options: str) -> Outcome:
    return desk.run("history", "--repo", "fleet.git", *NOW, *options)


def test_the_ledger_is_told_newest_first(kept: Desk) -> None:
    before = kept.contents()
    outcome = told(kept)
    assert (outcome.code, outcome.out, outcome.err) == (0, TOLD, "")
    assert kept.contents() == before


def test_as_a_document_and_as_markdown(kept: Desk) -> None:
    document = json.loads(told(kept, "--output", "json").out)
    assert (document["kind"], document["cluster"]) == ("History", "demo")
    assert [one["outcome"] for one in document["entries"]] == ["open", "applied"]
    assert document["applied"]["cost"] == [{"currency": "EUR", "amount": "2.423467"}]
    assert "| `up #1` | applied | +2 -0 |" in told(kept, "--output", "markdown").out


@pytest.mark.parametrize("since", ["22h", "2026-03-01T15:00:00+01:00"])
def test_since_a_time_or_within_a_while(kept: Desk, since: str) -> None:
    lines = told(kept, "--since", since).out.splitlines()
    assert lines[0] == "demo: 1 change since 2026-03-01 14:00 UTC, the newest first"
    assert "All that was applied since 2026-03-01 12:20 UTC, 1 change: +€2.42 so far." in lines[-2]


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("soon", "--since 'soon' is neither a time like 2026-01-31T12:00:00Z nor a duration like 168h"),
        ("2026-03-01T12:00:00", "--since '2026-03-01T12:00:00' is neither a time like"),
        ("2027-03-01T12:00:00Z", "--since 2027-03-01T12:00:00Z has not come yet"),
        ("999999999h", "--since '999999999h' is longer than there are years"),
    ],
)
def test_a_since_that_is_none_is_told(kept: Desk, since: str, words: str) -> None:
    outcome = told(kept, "--since", since)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"poolplan: {words}")


def test_before_the_first_proposal_there_is_nothing(desk: Desk) -> None:
    new_repository(desk.folder / "fleet.git").commit({"cluster.yaml": SETTINGS}, "Describe")
    outcome = told(desk)
    assert (outcome.code, outcome.out) == (0, "demo: nothing was proposed or applied\n")


def test_a_cluster_that_is_not_there_is_told(kept: Desk) -> None:
    outcome = told(kept, "--cluster", "other")
    assert outcome.code == 1
    assert "there is no such file on the main branch; it has demo" in outcome.err
