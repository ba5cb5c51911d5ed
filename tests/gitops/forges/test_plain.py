"""Plain Git has no requests: asking is harmless, changing one is a mistake that is named."""

from __future__ import annotations

import pytest

from gitops.errors import Stalled
from gitops.forges.base import Forge, Protection, RequestText, StatusState
from gitops.forges.plain import PlainForge
from gitops.git.base import BranchName
from gitops.git.memory import MemoryRepository
from tests.contracts.forges import begin
from tests.gitops.git.tools import MAIN

SIDE = BranchName("poolplan/prod/up")
TEXT = RequestText(title="Grow prod by 2 nodes", body="It")


@pytest.fixture
def repository() -> MemoryRepository:
    made = MemoryRepository("fleet.git")
    begin(made)
    return made


@pytest.fixture
def forge(repository: MemoryRepository) -> Forge:
    return PlainForge(repository)


def test_asking_for_what_there_is_not_is_harmless(forge: Forge, repository: MemoryRepository) -> None:
    head = repository.head(MAIN)
    assert head is not None
    assert (forge.name, forge.me(), forge.reviews) == ("fleet.git", "", False)
    assert forge.open_requests(MAIN) == ()
    assert forge.newest(SIDE, MAIN) is None
    assert forge.bringing(head, MAIN) is None
    forge.set_status(head, StatusState.SUCCESS, "May be merged")
    assert repository.branches() == ((MAIN, head),)


def test_nothing_counts_as_protected(forge: Forge) -> None:
    assert forge.protection(MAIN) == Protection(protected=False)


def test_a_proposal_is_merged_by_a_person(forge: Forge) -> None:
    with pytest.raises(Stalled, match=r"review poolplan/prod/up .* and merge it into main with Git"):
        forge.open(TEXT, branch=SIDE, base=MAIN)


def test_changing_a_request_is_a_mistake(forge: Forge, repository: MemoryRepository) -> None:
    head = repository.head(MAIN)
    assert head is not None
    for ask in (
        lambda: forge.get(1), lambda: forge.revise(1, TEXT), lambda: forge.comment(1, "m", "x"),
        lambda: forge.close(1, "x"), lambda: forge.merge(1, head=head, message="x"), lambda: forge.votes(1),
    ):  # fmt: skip
        with pytest.raises(Stalled, match="no request 1"):
            ask()
    with pytest.raises(Stalled, match="platform"):
        forge.members("platform")
