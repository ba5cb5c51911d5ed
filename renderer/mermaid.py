"""The pools before and after a plan as a Mermaid flowchart, which GitHub, GitLab and Gitea draw.

A label holds nothing but letters, digits, spaces and inner dashes as they are; every other sign is a Mermaid entity
(``#34;``), so no label can end itself or the code block, or become a directive. No label has a line break: Gitea shows
the picture as XML, which ends at the first ``<br>``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from planner.plan import Action
from renderer.text import ELLIPSIS, count, one_line

if TYPE_CHECKING:
    from renderer.summary import Line, Summary

_BOXES, _LABEL = 12, 40
_SIGN = re.compile(r"[^A-Za-z0-9 -]|^-|-$|--|(?<=[ -])-|-(?= )")
_VERBS = {
    Action.CREATE: "create", Action.UPDATE: "change", Action.REPLACE: "replace", Action.DELETE: "delete",
    Action.IMPORT: "import", Action.RELEASE: "release",
}  # fmt: skip


def flowchart(summary: Summary) -> str:
    """A fenced code block; empty for a plan without changes. At most a dozen pools are drawn."""
    if not summary.lines:
        return ""
    lines = ["```mermaid", "flowchart LR"]
    for number, line in reversed(list(enumerate(summary.lines[:_BOXES]))):  # Mermaid draws the last frame on top
        lines += _frame(number, line)
    left = len(summary.lines) - _BOXES
    if left > 0:
        lines.append(f'  more["and {count(left, "pool")} more"]')
    same = summary.nodes_before - sum(line.nodes_before for line in summary.lines)
    if same > 0:
        lines.append(f'  same["other pools, unchanged#58; {count(same, "node")}"]')
    return "\n".join((*lines, "```"))


def label(text: str) -> str:
    """Text as it may stand in a quoted label."""
    shown = one_line(text)
    cut = shown if len(shown) <= _LABEL else shown[: _LABEL - 1] + ELLIPSIS
    return _SIGN.sub(lambda found: "".join(f"#{ord(sign)};" for sign in found[0]), cut)


def _frame(number: int, line: Line) -> tuple[str, ...]:
    """A pool: its name above what its nodes are before and after."""
    now = line.machine[0] if line.machine else ""
    old = next((field.before for field in line.fields if field.name == "flavor"), None) or now
    was = _box(f"b{number}", line.nodes_before, old, is_there=line.action is not Action.CREATE)
    will = _box(f"a{number}", line.nodes_after, now, is_there=line.action is not Action.DELETE)
    head = f'  subgraph p{number}["{label(line.pool)}"]'
    return (head, "    direction LR", f'    {was} -->|"{_verb(line)}"| {will}', "  end")


def _box(name: str, nodes: int, machine: str, *, is_there: bool) -> str:
    return f'{name}["{nodes} × {label(machine)}"]' if is_there else f'{name}["no pool"]'


def _verb(line: Line) -> str:
    """What the arrow says: by how many nodes, where it is a matter of nodes alone."""
    more = line.nodes_after - line.nodes_before
    if line.action is Action.UPDATE and more:
        return f"{more:+d} {'node' if abs(more) == 1 else 'nodes'}"
    return _VERBS[line.action]
