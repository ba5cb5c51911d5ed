"""Carries out a step: Git first, then the commit status, then the forge's request, then the ledger.

Killed between any two of these, the next pass sees what is missing and goes on there; nothing is done twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.errors import Stalled, Waiting
from gitops.forges.base import StatusState, Word
from gitops.loop.drafting import draft_of
from gitops.loop.ledger import OPEN, append
from gitops.loop.records import Event, Figures, Record, figures_of
from gitops.loop.steps import Step, next_step
from gitops.loop.telling import text_of
from gitops.loop.verdicts import Verdict
from gitops.loop.waits import comes_again
from planner.pending import rfc3339
from renderer import comments

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.forges.base import PullRequest, RequestText
    from gitops.git.base import CommitId
    from gitops.loop.passes import Pass
    from gitops.loop.steps import Situation
    from planner.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one pass did about one kind of proposal. ``url`` is the pull request's, ``commit`` the branch's tip.

    ``plan`` is what the branch is to tell; None where nothing of the kind is to be done.
    """

    kind: str
    step: Step
    reason: str
    branch: str = ""
    commit: str = ""
    url: str = ""
    plan: Plan | None = None

    def __str__(self) -> str:
        branch = f"branch {self.branch}, commit {self.commit[:12]}" if self.commit else ""
        where = ", ".join(filter(None, (self.url, branch)))
        reason = f" ({self.reason})" if self.reason else ""
        word = "stands" if self.step is Step.AWAIT and self.commit else _WORDS[self.step]
        return f"{self.kind} {word}{f': {where}' if where else ''}{reason}"


_WORDS = {
    Step.REST: "rests", Step.AWAIT: "waits", Step.PROPOSE: "opened", Step.REVISE: "revised", Step.OPEN: "opened",
    Step.RETELL: "told anew", Step.RECORD: "recorded", Step.WITHDRAW: "withdrawn", Step.TIDY: "tidied up",
    Step.REMEMBER: "declined", Step.LEAVE: "left alone", Step.MERGE: "merged",
}  # fmt: skip


def carry_out(seen: Pass, situation: Situation) -> Done:
    """Take the step that the situation asks for. Raises Waiting where somebody was faster: look again then."""
    chosen = next_step(situation)
    act = _ACTS.get(chosen.step)
    request = act(seen, situation) if act else situation.request
    tip = seen.world.repository.head(situation.standing.branch)
    return Done(
        kind=situation.kind.value, step=chosen.step, reason=chosen.reason, branch=situation.standing.branch,
        commit=tip or "", url=request.url if request else "", plan=situation.plan,
    )  # fmt: skip


def _propose(seen: Pass, situation: Situation) -> PullRequest | None:
    tip = _push(seen, situation)
    return _open_at(seen, situation, tip, _plan(situation))


def _revise(seen: Pass, situation: Situation) -> PullRequest | None:
    """Whoever approved what stood is remembered with it: the approval may cover what comes."""
    _keep_approved(seen, situation)
    tip, plan = _push(seen, situation), _plan(situation)
    request = _tell(seen, situation, tip, plan)
    stands = replace(situation.standing, tip=tip, plan=plan)
    _add(seen, _entry(seen, replace(situation, standing=stands), _standing_event(seen, situation)))
    return request


def _open(seen: Pass, situation: Situation) -> PullRequest | None:
    tip, plan = situation.standing.tip, situation.standing.plan or _plan(situation)
    return _open_at(seen, situation, _there(tip), plan)


def _retell(seen: Pass, situation: Situation) -> PullRequest | None:
    tip, plan = situation.standing.tip, situation.standing.plan or _plan(situation)
    return _tell(seen, situation, _there(tip), plan)


def _record_opened(seen: Pass, situation: Situation) -> PullRequest | None:
    _add(seen, _entry(seen, situation, _standing_event(seen, situation)))
    return situation.request


def _standing_event(seen: Pass, situation: Situation) -> Event:
    """What a proposal that stands is recorded as: revised, where the ledger has this request as open already."""
    known, number = seen.ledger.latest(situation.kind.value), situation.request.number if situation.request else 0
    return Event.REVISED if known is not None and known.event in OPEN and known.request == number else Event.OPENED


def _withdraw(seen: Pass, situation: Situation) -> PullRequest | None:
    """The record comes first: a request that poolplan closed must never look as if a person had declined it."""
    reason, known = next_step(situation).reason, seen.ledger.latest(situation.kind.value)
    if known is None or known.event is not Event.WITHDRAWN:
        _add(seen, replace(_entry(seen, situation, Event.WITHDRAWN), reason=reason))
    if situation.request is not None:
        seen.world.forge.close(situation.request.number, comments.withdrawn(reason))
    _delete(seen, situation)
    return situation.request


def _tidy(seen: Pass, situation: Situation) -> PullRequest | None:
    known = seen.ledger.latest(situation.kind.value)
    if known is not None and known.event in OPEN:
        _add(seen, _at_end(seen, situation, Event.MERGED, known))
    _delete(seen, situation)
    return situation.request


def _remember(seen: Pass, situation: Situation) -> PullRequest | None:
    """A closed proposal is a decision: who, when and about what is kept, and its branch goes."""
    known, ended = seen.ledger.latest(situation.kind.value), situation.ended
    opened = known if known is not None and known.event in OPEN else None
    record = _at_end(seen, situation, Event.DECLINED, opened)
    record = replace(record, at=ended.at) if ended and ended.at else record
    _add(seen, record)
    if record.request:
        until = comes_again(situation.kind, seen.settings.proposals, asked=seen.only_asked(situation.kind))
        text = comments.declined(ended.by if ended else "", until=until)
        seen.world.forge.comment(record.request, "poolplan:declined", text)
    _delete(seen, situation)
    return None


def _leave(seen: Pass, situation: Situation) -> PullRequest | None:
    """Say once that the branch is a person's now, where people look, and keep branch protection from passing it."""
    tip = _there(situation.standing.tip)
    if situation.request is not None:
        author = seen.world.repository.show(tip).author.name
        text = comments.stopped(situation.standing.branch, author=author, commit=tip)
        seen.world.forge.comment(situation.request.number, "poolplan:stopped", text)
    return situation.request


def _merge(seen: Pass, situation: Situation) -> PullRequest | None:
    """Small changes go through by themselves, where the rules say so."""
    tip, plan = _there(situation.standing.tip), situation.standing.plan
    if not seen.world.forge.reviews:
        _fast_forward(seen, tip)
    elif situation.request is not None and plan is not None:
        lines = "\n".join(_verdict(situation).lines)
        message = f"{seen.world.repository.show(tip).message.strip()}\n\n{lines}\n"
        seen.world.forge.merge(situation.request.number, head=tip, message=message)
    return situation.request


_ACTS: dict[Step, Callable[[Pass, Situation], PullRequest | None]] = {
    Step.PROPOSE: _propose, Step.REVISE: _revise, Step.OPEN: _open, Step.RETELL: _retell, Step.RECORD: _record_opened,
    Step.WITHDRAW: _withdraw, Step.TIDY: _tidy, Step.REMEMBER: _remember, Step.LEAVE: _leave, Step.MERGE: _merge,
}  # fmt: skip


def _push(seen: Pass, situation: Situation) -> CommitId:
    world, standing = seen.world, situation.standing
    draft = draft_of(
        _plan(situation), situation.kind, seen.main, seen.settings, evidence=seen.evidence,
        limit=world.forge.body_limit,
    )  # fmt: skip
    commit = world.repository.commit(draft, parent=seen.main.commit, signer=world.signer, standing=standing.tip)
    world.repository.push(commit, standing.branch, expect=standing.tip)
    return commit


def _open_at(seen: Pass, situation: Situation, tip: CommitId, plan: Plan) -> PullRequest | None:
    request = None
    if seen.world.forge.reviews:
        text = _with_status(seen, situation, tip, plan)
        request = seen.world.forge.open(text, branch=situation.standing.branch, base=seen.base)
    stands = replace(situation.standing, tip=tip, plan=plan)
    _add(seen, _entry(seen, replace(situation, standing=stands, request=request), Event.OPENED))
    return request


def _tell(seen: Pass, situation: Situation, tip: CommitId, plan: Plan) -> PullRequest | None:
    request = situation.request
    if request is None:
        return None
    return seen.world.forge.revise(request.number, _with_status(seen, situation, tip, plan))


def _with_status(seen: Pass, situation: Situation, tip: CommitId, plan: Plan) -> RequestText:
    """What the request is to say, once the commit's status says it too: a request that is told has its status."""
    verdict, request = _verdict(situation), situation.request
    text = text_of(seen, situation.kind, plan, verdict, current=situation.current)
    url = request.url if request else ""
    seen.world.forge.set_status(tip, verdict.state, verdict.short or verdict.state.value, url=url)
    return text


def _keep_approved(seen: Pass, situation: Situation) -> None:
    """Let a commit that somebody approved stay reachable, through the ledger, before its branch moves on."""
    request, standing = situation.request, situation.standing
    if request is None or standing.plan is None or standing.tip is None:
        return
    votes = seen.world.forge.votes(request.number)
    approved = any(one.word is Word.APPROVES and one.stands and one.commit == standing.tip for one in votes)
    known = any(one.event is Event.SUPERSEDED and one.commit == standing.tip for one in seen.ledger.records)
    if approved and not known:
        _add(seen, _entry(seen, situation, Event.SUPERSEDED), keep=(standing.tip,))


def _entry(seen: Pass, situation: Situation, event: Event) -> Record:
    """What the ledger keeps of a proposal as it stands, or else as it was to be."""
    plan, request = situation.standing.plan or situation.plan, situation.request
    return Record(
        event=event, at=rfc3339(seen.now), kind=situation.kind.value, digest=plan.digest if plan else "",
        commit=situation.standing.tip or "", request=request.number if request else 0,
        proposed=rfc3339(request.created_at) if request else "", figures=figures_of(plan) if plan else Figures(),
    )  # fmt: skip


def _at_end(seen: Pass, situation: Situation, event: Event, opened: Record | None) -> Record:
    """How a proposal ended: what it was about is what it was opened with, unless its branch still tells."""
    ended, entry = situation.ended, _entry(seen, situation, event)
    if opened is not None and situation.standing.plan is None:
        entry = replace(entry, digest=opened.digest, commit=opened.commit, figures=opened.figures)
    if ended is None:
        return entry
    return replace(
        entry, request=ended.number, by=(ended.by,) if ended.by else (), reason=ended.text,
        merged=ended.at if ended.merged else "",
    )  # fmt: skip


def _add(seen: Pass, record: Record, *, keep: tuple[CommitId, ...] = ()) -> None:
    world = seen.world
    seen.ledger = append(world.repository, seen.settings, seen.ledger, record, keep=keep, signer=world.signer)


def _delete(seen: Pass, situation: Situation) -> None:
    standing = situation.standing
    if standing.tip is not None and standing.ours:
        seen.world.repository.delete_branch(standing.branch, expect=standing.tip)


def _fast_forward(seen: Pass, tip: CommitId) -> None:
    """In plain Git: let main be the proposal, where that is its very next commit."""
    if seen.world.repository.show(tip).parents != (seen.main.commit,):
        raise Waiting(f"{seen.base} moved on; the proposal is revised before it is merged")
    seen.world.repository.push(tip, seen.base, expect=seen.main.commit)


def _plan(situation: Situation) -> Plan:
    if situation.plan is None:
        raise Stalled(f"there is no plan to propose for {situation.kind.value}")
    return situation.plan


def _there(tip: CommitId | None) -> CommitId:
    if tip is None:
        raise Waiting("the proposal's branch is gone; look again")
    return tip


def _verdict(situation: Situation) -> Verdict:
    return situation.verdict or Verdict(state=StatusState.PENDING, lines=())
