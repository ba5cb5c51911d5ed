"""A plan as something to propose: branch, commit message, and a pull request's title and description.

Equal plans give equal bytes, so proposing again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from planner.portion import Kind
from renderer.context import Context
from renderer.escape import plain
from renderer.layout import cluster_folder
from renderer.markdown import LIMIT
from renderer.planwire import PLAN_VERSION
from renderer.proposal_body import body, details_text
from renderer.summary import Summary, summarize
from renderer.text import ELLIPSIS, count, one_line, rough_price
from renderer.wording import cost_text, counts_text, nodes_text

if TYPE_CHECKING:
    from planner.plan import Plan

DIGEST_TRAILER: Final = "Poolplan-Digest"
CLUSTER_TRAILER: Final = "Poolplan-Cluster"
VERSION_TRAILER: Final = "Poolplan-Plan-Version"
KIND_TRAILER: Final = "Poolplan-Kind"
_SUBJECT, _LINES = 72, 20
_VERBS = {
    None: "Scale", Kind.UP: "Scale up", Kind.DOWN: "Scale down", Kind.POLICY: "Change pools of",
    Kind.DRIFT: "Settle drift of",
}  # fmt: skip
_NOTHING = Context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What goes to Git and to the forge. ``message`` is the whole commit message.

    ``body`` and ``details`` are Markdown: the description as a forge takes it, and all of it, for a file beside the
    plan. They are equal where nothing had to be cut.
    """

    branch: str
    message: str
    title: str
    body: str
    details: str
    digest: str


def render_proposal(
    plan: Plan, *, cluster: str, kind: Kind | None = None, context: Context = _NOTHING, limit: int = LIMIT
) -> Proposal:
    """The proposal of a plan that changes something, its body in fewer than ``limit`` characters (10 000 at least).

    A proposal with a kind has one branch for all plans to come; without, the branch is the plan's own. Raises
    ValueRefused for a cluster name that is none, or a limit that is too small.
    """
    summary = summarize(plan)
    branch = branch_name(kind or plan.digest, cluster)
    context = replace(context, cluster=cluster, kind=kind)
    title = _subject(summary, cluster, kind)
    return Proposal(
        branch=branch, message=_message(title, summary, context), title=title,
        body=body(summary, context, limit=limit), details=details_text(summary, context), digest=plan.digest,
    )  # fmt: skip


def render_plan_comment(plan: Plan, context: Context, *, limit: int = LIMIT) -> str:
    """The same on a person's own pull request that edits pools or policies. Raises ValueRefused for a small limit."""
    does = "This change does:" if plan.changes else "This change does nothing to the pools:"
    usual = "merge this; poolplan then applies what it does to the pools, under the same rules as its own proposals"
    may = not (context.violations or context.freeze)
    words = replace(
        context, apply=context.apply or (usual if may else ""),
        decline=context.decline or "close this, or push another change",
    )  # fmt: skip
    return body(summarize(plan), words, lead=does, limit=limit)


def branch_name(about: Kind | str, cluster: str) -> str:
    """``poolplan/<cluster>/<kind>``; of a plan's digest, ``poolplan/<cluster>/<its first 12 hex digits>``."""
    last = about.value if isinstance(about, Kind) else about.removeprefix("sha256:")[:12]
    return f"poolplan/{cluster_folder(cluster).name}/{last}"


def _subject(summary: Summary, cluster: str, kind: Kind | None) -> str:
    """Imperative and short enough for one line of a log; a long cluster name is cut, never the figures."""
    verb = _VERBS[kind]
    price = rough_price(summary.hourly, summary.monthly, summary.currency).partition(" (")[0]
    figures = f"{nodes_text(summary)}, {price}"
    room = _SUBJECT - len(f"{verb} : {figures}")
    name = cluster if len(cluster) <= room else cluster[: max(1, room - 1)] + ELLIPSIS
    return f"{verb} {name}: {figures}"


def _message(subject: str, summary: Summary, context: Context) -> str:
    changes = [
        f"{line.symbol} {plain(line.pool)} ({plain(', '.join(line.machine))}): "
        f"{line.nodes_before} → {count(line.nodes_after, 'node')}"
        for line in summary.lines[:_LINES]
    ]
    left = len(summary.lines) - _LINES
    more = [f"{ELLIPSIS} and {count(left, 'pool')} more"] if left > 0 else []
    kind = [f"{KIND_TRAILER}: {context.kind.value}"] if context.kind else []
    trailers = [
        f"{DIGEST_TRAILER}: {summary.digest}", f"{CLUSTER_TRAILER}: {one_line(context.cluster)}", *kind,
        f"{VERSION_TRAILER}: {PLAN_VERSION}",
    ]  # fmt: skip
    totals = [f"{counts_text(summary)}.", f"{cost_text(summary)}."]
    return "\n\n".join("\n".join(part) for part in ([subject], [*changes, *more], totals, trailers) if part) + "\n"
