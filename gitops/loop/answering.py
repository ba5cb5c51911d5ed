"""Answers people's own pull requests: what they do to the pools, what it costs, and whose word it takes.

A request that edits pools is answered with the plan of that edit; one that edits the policy with the plan that poolplan
would propose under it. Requests from forks are not looked into: their files are nobody's that may push here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import InputError
from gitops.fleet import CLUSTERS
from gitops.forges.base import StatusState
from gitops.loop.ledger import OPEN
from gitops.loop.passes import heard_of, verdict_on
from gitops.loop.previews import departures_of
from planner.aims import policy_digest
from planner.between import Given, plan_between, without_victims
from planner.decide import decide
from planner.errors import ValueRefused
from planner.pending import rfc3339
from planner.portion import Kind
from renderer.context import Context
from renderer.escape import prose
from renderer.files import FileSet
from renderer.layout import CLUSTER, POLICY, POOLS
from renderer.proposal import render_plan_comment
from renderer.tree import parse_pools

if TYPE_CHECKING:

    from gitops.forges.base import PullRequest
    from gitops.loop.passes import Pass
    from gitops.loop.verdicts import Verdict
    from gitops.settings import Settings
    from planner.plan import Plan

_UNNAMED = "nodes go, and a file cannot name which: after the merge poolplan proposes that"
_FORCED = "OVHcloud cannot change that in place: after the merge poolplan proposes a pool beside the old one"
QUICK = 1_000
"""Milliseconds of search for a plan that only informs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said under a request, and the status of its head."""

    number: int
    text: str
    state: StatusState
    short: str

    def __str__(self) -> str:
        return f"#{self.number} answered ({self.short})"


def answer_people(seen: Pass) -> tuple[Answer, ...]:
    """Answer every open request of a person that changes the cluster. Saying the same again changes nothing."""
    if not seen.world.forge.reviews:
        return ()
    given = []
    for request in seen.world.open_requests(seen.base):
        if request.fork or _is_proposal(seen, request):
            continue
        answer = _answer(seen, request)
        about = (request.number, seen.settings.name)
        if answer is None or seen.world.said.get(about) == (request.head, answer):
            continue
        seen.world.forge.set_status(request.head, answer.state, answer.short, url=request.url)
        seen.world.forge.comment(request.number, f"poolplan:change:{seen.settings.name}", answer.text)
        seen.world.said[about] = (request.head, answer)
        given.append(answer)
    return tuple(given)


def _is_proposal(seen: Pass, request: PullRequest) -> bool:
    """Whether it is poolplan's own, of this cluster or another; of those in the ledger the forge is not asked."""
    if not request.branch.startswith(seen.settings.git.proposal_prefix):
        return False
    return seen.ledger.of_request(request.number, *OPEN) is not None or request.author == seen.world.forge.me()


def _answer(seen: Pass, request: PullRequest) -> Answer | None:
    """None where the request does not touch the cluster."""
    folder = seen.settings.folder
    paths = [path for path in seen.world.touched(seen.main.commit, request.head) or () if path.is_relative_to(CLUSTERS)]
    mine = [path.relative_to(folder) for path in paths if path.is_relative_to(folder)]
    if not any(_matters(path) for path in mine):
        return None
    others = sorted({path.parts[1] for path in paths if len(path.parts) > 2} - {seen.settings.name})
    if others:
        return _refused(request, f"it changes {seen.settings.name} and {', '.join(others)}: one request a cluster")
    try:
        return _told(seen, request, _merged(seen, request, mine), mine)
    except (InputError, ValueRefused) as error:
        return _refused(request, f"it cannot be read: {error}")


def _matters(path: PurePosixPath) -> bool:
    return path == CLUSTER or path.is_relative_to(POLICY) or path.is_relative_to(POOLS)


def _merged(seen: Pass, request: PullRequest, mine: list[PurePosixPath]) -> FileSet:
    """The cluster's files as they would be after the merge: main's, with what the request changes."""
    theirs = seen.world.repository.read(request.head, seen.settings.folder).as_map()
    files = {path: text for path, text in seen.main.files if path not in mine}
    return FileSet.of({**files, **{path: theirs[path] for path in mine if path in theirs}})


def _told(seen: Pass, request: PullRequest, files: FileSet, mine: list[PurePosixPath]) -> Answer:
    settings = _settings(seen, request, files)
    policy = seen.trees.read_policy(files)
    pools = parse_pools(files.inside(POOLS), seen.settings.live)
    # Nothing of what the provider has: what reviewers approve in the files knows no pool's id either.
    given = Given(catalog=seen.inputs.catalog, policy=policy_digest(policy, settings.aims), now=rfc3339(seen.now))
    plan = plan_between(seen.main.pools or pools, pools, given)
    heard = heard_of(seen, request) if plan.changes else ()
    verdict = verdict_on(seen, plan, request, heard, commit=request.head, draft=True)
    if any(one.forces_replace for one in plan.changes):
        verdict = replace(verdict, lines=(*verdict.lines, _FORCED))
    elif without_victims(plan):
        verdict = replace(verdict, lines=(*verdict.lines, _UNNAMED))
    parts = [_said(seen, plan, verdict)] if plan.changes else []
    if any(path == CLUSTER or path.is_relative_to(POLICY) for path in mine):
        quick = replace(settings.aims, budget=min(settings.aims.budget, QUICK))
        inputs = replace(seen.inputs, policy=policy, aims=quick, declared=pools)
        after = decide(inputs, now=seen.now)
        lead = "With this, poolplan would propose:" if after.changes else "With this, poolplan would propose nothing."
        parts.append(_said(seen, after, None, lead=lead))
    text = "\n\n---\n\n".join(part.rstrip() for part in parts) or "This changes nothing that poolplan plans with."
    return Answer(number=request.number, text=text, state=verdict.state, short=verdict.short or "nothing to review")


def _said(seen: Pass, plan: Plan, verdict: Verdict | None, *, lead: str = "") -> str:
    context = Context(
        cluster=seen.settings.name, kind=Kind.POLICY, verdict=verdict.lines if verdict else (),
        violations=verdict.violations if verdict else (), freeze=verdict.freeze if verdict else "",
        departures=departures_of(plan, seen.inputs, seen.now, bare=seen.settings.draining.bare),
    )  # fmt: skip
    return render_plan_comment(plan, context, lead=lead, limit=seen.world.forge.body_limit // 2 - 100)


def _settings(seen: Pass, request: PullRequest, files: FileSet) -> Settings:
    from gitops.settings_read import read_settings  # noqa: PLC0415 - loads ruamel

    text = files.get(CLUSTER) or ""
    if text == seen.trees.text:
        return seen.settings
    return read_settings(text, f"{request.head[:12]}:{seen.settings.folder / CLUSTER}", seen.world.variables)


def _refused(request: PullRequest, reason: str) -> Answer:
    return Answer(
        number=request.number, text=f"**Not planned:** {prose(reason)}.\n", state=StatusState.FAILURE,
        short=reason[:140],
    )  # fmt: skip
