"""A plan for a terminal, in Terraform's look: what is added, changed and deleted, why, and what it costs.

Text from the cluster is shown without control characters, so it cannot move the cursor or hide a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.plan import Action
from renderer.text import columns, count, hourly, one_line, pad, shortened, wrapped
from renderer.wording import (
    bound_text,
    cost_text,
    counts_text,
    group_title,
    no_change_text,
    orders_text,
    pending_text,
    stranding_text,
    waiting_text,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from renderer.summary import FieldChange, Line, Summary

_WORKLOADS, _REASONS, _GROUPS, _PODS = 4, 4, 12, 4
_COLORS = {
    Action.CREATE: "32", Action.UPDATE: "33", Action.REPLACE: "35", Action.DELETE: "31",
    Action.IMPORT: "36", Action.RELEASE: "36",
    "strong": "1", "quiet": "2", "warning": "33", "stop": "31",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where the text goes: its width in columns, and whether it shows colors."""

    width: int = 100
    color: bool = False

    def paint(self, text: str, style: Action | str) -> str:
        return f"\x1b[{_COLORS[style]}m{text}\x1b[0m" if self.color else text

    def wrap(self, text: str, first: str, rest: str = "") -> list[str]:
        return wrapped(one_line(text), width=self.width, first=first, rest=rest or " " * columns(first))


_PLAIN = Screen()


def plan_view(summary: Summary, *, cluster: str = "", screen: Screen = _PLAIN) -> str:
    """The whole plan, with a newline at the end."""
    parts = [[_headline(summary, cluster, screen)], _changes(summary, screen), _totals(summary, screen)]
    parts += [_unplaced(summary, screen), _warnings(summary, screen)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _headline(summary: Summary, cluster: str, screen: Screen) -> str:
    where = f"cluster {one_line(cluster)}, " if cluster else ""
    return screen.paint(f"poolplan: {where}{waiting_text(summary)}", "strong")


def _changes(summary: Summary, screen: Screen) -> list[str]:
    heads = [_head(line, summary.currency) for line in summary.lines]
    widths = [max((columns(head[place]) for head in heads), default=0) for place in range(5)]
    in_columns = sum(widths) + 2 + 1 + 3 * 3 <= screen.width
    lines: list[str] = []
    for line, head in zip(summary.lines, heads, strict=True):
        lines += ["", *_headed(head, widths, in_columns, line.action, screen), *_details(line, screen)]
    return lines[1:]


def _head(line: Line, currency: str) -> tuple[str, str, str, str, str]:
    nodes = f"{line.nodes_before} → {count(line.nodes_after, 'node')}"
    price = f"{hourly(line.hourly, currency, signed=True)}/h"
    return line.symbol, one_line(line.pool), one_line(" · ".join(line.machine)), nodes, price


def _headed(
    head: tuple[str, ...], widths: list[int], in_columns: bool, action: Action, screen: Screen
) -> Iterator[str]:
    """One line where all lines fit into the width, else two each: a name is never cut."""
    symbol, name, *facts, price = head
    start = f"  {screen.paint(pad(symbol, widths[0]), action)} "
    if not in_columns:
        yield start + screen.paint(name, "strong")
        indent = " " * (widths[0] + 5)
        yield from wrapped("   ".join((*facts, price)), width=screen.width, first=indent, rest=indent)
        return
    padded = [pad(text, width) for text, width in zip(facts, widths[2:4], strict=True)]
    price = " " * (widths[4] - columns(price)) + price
    yield start + "   ".join((screen.paint(pad(name, widths[1]), "strong"), *padded, price))


def _details(line: Line, screen: Screen) -> list[str]:
    start = " " * 6
    lines: list[str] = []
    for field in line.fields:
        lines += screen.wrap(_field(field), start, start + "  ")
    workloads = [f"{number} × {owner}" for owner, number in line.workloads]
    for text in shortened(workloads, _WORKLOADS, "workload"):
        lines += screen.wrap(text, start)
    for text in shortened([reason.text for reason in line.reasons], _REASONS, "reason"):
        lines += [screen.paint(each, "quiet") for each in screen.wrap(text, start, start + "  ")]
    if line.victims:  # all of them: nobody approves the removal of a node that is not named
        noun = "node" if len(line.victims) == 1 else "nodes"
        removed = screen.wrap(f"removes {noun} {', '.join(line.victims)}", start, start + "  ")
        lines += [screen.paint(each, Action.DELETE) for each in removed]
    return lines


def _field(field: FieldChange) -> str:
    before, after = field.sides
    if before is None:
        return f"+ {field.name} = {after}"
    if after is None:
        return f"- {field.name} = {before}"
    return f"~ {field.name}: {before} → {after}" + ("   # forces replacement" if field.forces_replace else "")


def _totals(summary: Summary, screen: Screen) -> list[str]:
    if not summary.lines:
        return screen.wrap(no_change_text(summary), "")
    lines = []
    for label, text in (("Plan:", counts_text(summary)), ("Cost:", cost_text(summary))):
        first, *rest = screen.wrap(f"{text}.", f"{label} ")
        lines += [screen.paint(label, "strong") + first.removeprefix(label), *rest]
    for text in filter(None, (bound_text(summary), orders_text(summary))):
        lines += screen.wrap(f"{text}.", " " * 6)
    return lines


def _unplaced(summary: Summary, screen: Screen) -> list[str]:
    if not summary.groups:
        return []
    lines = [screen.paint(f"{pending_text(summary)}:", "stop")]
    for group in summary.groups[:_GROUPS]:
        lines += screen.wrap(group_title(group, _PODS), "  ")
        for reason in group.reasons:
            where = f"NodePool {reason.node_pool}: " if reason.node_pool else ""
            lines += screen.wrap(f"{where}{reason.filter}: {reason.detail}", " " * 6, " " * 8)
    more = len(summary.groups) - _GROUPS
    return [*lines, f"  … and {count(more, 'group')} of pods more"] if more > 0 else lines


def _warnings(summary: Summary, screen: Screen) -> list[str]:
    warnings = filter(None, (stranding_text(summary), *summary.warnings))
    return [screen.paint(line, "warning") for text in warnings for line in screen.wrap(f"Warning: {text}", "", "  ")]
