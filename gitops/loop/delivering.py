"""Applies what main asks for, change by change: judged, claimed, judged again, applied, recorded.

The engine is handed in: how a plan reaches the cloud is not this module's business.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.apply.shortages import Short
from gitops.errors import Interrupted, PoolplanError, Waiting
from gitops.loop.chain import read_chain
from gitops.loop.claims import Turn, claim, conclude, refuse_claimed
from gitops.loop.drafting import proposal_branch
from gitops.loop.facts import facts_of, rules_at, violations_of
from gitops.loop.joining import joined
from gitops.loop.ledger import read_ledger, time_of
from gitops.loop.outcomes import tell_applied, tell_failed
from gitops.loop.records import Event, Record
from gitops.loop.retries import next_try, with_span
from gitops.review.judge import Withheld, judge
from planner.pending import rfc3339
from planner.portion import HANDOVERS, Kind, kind_of
from renderer import comments
from renderer.proposal import KIND_TRAILER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gitops.apply.hands import Applied
    from gitops.apply.shortages import Shortage
    from gitops.clock import Clock
    from gitops.loop.chain import Chain, Link
    from gitops.loop.ledger import Ledger
    from gitops.loop.trees import Tree, Trees
    from gitops.loop.world import World
    from gitops.settings import Settings

MOST = 50
"""Changes that one delivery applies at most: a main branch that moves as fast is looked at again later."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one delivery did: each change that was applied, oldest first, and why the next one is not.

    ``begun`` is False where nothing was ever planned: ``problem`` says what main lacks. ``waits``: why the next one,
    which failed before, is not tried again yet.
    """

    applied: tuple[tuple[Turn, Applied], ...] = ()
    withheld: Withheld | None = None
    begun: bool = True
    problem: str = ""
    waits: str = ""


def deliver_all(
    world: World, trees: Trees, apply: Callable[[Turn], Applied], *, clock: Clock, holder: str,
    in_effect: Callable[[Tree], bool] = lambda _: False,
) -> Delivery:  # fmt: skip
    """Apply every change that is approved, until one is not or none is left. Raises what the engine raises.

    What failed is not tried again before its time, unless a person asked for it (``world.asked``).

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
        if chain.applied is None and not chain.tried and in_effect(chain.head):
            conclude(world, trees.settings, _beginning(chain.head, clock.now(), holder))
            return Delivery()
        turn = next_turn(world, trees, ledger, chain, holder=holder, now=clock.now())
        if isinstance(turn, Withheld):
            return Delivery(applied=tuple(done), withheld=turn)
        retry = None if world.asked or ledger.claim(clock.now()) else next_try(ledger, turn.link.commit.id)
        if retry is not None and (waits := retry.waits(clock.now())):
            return Delivery(applied=tuple(done), waits=waits)
        done.append((turn, _take(world, trees, ledger, turn, apply, clock)))
        world.repository.refresh()
    return Delivery(applied=tuple(done))


def _beginning(head: Tree, now: datetime, holder: str) -> Record:
    return Record(
        event=Event.APPLIED, at=rfc3339(now), kind=Kind.POLICY.value, digest=head.plan.digest if head.plan else "",
        commit=head.commit, holder=holder, reason="it was in effect when the ledger began",
    )  # fmt: skip


def next_turn(
    world: World, trees: Trees, ledger: Ledger, chain: Chain, *, holder: str, now: datetime
) -> Turn | Withheld:
    """The oldest change that was not applied, if it is approved. What was begun is ended, whatever the hour.

    Where it failed, it goes together with the approved changes after it: they may lead around what is lacking, or take
    back what cannot be done, and nothing that is urgent waits behind it (docs/adr/0017).
    """
    held = refuse_claimed(ledger, holder, now)
    turns: list[Turn] = []
    verdict: Turn | Withheld
    for place, link in enumerate(chain.links[: None if chain.tried else 1]):
        if turns and _hands_over(link):
            break
        begun = held is not None and place <= chain.place_of(held)
        verdict = _judged(world, trees, ledger, chain, link, time_of(held.at) if held and begun else now)
        if isinstance(verdict, Withheld):
            if not turns or (chain.is_back and len(turns) <= chain.tried):
                return verdict
            break
        turns.append(replace(verdict, holder=holder))
    return turns[0] if len(turns) == 1 else _joined(trees, ledger, turns, now)


def _hands_over(link: Link) -> bool:
    """Whether pools change hands by it: that is no way around anything, and is applied by itself."""
    return link.step.plan is not None and any(one.action in HANDOVERS for one in link.step.plan.changes)


def _judged(
    world: World, trees: Trees, ledger: Ledger, chain: Chain, link: Link, now: datetime
) -> Turn | Withheld:  # fmt: skip
    facts = facts_of(world, trees, chain, link, ledger, now)
    verdict = judge(facts, rules_at(world, trees, link.before), now)
    if isinstance(verdict, Withheld):
        _say_withheld(world, facts.request.number if facts.request else 0, verdict)
        return verdict
    assert link.step.plan is not None, "what has no plan is withheld"  # noqa: S101 - for the type checker
    return Turn(link=link, plan=link.step.plan, approval=verdict, request=facts.request)


def _joined(trees: Trees, ledger: Ledger, turns: Sequence[Turn], now: datetime) -> Turn | Withheld:
    """Several approved changes as one, unless together they go beyond what guardrails allow."""
    *earlier, last = turns
    plan = joined([one.plan for one in turns])
    broken = violations_of(trees, plan, ledger, now)
    if broken:
        return Withheld(reasons=tuple(f"guardrail {one.rule}: {one.text}" for one in broken))
    by = tuple(sorted({who for one in turns for who in one.approval.by}))
    return replace(last, plan=plan, approval=replace(last.approval, by=by), earlier=tuple(earlier))


def _take(
    world: World, trees: Trees, ledger: Ledger, turn: Turn, apply: Callable[[Turn], Applied], clock: Clock
) -> Applied:
    settings = trees.settings
    kind = _kind(settings, turn)
    held = ledger.claim(clock.now())
    if held is None or held.digest != turn.digest:
        ledger = claim(world, settings, ledger, turn.record(Event.CLAIMED, clock.now(), kind=kind))
    try:
        _refuse_moved(world, trees, turn)
        applied = apply(turn)
    except Interrupted:  # nothing failed: the claim stays, and whoever holds it goes on
        raise
    except PoolplanError as error:
        short = _news(error, ledger, turn, clock.now())
        failed = turn.record(Event.FAILED, clock.now(), kind=kind, reason=str(error), shortages=short)
        tell_failed(world, turn, error, next_try(conclude(world, settings, failed), turn.link.commit.id))
        raise
    conclude(world, settings, turn.record(Event.APPLIED, clock.now(), kind=kind))
    tell_applied(world, turn, applied)
    return applied


def _news(error: PoolplanError, ledger: Ledger, turn: Turn, now: datetime) -> tuple[Shortage, ...]:
    """What is lacking, unless an earlier try said so already and nothing was ordered since: broken nodes that stay as
    they are must not keep their flavor from ever being tried again."""
    if not isinstance(error, Short):
        return ()
    commit = turn.link.commit.id
    known = any(one.commit == commit and one.event is Event.FAILED and one.shortages for one in ledger.records)
    return with_span(error.shortages, ledger, now) if error.fresh or not known else ()


def _refuse_moved(world: World, trees: Trees, turn: Turn) -> None:
    """Look once more now that nobody else can begin: main may have been turned back meanwhile."""
    world.repository.refresh()
    chain = read_chain(trees, read_ledger(world.repository, trees.settings))
    there = () if chain.in_effect else tuple(link.commit.id for link in chain.links[: len(turn.commits)])
    if there != turn.commits:
        short = turn.link.commit.id[:12]
        raise Waiting(f"{trees.settings.git.branch} moved while {short} was claimed; nothing was done")


def _say_withheld(world: World, number: int, verdict: Withheld) -> None:
    if number:
        world.forge.comment(number, "poolplan:withheld", comments.withheld(verdict.reasons))


def _kind(settings: Settings, turn: Turn) -> str:
    """What kind of proposal it was, by its branch or commit; of a change by hand, what it mostly does."""
    branches = {proposal_branch(kind, settings): kind.value for kind in Kind}
    if turn.request is not None and turn.request.branch in branches:
        return branches[turn.request.branch]
    told = [one for one in turn.link.commit.trailers(KIND_TRAILER) if one in branches.values()]
    first = kind_of(turn.plan.changes[0]) if turn.plan.changes else Kind.POLICY
    return told[0] if told else first.value
