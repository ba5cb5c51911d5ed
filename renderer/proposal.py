"""A plan as something to propose: branch, commit message, and a pull request's title and description.

Equal plans give equal bytes, so proposing again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from renderer.layout import cluster_folder
from renderer.markdown import plan_view
from renderer.summary import Summary, summarize
from renderer.text import ELLIPSIS, count, hourly, one_line
from renderer.wording import cost_text, counts_text

if TYPE_CHECKING:
    from planner.plan import Plan

PLAN_VERSION: Final = "v1alpha1"
DIGEST_TRAILER: Final = "Poolplan-Digest"
CLUSTER_TRAILER: Final = "Poolplan-Cluster"
VERSION_TRAILER: Final = "Poolplan-Plan-Version"
_SUBJECT, _LINES = 72, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What goes to Git and to the forge. ``message`` is the whole commit message, ``body`` is Markdown."""

    branch: str
    message: str
    title: str
    body: str
    digest: str


def render_proposal(plan: Plan, *, cluster: str) -> Proposal:
    """The proposal of a plan that changes something. Raises ValueRefused for a cluster name that is none."""
    summary = summarize(plan)
    title = _subject(summary, cluster)
    return Proposal(
        branch=branch_name(plan.digest, cluster), message=_message(title, summary, cluster), title=title,
        body=plan_view(summary, cluster=cluster), digest=plan.digest,
    )  # fmt: skip


def branch_name(digest: str, cluster: str) -> str:
    """``poolplan/<cluster>/<first 12 hex digits of the action digest>``."""
    return f"poolplan/{cluster_folder(cluster).name}/{digest.removeprefix('sha256:')[:12]}"


def _subject(summary: Summary, cluster: str) -> str:
    """Imperative and short enough for one line of a log; a long cluster name is cut, never the figures."""
    figures = f"+{summary.adds} ~{summary.updates} -{summary.deletes} pools"
    price = f"{hourly(summary.hourly, summary.currency, signed=True)}/h"
    room = _SUBJECT - len(f"Scale : {figures}, {price}")
    name = cluster if len(cluster) <= room else cluster[: max(1, room - 1)] + ELLIPSIS
    return f"Scale {name}: {figures}, {price}"


def _message(subject: str, summary: Summary, cluster: str) -> str:
    changes = [
        f"{line.symbol} {one_line(line.pool)} ({one_line(', '.join(line.machine))}): "
        f"{line.nodes_before} → {count(line.nodes_after, 'node')}"
        for line in summary.lines[:_LINES]
    ]
    left = len(summary.lines) - _LINES
    more = [f"{ELLIPSIS} and {count(left, 'pool')} more"] if left > 0 else []
    trailers = [
        f"{DIGEST_TRAILER}: {summary.digest}", f"{CLUSTER_TRAILER}: {one_line(cluster)}",
        f"{VERSION_TRAILER}: {PLAN_VERSION}",
    ]  # fmt: skip
    totals = [f"{counts_text(summary)}.", f"{cost_text(summary)}."]
    return "\n\n".join("\n".join(part) for part in ([subject], [*changes, *more], totals, trailers) if part) + "\n"
