"""How a cluster stands, read off its repository, its ledger and its forge. Changes nothing, and says nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.apply.journal import DONE
from gitops.git.base import BranchName
from gitops.loop.chain import read_chain
from gitops.loop.drafting import proposal_branch
from gitops.loop.facts import facts_of, freeze_of, rules_at
from gitops.loop.ledger import CLAIM, read_ledger, time_of
from gitops.loop.passes import Pass, heard_of, verdict_on
from gitops.loop.records import figures_of
from gitops.loop.retries import next_try, unavailable
from gitops.loop.standing import read_standing
from gitops.review.judge import Withheld, judge
from planner.decide import Inputs
from planner.pending import rfc3339
from planner.policy import Policy
from planner.pools import PoolSet
from planner.portion import Kind, kind_of
from planner.snapshot import Snapshot
from renderer.status import Ask, Claim, LastStep, Missing, Offer, State, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gitops.apply.journal import Entry
    from gitops.loop.chain import Chain, Link
    from gitops.loop.ledger import Ledger
    from gitops.loop.trees import Trees
    from gitops.loop.world import World
    from planner.plan import Plan


def status_of(
    world: World, trees: Trees, *, now: datetime, journal: tuple[Entry, ...] = (), drift: int | None = None,
    unasked: str = "",
) -> Status:  # fmt: skip
    """The status as of the repository's last ``refresh``. ``journal`` is this machine's. Raises Waiting, Stalled."""
    ledger = read_ledger(world.repository, trees.settings)
    chain = read_chain(trees, ledger)
    freeze = freeze_of(world, chain.head.commit, trees.settings)
    return Status(
        cluster=trees.settings.name, now=rfc3339(now), main=chain.head.commit,
        applied=ledger.applied.commit if ledger.applied else "", freeze=freeze,
        asks=() if chain.in_effect else tuple(
            _ask(world, trees, chain, link, ledger, now) for link in chain.links
        ),
        claim=_claim(ledger, now), step=_step(journal), drift=drift, unasked=unasked,
        missing=missing_of(ledger, now),
        offers=tuple(_offers(world, trees, chain, ledger, now, freeze)),
    )  # fmt: skip


def missing_of(ledger: Ledger, now: datetime) -> tuple[Missing, ...]:
    """What is taken for unavailable now."""
    return tuple(
        Missing(offering=one.offering, lack=one.lack, until=one.until, pool=one.pool, what=one.what,
                remedy=one.remedy) for one in unavailable(ledger, now)
    )  # fmt: skip


def _ask(world: World, trees: Trees, chain: Chain, link: Link, ledger: Ledger, now: datetime) -> Ask:
    facts = facts_of(world, trees, chain, link, ledger, now)
    verdict = judge(facts, rules_at(world, trees, link.before), now)
    plan, retry = link.step.plan, next_try(ledger, link.commit.id)
    done = figures_of(plan) if plan else None
    held = ledger.claim(now)
    state = State.READY
    reasons: tuple[str, ...] = ()
    if isinstance(verdict, Withheld):
        state, reasons = State.WITHHELD, verdict.reasons
    elif held is not None and chain.links.index(link) <= chain.place_of(held):
        state = State.APPLYING
    elif retry is not None:
        state, reasons = State.FAILED, (retry.reason,)
    return Ask(
        commit=link.commit.id, digest=plan.digest if plan else "", kind=_kind(plan), state=state, reasons=reasons,
        request=facts.request.number if facts.request else 0, added=done.added if done else 0,
        removed=done.removed if done else 0, attempts=retry.attempts if retry else 0,
        again=rfc3339(retry.at) if retry and retry.at > now else "",
    )  # fmt: skip


def _kind(plan: Plan | None) -> str:
    kinds = {kind_of(one) for one in plan.changes} if plan else set()
    return kinds.pop().value if len(kinds) == 1 else "several" if kinds else "-"


def _claim(ledger: Ledger, now: datetime) -> Claim | None:
    held = ledger.claim(now)
    if held is None:
        return None
    return Claim(holder=held.holder, digest=held.digest, since=held.at, until=rfc3339(time_of(held.at) + CLAIM))


def _step(journal: tuple[Entry, ...]) -> LastStep | None:
    """The last step, where it came to no good end: what was done whole is in the history."""
    if not journal or journal[-1].state == DONE:
        return None
    one = journal[-1]
    return LastStep(step=str(one.step), digest=one.digest, state=one.state, at=one.at, text=one.text)


def _offers(
    world: World, trees: Trees, chain: Chain, ledger: Ledger, now: datetime, freeze: str
) -> Iterator[Offer]:
    base = BranchName(trees.settings.git.branch)
    empty = Inputs(
        snapshot=Snapshot(), policy=Policy(), catalog=trees.catalog, declared=chain.head.pools or PoolSet()
    )  # fmt: skip
    seen = Pass(world=world, trees=trees, now=now, inputs=empty, ledger=ledger, chain=chain, freeze=freeze)
    for kind in Kind:
        standing = read_standing(trees, proposal_branch(kind, trees.settings))
        if standing.tip is None or standing.plan is None or standing.merged:
            continue
        request = world.open_from(standing.branch, base)
        heard = heard_of(seen, request) if request is not None and standing.tip == request.head else ()
        draft = bool(request and request.draft)
        verdict = verdict_on(seen, standing.plan, request, heard, commit=standing.tip, draft=draft)
        done, needs = figures_of(standing.plan), (verdict.short,) if verdict.short else ()
        yield Offer(
            kind=kind.value, branch=standing.branch, digest=standing.plan.digest, added=done.added,
            removed=done.removed, request=request.number if request else 0, url=request.url if request else "",
            needs=needs if standing.ours else (standing.problem, *needs),
        )  # fmt: skip
