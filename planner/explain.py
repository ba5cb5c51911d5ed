"""Why one pod is where the plan puts it, or nowhere: every filter of every NodePool, the nodes there are, prices."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from planner.coverage import find_gaps
from planner.decide import find_region
from planner.demand import owner_of
from planner.filters import NO_FLAVOR, Sieve
from planner.hints import Hint, mistakes, near_tolerations, selected_text
from planner.pods import Scheduling
from planner.rules import Rule, rules_of
from planner.study import Check, Left, PoolStudy, serving, study
from planner.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.bins import Bin
    from planner.decide import Decision
    from planner.demand import PodGroup
    from planner.nodes import Node
    from planner.plan import PlacedNode, Reason, Refusal
    from planner.pods import Needs, Owner, Pod
    from planner.resources import Resources

MOST_OFFERS = 3


class State(Enum):
    """Where a pod is, or why the plan does not place it."""

    EXPECTED = "expected"
    EXISTING = "existing"
    UNPLACED = "unplaced"
    RUNNING = "running"
    FINISHED = "finished"
    DELETING = "deleting"
    GATED = "gated"
    NOMINATED = "nominated"
    DAEMON = "daemon"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A flavor of a NodePool that would hold the pod, and what one node costs an hour in micro-units."""

    node_pool: str
    flavor: str
    zones: tuple[str, ...]
    hourly: int


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes that are there or on order: how many, and how many of them keep the pod off by which reason."""

    total: int = 0
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStudy:
    """All that can be said of one pod. ``equals`` counts the pods of its workload with the same needs, itself too.

    ``why`` are the reasons of the pool that its node joins; ``reasons`` those of the plan that it stays pending.
    ``offers`` are the next-best flavors by price, what it got left out.
    """

    pod: str
    owner: Owner
    state: State
    equals: int = 1
    requests: Resources
    node: str = ""
    pool: str = ""
    flavor: str = ""
    why: tuple[Reason, ...] = ()
    reasons: tuple[Refusal, ...] = ()
    hints: tuple[Hint, ...] = ()
    node_pools: tuple[PoolStudy, ...] = ()
    nodes: Nodes = Nodes()
    rules: tuple[Rule, ...] = ()
    offers: tuple[Offer, ...] = ()
    currency: str = ""


def find_pods(decision: Decision, name: str) -> tuple[str, ...]:
    """The pods that a name means: ``namespace/name``, or a bare name in any namespace; sorted."""
    pods = decision.inputs.snapshot.pods
    return tuple(sorted({pod.key for pod in pods if name in (pod.key, pod.name)}))


def explain_pod(decision: Decision, key: str) -> PodStudy:
    """The study of a pod that ``find_pods`` found."""
    pod = next(one for one in decision.inputs.snapshot.pods if one.key == key)
    group = next((one for one in decision.problem.demand.groups if key in one.pods), None)
    lost = next((one for one in decision.plan.unplaced if key in one.pods), None)
    if group is None:
        reasons = lost.reasons if lost else ()
        return PodStudy(
            pod=key, owner=owner_of(pod), state=State.UNPLACED if lost else _state(pod), node=pod.node_name,
            requests=pod.needs.requests, reasons=reasons, currency=decision.problem.currency,
        )  # fmt: skip
    placed = next((one for one in decision.plan.placements if key in one.pods), None)
    return _of_demand(decision, key, group, placed, lost.reasons if lost else ())


def _of_demand(
    decision: Decision, key: str, group: PodGroup, placed: PlacedNode | None, reasons: tuple[Refusal, ...]
) -> PodStudy:
    """A pod that waits for a node. One that was left over is studied against what may still be ordered."""
    ledger = decision.problem.ledger.copy()
    for one in decision.solution.opened if placed is None else ():
        ledger.order(one.candidate, 1)
    sieve = Sieve(decision.problem.candidates, ledger)
    state = State.UNPLACED if placed is None else State.EXPECTED if placed.expected else State.EXISTING
    pool = decision.plan.desired.get(placed.pool) if placed else None
    flavor = pool.flavor if pool else ""
    change = next((one for one in decision.plan.changes if placed and one.pool == placed.pool), None)
    return PodStudy(
        pod=key, owner=group.owner, state=state, equals=group.count, requests=group.needs.requests,
        node=placed.name if placed else "", pool=placed.pool if placed else "", flavor=flavor,
        why=change.reasons if change and state is State.EXPECTED else (), reasons=reasons,
        hints=_hints(decision, group, sieve), node_pools=_node_pools(decision, group.needs, sieve),
        nodes=_nodes(decision, group.needs) if state is not State.EXISTING else Nodes(),
        rules=rules_of(decision, group), currency=decision.problem.currency,
        offers=_offers(sieve, group.needs, flavor if state is State.EXPECTED else ""),
    )  # fmt: skip


def _node_pools(decision: Decision, needs: Needs, sieve: Sieve) -> tuple[PoolStudy, ...]:
    """Every NodePool in order of name, those under which nothing can be ordered with what is wrong with them."""
    inputs = decision.inputs
    gaps: dict[str, list[str]] = {}
    for gap in find_gaps(inputs.policy, inputs.catalog, find_region(inputs)):
        gaps.setdefault(gap.node_pool, []).append(gap.text)
    empty = [
        PoolStudy(
            node_pool=one.name, weight=one.weight, offered=Left(), passed=Left(),
            checks=tuple(
                Check(filter=NO_FLAVOR, asks=text, alone=Left(), so_far=Left()) for text in gaps.get(one.name, ())
            ),
        )
        for one in inputs.policy.node_pools
        if one.name not in sieve.pools
    ]  # fmt: skip
    return tuple(sorted((*study(sieve, needs), *empty), key=lambda one: one.node_pool))


def _state(pod: Pod) -> State:
    """Why a pod that is not demand is not."""
    for state, holds in (
        (State.FINISHED, pod.phase.finished), (State.DELETING, pod.deleting),
        (State.RUNNING, bool(pod.node_name)), (State.DAEMON, pod.by_daemonset),
        (State.NOMINATED, bool(pod.nominated_node)), (State.GATED, pod.scheduling is Scheduling.GATED),
    ):  # fmt: skip
        if holds:
            return state
    return State.OTHER


def _hints(decision: Decision, group: PodGroup, sieve: Sieve) -> tuple[Hint, ...]:
    kept_off = [taint for name in sieve.pools for taint in sieve.repelling(name, group.needs.tolerations)]
    near = near_tolerations(dict.fromkeys(kept_off), group.needs.tolerations)
    return tuple(dict.fromkeys((*mistakes(group.needs, sieve), *near, *_sought(decision, group))))


def _sought(decision: Decision, group: PodGroup) -> Iterator[Hint]:
    """Required affinities that look for pods which are nowhere."""
    pods = decision.inputs.snapshot.pods
    for term in group.needs.affinity:
        spaces = term.namespaces or (() if term.namespace_selector else (group.namespace,))
        there = (pod for pod in pods if not spaces or pod.namespace in spaces)
        if not term.weight and term.selector and not any(term.selector.allow(dict(pod.labels)) for pod in there):
            where = f"namespace {', '.join(spaces)}" if spaces else "any namespace"
            yield Hint("Topology", "affinity-target", f"there are no {selected_text(term)} in {where}")


def _offers(sieve: Sieve, needs: Needs, chosen: str) -> tuple[Offer, ...]:
    """The cheapest flavors that pass every filter, one a NodePool and flavor."""
    zones: dict[tuple[int, str, str], list[str]] = {}
    for _, one in sieve.members(serving(sieve, needs)):
        if one.flavor.name != chosen:
            zones.setdefault((one.hourly, one.flavor.name, one.node_pool.name), []).append(one.zone)
    return tuple(
        Offer(node_pool=node_pool, flavor=flavor, zones=tuple(sorted(set(where))), hourly=hourly)
        for (hourly, flavor, node_pool), where in sorted(zones.items())[:MOST_OFFERS]
    )


def _nodes(decision: Decision, needs: Needs) -> Nodes:
    """The nodes that are there or on order, counted by the first thing that keeps the pod off."""
    requests = {pod: group.needs.requests for group in decision.problem.demand.groups for pod in group.pods}
    taken = {one.name: [requests[pod] for pod in one.pods if pod in requests] for one in decision.plan.placements}
    open_nodes = {one.name for one in decision.problem.bins}
    counts: Counter[str] = Counter(
        _closed(node) for node in decision.inputs.snapshot.nodes if node.name not in open_nodes
    )
    counts.update(_kept_off(one, needs, taken.get(one.name, [])) for one in decision.problem.bins)
    return Nodes(counts.total(), tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def _closed(node: Node) -> str:
    return "cordoned" if node.unschedulable else "leaving" if node.deleting else "not ready"


def _kept_off(one: Bin, needs: Needs, taken: list[Resources]) -> str:
    if needs.node_names is not None and one.name not in needs.node_names:
        return "of another name"
    if untolerated(one.taints, needs.tolerations):
        return "tainted"
    if not any(each.allow(one.labels) for each in needs.alternatives):
        return "without the labels"
    free = dict(one.free)
    for requests in taken:
        for name, amount in requests:
            free[name] = free.get(name, 0) - amount
    short = [name for name, amount in needs.requests if amount > max(0, free.get(name, 0))]
    if short:
        return f"short of {' and '.join(short[:3])}"
    ruled = needs.spreads or needs.affinity or needs.anti_affinity or needs.ports
    return "with room, but not by the rules of spread and affinity" if ruled else "with room"
