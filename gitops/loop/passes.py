"""One pass over one cluster: looks at everything once, and makes of it the situation of each kind of proposal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gitops.forges.base import RequestState
from gitops.git.base import BranchName, CommitId
from gitops.loop.asked import asked_plans
from gitops.loop.chain import read_chain
from gitops.loop.drafting import NO_EVIDENCE, proposal_branch
from gitops.loop.drifting import Settling, settle, unhindered
from gitops.loop.emergencies import retroactive, unsettled
from gitops.loop.facts import bot_of, facts_of, freeze_of, hear, owned_files, rules_at, teams_of, violations_of
from gitops.loop.ledger import OPEN, read_ledger
from gitops.loop.records import Event
from gitops.loop.standing import read_standing
from gitops.loop.steps import Ended, Situation
from gitops.loop.telling import is_told, text_of
from gitops.loop.verdicts import Verdict, verdict_of
from gitops.loop.waits import declined, over_limit, unripe
from gitops.review.judge import Facts, Withheld, judge
from planner.between import Given, plan_between, without_victims
from planner.leaving import name_victims, side_by_side
from planner.pending import rfc3339
from planner.portion import HANDOVERS, Kind, portions

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.evidence.files import Beside
    from gitops.forges.base import PullRequest
    from gitops.loop.chain import Chain
    from gitops.loop.ledger import Ledger
    from gitops.loop.standing import Standing
    from gitops.loop.trees import Tree, Trees
    from gitops.loop.world import World
    from gitops.review.judge import Heard
    from gitops.settings import Settings
    from planner.decide import Inputs
    from planner.plan import Plan


@dataclass(kw_only=True)
class Pass:
    """What one pass over a cluster knows. ``wanted`` is what should be proposed now, ``unapproved`` why little is,
    ``asked`` what is wanted only because somebody asked for it earlier.

    ``held`` says why a kind is not wanted that would be otherwise. ``back_unapproved``: main's last word puts pools
    back, and nobody approved that; it stands in nobody's way. ``inputs`` are those of the plan: nodes and pods for the
    victims of a change by hand.
    """

    world: World
    trees: Trees
    now: datetime
    inputs: Inputs
    ledger: Ledger
    chain: Chain
    evidence: Beside = field(default_factory=lambda: NO_EVIDENCE)
    wanted: dict[Kind, Plan | None] = field(default_factory=dict)
    asked: frozenset[Kind] = frozenset()
    unapproved: str = ""
    held: dict[Kind, str] = field(default_factory=dict)
    settling: Settling = field(default_factory=Settling)
    back_unapproved: bool = False
    freeze: str = ""

    def only_asked(self, kind: Kind) -> bool:
        """Whether only a person's wish makes proposals of this kind now."""
        return kind in HANDOVERS.values() and kind not in self.settling.plans

    @property
    def settings(self) -> Settings:
        return self.trees.settings

    @property
    def main(self) -> Tree:
        return self.chain.head

    @property
    def base(self) -> BranchName:
        return BranchName(self.settings.git.branch)


def look(
    world: World, trees: Trees, plan: Plan, inputs: Inputs, *, now: datetime, evidence: Beside = NO_EVIDENCE
) -> Pass:  # fmt: skip
    """Look at ledger, main branch and forge, and say what the plan asks to have proposed. Raises Waiting, Stalled."""
    ledger = read_ledger(world.repository, trees.settings)
    chain = read_chain(trees, ledger)
    seen = Pass(
        world=world, trees=trees, now=now, inputs=inputs, ledger=ledger, chain=chain, evidence=evidence,
        freeze=freeze_of(world, chain.head.commit, trees.settings),
    )  # fmt: skip
    named = dict(portions(plan))
    asked = asked_plans(trees, chain.head, inputs, now=plan.evidence.now)
    seen.asked = frozenset(asked.keys() - named.keys())
    withheld = _withheld(seen)
    wants_plan = withheld is not None and withheld.wants_plan
    seen.back_unapproved = wants_plan and chain.putting_back and len(chain.links) == 1
    if withheld is not None and wants_plan and not seen.back_unapproved:
        seen.unapproved = f"{trees.settings.git.branch} asks for what is not approved: {withheld.reasons[0]}"
        seen.wanted = {**asked, **named, Kind.POLICY: _confirmation(seen, plan)}
    else:
        seen.settling = settle(seen, plan, named)
        free, seen.held = unhindered(named, seen.settling)
        seen.wanted = {**asked, **free, **seen.settling.plans}
        seen.held |= seen.settling.waits
    seen.wanted[Kind.EMERGENCY] = retroactive(trees, chain.head, ledger, inputs.observed)
    return seen


def situation_of(seen: Pass, kind: Kind) -> Situation:
    """The situation of one kind of proposal."""
    world, settings = seen.world, seen.settings
    branch = proposal_branch(kind, settings)
    standing = read_standing(seen.trees, branch)
    request = world.open_from(branch, seen.base)
    plan = seen.wanted.get(kind)
    if kind is Kind.EMERGENCY and not unsettled(seen.ledger):  # it was settled a moment ago
        plan = None
    current = _is_current(seen, standing, plan)
    shown = standing.plan if current else plan
    verdict = _verdict(seen, shown, standing, request) if shown else None
    told = bool(
        request and shown and verdict and is_told(request, text_of(seen, kind, shown, verdict, current=current))
    )  # fmt: skip
    waits = seen.unapproved if (plan is None) is (kind is Kind.POLICY) and kind is not Kind.EMERGENCY else ""
    waits = waits or ("" if plan else seen.held.get(kind, ""))
    situation = Situation(
        kind=kind, plan=plan, standing=standing, reviews=world.forge.reviews, request=request, current=current,
        told=told, recorded=_is_recorded(seen, kind, standing, request), unapproved=waits,
        ended=_ended(seen, kind, standing) if request is None else None,
        verdict=verdict,
    )  # fmt: skip
    return _with_waits(seen, situation, plan) if plan and kind is not Kind.EMERGENCY else situation


def _with_waits(seen: Pass, situation: Situation, plan: Plan) -> Situation:
    """What a person asks for waits for nothing and takes nobody's place; once declined, it has to be asked for anew."""
    proposals, kind = seen.settings.proposals, situation.kind
    if kind in HANDOVERS.values():
        asked = seen.only_asked(kind)
        again = kind in seen.asked or not asked
        told = declined(kind, plan, seen.ledger, proposals, asked=asked) if again else ""
        return replace(situation, declined=told)
    prefix = f"{seen.settings.git.proposal_prefix}{seen.settings.name}/"
    kinds = [one for one in Kind if one not in HANDOVERS.values()]
    others = {proposal_branch(one, seen.settings) for one in kinds} - {situation.standing.branch}
    standing = sum(branch in others for branch, _ in seen.world.repository.branches(prefix))
    return replace(
        situation, declined=declined(kind, plan, seen.ledger, proposals),
        unripe=unripe(kind, plan, proposals, seen.now),
        limit=over_limit(seen.ledger, proposals, standing=standing, now=seen.now),
    )  # fmt: skip


def _withheld(seen: Pass) -> Withheld | None:
    """Why what main asks for next is not approved; None where it is, or where nothing waits."""
    if seen.chain.in_effect:
        return None
    link = seen.chain.links[0]
    facts = facts_of(seen.world, seen.trees, seen.chain, link, seen.ledger, seen.now)
    verdict = judge(facts, rules_at(seen.world, seen.trees, link.before), seen.now)
    return verdict if isinstance(verdict, Withheld) else None


def _confirmation(seen: Pass, plan: Plan) -> Plan | None:
    """The plan from what was applied to what main declares, for review: nothing else can be applied before it."""
    before, after = (seen.chain.applied or seen.chain.links[0].before).pools, seen.main.pools
    if before is None or after is None or seen.main.policy is None:
        return None
    given = Given(
        catalog=seen.inputs.catalog, policy=seen.main.policy, now=plan.evidence.now, observed=seen.inputs.observed,
    )  # fmt: skip
    nodes, pods = seen.inputs.snapshot.nodes, seen.inputs.snapshot.pods
    after = side_by_side(before, after, taken=seen.inputs.observed.names())
    bare = plan_between(before, after, given)
    named = plan_between(before, after, replace(given, victims=name_victims(bare, nodes, pods, now=seen.now)))
    unnamed = without_victims(named)
    if unnamed:
        seen.unapproved += f"; too few nodes of {', '.join(unnamed)} are known to let them go by name"
        return None
    return named if named.changes else None


def _is_current(seen: Pass, standing: Standing, plan: Plan | None) -> bool:
    """Whether the branch tells this plan on the cluster's folder as main has it now."""
    if plan is None or standing.plan is None or standing.base is None or standing.plan.digest != plan.digest:
        return False
    return seen.trees.at(standing.base).files == seen.main.files and standing.plan.desired == plan.desired


def _verdict(seen: Pass, plan: Plan, standing: Standing, request: PullRequest | None) -> Verdict:
    heard: tuple[Heard, ...] = ()
    if request is not None and standing.tip == request.head:
        heard = heard_of(seen, request)
    draft = bool(request and request.draft)
    return verdict_on(seen, plan, request, heard, commit=standing.tip or seen.main.commit, draft=draft)


def heard_of(seen: Pass, request: PullRequest) -> tuple[Heard, ...]:
    """The votes on an open request, each with the change that its giver looked at."""
    start = seen.chain.applied.pools if seen.chain.applied else None
    return hear(seen.world, seen.trees, request, start=start)


def verdict_on(
    seen: Pass, plan: Plan, request: PullRequest | None, heard: tuple[Heard, ...], *, commit: CommitId, draft: bool
) -> Verdict:
    """What an open proposal or a person's request needs, by the rules of main: its own word of rules does not count."""
    world, rules = seen.world, seen.settings.review
    owned = owned_files(world, seen.main.commit, plan, seen.settings)
    facts = Facts(
        branch=seen.base, commit=commit, plan=plan, reviews=world.forge.reviews, bot=bot_of(world, heard),
        request=request, heard=heard, owned=owned, teams=teams_of(world, rules, owned, heard), frozen=seen.freeze,
        violations=violations_of(seen.trees, plan, seen.ledger, seen.now),
    )  # fmt: skip
    return verdict_of(plan, facts, rules, seen.now, draft=draft)


def _is_recorded(seen: Pass, kind: Kind, standing: Standing, request: PullRequest | None) -> bool:
    """Whether the ledger knows that this very plan stands in this very request."""
    record = seen.ledger.latest(kind.value)
    if record is None or record.event not in OPEN or standing.plan is None:
        return False
    return record.digest == standing.plan.digest and record.request == (request.number if request else 0)


def _ended(seen: Pass, kind: Kind, standing: Standing) -> Ended | None:
    """How the proposal that the ledger has as open, or whose branch still stands, came to its end."""
    record = seen.ledger.latest(kind.value)
    opened = record if record is not None and record.event in OPEN else None
    if not seen.world.forge.reviews:
        return _ended_branch(seen, standing, opened.digest, opened.commit) if opened else None
    if opened is not None and opened.request:
        return _ended_request(seen.world.forge.get(opened.request))
    if standing.tip is None:
        return None
    newest = seen.world.forge.newest(standing.branch, seen.base)
    known = newest is not None and seen.ledger.of_request(newest.number, Event.DECLINED, Event.MERGED, Event.WITHDRAWN)
    return _ended_request(newest) if newest is not None and not known else None


def _ended_request(request: PullRequest) -> Ended | None:
    if request.state is RequestState.OPEN:
        return None
    merged = request.state is RequestState.MERGED
    who = request.ended_by or "somebody"
    at = rfc3339(request.ended_at) if request.ended_at else ""
    text = f"#{request.number} was {'merged' if merged else 'closed'} by {who}"
    return Ended(merged=merged, text=text, number=request.number, by=request.ended_by, at=at)


def _ended_branch(seen: Pass, standing: Standing, digest: str, commit: str) -> Ended | None:
    """In plain Git: a branch that is gone was merged, where main has its plan, or else deleted by somebody."""
    if standing.tip is not None:
        return None
    here = seen.main.plan
    merged = seen.world.repository.contains(seen.base, CommitId(commit)) or (here is not None and here.digest == digest)
    text = f"{standing.branch} was {'merged' if merged else 'deleted'}"
    return Ended(merged=merged, text=text)
