"""A plan for a pull request or a comment, as Markdown that GitHub, GitLab and Gitea read alike.

Text from the cluster is data: it mentions nobody, closes no issue, links nowhere and makes no markup. It never
begins a line, where a forge would look for commands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from renderer.text import count, hourly, one_line, shortened
from renderer.wording import (
    bound_text,
    cost_text,
    counts_text,
    no_change_text,
    orders_text,
    pending_text,
    stranding_text,
    waiting_text,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from renderer.summary import FieldChange, Group, Line, Summary

_WORKLOADS, _REASONS, _PODS = 10, 6, 6
#: A description may have 65 536 characters on GitHub: so many for each part of it.
_TABLE, _DETAILS, _PENDING, _WARNINGS = 20_000, 30_000, 8_000, 4_000
_QUIET = re.compile(r"[A-Za-z0-9.,;:()/'\"€£×→…+=%-]+")
#: What would begin a list, a rule or a heading where a sentence begins.
_BLOCK = re.compile(r"[-+=]|\d+[.)]$")
_LOUD = re.compile(r"//|www\.|GH-\d", re.IGNORECASE)


def plan_view(summary: Summary, *, cluster: str = "") -> str:
    """The whole plan, with a newline at the end."""
    where = f"Cluster {code(cluster)}: " if cluster else ""
    lead = f"{where}{waiting_text(summary)}."
    parts = [[lead[:1].upper() + lead[1:]]]
    parts += _changes(summary) if summary.lines else [[no_change_text(summary)]]
    parts += _pending(summary)
    warnings = filter(None, (stranding_text(summary), *summary.warnings))
    parts += _within(_WARNINGS, [[f"> **Warning:** {prose(text)}"] for text in warnings])
    parts.append([f"Plan digest: {code(summary.digest)}"])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def code(text: str, *, in_table: bool = False) -> str:
    """Text as it is, in a code span that it cannot leave."""
    shown = one_line(text) or '""'
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if "`" in shown else ""
    span = f"{fence}{space}{shown}{space}{fence}"
    return span.replace("|", "\\|") if in_table else span


def prose(text: str) -> str:
    """A sentence from elsewhere: words that could mean something to a forge or to Markdown stand in code spans."""
    first, *rest = one_line(text).split(" ")
    opening = first if _is_quiet(first) and _BLOCK.match(first) is None else code(first)
    return " ".join((opening, *(word if _is_quiet(word) else code(word) for word in rest)))


def _is_quiet(word: str) -> bool:
    return _QUIET.fullmatch(word) is not None and _LOUD.search(word) is None


def _changes(summary: Summary) -> list[list[str]]:
    texts = (counts_text(summary), cost_text(summary), bound_text(summary), orders_text(summary))
    totals = " ".join(f"{text}." for text in texts if text)
    details = [section for line in summary.lines if (section := _details(line))]
    sections = _within(_DETAILS, details)
    parts = [_table(summary), [totals], *sections]
    left = len(details) - len(sections)
    return [*parts, [f"The details of {count(left, 'change')} more are in `plan.json`."]] if left else parts


def _table(summary: Summary) -> list[str]:
    rows = _within(_TABLE, [[_row(line, summary.currency)] for line in summary.lines])
    left = len(summary.lines) - len(rows)
    more = [f"| | {count(left, 'pool')} more: see `plan.json` | | | |"] if left else []
    head = ["| | pool | nodes | machines | per hour |", "|---|---|---|---|---|"]
    return [*head, *(line for row in rows for line in row), *more]


def _row(line: Line, currency: str) -> str:
    price = hourly(line.hourly, currency, signed=True)
    name, machine = code(line.pool, in_table=True), code(" · ".join(line.machine), in_table=True)
    return f"| `{line.symbol}` | {name} | {line.nodes_before} → {line.nodes_after} | {machine} | {price} |"


def _details(line: Line) -> list[str]:
    """A heading and a list; nothing where the table says it all."""
    items = [_field(field) for field in line.fields]
    workloads = [f"{number} × {code(str(owner))}" for owner, number in line.workloads]
    items += [f"for {text}" for text in shortened(workloads, _WORKLOADS, "workload")]
    items += shortened([prose(reason.text) for reason in line.reasons], _REASONS, "reason")
    if line.victims:  # all of them: nobody approves the removal of a node that is not named
        noun = "node" if len(line.victims) == 1 else "nodes"
        items.append(f"**removes {noun}** {', '.join(code(victim) for victim in line.victims)}")
    return [f"**`{line.symbol}`** {code(line.pool)}", "", *(f"- {item}" for item in items)] if items else []


def _field(field: FieldChange) -> str:
    before, after = field.sides
    if before is None:
        return f"adds {code(field.name)} = {code(after or '')}"
    if after is None:
        return f"takes away {code(field.name)} = {code(before)}"
    forced = ", which **replaces the pool**" if field.forces_replace else ""
    return f"{code(field.name)}: {code(before)} → {code(after)}{forced}"


def _pending(summary: Summary) -> list[list[str]]:
    if not summary.groups:
        return []
    groups = _within(_PENDING, (_group(group) for group in summary.groups))
    lines = [line for group in groups for line in group]
    left = len(summary.groups) - len(groups)
    more = [f"- {count(left, 'group')} of pods more: see `plan.json`"] if left else []
    return [[f"**{pending_text(summary)}:**", "", *lines, *more]]


def _group(group: Group) -> list[str]:
    if group.owner is not None:
        title = f"{group.count} × {code(str(group.owner))}"
    else:
        title = ", ".join(shortened([f"Pod {code(pod)}" for pod in group.pods], _PODS, "pod"))
    reasons = [
        (f"NodePool {code(one.node_pool)}: " if one.node_pool else "") + f"{prose(one.filter)}: {prose(one.detail)}"
        for one in group.reasons
    ]
    return [f"- {title}", *(f"  - {reason}" for reason in reasons)]


def _within(limit: int, sections: Iterable[list[str]]) -> list[list[str]]:
    """The first sections that have so many characters together; at least one."""
    kept: list[list[str]] = []
    for section in sections:
        limit -= sum(len(line) + 1 for line in section)
        if kept and limit < 0:
            break
        kept.append(section)
    return kept
