"""Tells under the requests that brought a change what came of it, and on its commit.

The change is done and recorded by then: a forge that is away does not undo it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.apply.shortages import Short
from gitops.errors import PoolplanError, Refused
from gitops.forges.base import StatusState
from gitops.loop.verdicts import LONGEST
from planner.pending import rfc3339
from renderer import comments
from renderer.drift import drift_text
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.apply.hands import Applied
    from gitops.loop.claims import Turn
    from gitops.loop.retries import Retry
    from gitops.loop.world import World
    from planner.plan import Plan


def tell_failed(world: World, turn: Turn, error: PoolplanError, retry: Retry | None) -> None:
    """What failed, and what comes next."""
    _say(world, turn, "poolplan:failed", comments.failed(str(error), details=tuple(_failure(error, retry))))
    _mark(world, turn, StatusState.FAILURE, f"not applied: {error}")


def tell_applied(world: World, turn: Turn, applied: Applied) -> None:
    """What was done, and what still differs."""
    details = tuple(f"still different: {drift_text(drift)}" for drift in applied.drift)
    if turn.earlier:
        names = ", ".join(commit[:12] for commit in turn.commits)
        details = (f"several changes of the main branch were applied as one: {names}", *details)
    result = _result(turn.plan, applied)
    _say(world, turn, "poolplan:applied", comments.applied(result, details=details))
    _mark(world, turn, StatusState.SUCCESS, f"applied: {result}")


def _failure(error: PoolplanError, retry: Retry | None) -> Iterator[str]:
    if not isinstance(error, Short):
        yield from error.reasons if isinstance(error, Refused) else ()
    elif retry is not None:
        for one in retry.shortages:
            yield f"{one}; {one.remedy}; {one.offering} is taken for unavailable until {one.until}"
        yield "the next plan goes around what is lacking; once that is merged, both are applied as one"
    if retry is not None and retry.at > retry.failed:
        yield f"poolplan apply --retry tries again at once; by itself it is not tried before {rfc3339(retry.at)}"


def _say(world: World, turn: Turn, marker: str, text: str) -> None:
    for request in turn.requests:
        try:
            world.forge.comment(request.number, marker, text)
        except PoolplanError as error:
            world.remark(f"#{request.number} could not be told: {error}")


def _mark(world: World, turn: Turn, state: StatusState, text: str) -> None:
    """The status of the commit that made the change."""
    short = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    url = turn.request.url if turn.request else ""
    try:
        world.forge.set_status(turn.link.commit.id, state, short, url=url)
    except PoolplanError as error:
        world.remark(f"the status of {turn.link.commit.id[:12]} could not be set: {error}")


def _result(plan: Plan, applied: Applied) -> str:
    if plan.adopts:
        return "Git says now what the provider has; nothing was changed there"
    told = f"{_were(applied.changed, 'pool')} changed"
    return f"{told}, {_were(len(applied.removed), 'node')} removed" if applied.removed else told


def _were(number: int, noun: str) -> str:
    return f"{count(number, noun)} {'was' if number == 1 else 'were'}"
