"""Which pod goes where: first on nodes that exist or are on order, then on the cheapest new nodes.

NodePools are asked in order of weight, heaviest first, as Karpenter does; among equal weights the price decides.
Zone rules are settled before packing: each pod of a group with a zone rule is given a zone, one by one, always the
emptiest that the rule, the existing nodes or the candidates still allow.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planner import labels as known
from planner.bins import Bin
from planner.bound import dual_prices
from planner.candidates import Candidate, choice_for
from planner.packing import ALL, Item, Packer
from planner.plan import Unplaced
from planner.reasons import explain
from planner.resources import CPU, MEMORY
from planner.topology import Subject, Topology, counted_in, port_terms, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.demand import Demand, PodGroup
    from planner.ledger import Ledger
    from planner.resources import Resources
    from planner.snapshot import Snapshot

    _Kind = tuple[Resources, frozenset[int], str, Subject, str]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Everything the solver looks at. ``bins`` are existing nodes and nodes on order, in order of preference.

    ``effort`` bounds how many ways of packing are tried.
    """

    demand: Demand
    snapshot: Snapshot
    bins: Sequence[Bin]
    candidates: Sequence[Candidate]
    ledger: Ledger
    currency: str = ""
    effort: int = ALL


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


@dataclass
class _Work:
    """A group on its way: what is still to place, and in which zone it was told to be.

    ``zonal``: a zone rule is the group's own, or another group wants to be in the zone where this one is.
    """

    group: PodGroup
    subject: Subject
    waiting: list[str]
    zonal: bool = False
    pinned: dict[str, int] = field(default_factory=dict)
    on_nodes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def requests(self) -> dict[str, int]:
        return dict(self.group.needs.requests.items)


def solve(problem: Problem) -> Solution:
    """Place the demand. Deterministic: groups by priority, then size, then key."""
    topology, works = _prepare(problem)
    for work in works:
        if work.zonal:
            _settle_zones(work, problem, topology)
        else:
            _use_nodes(work, problem.bins, topology)
    bound = _lower_bound(problem, works)
    opened: list[Opened] = []
    ledger = problem.ledger
    for weight in sorted({one.node_pool.weight for one in problem.candidates}, reverse=True):
        tier = [one for one in problem.candidates if one.node_pool.weight == weight]
        more, topology, ledger = _order_nodes(works, tier, topology, ledger, problem.effort)
        opened += more
    return Solution(
        onto=_onto(works), opened=tuple(opened), lower_bound=bound,
        unplaced=(*problem.demand.blocked, *_unplaced(works, problem, ledger)),
    )  # fmt: skip


def _prepare(problem: Problem) -> tuple[Topology, list[_Work]]:
    """Count the pods that run already, and line the groups up."""
    spaces = problem.snapshot.namespaces
    groups = problem.demand.groups
    rules = {group.key: terms_of(group.needs, group.namespace, dict(group.labels), spaces) for group in groups}
    bins = {one.name: one for one in problem.bins}
    running = [pod for pod in problem.snapshot.pods if pod.node_name in bins and not pod.phase.finished]
    held = [terms_of(pod.needs, pod.namespace, dict(pod.labels), spaces) for pod in running]
    terms = tuple(dict.fromkeys(term for one in (*rules.values(), *held) for term in one.terms()))
    topology = Topology()
    for pod, own in zip(running, held, strict=True):
        ports = frozenset(port_terms(pod.needs))
        counted = counted_in(terms, pod.namespace, dict(pod.labels)) if not pod.deleting else frozenset()
        topology.place(replace(own, matches=counted | ports), bins[pod.node_name].labels)
    works = []
    for group in groups:
        counted = counted_in(terms, group.namespace, dict(group.labels)) | frozenset(port_terms(group.needs))
        works.append(_Work(group, replace(rules[group.key], matches=counted), list(group.pods)))
    looked_for = {term for rule in rules.values() for term in rule.affinity if term.key == known.ZONE}
    for work in works:
        work.zonal = any(term.key == known.ZONE for term in work.subject.terms()) or bool(
            looked_for & work.subject.matches
        )
        _learn_domains(work, problem, topology)
    return topology, _in_order(works)


def _in_order(works: list[_Work]) -> list[_Work]:
    """By priority, then size, then key; but a group comes after those that its affinity looks for."""
    waiting, done = sorted(works, key=lambda work: _rank(work.group)), []
    while waiting:
        ready = [work for work in waiting if not _looks_for(work, waiting)] or waiting[:1]
        done += ready
        waiting = [work for work in waiting if all(work is not other for other in ready)]
    return done


def _looks_for(work: _Work, others: list[_Work]) -> bool:
    wanted = frozenset(work.subject.affinity)
    return any(wanted & other.subject.matches for other in others if other is not work) if wanted else False


def _rank(group: PodGroup) -> tuple[object, ...]:
    requests = dict(group.needs.requests.items)
    return (-group.needs.priority, -requests.get(CPU, 0), -requests.get(MEMORY, 0), group.key)


def _learn_domains(work: _Work, problem: Problem, topology: Topology) -> None:
    """The domains a spread's minimum is taken over: those of nodes, there or possible, that the pod may run on."""
    needs = work.group.needs
    for term, spread in work.subject.spreads:
        if term.key == known.HOSTNAME:
            continue
        there = {
            one.labels[term.key] for one in problem.bins
            if term.key in one.labels
            and (not spread.honor_affinity or any(each.allow(one.labels) for each in needs.alternatives))
            and (not spread.honor_taints or one.admits(needs))
        }  # fmt: skip
        possible = {
            one.labels[term.key] for one in problem.candidates
            if term.key in one.labels and _could_hold(work, one)
        }  # fmt: skip
        known_before = topology.domains.get(term, ())
        topology.domains[term] = tuple(sorted({*known_before, *there, *possible}))


def _could_hold(work: _Work, one: Candidate) -> bool:
    return choice_for(work.group.needs, one) is not None and work.group.needs.requests.fits_in(one.free)


def _use_nodes(work: _Work, bins: Sequence[Bin], topology: Topology) -> None:
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
            topology.place(work.subject, one.labels, count)


def _take(work: _Work, one: Bin, requests: dict[str, int], count: int) -> None:
    one.put(-1, requests, count)
    work.on_nodes.setdefault(one.name, []).extend(work.waiting[:count])
    del work.waiting[:count]


def _settle_zones(work: _Work, problem: Problem, topology: Topology) -> None:
    """Give each pod a node that exists, or a zone in which to order one."""
    needs, requests = work.group.needs, work.requests
    here = [one for one in problem.bins if one.admits(needs)]
    offered = {one.zone for one in problem.candidates if _could_hold(work, one)}
    zones = sorted({*offered, *(one.labels[known.ZONE] for one in here if known.ZONE in one.labels)})
    rule, rest = work.subject.on(known.ZONE), work.subject.off(known.ZONE)
    still = list(work.waiting)
    work.waiting = []
    while still:
        placed = False
        for zone in sorted(zones, key=lambda each: (_in_zone(topology, rule, each), each)):
            if not topology.room(rule, {known.ZONE: zone}):
                continue
            one = next((b for b in here if _may_take(b, zone, requests, topology.room(rest, b.labels))), None)
            if one is not None:
                one.put(-1, requests, 1)
                work.on_nodes.setdefault(one.name, []).append(still.pop(0))
                topology.place(work.subject, one.labels)
            elif zone in offered:
                work.pinned[zone] = work.pinned.get(zone, 0) + 1
                work.waiting.append(still.pop(0))
                topology.place(rule, {known.ZONE: zone})
            else:
                continue
            placed = True
            break
        if not placed:
            work.pinned[""] = work.pinned.get("", 0) + len(still)
            work.waiting += still
            return


def _in_zone(topology: Topology, rule: Subject, zone: str) -> int:
    return max((topology.count(term, zone) for term, _ in rule.spreads), default=0)


def _may_take(one: Bin, zone: str, requests: dict[str, int], room: int) -> bool:
    return room > 0 and one.labels.get(known.ZONE) == zone and one.fits(requests) > 0


def _order_nodes(
    works: list[_Work], tier: Sequence[Candidate], topology: Topology, ledger: Ledger, effort: int
) -> tuple[list[Opened], Topology, Ledger]:
    """Pack what is still waiting onto new nodes of one tier of NodePools, priority by priority while limits bind."""
    opened: list[Opened] = []
    waiting = [work for work in works if work.waiting]
    for batch in _batches(waiting, tier, ledger):
        variants = _variants(batch, tier)
        items = _items(batch, variants)
        if not items:
            continue
        only = [item for _, item in items]
        packing = Packer(variants, only, topology, ledger, effort).pack()
        topology, ledger = packing.topology, packing.ledger
        by_index = {item.index: members for members, item in items}
        opened += [_opened(one, by_index) for one in packing.bins]
    return opened, topology, ledger


def _batches(waiting: list[_Work], tier: Sequence[Candidate], ledger: Ledger) -> list[list[_Work]]:
    """All groups at once where nothing is limited; one priority after the other where something is."""
    pods = sum(len(work.waiting) for work in waiting)
    if ledger.nodes_left >= pods and not any(one.node_pool.limited for one in tier):
        return [waiting]
    priorities = sorted({work.group.needs.priority for work in waiting}, reverse=True)
    return [[work for work in waiting if work.group.needs.priority == each] for each in priorities]


def _variants(works: list[_Work], tier: Sequence[Candidate]) -> list[Candidate]:
    """Every candidate with every choice of offered labels that some group needs, sorted by key."""
    found: dict[tuple[str, ...], Candidate] = {}
    for one in tier:
        for work in works:
            chosen = choice_for(work.group.needs, one)
            if chosen is not None and work.group.needs.requests.fits_in(one.free):
                variant = one.choosing(chosen)
                found.setdefault(variant.key, variant)
    return [found[key] for key in sorted(found)]


def _items(works: list[_Work], variants: list[Candidate]) -> list[tuple[list[_Work], Item]]:
    """What to pack: pods of a group, or of a group and a zone where zones were settled. Indexes count from zero.

    Groups that topology has nothing to say of are one item where their requests and candidates are equal.
    """
    found: dict[_Kind, list[tuple[_Work, int]]] = {}
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


def _holds(work: _Work, one: Candidate, zone: str) -> bool:
    if zone and one.zone != zone:
        return False
    return choice_for(work.group.needs, one) == () and work.group.needs.requests.fits_in(one.free)


def _opened(one: Bin, by_index: dict[int, list[_Work]]) -> Opened:
    assert one.candidate is not None  # noqa: S101 - new nodes always have one
    pods: list[str] = []
    for index, count in sorted(one.contents.items()):
        pods += _taken(by_index[index], count, one.candidate.zone)
    return Opened(candidate=one.candidate, pods=tuple(sorted(pods)))


def _taken(works: list[_Work], count: int, zone: str) -> list[str]:
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


def _onto(works: list[_Work]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    together: dict[str, list[str]] = {}
    for work in works:
        for name, pods in work.on_nodes.items():
            together.setdefault(name, []).extend(pods)
    return tuple((name, tuple(sorted(pods))) for name, pods in sorted(together.items()))


def _unplaced(works: list[_Work], problem: Problem, ledger: Ledger) -> list[Unplaced]:
    left = [work for work in works if work.waiting]
    return [
        Unplaced(
            pods=tuple(sorted(work.waiting)), owner=work.group.owner,
            reasons=explain(work.group, problem.candidates, ledger),
        )
        for work in sorted(left, key=lambda work: work.group.key)
    ]  # fmt: skip


def _lower_bound(problem: Problem, works: list[_Work]) -> int:
    """The least hourly price of new nodes for the demand that can be placed: what existing nodes still had free
    before anything was put on them is taken off first, so the bound stays true whatever is put there."""
    fitting = [work for work in works if any(_could_hold(work, one) for one in problem.candidates)]
    need = [sum(work.requests.get(name, 0) * len(work.waiting) for work in fitting) for name in (CPU, MEMORY)]
    free = [sum(max(0, one.free.get(name, 0)) for one in problem.bins) for name in (CPU, MEMORY)]
    cpu, memory = (max(0, wanted - spare) for wanted, spare in zip(need, free, strict=True))
    value = dual_prices(problem.candidates, cpu, memory).value(cpu, memory)
    return -(-value.numerator // value.denominator)
