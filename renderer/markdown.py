"""A plan as Markdown that GitHub, GitLab and Gitea read alike: the sections that a comment and a proposal share.

Text from the cluster is data (``renderer.escape``). It never begins a line, where a forge would look for commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from renderer.escape import code, prose
from renderer.sections import Section, fitted
from renderer.text import amount, currency_sign, shortened
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
    from renderer.summary import FieldChange, Group, Line, Summary

#: What a description may have on GitHub, in characters.
LIMIT: Final = 65_536


@dataclass(frozen=True, slots=True)
class Listed:
    """How many of each are listed before "and so many more"."""

    workloads: int = 10
    reasons: int = 6
    pods: int = 6


EVERYTHING: Final = Listed(10**9, 10**9, 10**9)
SOME: Final = Listed()


def plan_view(summary: Summary, *, cluster: str = "") -> str:
    """The whole plan as far as it fits into a comment, with a newline at the end."""
    where = f"Cluster {code(cluster)}: " if cluster else ""
    lead = f"{where}{waiting_text(summary)}."
    texts = (counts_text(summary), cost_text(summary), bound_text(summary), orders_text(summary))
    totals = " ".join(f"{text}." for text in texts if text) if summary.lines else no_change_text(summary)
    sections = [
        stays(lead[:1].upper() + lead[1:]), table(summary), stays(totals), details(summary), unplaced(summary),
        warnings(summary), stays(f"Plan digest: {code(summary.digest)}"),
    ]  # fmt: skip
    return fitted(sections, limit=LIMIT, rest="plan.json")


def stays(*paragraphs: str) -> Section:
    """Short text that is never cut."""
    return Section(blocks=tuple(text for text in paragraphs if text), gap="\n\n", stays=True)


def table(summary: Summary) -> Section:
    """A row for each pool that changes; nothing for none."""
    if not summary.lines:
        return Section()
    rows = tuple(map(_row, summary.lines))
    # The sign of the currency stands above: in a narrow column "+€1" would be broken behind the plus, "+1" is not.
    unit = currency_sign(summary.currency)
    head = f"| | pool | nodes | machine | {unit}/h | {unit}/month |\n|---|---|---|---|--:|--:|\n"
    return Section(name="the table of pools", noun="pool", head=head, blocks=rows, headed=True)


def details(summary: Summary, *, head: str = "", listed: Listed = SOME, with_departures: bool = True) -> Section:
    """Why each pool changes, and in what besides its size; nothing of a pool whose row says it all.

    ``with_departures``: the nodes that leave are named here, with why.
    """
    found = tuple(text for line in summary.lines if (text := _details(line, listed, with_departures=with_departures)))
    return Section(name="why each pool changes", noun="pool", head=head if found else "", blocks=found, gap="\n\n")


def unplaced(summary: Summary, *, anyway: str = "", listed: Listed = SOME) -> Section:
    """The pods that go nowhere, with the reasons; nothing where there are none."""
    if not summary.groups:
        return Section()
    groups = tuple(_group(group, listed) for group in summary.groups)
    head = f"**{pending_text(summary)}{anyway}:**\n\n"
    return Section(name="the pods that stay pending", noun="group", head=head, blocks=groups)


def warnings(summary: Summary) -> Section:
    """What a reader should know before approving; the most telling first."""
    told = filter(None, (stranding_text(summary), *summary.warnings))
    blocks = tuple(f"> **Warning:** {prose(text)}" for text in told)
    return Section(name="the warnings", noun="warning", blocks=blocks, gap="\n\n")


def _row(line: Line) -> str:
    hours, months = amount(line.hourly, decimals=4, signed=True), amount(line.monthly, decimals=2, signed=True)
    name, machine = code(line.pool, in_table=True), code(" · ".join(line.machine), in_table=True)
    nodes = f"{line.nodes_before} → {line.nodes_after}"
    return f"| `{line.symbol}` | {name} | {nodes} | {machine} | {hours} | {months} |"


def _details(line: Line, listed: Listed, *, with_departures: bool) -> str:
    """A heading and a list."""
    items = [_field(field) for field in line.fields]
    workloads = [f"{number} × {code(str(owner))}" for owner, number in line.workloads]
    items += [f"for {text}" for text in shortened(workloads, listed.workloads, "workload")]
    if line.priority and workloads:
        items.append(f"the most urgent of these pods has priority {line.priority}")
    reasons = [prose(reason.text) for reason in line.reasons]
    items += shortened(reasons, listed.reasons, "reason")
    if line.victims and with_departures:  # all of them: nobody approves the removal of a node that is not named
        noun = "node" if len(line.victims) == 1 else "nodes"
        items.append(f"**removes {noun}** {named(line.victims)}")
    return "\n".join((f"**`{line.symbol}`** {code(line.pool)}", "", *(f"- {item}" for item in items))) if items else ""


def named(names: tuple[str, ...]) -> str:
    """Names one after the other, each in code."""
    return ", ".join(code(name) for name in names)


def _field(field: FieldChange) -> str:
    before, after = field.sides
    if before is None:
        return f"adds {code(field.name)} = {code(after or '')}"
    if after is None:
        return f"takes away {code(field.name)} = {code(before)}"
    forced = ", which **replaces the pool**" if field.forces_replace else ""
    return f"{code(field.name)}: {code(before)} → {code(after)}{forced}"


def _group(group: Group, listed: Listed) -> str:
    if group.owner is not None:
        title = f"{group.count} × {code(str(group.owner))}"
    else:
        title = ", ".join(shortened([f"Pod {code(pod)}" for pod in group.pods], listed.pods, "pod"))
    reasons = [
        (f"NodePool {code(one.node_pool)}: " if one.node_pool else "") + f"{prose(one.filter)}: {prose(one.detail)}"
        for one in group.reasons
    ]
    return "\n".join((f"- {title}", *(f"  - {reason}" for reason in reasons)))
