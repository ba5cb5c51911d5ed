"""Applies what main asks for, change by change: judged, claimed, judged again, applied, recorded.

The engine is handed in: how a plan reaches the cloud is not this module's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.errors import PoolplanError, Refused, Waiting
from gitops.loop.chain import read_chain
from gitops.loop.claims import Turn, claim, conclude, refuse_claimed
from gitops.loop.drafting import proposal_branch
from gitops.loop.facts import facts_of, rules_at
from gitops.loop.ledger import read_ledger, stamp, time_of
from gitops.loop.records import Event, Record
from gitops.review.judge import Withheld, judge
from planner.portion import Kind, kind_of
from renderer import comments
from renderer.proposal import KIND_TRAILER

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gitops.apply.hands import Applied
    from gitops.clock import Clock
    from gitops.git.base import CommitId
    from gitops.loop.chain import Chain
    from gitops.loop.ledger import Ledger
    from gitops.loop.trees import Tree, Trees
    from gitops.loop.world import World
    from gitops.settings import Settings

MOST = 50
"""Changes that one delivery applies at most: a main branch that moves as fast is looked at again later."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one delivery did: each change that was applied, oldest first, and why the next one is not.

    ``begun`` is False where nothing was ever planned: ``problem`` says what main lacks.
    """

    applied: tuple[tuple[Turn, Applied], ...] = ()
    withheld: Withheld | None = None
    begun: bool = True
    problem: str = ""


def deliver_all(
    world: World, trees: Trees, apply: Callable[[Turn], Applied], *, clock: Clock, holder: str,
    in_effect: Callable[[Tree], bool] = lambda _: False,
) -> Delivery:  # fmt: skip
    """Apply every change that is approved, until one is not or none is left. Raises what the engine raises.

    ``in_effect`` is asked where the ledger knows of no application: whether the engine finds nothing to do for main as
    it stands. Then that is recorded, and a ledger that is new, or was lost, begins there.
    """
    done: list[tuple[Turn, Applied]] = []
    for _ in range(MOST):
        ledger = read_ledger(world.repository, trees.settings)
        chain = read_chain(trees, ledger)
        if chain.in_effect:
            begun = bool(done) or chain.applied is not None
            return Delivery(applied=tuple(done), begun=begun, problem=chain.head.plan_problem)
        if chain.applied is None and in_effect(chain.head):
            conclude(world, trees.settings, _beginning(chain.head, clock.now(), holder))
            return Delivery()
        turn = next_turn(world, trees, ledger, chain, holder=holder, now=clock.now())
        if isinstance(turn, Withheld):
            return Delivery(applied=tuple(done), withheld=turn)
        done.append((turn, _take(world, trees, ledger, turn, apply, clock)))
        world.repository.refresh()
    return Delivery(applied=tuple(done))


def _beginning(head: Tree, now: datetime, holder: str) -> Record:
    return Record(
        event=Event.APPLIED, at=stamp(now), kind=Kind.POLICY.value, digest=head.plan.digest if head.plan else "",
        commit=head.commit, holder=holder, reason="it was in effect when the ledger began",
    )  # fmt: skip


def next_turn(
    world: World, trees: Trees, ledger: Ledger, chain: Chain, *, holder: str, now: datetime
) -> Turn | Withheld:
    """The oldest change that was not applied, if it is approved. What was begun is ended, whatever the hour."""
    link = chain.links[0]
    held = refuse_claimed(ledger, holder, now)
    facts = facts_of(world, trees, chain, link, ledger, now)
    begun = held is not None and link.step.plan is not None and held.digest == link.step.plan.digest
    verdict = judge(facts, rules_at(world, trees, link.before), time_of(held.at) if held and begun else now)
    if isinstance(verdict, Withheld):
        _say_withheld(world, facts.request.number if facts.request else 0, verdict)
        return verdict
    assert link.step.plan is not None, "what has no plan is withheld"  # noqa: S101 - for the type checker
    return Turn(link=link, plan=link.step.plan, approval=verdict, request=facts.request, holder=holder)


def _take(
    world: World, trees: Trees, ledger: Ledger, turn: Turn, apply: Callable[[Turn], Applied], clock: Clock
) -> Applied:
    settings = trees.settings
    kind = _kind(settings, turn)
    held = ledger.claim(clock.now())
    if held is None or held.digest != turn.plan.digest:
        claim(world, settings, ledger, turn.record(Event.CLAIMED, clock.now(), kind=kind))
    try:
        _refuse_moved(world, trees, turn)
        applied = apply(turn)
    except PoolplanError as error:
        reasons = error.reasons if isinstance(error, Refused) else ()
        conclude(world, settings, turn.record(Event.FAILED, clock.now(), kind=kind, reason=str(error)))
        _say(world, turn, "poolplan:failed", comments.failed(str(error), details=reasons))
        raise
    conclude(world, settings, turn.record(Event.APPLIED, clock.now(), kind=kind))
    _say(world, turn, "poolplan:applied", comments.applied(_result(applied), details=_details(applied)))
    return applied


def _refuse_moved(world: World, trees: Trees, turn: Turn) -> None:
    """Look once more now that nobody else can begin: main may have been turned back meanwhile."""
    world.repository.refresh()
    chain = read_chain(trees, read_ledger(world.repository, trees.settings))
    here: CommitId | None = chain.links[0].commit.id if chain.links and not chain.in_effect else None
    if here != turn.link.commit.id:
        short = turn.link.commit.id[:12]
        raise Waiting(f"{trees.settings.git.branch} moved while {short} was claimed; nothing was done")


def _say_withheld(world: World, number: int, verdict: Withheld) -> None:
    if number:
        world.forge.comment(number, "poolplan:withheld", comments.withheld(verdict.reasons))


def _say(world: World, turn: Turn, marker: str, text: str) -> None:
    """Tell it where it was reviewed. The change is done and recorded: a forge that is away does not undo it."""
    if turn.request is None:
        return
    try:
        world.forge.comment(turn.request.number, marker, text)
    except PoolplanError as error:
        world.remark(f"#{turn.request.number} could not be told: {error}")


def _kind(settings: Settings, turn: Turn) -> str:
    """What kind of proposal it was, by its branch or commit; of a change by hand, what it mostly does."""
    branches = {proposal_branch(kind, settings): kind.value for kind in Kind}
    if turn.request is not None and turn.request.branch in branches:
        return branches[turn.request.branch]
    told = [one for one in turn.link.commit.trailers(KIND_TRAILER) if one in branches.values()]
    first = kind_of(turn.plan.changes[0]) if turn.plan.changes else Kind.POLICY
    return told[0] if told else first.value


def _result(applied: Applied) -> str:
    pools = "1 pool was changed" if applied.changed == 1 else f"{applied.changed} pools were changed"
    nodes = len(applied.removed)
    removed = f", {nodes} {'node was' if nodes == 1 else 'nodes were'} removed" if nodes else ""
    return f"{pools}{removed}"


def _details(applied: Applied) -> tuple[str, ...]:
    return tuple(f"still different: {drift}" for drift in applied.drift)

