"""What the web page shows of a view, as the value that ``renderer.page`` words and draws; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.controller.boxes import draw
from gitops.controller.differing import differences_of
from gitops.controller.pods import Stands, Told, pods_of
from gitops.controller.proposals import state_of
from gitops.errors import Stalled
from gitops.loop.history import history_of
from gitops.loop.status import missing_of
from gitops.rounds import Planned
from renderer.drift import drift_text
from renderer.page.facts import Apply, ClusterPage, Offer, Waiting
from renderer.summary import summarize
from renderer.wording import glance_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.controller.view import Applying, View
    from gitops.rounds import Observed
    from renderer.history import History
    from renderer.page.picture import Picture
    from renderer.status import Missing


_ROOM = Told(stands=Stands.FITS, text="a node that is there has room: kube-scheduler will place them")
"""Of pods that fit it is not told on which node each of them does: the picture shows that."""


def page_of(view: View) -> ClusterPage:
    """The page after this view's last pass. It is as of that time: the same view is the same page."""
    planned = view.planned
    history, missing, unread = _recorded(view)
    return ClusterPage(
        cluster=view.cluster, at=view.at, succeeded=view.succeeded, acts=view.leads,
        observes=planned is not None and not isinstance(planned, Planned), problem=view.problem,
        freeze=view.proposed.freeze if view.proposed else "", waits=view.proposed.waits if view.proposed else "",
        applying=_applying(view.applying) if view.applying else None,
        summary=summarize(planned.plan) if planned else None, waiting=_waiting(view), offers=tuple(_offers(view)),
        picture=_picture(planned) if planned else None, missing=missing, drift=_drift(planned), history=history,
        unread=unread,
    )  # fmt: skip


def _picture(planned: Observed) -> Picture:
    inputs = planned.inputs
    return draw(inputs.snapshot, inputs.declared, inputs.observed, planned.plan)


def _waiting(view: View) -> tuple[Waiting, ...]:
    """Those that nothing is done for come first, then as far as they are; the most pods first among equals."""
    found: dict[Told, list[str]] = {}
    for pod, told in pods_of(view).items():
        found.setdefault(_ROOM if told.stands is Stands.FITS else told, []).append(pod)
    order = list(Stands)
    ordered = sorted(found, key=lambda one: (order.index(one.stands), -len(found[one]), one.text, one.pool, one.url))
    return tuple(
        Waiting(stands=one.stands.value, text=one.text, pods=tuple(sorted(found[one])), pool=one.pool, url=one.url)
        for one in ordered
    )


def _offers(view: View) -> Iterator[Offer]:
    for done in view.proposed.done if view.proposed else ():
        if done.commit and done.plan is not None:
            state, since = state_of(view, done)
            yield Offer(
                kind=done.kind, state=state.value, branch=done.branch, change=glance_text(summarize(done.plan)),
                url=done.url, since=since, reason=done.reason,
            )  # fmt: skip


def _recorded(view: View) -> tuple[History | None, tuple[Missing, ...], str]:
    """The history and what is lacking, by the ledger; or why it cannot be read."""
    if view.proposed is None or view.at is None:
        return None, (), ""
    ledger = view.proposed.ledger
    try:
        return history_of(ledger, cluster=view.cluster, now=view.at), missing_of(ledger, view.at), ""
    except Stalled as error:
        return None, (), str(error)


def _drift(planned: Observed | None) -> tuple[str, ...] | None:
    """Each difference as a sentence; None where nobody knows of any."""
    found = differences_of(planned)
    return None if found is None else tuple(drift_text(one) for one in found)


def _applying(one: Applying) -> Apply:
    """The last step is told where it came to no good end; what was applied whole is in the history."""
    entry = one.entry
    step = ""
    if entry is not None and entry.state != "done":
        ending = f": {entry.text}" if entry.text else ""
        step = f"{entry.step}, {entry.state} {time_text(entry.at, now=one.at.isoformat())}{ending}"
    return Apply(at=one.at, step=step, problem=one.problem, reasons=one.reasons)
