"""What a plan takes away: the nodes that leave, by name, and what becomes of the pods on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from renderer.escape import code
from renderer.markdown import named
from renderer.sections import Section
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from renderer.context import Departure, Eviction
    from renderer.summary import Line, Summary


def departures(summary: Summary, known: Iterable[Departure]) -> Section:
    """A list of nodes with what is ``known`` of each; nothing where none leaves."""
    known_of = {one.node: one for one in known}
    blocks = tuple(block for line in summary.lines for block in _of_pool(line, known_of))
    head = "### Nodes that leave\n\n" if blocks else ""
    return Section(name="the nodes that leave", noun="entry", head=head, blocks=blocks)


def _of_pool(line: Line, known: Mapping[str, Departure]) -> Iterator[str]:
    pool = f"pool {code(line.pool)}"
    told = {name: known[name].evictions for name in line.victims if name in known}
    for name, evictions in told.items():
        if evictions:
            evicted = f"{count(len(evictions), 'pod')} {'is' if len(evictions) == 1 else 'are'} evicted"
            pods = (f"  - {_eviction(one)}" for one in evictions)
            yield "\n".join((f"- {code(name)} of {pool}: {evicted}", *pods))
    quiet = tuple(name for name in line.victims if not told.get(name, not line.is_emptied))
    unknown = () if line.is_emptied else tuple(name for name in line.victims if name not in told)
    if quiet:
        yield f"- {named(quiet)} of {pool}: only pods of daemon sets run there"
    if unknown:
        yield f"- {named(unknown)} of {pool}: what runs there was not looked at"
    unnamed = line.removed - len(line.victims)
    if unnamed > 0:
        more = " more" if line.victims else ""
        nodes = f"{count(unnamed, 'node')}{more} of {pool}"
        yield f"- {nodes}, which the plan does not name; whatever runs there is evicted"
    if line.renewed and line.forced:
        fields = named(line.forced)
        yield f"- every node of {pool}: OVHcloud replaces a pool to change {fields}; whatever runs there is evicted"


def _eviction(one: Eviction) -> str:
    place = f"finds room on {code(one.onto)}" if one.onto else "finds no room, and would wait"
    if one.headroom is None:
        return f"{code(one.pod)} {place}; no PodDisruptionBudget selects it"
    if one.headroom <= 0:
        return f"{code(one.pod)} {place}; **its PodDisruptionBudget lets none go now**"
    return f"{code(one.pod)} {place}; its PodDisruptionBudget lets {count(one.headroom, 'pod')} go now"
