"""The pools before and after a plan as a Mermaid flowchart, which GitHub, GitLab and Gitea draw.

A label holds nothing but letters, digits, spaces and inner dashes as they are; every other sign is a Mermaid entity
(``#34;``), so no label can end itself or the code block, or become a directive.
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
}  # fmt: skip


def flowchart(summary: Summary) -> str:
    """A fenced code block; empty for a plan without changes. At most a dozen pools are drawn."""
    if not summary.lines:
        return ""
    lines = ["```mermaid", "flowchart LR"]
    for number, line in enumerate(summary.lines[:_BOXES]):
        was = _box(f"b{number}", line, line.nodes_before, is_there=line.action is not Action.CREATE)
        will = _box(f"a{number}", line, line.nodes_after, is_there=line.action is not Action.DELETE)
        lines.append(f'  {was} -->|"{_verb(line)}"| {will}')
    left = len(summary.lines) - _BOXES
    if left > 0:
        lines.append(f'  more["and {count(left, "pool")} more"]')
    same = summary.nodes_before - sum(line.nodes_before for line in summary.lines)
    if same > 0:
        lines.append(f'  same["other pools<br/>{count(same, "node")}, unchanged"]')
    return "\n".join((*lines, "```"))


def label(text: str) -> str:
    """Text as it may stand in a quoted label."""
    shown = one_line(text)
    cut = shown if len(shown) <= _LABEL else shown[: _LABEL - 1] + ELLIPSIS
    return _SIGN.sub(lambda found: "".join(f"#{ord(sign)};" for sign in found[0]), cut)


def _box(name: str, line: Line, nodes: int, *, is_there: bool) -> str:
    if not is_there:
        return f'{name}["no pool"]'
    machine = line.machine[0] if line.machine else ""
    return f'{name}["{label(line.pool)}<br/>{nodes} × {label(machine)}"]'


def _verb(line: Line) -> str:
    """What the arrow says: by how many nodes, where it is a matter of nodes alone."""
    more = line.nodes_after - line.nodes_before
    if line.action is Action.UPDATE and more:
        return f"{more:+d} {'node' if abs(more) == 1 else 'nodes'}"
    return _VERBS[line.action]
