"""Where each waiting pod stands on its way to a node: not covered, proposed, approved, joining; pure.

What is said of a pod here is said everywhere: in its Event, in metrics, on the status page.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gitops.loop.steps import Step
from planner.onorder import awaited
from planner.portion import Kind, kind_of
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.controller.view import View
    from gitops.loop.acting import Done
    from gitops.rounds import Observed
    from planner.plan import Change, PlacedNode, Unplaced


class Stands(Enum):
    """How far a pod is."""

    UNCOVERED = "uncovered"
    """No NodePool can run it, or a limit forbids it."""
    PLANNED = "planned"
    """A node would be ordered for it; the proposal waits for more pods, or for a limit."""
    PROPOSED = "proposed"
    """A proposal for its node waits for people."""
    APPROVED = "approved"
    """Its node is declared, and the provider does not have it yet."""
    JOINING = "joining"
    """Its node is ordered at the provider."""
    FITS = "fits"
    """A node that is there has room: kube-scheduler will place it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How far a pod is, as a sentence without a full stop; ``url`` is its proposal's, empty where there is none."""

    stands: Stands
    text: str
    pool: str = ""
    url: str = ""


def pods_of(view: View) -> Mapping[str, Told]:
    """Every waiting pod (``namespace/name``) that the last pass planned for, and how far it is."""
    planned = view.planned
    if planned is None:
        return {}
    proposals = {one.kind: one for one in view.proposed.done} if view.proposed else {}
    growth = {str(one.pool): one for one in planned.plan.changes if one.after is not None}
    coming = _coming(planned)
    found = {}
    for node in planned.plan.placements:
        for pod in node.pods:
            found[pod] = _placed(node, growth.get(node.pool), proposals, coming)
    for unplaced in planned.plan.unplaced:
        for pod in unplaced.pods:
            found[pod] = _unplaced(unplaced)
    return found


def _coming(planned: Observed) -> dict[str, Stands]:
    """The names that nodes still to come were given, and whether the provider has been asked for them."""
    inputs = planned.inputs
    names = awaited(inputs.declared, inputs.observed, inputs.snapshot.nodes)
    return {name: Stands.JOINING if ordered else Stands.APPROVED for name, (_, ordered) in names.items()}


def _placed(
    node: PlacedNode, change: Change | None, proposals: Mapping[str, Done], coming: Mapping[str, Stands]
) -> Told:
    if node.expected is None:
        return Told(stands=Stands.FITS, text=f"node {node.name} has room for it", pool=node.pool)
    stands = coming.get(node.name)
    if stands is Stands.JOINING:
        return Told(stands=stands, text=f"a node of pool {node.pool} is joining", pool=node.pool)
    if stands is Stands.APPROVED:
        return Told(stands=stands, text=f"a node of pool {node.pool} is approved and not ordered yet", pool=node.pool)
    more = _more(change)
    done = proposals.get(kind_of(change).value if change is not None else Kind.UP.value)
    if done is None or not done.commit:
        why = f": {done.reason}" if done is not None and done.reason else ""
        return Told(stands=Stands.PLANNED, text=f"planned: {node.pool}{more}{why}", pool=node.pool)
    number = done.url.rpartition("/")[2] if done.url else ""
    where = f"#{number}" if number.isdigit() else f"branch {done.branch}"
    waits = "merged" if done.step is Step.MERGE else "waiting for review"
    return Told(
        stands=Stands.PROPOSED, text=f"covered by {where}: {node.pool}{more}, {waits}", pool=node.pool, url=done.url
    )  # fmt: skip


def _more(change: Change | None) -> str:
    if change is None or change.after is None:
        return ""
    return f" +{change.after.desired - (change.before.desired if change.before else 0)}"


def _unplaced(unplaced: Unplaced) -> Told:
    """The closest miss comes first."""
    if not unplaced.reasons:
        return Told(stands=Stands.UNCOVERED, text="no NodePool can run it; poolplan explain says why")
    first, others = unplaced.reasons[0], len(unplaced.reasons) - 1
    name = f"NodePool {first.node_pool}: " if first.node_pool else ""
    more = f", and {count(others, 'NodePool')} more" if others else ""
    return Told(stands=Stands.UNCOVERED, text=f"not covered: {name}{first.detail}{more}")
