"""Why a pod is where it is and why a pool changes, as text, Markdown and JSON. Text from elsewhere is made harmless."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner import labels as known
from planner.quantity import format_money
from planner.resources import PODS, describe_amount, format_amount
from renderer.escape import code, prose
from renderer.text import ELLIPSIS, columns, count, hourly, one_line, pad, shortened, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planner.explain import Offer, PodStudy
    from planner.plan import Change
    from planner.pools import Pool
    from planner.resources import Resources
    from planner.rules import Rule
    from planner.study import Check, Left, Miss, PoolStudy

WIDTH = 100
_NAMES = 4  # flavors and zones that are named
_ASKS, _LEAST = 1, 20  # the column of what is asked, and how wide it is at least
_HEAD = ("filter", "the pod asks", "alone", "so far")
_WHERE = {
    "expected": "goes on {node}, a node still to come",
    "existing": "goes on {node}, a node that is there",
    "unplaced": "stays pending",
    "running": "runs on {node}: it is no demand",
    "finished": "has finished: it is no demand",
    "deleting": "is being deleted: it is no demand",
    "gated": "is held back by a scheduling gate: it is no demand until the gate is removed",
    "nominated": "is to take the place of pods that make room for it: it is no demand",
    "daemon": "is a daemon set's, which has its place on its own node: it is no demand",
    "other": "waits for nothing that a node could give: it is no demand",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, a table (its first row names the columns), and sentences under it."""

    title: str
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()


def pod_sections(study: PodStudy) -> tuple[Section, ...]:
    """All about one pod, the most telling first."""
    where = _WHERE[study.state.value].format(node=study.node)
    first = Section(title=f"{study.pod} {where}", lines=tuple(_about(study)))
    pools = [_of_node_pool(one) for one in study.node_pools]
    rest = Section(title="Nodes and rules", lines=tuple(_beside(study)))
    return tuple(one for one in (first, *pools, rest) if one is not rest or one.lines)


def pool_sections(change: Change, currency: str) -> tuple[Section, ...]:
    """All about one pool that changes."""
    before, after = (pool.desired if pool else 0 for pool in (change.before, change.after))
    price = hourly(change.cost_after.hourly - change.cost_before.hourly, currency, signed=True)
    drivers = [f"for {number} × {owner}" for owner, number in change.pods]
    victims = [f"removes {name}" for name in change.victims]
    lines = (f"{price}/h", *shortened(drivers, _NAMES, "workload"), *(one.text for one in change.reasons), *victims)
    return (Section(title=f"pool {change.pool}: {change.action.value}, {before} → {after} nodes", lines=lines),)


def still_sections(pool: Pool) -> tuple[Section, ...]:
    """A pool that stays."""
    return (Section(title=f"pool {pool.name} stays as it is, at {pool.desired} nodes"),)


# Views


def text_view(sections: Iterable[Section], *, width: int = WIDTH) -> str:
    """For a terminal, with a newline at the end."""
    return "\n\n".join("\n".join(_text(one, width)) for one in sections) + "\n"


def markdown_view(sections: Iterable[Section]) -> str:
    """For a pull request or an issue, with a newline at the end."""
    parts: list[str] = []
    for number, one in enumerate(sections):
        parts.append(f"{'##' if number == 0 else '###'} {prose(one.title)}")
        if one.rows:
            head, *rows = [[code(cell, in_table=True) if cell else "" for cell in row] for row in one.rows]
            parts.append("\n".join((_row(one.rows[0]), _row(["---"] * len(head)), *map(_row, rows))))
        if one.lines:
            parts.append("\n".join(f"- {prose(line)}" for line in one.lines))
    return "\n\n".join(parts) + "\n"


def pod_document(study: PodStudy) -> str:
    """The study as JSON, with a newline at the end; empty parts are left out."""
    body = {
        "name": study.pod, "owner": str(study.owner), "state": study.state.value, "alike": study.equals,
        "requests": {name: format_amount(name, amount) for name, amount in study.requests},
        "node": study.node, "pool": study.pool,
        "why": [{"code": one.code, "text": one.text} for one in study.why],
        "reasons": [{"nodePool": one.node_pool, "filter": one.filter, "detail": one.detail} for one in study.reasons],
        "hints": [{"filter": one.filter, "code": one.code, "text": one.text} for one in study.hints],
        "nodePools": [_node_pool_entry(one) for one in study.node_pools],
        "nodes": {"total": study.nodes.total, "keptOff": dict(study.nodes.reasons)} if study.nodes.total else {},
        "rules": [
            {"kind": one.kind, "topologyKey": one.key, "maxSkew": one.max_skew, "pods": dict(one.domains)}
            for one in study.rules
        ],
        "alternatives": [_offer_entry(one, study.currency) for one in study.offers],
    }  # fmt: skip
    return _document("pod", {name: value for name, value in body.items() if value not in ("", [], {})})


def pool_document(name: str, change: Change | None, pool: Pool | None, currency: str) -> str:
    """A pool as JSON, with a newline at the end."""
    size = pool.desired if pool else 0
    before = (change.before.desired if change.before else 0) if change else size
    body: dict[str, object] = {
        "name": name, "action": change.action.value if change else "noop", "nodesBefore": before, "nodesAfter": size,
        "currency": currency,
    }  # fmt: skip
    if change is not None:
        body |= {
            "hourlyBefore": format_money(change.cost_before.hourly),
            "hourlyAfter": format_money(change.cost_after.hourly),
            "reasons": [{"code": one.code, "text": one.text} for one in change.reasons],
            "pods": [{"owner": str(owner), "count": number} for owner, number in change.pods],
            "victims": list(change.victims),
        }  # fmt: skip
    return _document("pool", body)


def _document(kind: str, body: dict[str, object]) -> str:
    whole = {"apiVersion": "poolplan.dev/v1alpha1", "kind": "Explanation", kind: body}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _text(section: Section, width: int) -> Iterator[str]:
    yield from wrapped(one_line(section.title), width=width, first="", rest="  ")
    rows = [[one_line(cell) for cell in row] for row in section.rows]
    widths = _widths(rows, width) if rows else []
    for row in rows:
        yield "  " + "  ".join(pad(_cut(cell, size), size) for cell, size in zip(row, widths, strict=True)).rstrip()
    for line in section.lines:
        yield from wrapped(one_line(line), width=width, first="  ", rest="    ")


def _widths(rows: list[list[str]], width: int) -> list[int]:
    """How wide each column is; what the pod asks gives way where a line would be too long."""
    widths = [max(columns(row[place]) for row in rows) for place in range(len(rows[0]))]
    widths[_ASKS] = max(_LEAST, min(widths[_ASKS], width - 2 * len(widths) - sum(widths) + widths[_ASKS]))
    return widths


def _cut(text: str, size: int) -> str:
    while columns(text) > size:
        text = text.removesuffix(ELLIPSIS)[:-1] + ELLIPSIS
    return text


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# Sentences


def _about(study: PodStudy) -> Iterator[str]:
    alike = f", one of {study.equals} that are alike" if study.equals > 1 else ""
    yield f"{study.owner}{alike}: asks for {_amounts(study.requests)}"
    for one in study.reasons:
        yield f"{one.node_pool or 'no NodePool'}, {one.filter}: {one.detail}"
    said = "".join(one.detail for one in study.reasons)
    for hint in study.hints:
        if hint.text not in said:
            yield f"hint: {hint.text}"
    for reason in study.why:
        yield reason.text
    if study.state.value in ("expected", "existing"):
        yield from _next_best(study)


def _next_best(study: PodStudy) -> Iterator[str]:
    lead = "next best for this pod alone" if study.state.value == "expected" else "on a new node"
    if study.offers:
        yield f"{lead}: {'; '.join(_offer(one, study.currency) for one in study.offers)}"
    elif study.state.value == "expected":
        yield "no other flavor of any NodePool holds this pod"


def _offer(one: Offer, currency: str) -> str:
    return f"{one.flavor} of NodePool {one.node_pool} at {hourly(one.hourly, currency)}/h"


def _of_node_pool(study: PoolStudy) -> Section:
    offered, passed = study.offered, study.passed
    said = f"nothing is left of {_left(offered)}" if offered else "nothing can be ordered under it"
    if passed:
        flavors = f"{len(passed.flavors)} of {count(len(offered.flavors), 'flavor')}"
        said = f"{flavors} would do, in {len(passed.zones)} of {count(len(offered.zones), 'zone')}"
    if not offered:
        why = tuple(one.asks.removeprefix(f"{said}: ") for one in study.checks)
        return Section(title=f"NodePool {study.node_pool}: {said}", lines=why)
    rows = [(one.filter, one.asks, _left(one.alone), _left(one.so_far)) for one in study.checks]
    lines = (*(_pair(*pair) for pair in study.pairs), *(_miss(one, study.offered.zones) for one in study.misses))
    return Section(
        title=f"NodePool {study.node_pool}: {said}", rows=(_HEAD, *rows) if rows else (), lines=lines
    )


def _left(left: Left) -> str:
    if not left:
        return "nothing"
    return f"{count(len(left.flavors), 'flavor')} in {count(len(left.zones), 'zone')}"


def _pair(first: Check, second: Check) -> str:
    """Two checks that nothing passes; a limit is always the second."""
    if second.filter in ("Limits", "ClusterNodes", "ClusterPools"):
        return f"{first.asks}: only {_names(first.alone.flavors)}, and {second.asks}"
    for zone, other in ((first, second), (second, first)):
        if zone.key == known.ZONE:
            missing = f"{_names(other.alone.flavors)} ({other.asks})"
            return f"only zone {_names(zone.alone.zones)}, where {missing} is not to be had"
    both = " and ".join(f"{one.asks} ({_names(one.alone.flavors)})" for one in (first, second))
    return f"no flavor has both: {both}"


def _miss(miss: Miss, zones: tuple[str, ...]) -> str:
    names = _names(miss.flavors)
    short = " and ".join(f"{describe_amount(name, amount)} {name}" for name, amount in miss.lacks)
    where = f" in {_names(miss.zones)}" if miss.zones != zones else ""
    unmet = " and ".join(miss.unmet)
    parts = [f"{short} short on {names}{where}"] if short else []
    parts += [f"without {unmet}" if short else f"{names}{where}, but not {unmet}"] if unmet else []
    return f"near: {', '.join(parts)}"


def _beside(study: PodStudy) -> Iterator[str]:
    if study.nodes.total:
        counts = ", ".join(f"{number} {why}" for why, number in study.nodes.reasons)
        yield f"{count(study.nodes.total, 'node')} there or on order: {counts}"
    for rule in study.rules:
        yield _rule(rule)


def _rule(rule: Rule) -> str:
    skew = f", at most {rule.max_skew} apart" if rule.max_skew else ""
    domains = ", ".join(f"{value} {number}" for value, number in rule.domains) or "none yet"
    more = f" and {rule.more} more" if rule.more else ""
    return f"{rule.kind} by {rule.key}{skew}: such pods there or planned: {domains}{more}"


def _amounts(requests: Resources) -> str:
    listed = [f"{describe_amount(name, amount)} {name}" for name, amount in requests if name != PODS]
    return " and ".join(listed[:_NAMES]) or "nothing but its place"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_NAMES]) + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else "")


# Entries of the document


def _node_pool_entry(study: PoolStudy) -> dict[str, object]:
    return {
        "nodePool": study.node_pool, "weight": study.weight, "offered": _left_entry(study.offered),
        "passed": _left_entry(study.passed),
        "filters": [
            {"filter": one.filter, "asks": one.asks, "alone": _left_entry(one.alone), "soFar": _left_entry(one.so_far)}
            for one in study.checks
        ],
        "pairs": [[first.asks, second.asks] for first, second in study.pairs],
        "misses": [
            {
                "flavors": list(one.flavors), "zones": list(one.zones), "unmet": list(one.unmet),
                "lacks": {name: format_amount(name, amount) for name, amount in one.lacks},
            }
            for one in study.misses
        ],
    }  # fmt: skip


def _left_entry(left: Left) -> dict[str, list[str]]:
    return {"flavors": list(left.flavors), "zones": list(left.zones)}


def _offer_entry(one: Offer, currency: str) -> dict[str, object]:
    return {
        "nodePool": one.node_pool, "flavor": one.flavor, "zones": list(one.zones), "currency": currency,
        "hourly": format_money(one.hourly),
    }  # fmt: skip
