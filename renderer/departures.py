"""What a plan takes away: the nodes that leave, by name, and what becomes of the pods on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from renderer.escape import code, prose
from renderer.markdown import named
from renderer.sections import Section
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planner.departing import Departure, Eviction
    from renderer.summary import Line, Summary


def departures(summary: Summary, known: Iterable[Departure]) -> Section:
    """A list of nodes with what is ``known`` of each; nothing where none leaves."""
    told = tuple(known)
    blocks = tuple(block for line in summary.lines for block in _of_pool(line, told))
    head = "### Nodes that leave\n\n" if blocks else ""
    return Section(name="the nodes that leave", noun="entry", head=head, blocks=blocks)


def _of_pool(line: Line, known: tuple[Departure, ...]) -> Iterator[str]:
    pool = f"pool {code(line.pool)}"
    told = {one.node: one for one in known if one.node in line.victims}
    for one in told.values():
        if _is_busy(one):
            yield _busy(one, pool)
    quiet = tuple(name for name in line.victims if (name in told or line.is_emptied) and not _is_busy(told.get(name)))
    unknown = () if line.is_emptied else tuple(name for name in line.victims if name not in told)
    if quiet:
        yield f"- {named(quiet)} of {pool}: only pods of daemon sets run there"
    if unknown and line.is_given_up:
        yield f"- {named(unknown)} of {pool}: never joined the cluster, so nothing runs there"
    elif unknown:
        yield f"- {named(unknown)} of {pool}: what runs there was not looked at"
    unnamed = line.removed - len(line.victims)
    if unnamed > 0:
        more = " more" if line.victims else ""
        nodes = f"{count(unnamed, 'node')}{more} of {pool}"
        yield f"- {nodes}, which the plan does not name; whatever runs there is evicted"
    if line.renewed and line.forced:
        yield from _renewed(line, pool, tuple(one for one in known if one.pool == line.pool and one.node not in told))


def _renewed(line: Line, pool: str, known: tuple[Departure, ...]) -> Iterator[str]:
    fields = named(line.forced)
    yield f"- every node of {pool}: OVHcloud replaces a pool to change {fields}; whatever runs there is evicted"
    yield from (_busy(one, pool) for one in known if _is_busy(one))


def _is_busy(one: Departure | None) -> bool:
    return one is not None and bool(one.evictions or one.blocked_by)


def _busy(one: Departure, pool: str) -> str:
    number = len(one.evictions)
    head = f"- {code(one.node)} of {pool}: {count(number, 'pod')} {'is' if number == 1 else 'are'} evicted"
    if one.forced_after is not None:
        head += f"; what has not left after {count(-(-one.forced_after // 60), 'minute')} is deleted"
    node = [f"  - **not now:** {prose(clause)}" for clause in one.blocked_by]
    return "\n".join((head, *node, *(f"  - {_eviction(each)}" for each in one.evictions)))


def _eviction(one: Eviction) -> str:
    of = f" of {code(str(one.owner))}" if one.owner else ""
    return f"{code(one.pod)}{of} {_place(one)}; {_consent(one)}"


def _place(one: Eviction) -> str:
    if one.onto is None:
        return "must find room elsewhere"
    return f"finds room on {code(one.onto)}" if one.onto else "finds no room, and would wait"


def _consent(one: Eviction) -> str:
    if one.blocked_by:
        return f"**not now:** {prose(', and '.join(one.blocked_by))}"
    if one.headroom is None:
        return "no PodDisruptionBudget selects it"
    if one.headroom <= 0:
        return "**its PodDisruptionBudget lets none go now**"
    return f"its PodDisruptionBudget lets {count(one.headroom, 'pod')} go now"
