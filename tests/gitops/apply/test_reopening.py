"""Nodes that were cordoned for a plan take pods again once nobody asks for it, and not before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gitops.apply.journal import BEGUN, DONE, FAILED, Entry, MemoryJournal
from gitops.apply.reopening import cordoned, reopen
from gitops.apply.steps import Act, Step
from gitops.errors import Waiting
from tests.contracts.engines import HandClock

if TYPE_CHECKING:
    from gitops.cluster.node_hands import Nodes

CORDON, UNCORDON, VERIFY = (Step(act, ("a",)) for act in (Act.CORDON, Act.UNCORDON, Act.VERIFY))


@dataclass
class Opening:
    """A cluster that notes for which plans its nodes were opened."""

    opened: list[str] = field(default_factory=list)
    away: bool = False

    def uncordon(self, mark: str) -> tuple[str, ...]:
        if self.away:
            raise Waiting("the cluster does not answer")
        self.opened.append(mark)
        return ("n1",)

    def __call__(self) -> Nodes:
        return self  # type: ignore[return-value]  # only this is asked of it


def journal_of(*noted: tuple[str, Step, str]) -> MemoryJournal:
    entries = (Entry(at="2026-03-01T12:00:00Z", digest=digest, step=step, state=state) for digest, step, state in noted)
    return MemoryJournal(list(entries))


@pytest.mark.parametrize(("noted", "left"), [
    ([], ()),
    ([("p", CORDON, BEGUN)], ("p",)),
    ([("p", CORDON, BEGUN), ("p", CORDON, FAILED)], ("p",)),
    ([("p", CORDON, DONE), ("p", VERIFY, BEGUN)], ("p",)),
    ([("p", CORDON, DONE), ("p", VERIFY, DONE)], ()),
    ([("p", CORDON, DONE), ("p", UNCORDON, FAILED)], ("p",)),
    ([("p", CORDON, DONE), ("p", UNCORDON, DONE)], ()),
    ([("p", CORDON, DONE), ("q", VERIFY, DONE)], ("p",)),
    ([("p", CORDON, DONE), ("p", UNCORDON, DONE), ("p", CORDON, BEGUN)], ("p",)),
])  # fmt: skip
def test_what_was_cordoned_and_neither_removed_nor_opened_is_known(
    noted: list[tuple[str, Step, str]], left: tuple[str, ...]
) -> None:
    assert cordoned(journal_of(*noted)) == left


def test_what_is_still_asked_for_stays_cordoned_and_the_rest_is_opened_once() -> None:
    journal, nodes, said = journal_of(("p", CORDON, DONE), ("q", CORDON, BEGUN)), Opening(), list[str]()
    for _ in range(2):
        reopen({"p"}, nodes, journal, HandClock(), said.append)
    assert nodes.opened == ["q"]
    assert said == ["opened n1 again: the plan that they were cordoned for is no more asked for"]


def test_where_the_cluster_is_away_it_is_said_and_tried_again() -> None:
    journal, nodes, said = journal_of(("p", CORDON, DONE)), Opening(away=True), list[str]()
    reopen((), nodes, journal, HandClock(), said.append)
    (told,) = said
    assert told.endswith("is no more asked for could not be opened: the cluster does not answer")
    nodes.away = False
    reopen((), nodes, journal, HandClock(), said.append)
    assert nodes.opened == ["p"]
