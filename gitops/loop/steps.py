"""The loop as a table: the situation of one kind of proposal, and the step that it asks for. Pure.

The first row whose condition holds decides. Each step is one thing that can be repeated: killed before, in or after it,
the next pass finds a situation that leads on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.forges.base import PullRequest
    from gitops.loop.standing import Standing
    from gitops.loop.verdicts import Verdict
    from planner.plan import Plan
    from planner.portion import Kind


class Step(Enum):
    """What to do about one kind of proposal."""

    REST = "rest"
    AWAIT = "await"
    PROPOSE = "propose"
    REVISE = "revise"
    OPEN = "open"
    RETELL = "retell"
    RECORD = "record"
    WITHDRAW = "withdraw"
    TIDY = "tidy"
    REMEMBER = "remember"
    LEAVE = "leave"
    MERGE = "merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a proposal ended: merged, or closed by somebody (RFC 3339 ``at``, empty where not known)."""

    merged: bool
    text: str
    number: int = 0
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that decides on one kind of proposal of one cluster.

    ``plan`` None: nothing of this kind is to be done. ``standing`` is what the kind's branch holds, ``request`` its
    open pull request; ``ended`` is how the last one ended, where the ledger does not know. ``current``: what stands
    tells this plan on main as it is. ``told``: the request says all that it should. ``recorded``: the ledger knows it.
    ``verdict`` is what stands between the proposal and its application; None where there is nothing to propose. The
    texts say why something waits, each a sentence without a full stop; empty: it does not.
    """

    kind: Kind
    plan: Plan | None
    standing: Standing
    reviews: bool
    request: PullRequest | None = None
    ended: Ended | None = None
    current: bool = False
    told: bool = False
    recorded: bool = False
    declined: str = ""
    unapproved: str = ""
    unripe: str = ""
    limit: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """A step and why, a sentence without a full stop."""

    step: Step
    reason: str


_NOTHING_LEFT = "nothing is left to do"
_Row = tuple["Callable[[Situation], bool]", Step, "Callable[[Situation], str]"]


def _stands(now: Situation) -> bool:
    return now.standing.tip is not None


def _closed(now: Situation) -> bool:
    return now.ended is not None and not now.ended.merged


def _merged(now: Situation) -> bool:
    return now.standing.merged or (now.ended is not None and now.ended.merged)


def _merges(now: Situation) -> bool:
    return now.verdict is not None and now.verdict.merges


def _needs(now: Situation) -> str:
    return now.verdict.short if now.verdict else ""


TABLE: Final[tuple[_Row, ...]] = (
    # What people did comes first: it is never overwritten.
    (lambda now: _stands(now) and not now.standing.ours, Step.LEAVE, lambda now: now.standing.problem),
    (_closed, Step.REMEMBER, lambda now: now.ended.text if now.ended else ""),
    (_merged, Step.TIDY, lambda _: "it is merged"),
    # Nothing to do.
    (lambda now: now.plan is None and _stands(now), Step.WITHDRAW, lambda now: now.unapproved or _NOTHING_LEFT),
    (lambda now: now.plan is None and not now.unapproved, Step.REST, lambda _: "nothing to do"),
    # Something to do that has to wait.
    (lambda now: bool(now.unapproved), Step.AWAIT, lambda now: now.unapproved),
    (lambda now: not _stands(now) and bool(now.declined), Step.REST, lambda now: now.declined),
    (lambda now: bool(now.declined) and now.reviews and now.request is None, Step.TIDY, lambda now: now.declined),
    (lambda now: not _stands(now) and bool(now.unripe), Step.AWAIT, lambda now: now.unripe),
    (lambda now: not _stands(now) and bool(now.limit), Step.AWAIT, lambda now: now.limit),
    # Propose it, and keep what stands true.
    (lambda now: not _stands(now), Step.PROPOSE, _needs),
    (lambda now: not now.current, Step.REVISE, _needs),
    (lambda now: now.reviews and now.request is None, Step.OPEN, lambda _: "the branch has no pull request"),
    (lambda now: not now.recorded, Step.RECORD, lambda _: "the ledger does not know it"),
    (lambda now: now.reviews and not now.told, Step.RETELL, lambda _: "what the pull request says has changed"),
    (_merges, Step.MERGE, _needs),
    (lambda _: True, Step.AWAIT, _needs),
)


def next_step(now: Situation) -> Next:
    """The step that this situation asks for."""
    for holds, step, reason in TABLE:
        if holds(now):
            return Next(step, reason(now))
    raise AssertionError("the last row holds always")  # pragma: no cover
