"""Which pod goes where: first on nodes that exist or are on order, then on the cheapest new nodes.

NodePools are asked in order of weight, heaviest first, as Karpenter does; among equal weights the price decides.
Zone rules are settled before packing: each pod of a group with a zone rule is given a zone, one by one, always the
emptiest that the rule, the existing nodes or the candidates still allow.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner import labels as known
from planner.bins import Bin, new_bin
from planner.bound import dual_prices
from planner.candidates import Candidate, choice_for
from planner.ledger import ENOUGH
from planner.lineup import Problem, Work, could_hold, domains_of, line_up
from planner.packing import NEW, Item, Packer
from planner.plan import Unplaced
from planner.reasons import explain
from planner.resources import CPU, MEMORY
from planner.topology import Subject, Topology

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planner.ledger import Ledger
    from planner.resources import Resources

    _Kind = tuple[Resources, frozenset[int], str, Subject, str]
    _Zone = tuple[str, str]  # the key of a group, and a zone

__all__ = ["Opened", "Problem", "Solution", "solve"]

#: After so many attempts, zones that still fall short are closed to the group.
PATIENCE = 8


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A new node: its candidate and the pods on it."""

    candidate: Candidate
    pods: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Solution:
    """``onto`` lists (existing node, pods); every pod of the demand is in exactly one place or unplaced."""

    onto: tuple[tuple[str, tuple[str, ...]], ...] = ()
    opened: tuple[Opened, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    lower_bound: int = 0


def solve(problem: Problem) -> Solution:
    """Place the demand. Deterministic: groups by priority, then size, then key.

    Where a limit lets fewer pods into a zone than were told to go there, everything is done again with that in mind:
    the pods in the other zones may by then be more than their rule allows. So it is where a new node brings a zone into
    play that a rule did not reckon with.
    """
    caps: dict[_Zone, int] = {}
    coming: dict[tuple[str, ...], Bin] = {}
    for round_ in itertools.count():
        bins = [one.copy() for one in problem.bins]
        solution, works = _attempt(problem, bins, caps, tuple(coming.values()))
        short = {(work.group.key, zone): work.told[zone] - lost for work in works for zone, lost in work.lost()}
        kinds = {one.candidate.key: new_bin(one.candidate, NEW) for one in solution.opened}
        if not short and not _surprises(works, problem, coming, kinds):
            return replace(solution, lower_bound=_lower_bound(problem, works, bins))
        coming |= kinds
        caps |= short if round_ < PATIENCE else dict.fromkeys(short, 0)
    raise AssertionError  # pragma: no cover - count() never ends


def _surprises(
    works: Sequence[Work], problem: Problem, coming: Mapping[tuple[str, ...], Bin], kinds: Mapping[tuple[str, ...], Bin]
) -> bool:
    """Whether new nodes of these kinds bring a domain that some spread did not reckon with."""
    after = tuple({**coming, **kinds}.values())
    return len(after) > len(coming) and any(
        domains_of(work, problem, after) != domains_of(work, problem, tuple(coming.values())) for work in works
    )


def _attempt(
    problem: Problem, bins: Sequence[Bin], caps: Mapping[_Zone, int], coming: Sequence[Bin]
) -> tuple[Solution, list[Work]]:
    """One way through. ``caps`` bound the pods of a group for which nodes may be ordered in a zone."""
    topology, works = line_up(problem, coming)
    for work in works:
        if work.zonal:
            _settle_zones(work, problem, bins, topology, caps)
        else:
            _use_nodes(work, bins, topology)
    opened: list[Opened] = []
    ledger = problem.ledger
    for weight in sorted({one.node_pool.weight for one in problem.candidates}, reverse=True):
        tier = [one for one in problem.candidates if one.node_pool.weight == weight]
        more, topology, ledger = _order_nodes(works, tier, topology, ledger, problem.effort)
        opened += more
    unplaced = (*problem.demand.blocked, *_unplaced(works, problem, ledger))
    return Solution(onto=_onto(works), opened=tuple(opened), unplaced=unplaced), works


def _use_nodes(work: Work, bins: Sequence[Bin], topology: Topology) -> None:
    """Put as many pods as possible on nodes that exist or are on order."""
    requests = work.requests
    for one in bins:
        if not work.waiting:
            return
        if not one.admits(work.group.needs):
            continue
        count = min(len(work.waiting), one.fits(requests), topology.room(work.subject, one.labels))
        if count:
            _take(work, one, requests, count)
            topology.place(work.subject, one.labels, count, taints=one.taints)


def _take(work: Work, one: Bin, requests: dict[str, int], count: int) -> None:
    one.put(-1, requests, count)
    work.on_nodes.setdefault(one.name, []).extend(work.waiting[:count])
    del work.waiting[:count]


def _settle_zones(
    work: Work, problem: Problem, bins: Sequence[Bin], topology: Topology, caps: Mapping[_Zone, int]
) -> None:
    """Give each pod a node that exists, or a zone in which to order one: always the emptiest zone that is left."""
    here = [one for one in bins if one.admits(work.group.needs)]
    offered = _offered(work, problem)
    zones = sorted({*offered, *(one.labels[known.ZONE] for one in here if known.ZONE in one.labels)})
    rule, own = work.subject.on(known.ZONE), {term for term, _ in work.subject.spreads}
    still = list(work.waiting)
    work.waiting = []
    while still:
        free = [zone for zone in zones if topology.room(rule, {known.ZONE: zone})]
        free.sort(key=lambda zone: (_in_zone(topology, rule, zone), zone))
        if (one := _node_in(free, here, work, topology)) is not None:
            one.put(-1, work.requests, 1)
            work.on_nodes.setdefault(one.name, []).append(still.pop(0))
            topology.place(work.subject, one.labels, taints=one.taints)
            continue
        wanted = (z for z in free if z in offered and work.pinned.get(z, 0) < caps.get((work.group.key, z), ENOUGH))
        zone = next(wanted, "")
        if not zone:
            break
        work.pinned[zone] = work.pinned.get(zone, 0) + 1
        work.waiting.append(still.pop(0))
        topology.place(rule, offered[zone], sure=own)
    work.told = dict(work.pinned)
    work.waiting += still


def _offered(work: Work, problem: Problem) -> dict[str, dict[str, str]]:
    """The zones in which nodes for a group could be ordered, with the labels that all these nodes would have."""
    found: dict[str, dict[str, str]] = {}
    for one in problem.candidates:
        if could_hold(work, one):
            labels = one.choosing(choice_for(work.group.needs, one) or ()).labels
            seen = found.setdefault(one.zone, labels)
            found[one.zone] = dict(sorted(seen.items() & labels.items()))
    return found


def _in_zone(topology: Topology, rule: Subject, zone: str) -> int:
    return max((topology.count(term, zone) for term, _ in rule.spreads), default=0)


def _node_in(zones: Sequence[str], bins: Sequence[Bin], work: Work, topology: Topology) -> Bin | None:
    """The first node, in the order of zones, that can take one more pod."""
    rest, requests = work.subject.off(known.ZONE), work.requests
    for zone in zones:
        for one in bins:
            if one.labels.get(known.ZONE) == zone and one.fits(requests) and topology.room(rest, one.labels):
                return one
    return None


def _order_nodes(
    works: list[Work], tier: Sequence[Candidate], topology: Topology, ledger: Ledger, effort: int
) -> tuple[list[Opened], Topology, Ledger]:
    """Pack what is still waiting onto new nodes of one tier of NodePools: all of it, or priority by priority."""
    waiting = [work for work in works if work.waiting]
    priorities = sorted({work.group.needs.priority for work in waiting}, reverse=True)
    batches = [waiting, *([one for one in waiting if one.group.needs.priority == each] for each in priorities)]
    opened: list[Opened] = []
    for number, batch in enumerate(batches):
        variants = _variants(batch, tier)
        items = _items(batch, variants)
        if not items:
            continue
        series = f"{tier[0].node_pool.weight}/{number}"
        packing = Packer(variants, [item for _, item in items], topology, ledger, effort, series).pack()
        if number == 0 and len(priorities) > 1 and any(packing.left.values()):
            continue  # not all of them: then the most important first
        topology, ledger = packing.topology, packing.ledger
        by_index = {item.index: members for members, item in items}
        opened += [_opened(one, by_index) for one in packing.bins]
        if number == 0:
            break
    return opened, topology, ledger


def _variants(works: list[Work], tier: Sequence[Candidate]) -> list[Candidate]:
    """Every candidate with every choice of offered labels that some group needs, sorted by key."""
    found: dict[tuple[str, ...], Candidate] = {}
    for one in tier:
        for work in works:
            chosen = choice_for(work.group.needs, one)
            key = (*one.key, *(f"{name}={value}" for name, value in chosen or ()))
            if chosen is not None and key not in found and work.group.needs.requests.fits_in(one.free):
                found[key] = one.choosing(chosen)
    return [found[key] for key in sorted(found)]


def _items(works: list[Work], variants: list[Candidate]) -> list[tuple[list[Work], Item]]:
    """What to pack: pods of a group, or of a group and a zone where zones were settled. Indexes count from zero.

    Groups that topology has nothing to say of are one item where their requests and candidates are equal.
    """
    found: dict[_Kind, list[tuple[Work, int]]] = {}
    for work in works:
        zonal = work.zonal
        subject = work.subject.off(known.ZONE) if zonal else work.subject
        for zone, count in sorted(work.pinned.items()) if zonal else [("", len(work.waiting))]:
            options = frozenset(i for i, one in enumerate(variants) if _holds(work, one, zone))
            if options and count and (zone or not zonal):
                alone = "" if subject == Subject() else work.group.key
                key = (work.group.needs.requests, options, zone, subject, alone)
                found.setdefault(key, []).append((work, count))
    items = []
    for index, ((requests, options, _, subject, _), members) in enumerate(found.items()):
        total = sum(count for _, count in members)
        item = Item(index=index, subject=subject, count=total, requests=dict(requests.items), options=options)
        items.append(([work for work, _ in members], item))
    return items


def _holds(work: Work, one: Candidate, zone: str) -> bool:
    if zone and one.zone != zone:
        return False
    return choice_for(work.group.needs, one) == () and work.group.needs.requests.fits_in(one.free)


def _opened(one: Bin, by_index: dict[int, list[Work]]) -> Opened:
    assert one.candidate is not None  # noqa: S101 - new nodes always have one
    pods: list[str] = []
    for index, count in sorted(one.contents.items()):
        pods += _taken(by_index[index], count, one.candidate.zone)
    return Opened(candidate=one.candidate, pods=tuple(sorted(pods)))


def _taken(works: list[Work], count: int, zone: str) -> list[str]:
    """The next ``count`` waiting pods of the groups an item stands for, in their order."""
    pods: list[str] = []
    for work in works:
        mine = work.pinned.get(zone, 0) if work.zonal else len(work.waiting)
        take = min(mine, count - len(pods))
        pods += work.waiting[:take]
        del work.waiting[:take]
        if zone in work.pinned:
            work.pinned[zone] -= take
    return pods


def _onto(works: list[Work]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    together: dict[str, list[str]] = {}
    for work in works:
        for name, pods in work.on_nodes.items():
            together.setdefault(name, []).extend(pods)
    return tuple((name, tuple(sorted(pods))) for name, pods in sorted(together.items()))


def _unplaced(works: list[Work], problem: Problem, ledger: Ledger) -> list[Unplaced]:
    left = [work for work in works if work.waiting]
    return [
        Unplaced(
            pods=tuple(sorted(work.waiting)), owner=work.group.owner,
            reasons=explain(work.group, problem.candidates, ledger),
        )
        for work in sorted(left, key=lambda work: work.group.key)
    ]  # fmt: skip


def _lower_bound(problem: Problem, works: list[Work], bins: Sequence[Bin]) -> int:
    """The least hourly price of new nodes for all pods that are placed: what existing nodes have free is taken off,
    that is what they have left and what the pods on them take, so the bound is true whatever is put there."""
    need = [sum(work.requests.get(name, 0) * work.on_new for work in works) for name in (CPU, MEMORY)]
    free = [sum(max(0, one.free.get(name, 0)) for one in bins) for name in (CPU, MEMORY)]
    cpu, memory = (max(0, wanted - spare) for wanted, spare in zip(need, free, strict=True))
    value = dual_prices(problem.candidates, cpu, memory).value(cpu, memory)
    return -(-value.numerator // value.denominator)
