"""Exactly once: a change is claimed in the ledger before it is applied, and recorded there when it has been.

Of two controllers that race, one can add its claim. A process that is killed in between finds its own claim again and
goes on; another one waits until the claim is too old to be alive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.errors import Waiting
from gitops.loop.ledger import CLAIM, append, read_ledger, time_of
from gitops.loop.records import Event, Record, figures_of
from planner.pending import rfc3339
from renderer.text import short_digest

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.apply.shortages import Shortage
    from gitops.forges.base import PullRequest
    from gitops.loop.chain import Link
    from gitops.loop.ledger import Ledger
    from gitops.loop.trees import Tree
    from gitops.loop.world import World
    from gitops.review.judge import Approval
    from gitops.settings import Settings
    from planner.canonical import Digest
    from planner.plan import Plan

_TRIES = 8
"""How often a record is tried to be added while others add theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is about to be applied, and on whose word.

    ``earlier`` are changes before it that failed, and others since: they and it are applied as one, and ``plan`` does
    what all of them do. Each has the word of its own approvers.
    """

    link: Link
    plan: Plan
    approval: Approval
    request: PullRequest | None
    holder: str = ""
    earlier: tuple[Turn, ...] = ()

    @property
    def digest(self) -> Digest:
        """The digest of the newest change's own plan, by which the ledger knows it."""
        return (self.link.step.plan or self.plan).digest

    @property
    def trees(self) -> tuple[Tree, ...]:
        """All trees that it leads through, the first and the last among them."""
        links = [*(one.link for one in self.earlier), self.link]
        return (links[0].before, *(one.after for one in links))

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans of its changes, oldest first."""
        return (*(one.plan for one in self.earlier), self.link.step.plan or self.plan)

    @property
    def commits(self) -> tuple[str, ...]:
        """The commits of main that it applies, oldest first."""
        return (*(one.link.commit.id for one in self.earlier), self.link.commit.id)

    @property
    def requests(self) -> tuple[PullRequest, ...]:
        """The pull requests that brought its changes, oldest first, each once."""
        found = [one.request for one in (*self.earlier, self) if one.request is not None]
        return tuple({one.number: one for one in found}.values())

    def record(
        self, event: Event, at: datetime, *, kind: str, reason: str = "", shortages: tuple[Shortage, ...] = ()
    ) -> Record:
        """A ledger's record of it."""
        request = self.request
        return Record(
            event=event, at=rfc3339(at), kind=kind, digest=self.digest, commit=self.link.commit.id,
            request=request.number if request else 0, by=self.approval.by, reason=reason, holder=self.holder,
            proposed=rfc3339(request.created_at) if request else self.plan.evidence.now,
            merged=rfc3339(request.ended_at if request and request.ended_at else self.link.commit.at),
            figures=figures_of(self.plan), shortages=shortages,
        )  # fmt: skip


def refuse_claimed(ledger: Ledger, holder: str, now: datetime) -> Record | None:
    """Our own claim, where there is one. Raises Waiting while somebody else's is held."""
    held = ledger.claim(now)
    if held is not None and held.holder != holder:
        until = rfc3339(time_of(held.at) + CLAIM)
        what = short_digest(held.digest)
        raise Waiting(f"{held.holder} has been applying {what} since {held.at}; its claim ends at {until}")
    return held


def claim(world: World, settings: Settings, ledger: Ledger, record: Record) -> Ledger:
    """The ledger with the claim. Raises Waiting where somebody else added something first: look at it all again."""
    return append(world.repository, settings, ledger, record, signer=world.signer)


def conclude(world: World, settings: Settings, record: Record) -> Ledger:
    """Add the outcome, however many others add to the ledger meanwhile: what was done must not be forgotten."""
    for left in range(_TRIES, 0, -1):
        ledger = read_ledger(world.repository, settings)
        done = next((one for one in reversed(ledger.records) if one.event is record.event), None)
        if done is not None and replace(done, number=0) == replace(record, number=0):
            return ledger
        try:
            return append(world.repository, settings, ledger, record, signer=world.signer)
        except Waiting:
            if left == 1:
                raise
            world.repository.refresh()
    raise AssertionError("the last try returns or raises")  # pragma: no cover
