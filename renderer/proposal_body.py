"""What a pull request says of a plan, in the order in which people ask: how much, may it, what, why, and what if not.

Forges cut long descriptions, so what decides stands first and is never cut; the rest is whole in a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.plan import Action
from planner.portion import HANDOVERS, Kind
from renderer.departures import departures
from renderer.escape import code, prose, short_prose
from renderer.layout import PLAN_TEXT
from renderer.markdown import EVERYTHING, LIMIT, SOME, details, stays, table, unplaced, warnings
from renderer.mermaid import flowchart
from renderer.planwire import PLAN_VERSION
from renderer.sections import Section, fitted
from renderer.text import count, rough_price, shortened
from renderer.wording import bound_text, cost_text, glance_text, no_change_text, orders_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from renderer.context import Context
    from renderer.summary import Line, Summary

#: What is never cut may have so many sentences, of so many characters each.
_SENTENCES, _LENGTH = 6, 400
_WORKLOADS = 3
#: The two ways to settle drift, and what each does where.
_SETTLES: Final = {
    Kind.DRIFT: "**Merged, this takes it into Git; nothing changes there.**",
    Kind.RESTORE: "**Merged, this puts them back to what Git says.**",
}
_WHOLE: Final = 10**12


def body(summary: Summary, context: Context, *, lead: str = "", limit: int = LIMIT) -> str:
    """The description of a pull request, in fewer than ``limit`` characters. Raises ValueRefused below 10 000."""
    return fitted(tuple(_sections(summary, context, lead, is_whole=False)), limit=limit, rest=PLAN_TEXT.name)


def details_text(summary: Summary, context: Context) -> str:
    """All of it, whatever its length: what plan.md holds."""
    sections = tuple(_sections(summary, context, "", is_whole=True))
    return fitted(sections, limit=_WHOLE, rest=PLAN_TEXT.name)


def _sections(summary: Summary, context: Context, lead: str, *, is_whole: bool) -> Iterator[Section]:
    most = _WHOLE if is_whole else _LENGTH
    listed = EVERYTHING if is_whole else SOME
    yield stays(lead, _glance(summary), "" if summary.lines else no_change_text(summary), _drift(context))
    yield stays(_banner(context, most))
    yield table(summary)
    yield details(summary, head="### Why\n\n", with_departures=False, listed=listed)
    yield Section(name="what happens if nobody merges", blocks=_otherwise(summary, context))
    if context.kind is not Kind.DRIFT:  # whatever left did so before
        yield departures(summary, context.departures)
    yield unplaced(summary, anyway=", merged or not", listed=listed)
    yield warnings(summary)
    yield _review(context, most)
    yield Section(name="the cost", blocks=_cost(summary))
    yield Section(name="the picture", blocks=tuple(filter(None, (flowchart(summary),))))
    yield _choices(context, most)
    yield stays(_footer(summary, context))


def other_way(pools: Sequence[str], kind: Kind) -> str:
    """What closing a proposal to take pools into Git leads to, where people are asked which way; empty for no pool."""
    listed = ", ".join(shortened(list(pools), _WORKLOADS, "pool"))
    other = f"deleting {listed}" if kind is Kind.IMPORT else f"putting {listed} back to what Git says"
    return f"close this; then {other} is proposed, for review like anything else" if pools else ""


def _drift(context: Context) -> str:
    """What came before the proposal, and what it does about it."""
    told = _SETTLES.get(context.kind) if context.kind else None
    return f"Somebody changed pools at OVHcloud. {told}" if told else ""


def _glance(summary: Summary) -> str:
    """The figures stand in code: GitLab takes ``~1`` for a label."""
    figures, nodes, rest = glance_text(summary).partition(" nodes")
    return f"**`{figures}`{nodes}{rest}**"


def _banner(context: Context, most: int) -> str:
    """What forbids the plan, whoever agrees to it."""
    told = [f"> **FREEZE:** {short_prose(context.freeze, most)}."] if context.freeze else []
    found = [f"> **Guardrail** {code(one.rule)}: {short_prose(one.text, most)}." for one in context.violations]
    told += found if most == _WHOLE else shortened(found, _SENTENCES, "guardrail")
    if not told:
        return ""
    told = [line if line.startswith(">") else f"> {line}." for line in told]
    while_it = "while the freeze lasts" if context.freeze and not found else "as it is"
    return "\n>\n".join((*told, f"> **Shown, never applied {while_it}.**"))


def _otherwise(summary: Summary, context: Context) -> tuple[str, ...]:
    """What stays as it is without this plan."""
    if context.kind in _SETTLES:
        stays_so = "Git goes on saying something else than OVHcloud has, and nothing else changes these pools"
        return (f"**If nobody merges:** {stays_so}.",)
    if context.settles:
        return ("**If nobody merges:** the pools stay as they are, and as unknown as they are.",)
    told = [text for text in (_waiting(summary.lines), _idle(summary)) if text]
    same = sum(line.action in (Action.UPDATE, Action.REPLACE) and bool(line.fields) for line in summary.lines)
    if same:
        told.append(f"{count(same, 'pool')} {'stays as it is' if same == 1 else 'stay as they are'}")
    if summary.imports:
        told.append("what would be imported stays as it is: room that poolplan counts on and never changes")
    if summary.releases:
        told.append("poolplan goes on managing what would be released")
    if context.kind is Kind.EMERGENCY:
        return ("**This was applied already, without a review.** If nobody merges, Git goes on saying something else.",)
    return (f"**If nobody merges:** {'; '.join(told)}.",) if told else ()


def _waiting(lines: Iterable[Line]) -> str:
    """The pods that the new nodes are for."""
    found: dict[str, int] = {}
    for line in lines:
        for owner, number in line.workloads:
            found[str(owner)] = found.get(str(owner), 0) + number
    if not found:
        return ""
    pods = sum(found.values())
    verb = "stays" if pods == 1 else "stay"
    if len(found) == 1:
        return f"{count(pods, 'pod')} of {code(next(iter(found)))} {verb} pending"
    most = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    listed = shortened([f"{number} × {code(owner)}" for owner, number in most], _WORKLOADS, "workload")
    return f"{count(pods, 'pod')} {verb} pending ({', '.join(listed)})"


def _idle(summary: Summary) -> str:
    """What the nodes that would leave go on costing."""
    going = [line for line in summary.lines if line.removed and line.hourly < 0]
    if not going:
        return ""
    nodes = sum(line.removed for line in going)
    hours, months = -sum(line.hourly for line in going), -sum(line.monthly for line in going)
    what = "empty node" if all(line.is_emptied for line in going) else "node"
    price = rough_price(hours, months, summary.currency).replace("+", "")
    return f"{count(nodes, what)} {'goes' if nodes == 1 else 'go'} on costing {price}"


def _review(context: Context, most: int) -> Section:
    sentences = [f"- {short_prose(text, most)}" for text in context.verdict]
    if most != _WHOLE and len(sentences) > _SENTENCES + 1:
        left = len(sentences) - _SENTENCES
        sentences = [*sentences[:_SENTENCES], f"- {count(left, 'rule')} more: see `{PLAN_TEXT}`"]
    return Section(head="### Review\n\n" if sentences else "", blocks=tuple(sentences), stays=True)


def _cost(summary: Summary) -> tuple[str, ...]:
    texts = [f"All pools: {cost_text(summary)}", bound_text(summary), orders_text(summary)]
    prices = f" Prices: {prose(summary.prices)}." if summary.prices.strip() else ""
    return ("### Cost\n\n" + " ".join(f"{text}." for text in texts if text) + prices,)


def _choices(context: Context, most: int) -> Section:
    folder = f"clusters/{context.cluster}/" if context.cluster else ""
    pause = f"commit a file {code(folder + 'FREEZE')} that says why; nothing is applied while it is there"
    choices = (
        ("Apply", context.apply, _apply_text(context)),
        ("Decline", context.decline, _decline_text(context)),
        ("Freeze", context.pause, pause),
    )
    blocks = tuple(f"- **{name}:** {short_prose(given, most) if given else usual}." for name, given, usual in choices)
    return Section(head="### What you can do\n\n", blocks=blocks, stays=True)


def _decline_text(context: Context) -> str:
    if context.kind is Kind.EMERGENCY:
        return "close this; then poolplan proposes how to put back what was done"
    if context.kind in HANDOVERS.values() and not context.settles:
        return "close this; it comes again only if somebody asks for it"
    differs = context.settles or context.kind in _SETTLES
    until = "OVHcloud has something else again" if differs else "the demand changes"
    return f"close this; that is remembered, and not asked again until {until}"


def _apply_text(context: Context) -> str:
    if context.kind is Kind.EMERGENCY:
        return "merge this; it was applied already, so nothing changes but that Git says so"
    if context.violations:
        return "not as it is; change what breaks a guardrail, or the limit in `cluster.yaml`"
    if context.freeze:
        return "merge this; then exactly this is applied, once, when the freeze ends"
    if context.kind is Kind.DRIFT:
        return "merge this; then Git says what OVHcloud has, and nothing is changed there"
    return "merge this; then exactly this is applied, once"


def _footer(summary: Summary, context: Context) -> str:
    parts = [f"Plan {code(summary.digest)}", f"version {code(PLAN_VERSION)}"]
    if context.cluster:
        parts.append(f"cluster {code(context.cluster[:63])}")
    if context.evidence:
        parts.append(f"inputs in {code(context.evidence[:100])}")
    return " · ".join(parts)
