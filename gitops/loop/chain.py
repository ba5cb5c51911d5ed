"""What the main branch asks for and was not applied yet: its own line since the last application, change by change.

Each change is judged and applied by itself, the oldest first, so that what is applied is what was reviewed. Going back
and forth on main ends where it began, and then there is nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.errors import Stalled
from gitops.git.base import BranchName, CommitId
from gitops.loop.records import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.git.base import Commit
    from gitops.loop.ledger import Ledger
    from gitops.loop.records import Record
    from gitops.loop.trees import Step, Tree, Trees


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One change of main: the commit that made it, the trees on both sides, and the plan that tells it."""

    commit: Commit
    before: Tree
    after: Tree
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Main at ``head``. ``applied`` is the tree that is in effect, None where nothing was ever applied.

    ``links`` are the changes since, oldest first, without those that a later one covers as a whole, and without a
    plan that puts pools back where main has moved on since. ``tried`` is how many of them, from the oldest on, were
    tried in vain: some of it may be there.
    """

    head: Tree
    applied: Tree | None
    links: tuple[Link, ...]
    tried: int = 0

    @property
    def is_back(self) -> bool:
        """Whether main declares what was applied last."""
        return self.applied is not None and self.applied.pools == self.head.pools

    @property
    def in_effect(self) -> bool:
        """Whether main declares what was applied last, whatever happened in between that left nothing behind, and asks
        for nothing else.
        """
        return not self.links or (self.is_back and not self.tried and not self.putting_back)

    @property
    def putting_back(self) -> bool:
        """Whether main's last word is a plan that puts pools back."""
        return bool(self.links) and self.links[-1].step.back

    def place_of(self, claim: Record) -> int:
        """The place of the link that a claim ends with; -1 where it is of none: what comes before was begun with it."""
        plans = [link.step.plan for link in self.links]
        return next((at for at, plan in enumerate(plans) if plan is not None and plan.digest == claim.digest), -1)


def read_chain(trees: Trees, ledger: Ledger) -> Chain:
    """The changes of main that wait to be applied. Raises Stalled where main was rewritten, or cannot be read.

    Before anything was applied, what main declares without a plan is taken to be there: poolplan begins with it.
    """
    repository, settings = trees.repository, trees.settings
    branch = BranchName(settings.git.branch)
    head = repository.head(branch)
    if head is None:
        raise Stalled(f"{repository.name} has no branch {branch}")
    last = ledger.applied
    after = CommitId(last.commit) if last else None
    applied = trees.at(after) if after else None
    links = list(_links(trees, repository.line(branch, settings.folder, after=after), applied))
    links = [one for one in links if not one.step.back or one is links[-1]]
    left = _from_last_whole(links, begun=applied is not None)
    return Chain(head=trees.at(head), applied=applied, links=left, tried=_tried(left, ledger))


def _tried(links: tuple[Link, ...], ledger: Ledger) -> int:
    """How many links, from the oldest on, the tries covered that failed since the last application."""
    last = ledger.applied.number if ledger.applied else 0
    failed = {one.commit for one in ledger.records if one.event is Event.FAILED and one.number > last}
    return max((place for place, link in enumerate(links, 1) if link.commit.id in failed), default=0)


def _links(trees: Trees, line: tuple[Commit, ...], applied: Tree | None) -> Iterator[Link]:
    start = applied.pools if applied else None
    before = applied
    for commit in line:
        if before is None and commit.parents:
            before = trees.at(commit.parents[0])
        here = trees.at(commit.id)
        if before is not None and (before.pools is None or before.pools != here.pools or _replans(before, here)):
            yield Link(commit=commit, before=before, after=here, step=trees.step(before, here, start=start))
        before = here


def _replans(before: Tree, after: Tree) -> bool:
    """Whether only a plan was added that tells how to come to pools which main declares already."""
    plan = after.plan
    return plan is not None and after.plan_text != before.plan_text and plan.desired == after.pools != plan.declared


def _from_last_whole(links: list[Link], *, begun: bool) -> tuple[Link, ...]:
    """The links from the last one that tells the whole way from what was applied; without any, all of them.

    Where nothing was applied yet, those from the first one on that brought a plan, though not one that it keeps to.
    """
    for place in range(len(links) - 1, -1, -1):
        if links[place].step.whole:
            return tuple(links[place:])
    if begun:
        return tuple(links)
    planned = [place for place, link in enumerate(links) if link.after.plan_text not in ("", link.before.plan_text)]
    return tuple(links[planned[0] :]) if planned else ()
