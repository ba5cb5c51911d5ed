"""A plan as something to propose: a commit message, and a pull request's title and description.

Equal plans give equal bytes, so proposing again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from planner.between import EMERGENCY
from planner.portion import Kind
from renderer.context import Context
from renderer.escape import plain
from renderer.layout import cluster_folder
from renderer.markdown import LIMIT
from renderer.planwire import PLAN_VERSION
from renderer.proposal_body import body, details_text
from renderer.summary import Summary, summarize
from renderer.text import ELLIPSIS, count, rough_price
from renderer.wording import cost_text, counts_text, handovers, nodes_text

if TYPE_CHECKING:
    from planner.plan import Plan

DIGEST_TRAILER: Final = "Poolplan-Digest"
CLUSTER_TRAILER: Final = "Poolplan-Cluster"
VERSION_TRAILER: Final = "Poolplan-Plan-Version"
KIND_TRAILER: Final = "Poolplan-Kind"
EMERGENCY_TRAILER: Final = "Poolplan-Emergency"
_SUBJECT, _LINES = 72, 20
_VERBS = {
    Kind.UP: "Scale up", Kind.DOWN: "Scale down", Kind.POLICY: "Change pools of", Kind.DRIFT: "Settle drift of",
    Kind.IMPORT: "Import pools of", Kind.RELEASE: "Release pools of",
    Kind.EMERGENCY: "Review the emergency in",
    Kind.RESTORE: "Put back pools of",
}  # fmt: skip
_NOTHING = Context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What goes to Git and to the forge. ``message`` is the whole commit message.

    ``body`` and ``details`` are Markdown: the description as a forge takes it, and all of it, for a file beside the
    plan. They are equal where nothing had to be cut.
    """

    message: str
    title: str
    body: str
    details: str
    digest: str


def render_proposal(
    plan: Plan, *, cluster: str, kind: Kind, context: Context = _NOTHING, limit: int = LIMIT
) -> Proposal:
    """The proposal of a plan that changes something, its body in fewer than ``limit`` characters (10 000 at least).

    Raises ValueRefused for a cluster name that is none, or a limit that is too small.
    """
    summary = summarize(plan)
    context = replace(context, cluster=cluster_folder(cluster).name, kind=kind)
    title = _subject(summary, cluster, kind)
    return Proposal(
        message=_message(title, summary, cluster, kind, emergency=_emergency(plan)), title=title,
        body=body(summary, context, limit=limit),
        details=details_text(summary, context), digest=plan.digest,
    )  # fmt: skip


def render_plan_comment(plan: Plan, context: Context, *, lead: str = "", limit: int = LIMIT) -> str:
    """The same on a person's own pull request that edits pools or policies. Raises ValueRefused for a small limit.

    ``lead`` is the sentence that it begins with, in place of the usual one.
    """
    does = lead or ("This change does:" if plan.changes else "This change does nothing to the pools:")
    usual = "merge this; poolplan then applies what it does to the pools, under the same rules as its own proposals"
    may = not (context.violations or context.freeze)
    words = replace(
        context, apply=context.apply or (usual if may else ""),
        decline=context.decline or "close this, or push another change",
    )  # fmt: skip
    return body(summarize(plan), words, lead=does, limit=limit)


def _subject(summary: Summary, cluster: str, kind: Kind) -> str:
    """Imperative and short enough for one line of a log; a long cluster name is cut, never the figures."""
    verb = _VERBS[kind]
    price = rough_price(summary.hourly, summary.monthly, summary.currency).partition(" (")[0]
    handed = handovers(summary, "imported", "released")
    figures = ", ".join(handed) if handed and not summary.moves else f"{nodes_text(summary)}, {price}"
    room = _SUBJECT - len(f"{verb} : {figures}")
    name = cluster if len(cluster) <= room else cluster[: max(1, room - 1)] + ELLIPSIS
    return f"{verb} {name}: {figures}"


def _emergency(plan: Plan) -> str:
    """Who applied it without review, when and why; empty for what was not applied so."""
    reasons = (reason for change in plan.changes for reason in change.reasons)
    return next((plain(reason.text) for reason in reasons if reason.code == EMERGENCY), "")


def _message(subject: str, summary: Summary, cluster: str, kind: Kind, *, emergency: str) -> str:
    changes = [
        f"{line.symbol} {plain(line.pool)} ({plain(', '.join(line.machine))}): "
        f"{line.nodes_before} → {count(line.nodes_after, 'node')}"
        for line in summary.lines[:_LINES]
    ]
    left = len(summary.lines) - _LINES
    more = [f"{ELLIPSIS} and {count(left, 'pool')} more"] if left > 0 else []
    trailers = [
        f"{DIGEST_TRAILER}: {summary.digest}", f"{CLUSTER_TRAILER}: {cluster}",
        f"{KIND_TRAILER}: {kind.value}", f"{VERSION_TRAILER}: {PLAN_VERSION}",
        *([f"{EMERGENCY_TRAILER}: {emergency}"] if emergency else []),
    ]  # fmt: skip
    totals = [f"{counts_text(summary)}.", f"{cost_text(summary)}."]
    return "\n\n".join("\n".join(part) for part in ([subject], [*changes, *more], totals, trailers) if part) + "\n"
