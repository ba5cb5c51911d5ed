"""Sentences about a summary that every view says alike, without markup and mostly without a full stop."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from renderer.gap import percent
from renderer.text import count, hourly, monthly, rough_price, shortened

if TYPE_CHECKING:
    from renderer.summary import Group, Summary

#: A gap, in tenths of a percent, from which on the bound says more in euros.
TELLING = 1000


def waiting_text(summary: Summary) -> str:
    """How many pods the plan is about; of one that only takes in pools or lets go of them, how many of these."""
    handed = handovers(summary, "to import", "to release")
    if handed and not summary.moves:
        return " and ".join(handed)
    if not summary.waiting:
        return "no pod waits for a node"
    return f"{count(summary.waiting, 'pod')} {'waits' if summary.waiting == 1 else 'wait'} for a node"


def nodes_text(summary: Summary) -> str:
    """``+2 ~1 -0 nodes``: ordered, replaced or changed in place, removed."""
    added, renewed = sum(line.added for line in summary.lines), sum(line.renewed for line in summary.lines)
    return f"+{added} ~{renewed} -{sum(line.removed for line in summary.lines)} nodes"


def glance_text(summary: Summary) -> str:
    """Nodes, money and pods in one line: ``+2 ~1 -0 nodes, +€0.20/h (+€149/month), 7 pods waiting since 09:12 UTC``."""
    parts = [nodes_text(summary), rough_price(summary.hourly, summary.monthly, summary.currency)]
    handed = summary.imports + summary.releases
    settings = sum(not (line.added or line.renewed or line.removed) for line in summary.lines) - handed
    if settings:
        parts.append(f"settings of {count(settings, 'pool')}")
    parts += handovers(summary, "imported", "released")
    waiting = summary.pending.pods or summary.waiting
    if waiting:
        since = time_text(summary.pending.since, now=summary.now)
        parts.append(f"{count(waiting, 'pod')} waiting" + (f" since {since}" if since else ""))
    return ", ".join(parts)


def handovers(summary: Summary, taken: str, freed: str, *, noun: str = "pool") -> list[str]:
    """``2 pools imported``, where there are any: they are left as they are, so no other figure tells of them."""
    found = ((summary.imports, taken), (summary.releases, freed))
    return [f"{count(number, noun) if noun else number} {word}" for number, word in found if number]


def time_text(time: str, *, now: str) -> str:
    """``09:12 UTC``, with its day where that is not today; empty for what is no time (RFC 3339)."""
    at, today = _utc(time), _utc(now)
    if at is None:
        return ""
    same_day = today is not None and at.date() == today.date()
    return f"{at:%H:%M} UTC" if same_day else f"{at:%Y-%m-%d %H:%M} UTC"


def _utc(time: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(time)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def pending_text(summary: Summary) -> str:
    """How many of them no node can be found for."""
    return f"{count(summary.unplaced, 'pod')} {'stays' if summary.unplaced == 1 else 'stay'} pending"


def counts_text(summary: Summary) -> str:
    """How many pools change, and the nodes of all pools."""
    parts = [f"{summary.adds} to add", f"{summary.updates} to change", f"{summary.deletes} to delete"]
    changed = ", ".join((*parts, *handovers(summary, "to import", "to release", noun="")))
    return f"{changed}. {summary.nodes_before} → {count(summary.nodes_after, 'node')}"


def no_change_text(summary: Summary) -> str:
    """Why a plan without changes is right."""
    placed = summary.waiting - summary.unplaced
    if placed:
        return f"No changes. {count(placed, 'pod')} can go on nodes that are there or on order."
    return "No changes. The pools run every pod that can run."


def cost_text(summary: Summary) -> str:
    """Before → after, per hour and per month."""
    before, after, currency = summary.before, summary.after, summary.currency
    hours = f"{hourly(before.hourly, currency)} → {hourly(after.hourly, currency)} per hour"
    return f"{hours}, {monthly(before.monthly, currency)} → {monthly(after.monthly, currency)} per month (730 h)"


def bound_text(summary: Summary) -> str:
    """What is proven of the price, without a full stop; empty where nothing was ordered."""
    if summary.bound is None:
        return ""
    if summary.bound >= summary.after.hourly:
        return "Proven: no other choice of new nodes for these pods costs less"
    if summary.gap is not None and summary.gap < TELLING:
        told = f"The new nodes cost at most {percent(summary.gap)} % more than the proven least for these pods"
        return f"{told}, preferences and weights aside" if summary.choosy else told
    return f"Proven lower bound for any choice of new nodes: {hourly(summary.bound, summary.currency)} per hour"


def orders_text(summary: Summary) -> str:
    """In how many orders of arrival the pods find their places, without a full stop; empty where nobody asked."""
    one = summary.certificate
    if one is None:
        return ""
    if not one.orders:
        return "Not replayed: the search's budget (--solve-budget) left no time to try the nodes out"
    told = f"Holds in {one.survived} of {count(one.orders, 'order')} in which the pods may come to kube-scheduler"
    if one.premium:
        told += f", for {hourly(one.premium, summary.currency)} per hour more than if each could be put by hand"
    wanted = "cheaper nodes" if one.survived == one.orders else "nodes that hold in all of them"
    return f"{told}; the search for {wanted} stopped at its budget (--solve-budget)" if one.stopped else told


def stranding_text(summary: Summary) -> str:
    """A warning, without a full stop, where some order of arrival leaves pods behind; else empty."""
    one = summary.certificate
    if one is None or one.survived == one.orders:
        return ""
    tried = f"{one.orders - one.survived} of {count(one.orders, 'order')} of arrival tried"
    return f"kube-scheduler leaves pods without a node in {tried}; the next plan orders nodes for these"


def group_title(group: Group, limit: int) -> str:
    """``2 × Deployment default/big``, or the pods by name."""
    if group.owner is not None:
        return f"{group.count} × {group.owner}"
    return ", ".join(shortened([f"Pod {pod}" for pod in group.pods], limit, "pod"))
