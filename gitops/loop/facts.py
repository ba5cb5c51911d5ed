"""Gathers what a change is judged by, from the repository and the forge. Whether it is approved: ``gitops.review``.

Rules, and who owns which file, are taken from the tree before the change: nobody loosens the rules and uses them in one
merge.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import Stalled
from gitops.forges.base import Word
from gitops.git.base import BranchName
from gitops.git.signing import known_signer
from gitops.loop.emergencies import was_emergency
from gitops.loop.records import Event, figures_of
from gitops.review.classes import files_of
from gitops.review.codeowners import PLACES, read_code_owners
from gitops.review.freeze import freeze_files, frozen
from gitops.review.judge import Facts, Heard
from planner.guardrails import LastDay, check
from planner.portion import Kind
from renderer.layout import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gitops.forges.base import Protection, PullRequest, Vote
    from gitops.git.base import CommitId
    from gitops.loop.chain import Chain, Link
    from gitops.loop.ledger import Ledger
    from gitops.loop.trees import Tree, Trees
    from gitops.loop.world import World
    from gitops.review.codeowners import Owned
    from gitops.review.rules import ReviewRules
    from gitops.settings import Settings
    from planner.guardrails import Violation
    from planner.plan import Plan
    from planner.pools import PoolSet

DAY = timedelta(hours=24)


def facts_of(world: World, trees: Trees, chain: Chain, link: Link, ledger: Ledger, now: datetime) -> Facts:
    """What is known of a change of main. Raises Waiting where a server does not answer: then nothing is judged."""
    settings = trees.settings
    branch = BranchName(settings.git.branch)
    rules = rules_at(world, trees, link.before)
    plan = trusted(link.step.plan, ledger) if link.step.plan else None
    request = world.forge.bringing(link.commit.id, branch) if world.forge.reviews else None
    start = chain.applied.pools if chain.applied else None
    heard = hear(world, trees, request, start=start) if request else ()
    owned = owned_files(world, link.before.commit, plan, settings) if plan else ()
    protection, problem = _protection(world, branch, rules)
    return Facts(
        branch=branch, commit=link.commit.id, plan=plan, problem=link.step.problem, by_hand=link.step.by_hand,
        note=link.step.note,
        reviews=world.forge.reviews, bot=bot_of(world, heard), request=request, heard=heard, protection=protection,
        protection_problem=problem, teams=teams_of(world, rules, owned, heard), owned=owned,
        signer=known_signer(world.repository, link.commit.id, rules.signed_by) if rules.signed_by else None,
        frozen=freeze_of(world, chain.head.commit, settings),
        violations=violations_of(trees, plan, ledger, now) if plan else (),
    )  # fmt: skip


def bot_of(world: World, heard: Sequence[Heard]) -> str:
    """Poolplan's own login, where somebody has said a word that may be its own: without any, nobody is asked."""
    return world.forge.me() if heard else ""


def rules_at(world: World, trees: Trees, tree: Tree) -> ReviewRules:
    """The review rules as a tree's cluster.yaml has them; those of today where it has none."""
    from gitops.settings_read import read_settings  # noqa: PLC0415 - loads ruamel

    text = tree.files.get(CLUSTER)
    if text is None or text == trees.text:
        return trees.settings.review
    return read_settings(text, f"{tree.commit[:12]}:{trees.settings.folder / CLUSTER}", world.variables).review


def trusted(plan: Plan, ledger: Ledger) -> Plan:
    """The plan with its urgency only where the ledger says so too: it is in no digest, so a file may say anything."""
    mine = figures_of(plan)
    known = any(
        one.digest == plan.digest and (one.figures.priority, one.figures.least) == (mine.priority, mine.least)
        for one in ledger.records if one.event in (Event.OPENED, Event.REVISED)
    )  # fmt: skip
    return plan if known else replace(plan, changes=tuple(replace(one, priority=0) for one in plan.changes))


def violations_of(trees: Trees, plan: Plan, ledger: Ledger, now: datetime) -> tuple[Violation, ...]:
    """The guardrails that a plan breaks, with what the ledger says was applied in the last 24 hours."""
    if was_emergency(trees, plan, ledger):  # it kept to the guardrails of emergencies, and is done
        return ()
    last = last_day(ledger, now, Event.APPLIED, Event.EMERGENCY)
    return check(plan, trees.settings.guardrails, last_day=last, account=trees.account())


def last_day(ledger: Ledger, now: datetime, *events: Event) -> LastDay:
    """What these events of the last 24 hours add up to; what was applied in an emergency counts once."""
    done = [
        one for one in ledger.since(now - DAY, *events)
        if one.event is Event.EMERGENCY or one.kind != Kind.EMERGENCY.value
    ]  # fmt: skip
    return LastDay(
        nodes_added=sum(one.figures.added for one in done), nodes_removed=sum(one.figures.removed for one in done),
        hourly_added=sum(one.figures.hourly_added for one in done),
    )  # fmt: skip


def freeze_of(world: World, main: CommitId, settings: Settings) -> str:
    """Why nothing may be applied; empty where it may. A file that cannot be read freezes too."""
    places = freeze_files(settings.name)
    files: dict[PurePosixPath, str | None]
    try:
        files = dict(world.repository.texts(main, places))
    except Stalled:
        files = {places[0]: None}
    return frozen(files, setting=settings.freeze, flag=world.freeze)


def hear(world: World, trees: Trees, request: PullRequest, *, start: PoolSet | None) -> tuple[Heard, ...]:
    """The votes on a request, each with the change that its commit makes."""
    votes = world.forge.votes(request.number)
    return tuple(Heard(vote=one, plan=_looked_at(world, trees, request, one, start)) for one in votes)


def _looked_at(
    world: World, trees: Trees, request: PullRequest, vote: Vote, start: PoolSet | None
) -> Plan | None:  # fmt: skip
    """The change that the reviewed commit makes to where it parted from main's own line."""
    if vote.word is not Word.APPROVES or not vote.stands or vote.commit is None:
        return None
    number = request.number
    if not world.repository.seek(vote.commit, (f"refs/pull/{number}/head", f"refs/merge-requests/{number}/head")):
        return None
    try:
        base = _parted(world, trees, request, vote.commit)
        return trees.step(trees.at(base), trees.at(vote.commit), start=start).plan if base else None
    except Stalled:
        return None


def _parted(world: World, trees: Trees, request: PullRequest, commit: CommitId) -> CommitId | None:
    """Where a commit of the request parted from main as it was before the request was merged."""
    main = world.repository.head(BranchName(trees.settings.git.branch))
    if request.merged_as is not None:
        parents = world.repository.show(request.merged_as).parents
        main = parents[0] if parents else None
    return world.repository.fork_point(main, commit) if main else None


def owned_files(world: World, before: CommitId, plan: Plan, settings: Settings) -> tuple[Owned, ...]:
    """The changed pools' files with their owners, by the CODEOWNERS before the change; none where there is no forge."""
    if world.dialect is None:
        return ()
    places = [PurePosixPath(place) for place in PLACES[world.dialect]]
    found = world.repository.texts(before, places).as_map()
    text = next((found[place] for place in places if place in found), "")
    return read_code_owners(text, world.dialect).owned(
        files_of((one.pool for one in plan.changes), settings.name)
    )  # fmt: skip


def teams_of(
    world: World, rules: ReviewRules, owned: Sequence[Owned], heard: Sequence[Heard]
) -> Mapping[str, frozenset[str]]:  # fmt: skip
    """The members of each team that a rule or a file names, where there is a vote to count at all."""
    if not any(one.vote.word is Word.APPROVES for one in heard):
        return {}
    voters = [rule.voters for rule in (*rules.rules, rules.default)]
    named = {team for one in voters for team in one.teams}
    if any(one.code_owners for one in voters):
        named |= {owner for one in owned for owner in one.owners if "/" in owner}
    return {team: world.members(team) for team in sorted(named)}


def _protection(world: World, branch: BranchName, rules: ReviewRules) -> tuple[Protection | None, str]:
    if not (world.forge.reviews and rules.protected_branch):
        return None, ""
    try:
        return world.forge.protection(branch), ""
    except Stalled as error:
        return None, str(error)
