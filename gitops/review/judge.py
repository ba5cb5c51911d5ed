"""Is this change approved? Pure: facts, rules and a time in; an approval, or every reason for withholding it, out.

Judged at the moment of apply, on the commit of the main branch that made the change, by what the servers say. A fact
that is missing withholds. An approval binds to what its giver saw: the change as the reviewed commit has it must cover
the change that main made, so a later push, another cluster's approval and a plan slipped into the merge count nothing.

In plain Git, merging a plan's own branch is the approval (docs/adr/0004): who merged is not known there, so rules that
ask for more than one word, or for certain people's, are not met.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops.forges.base import RequestState, Word
from gitops.review.coverage import covers
from gitops.review.rules import Denied, requirement_of
from gitops.review.satisfy import satisfied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from gitops.forges.base import Protection, PullRequest, Vote
    from gitops.git.base import CommitId
    from gitops.review.codeowners import Owned
    from gitops.review.rules import Need, Requirement, ReviewRules
    from planner.canonical import Digest
    from planner.guardrails import Violation
    from planner.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A vote, and the change that its giver looked at; None: what the commit says cannot be told."""

    vote: Vote
    plan: Plan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one change of the main branch.

    ``plan`` None: ``problem`` says why the change cannot be applied. ``by_hand``: no plan.json tells it, and ``note``
    says why the one that came with it does not. ``reviews``: the forge knows who approved. ``request`` is the one that
    brought ``commit``. ``protection`` None: it is not known, ``protection_problem`` says why. ``signer`` is the known
    key that signed the commit. ``frozen`` says why nothing may be applied, ``violations`` which guardrails are broken.
    """

    branch: str
    commit: CommitId
    plan: Plan | None
    problem: str = ""
    by_hand: bool = False
    note: str = ""
    reviews: bool = False
    bot: str = ""
    request: PullRequest | None = None
    heard: tuple[Heard, ...] = ()
    protection: Protection | None = None
    protection_problem: str = ""
    teams: Mapping[str, frozenset[str]] = field(default_factory=dict)
    owned: tuple[Owned, ...] = ()
    signer: str | None = None
    frozen: str = ""
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Enough words for this digest: whose they are, and under which rules."""

    digest: Digest
    commit: CommitId
    by: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Not enough words. ``reasons`` are sentences without a full stop, at least one.

    ``until``: when a window opens, where only that is missing. ``wants_plan``: no word that can still be given helps,
    so the change needs a proposal of its own.
    """

    reasons: tuple[str, ...]
    until: datetime | None = None
    wants_plan: bool = False


def judge(facts: Facts, rules: ReviewRules, now: datetime) -> Approval | Withheld:
    """Whether the change may be applied now."""
    if facts.plan is None:
        return Withheld(reasons=(facts.problem or "what the change does is not known",), wants_plan=True)
    gates = tuple(_gates(facts))
    if gates:
        return Withheld(reasons=gates)
    requirement = requirement_of(facts.plan, rules, now)
    if isinstance(requirement, Denied):
        return Withheld(reasons=tuple(map(str, requirement.denials)), until=requirement.until)
    merge = tuple(_merge(facts, rules))
    words, by = _words(facts, facts.plan, requirement) if facts.reviews else (plain_words(requirement), ())
    if merge or words:
        return Withheld(reasons=(*merge, *words), wants_plan=True)
    named = tuple(sorted({need.rule for need in requirement.needs}))
    return Approval(digest=facts.plan.digest, commit=facts.commit, by=by, rules=named)


def approvers(facts: Facts, plan: Plan) -> frozenset[str]:
    """Whose approvals count for this plan: of those who may write; neither the author's nor poolplan's own; not taken
    back; and for no less."""
    return frozenset(
        one.vote.who for one in facts.heard
        if one.vote.word is Word.APPROVES and one.vote.stands and one.vote.who and not _is_own(facts, one)
        and one.plan is not None and not covers(one.plan, plan)
    )  # fmt: skip


def _is_own(facts: Facts, heard: Heard) -> bool:
    """Whether the word is the author's or poolplan's; forges take no note of upper case in logins."""
    author = facts.request.author if facts.request else ""
    return heard.vote.who.casefold() in (author.casefold(), facts.bot.casefold())


def missing_words(facts: Facts, plan: Plan, requirement: Requirement) -> tuple[str, ...]:
    """What a request still lacks, a sentence each: objections, approvals that do not count, and those not given."""
    return _words(facts, plan, requirement)[0]


def _gates(facts: Facts) -> Iterator[str]:
    if facts.frozen:
        yield f"frozen: {facts.frozen}"
    for violation in facts.violations:
        yield f"guardrail {violation.rule}: {violation.text}"


def _merge(facts: Facts, rules: ReviewRules) -> Iterator[str]:
    """How the change came onto the branch."""
    short = facts.commit[:12]
    if not facts.reviews:
        if facts.by_hand:
            note = f" ({facts.note})" if facts.note else ""
            yield f"{short} changes pools by hand{note}: a change by hand needs a plan of its own"
    elif facts.request is None:
        yield f"{short} came onto {facts.branch} without a pull request"
    elif facts.request.state is not RequestState.MERGED or facts.request.base != facts.branch:
        yield f"#{facts.request.number} is not merged into {facts.branch}, says the forge"
    if facts.reviews and rules.protected_branch:
        yield from _unprotected(facts)
    if rules.signed_by and facts.signer is None:
        yield f"{short} is not signed by a key of review.signedBy"


def _unprotected(facts: Facts) -> Iterator[str]:
    if facts.protection is None:
        yield f"it is not known whether {facts.branch} is protected: {facts.protection_problem or 'nobody was asked'}"
    elif not facts.protection.protected:
        yield f"{facts.branch} is not protected: whoever may push could change what was approved"
    elif facts.protection.forced:
        yield f"{facts.branch} can be pushed to with force, so what was approved can be replaced"


def _words(facts: Facts, plan: Plan, requirement: Requirement) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is missing, and whose approvals count."""
    found = approvers(facts, plan)
    objections = [
        f"{one.vote.who} asks for changes" for one in facts.heard
        if one.vote.word is Word.OBJECTS and one.vote.stands and one.vote.who.casefold() != facts.bot.casefold()
    ]  # fmt: skip
    missing = satisfied(requirement, found, facts.teams, facts.owned)
    hints = list(_not_counted(facts, plan)) if missing else []
    return (*objections, *missing, *hints), tuple(sorted(found))


def _not_counted(facts: Facts, plan: Plan) -> Iterator[str]:
    """Why approvals that somebody gave do not count."""
    for one in facts.heard:
        vote = one.vote
        if vote.word is not Word.APPROVES or vote.who == "":
            continue
        if vote.dismissed:
            yield f"{vote.who}'s approval was taken back"
        elif _is_own(facts, one):
            yield f"{vote.who} is the author, whose own word does not count"
        elif not vote.writes:
            yield f"{vote.who} may not write to the repository, so the approval does not count"
        elif vote.commit is None:
            yield f"which commit {vote.who} approved is not known"
        elif one.plan is None:
            yield f"what {vote.who} approved in {vote.commit[:12]} cannot be read"
        elif lacking := covers(one.plan, plan):
            yield f"{vote.who} approved less in {vote.commit[:12]}: {lacking[0]}"


def plain_words(requirement: Requirement) -> tuple[str, ...]:
    """What cannot be had where merging is one word by somebody, a sentence each."""
    return tuple(
        f"{need}, and plain Git cannot tell who approved: name a forge in spec.forge" for need in requirement.needs
        if _beyond_merging(need)
    )  # fmt: skip


def _beyond_merging(need: Need) -> bool:
    return need.approvals > 1 or (need.approvals == 1 and not need.voters.anybody)
