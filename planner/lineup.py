"""What waits, in the order in which it is placed, and what topology counts before anything is.

The minimum of a spread is taken over the domains of all nodes that the pod may run on, as kube-scheduler takes it. New
nodes bring domains of their own: those of which it is known by now that they will be ordered are counted too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planner import labels as known
from planner.candidates import Candidate, choice_for
from planner.packing import ALL
from planner.resources import CPU, MEMORY
from planner.taints import Taint
from planner.topology import Subject, Topology, counted_in, port_terms, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.bins import Bin
    from planner.demand import Demand, PodGroup
    from planner.ledger import Ledger
    from planner.nodes import Node
    from planner.snapshot import Snapshot
    from planner.topology import Term


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


@dataclass
class Work:
    """A group on its way: what is still to place, and in which zone it was told to be.

    ``zonal``: a zone rule is the group's own, or another group wants to be in the zone where this one is.
    """

    group: PodGroup
    subject: Subject
    waiting: list[str]
    zonal: bool = False
    pinned: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    on_nodes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def requests(self) -> dict[str, int]:
        return dict(self.group.needs.requests.items)

    @property
    def on_new(self) -> int:
        """How many of its pods are on new nodes."""
        return self.group.count - len(self.waiting) - sum(map(len, self.on_nodes.values()))

    def lost(self) -> list[tuple[str, int]]:
        """Zones for which it could not get all nodes, with the number of pods left without."""
        return [(zone, left) for zone, left in sorted(self.pinned.items()) if zone and left]


def line_up(problem: Problem, coming: Sequence[Bin]) -> tuple[Topology, list[Work]]:
    """Count the pods that run already, and line the groups up. ``coming`` are new nodes that will surely be there."""
    spaces = problem.snapshot.namespaces
    groups = problem.demand.groups
    rules = {group.key: terms_of(group.needs, group.namespace, dict(group.labels), spaces) for group in groups}
    places = {node.name: (node.label_map, _taints(node)) for node in problem.snapshot.nodes}
    places |= {one.name: (one.labels, one.taints) for one in problem.bins}
    running = [pod for pod in problem.snapshot.pods if pod.node_name in places and not pod.phase.finished]
    held = [terms_of(pod.needs, pod.namespace, dict(pod.labels), spaces) for pod in running]
    terms = tuple(dict.fromkeys(term for one in (*rules.values(), *held) for term in one.terms()))
    topology = Topology()
    for pod, own in zip(running, held, strict=True):
        ports = frozenset(port_terms(pod.needs))
        counted = counted_in(terms, pod.namespace, dict(pod.labels)) if not pod.deleting else frozenset()
        labels, taints = places[pod.node_name]
        topology.place(replace(own, matches=counted | ports), labels, taints=taints)
    works = []
    for group in groups:
        counted = counted_in(terms, group.namespace, dict(group.labels)) | frozenset(port_terms(group.needs))
        works.append(Work(group, replace(rules[group.key], matches=counted), list(group.pods)))
    looked_for = {term for rule in rules.values() for term in rule.affinity if term.key == known.ZONE}
    for work in works:
        work.zonal = any(term.key == known.ZONE for term in work.subject.terms()) or bool(
            looked_for & work.subject.matches
        )
        for term, found in domains_of(work, problem, coming).items():
            topology.domains[term] = tuple(sorted({*topology.domains.get(term, ()), *found}))
    return topology, _in_order(works)


def _taints(node: Node) -> tuple[Taint, ...]:
    """The taints of a node, those included that its state brings."""
    state = (("unschedulable", node.unschedulable), ("not-ready", not node.ready))
    return (*node.taints, *(Taint(f"node.kubernetes.io/{name}") for name, holds in state if holds))


def _in_order(works: list[Work]) -> list[Work]:
    """By priority, then size, then key; but a group comes after those that its affinity looks for."""
    waiting, done = sorted(works, key=lambda work: _rank(work.group)), []
    while waiting:
        ready = [work for work in waiting if not _looks_for(work, waiting)] or waiting[:1]
        done += ready
        waiting = [work for work in waiting if all(work is not other for other in ready)]
    return done


def _looks_for(work: Work, others: list[Work]) -> bool:
    wanted = frozenset(work.subject.affinity)
    return any(wanted & other.subject.matches for other in others if other is not work) if wanted else False


def _rank(group: PodGroup) -> tuple[object, ...]:
    requests = dict(group.needs.requests.items)
    return (-group.needs.priority, -requests.get(CPU, 0), -requests.get(MEMORY, 0), group.key)


def domains_of(work: Work, problem: Problem, coming: Sequence[Bin]) -> dict[Term, set[str]]:
    """The domains of a group's spreads: those of nodes that are there, that will be, or on which it could be.

    A node that takes no pods now is among them, as kube-scheduler has it, unless taints are to be honoured.
    """
    needs, bins = work.group.needs, (*problem.bins, *coming)
    everywhere = [node.label_map for node in problem.snapshot.nodes] + [one.labels for one in bins]
    tolerated = [one.labels for one in bins if one.admits(needs)]
    possible = [one.labels for one in problem.candidates if could_hold(work, one)]
    found: dict[Term, set[str]] = {}
    for term, spread in work.subject.spreads:
        if term.key != known.HOSTNAME:
            there = [
                labels for labels in (tolerated if spread.honor_taints else everywhere)
                if not spread.honor_affinity or any(each.allow(labels) for each in needs.alternatives)
            ]  # fmt: skip
            found[term] = {labels[term.key] for labels in (*there, *possible) if term.key in labels}
    return found


def could_hold(work: Work, one: Candidate) -> bool:
    """Whether a new, empty node of a candidate would take a pod of the group."""
    return choice_for(work.group.needs, one) is not None and work.group.needs.requests.fits_in(one.free)
