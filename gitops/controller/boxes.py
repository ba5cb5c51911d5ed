"""A cluster's nodes and pods, and what a plan makes of them, as the boxes that the page draws; pure."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from planner import labels as known
from planner.candidates import daemon_overhead
from planner.desired import free_names
from planner.onorder import awaited, joined
from planner.plan import Action
from planner.resources import CPU, MEMORY
from renderer.page.picture import SYSTEM, NodeBox, Picture, Run, Stage, picture_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from planner.nodes import Node
    from planner.plan import Change, PlacedNode, Plan
    from planner.pods import Pod
    from planner.pools import PoolSet
    from planner.resources import Resources
    from planner.snapshot import Snapshot


def draw(snapshot: Snapshot, declared: PoolSet, observed: PoolSet, plan: Plan) -> Picture:
    """The cluster before and after a plan, from what was read of it and how the plan places what waits."""
    changes = {str(change.pool): change for change in plan.changes}
    by_pool: dict[str, list[NodeBox]] = {}
    for pool, box in _boxes(snapshot, declared, observed, plan, changes):
        by_pool.setdefault(pool, []).append(box)
    return picture_of(by_pool, _kinds(snapshot.nodes, plan), changes)


def _boxes(
    snapshot: Snapshot, declared: PoolSet, observed: PoolSet, plan: Plan, changes: Mapping[str, Change]
) -> Iterator[tuple[str, NodeBox]]:  # fmt: skip
    runs = _Runs(snapshot.pods, plan.placements)
    victims = {name for change in plan.changes for name in change.victims}
    for node in snapshot.nodes:
        pool = pool_of(node)
        change = changes.get(pool)
        whole = change is not None and change.action in (Action.DELETE, Action.REPLACE) and not change.victims
        stage = Stage.GOES if node.name in victims or whole else Stage.STAYS
        yield pool, NodeBox(
            name=node.name, stage=stage, cpu=node.allocatable.get(CPU), memory=node.allocatable.get(MEMORY),
            runs=runs.on(node.name), notes=_notes(node),
        )  # fmt: skip
    yield from _coming(snapshot, declared, observed, plan, runs)


def _coming(
    snapshot: Snapshot, declared: PoolSet, observed: PoolSet, plan: Plan, runs: _Runs
) -> Iterator[tuple[str, NodeBox]]:  # fmt: skip
    """Nodes that are on order, and those that the plan orders."""
    stages = _stages(snapshot.nodes, declared, observed, plan)
    expected = {node.name: node for node in plan.placements if node.expected is not None}
    for name, node in expected.items():
        stages.setdefault(name, (node.pool, Stage.PLANNED))
    sizes = _sizes(snapshot.nodes, plan)
    for name, (pool, stage) in sorted(stages.items()):
        size = sizes.get(pool)
        overhead = _overhead(snapshot, expected.get(name))
        yield pool, NodeBox(
            name=name, stage=stage, cpu=size.get(CPU) if size else 0, memory=size.get(MEMORY) if size else 0,
            runs=tuple(sorted((*overhead, *runs.on(name)))),
        )  # fmt: skip


def _stages(
    nodes: Sequence[Node], declared: PoolSet, observed: PoolSet, plan: Plan
) -> dict[str, tuple[str, Stage]]:  # fmt: skip
    """The pool of each node that is to come, and how far that is: without those that the plan takes back."""
    stages = {
        name: (pool, Stage.JOINING if ordered else Stage.APPROVED)
        for name, (pool, ordered) in awaited(declared, observed, nodes).items()
    }
    there, taken = joined(nodes), frozenset(node.name for node in nodes)
    for change in plan.changes:
        stay = there[change.pool] - sum(name in taken for name in change.victims)
        more = max(0, (change.after.desired if change.after else 0) - stay)
        names = tuple(islice(free_names(change.pool, taken), more))
        stages = {name: one for name, one in stages.items() if one[0] != change.pool or name in names}
        for name in names:
            stages.setdefault(name, (change.pool, Stage.PLANNED))
    return stages


def _overhead(snapshot: Snapshot, node: PlacedNode | None) -> tuple[Run, ...]:
    """What daemon sets will take of a new node, as one run."""
    if node is None or node.expected is None:
        return ()
    asked = daemon_overhead(snapshot.daemonsets, dict(node.expected.labels), node.expected.taints)
    cpu, memory = asked.get(CPU), asked.get(MEMORY)
    return (Run(comes=True, workload=SYSTEM, cpu=cpu, memory=memory, pods=1),) if cpu or memory else ()


def _sizes(nodes: Sequence[Node], plan: Plan) -> dict[str, Resources]:
    """What a node of each pool gives to pods."""
    sizes = {pool_of(node): node.allocatable for node in nodes}
    return {**sizes, **{one.pool: one.expected.allocatable for one in plan.placements if one.expected is not None}}


class _Runs:
    """The pods of each node: those that run there, and those that the plan puts there."""

    def __init__(self, pods: Sequence[Pod], placements: Iterable[PlacedNode]) -> None:
        self._found: dict[str, Counter[tuple[bool, str, int, int]]] = {}
        self._amounts: dict[int, tuple[int, int]] = {}
        placed = {key: node.name for node in placements for key in node.pods}
        for pod in pods:
            if pod.node_name:
                if not pod.phase.finished:
                    self._add(pod, pod.node_name, comes=False)
            elif pod.key in placed:
                self._add(pod, placed[pod.key], comes=True)

    def _add(self, pod: Pod, node: str, *, comes: bool) -> None:
        requests = pod.needs.requests
        known = self._amounts.get(id(requests))  # many pods share what they ask for, and all of them outlive this
        if known is None:
            amounts = dict(requests.items)
            known = self._amounts[id(requests)] = amounts.get(CPU, 0), amounts.get(MEMORY, 0)
        self._found.setdefault(node, Counter())[comes, workload_of(pod), *known] += 1

    def on(self, node: str) -> tuple[Run, ...]:
        found = self._found.get(node)
        return tuple(Run(*key, count) for key, count in sorted(found.items())) if found else ()


def workload_of(pod: Pod) -> str:
    """What made it; all daemon sets are one."""
    if pod.by_daemonset:
        return SYSTEM
    return str(pod.owner) if pod.owner is not None else f"Pod {pod.key}"


def pool_of(node: Node) -> str:
    """The pool by the label that OVHcloud sets, else by the name that it gives; empty for a node of none."""
    return node.pool or node.name.rpartition("-node-")[0]


def _notes(node: Node) -> tuple[str, ...]:
    notes = (("leaving", node.deleting), ("not ready", not node.ready), ("cordoned", node.unschedulable))
    return tuple(name for name, holds in notes if holds)


def _kinds(nodes: Sequence[Node], plan: Plan) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The flavors and zones of each pool, by what is declared of it and by its nodes."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for pool in (*plan.pools_before, *plan.pools_after):
        flavors, zones = found.setdefault(pool.name, (set(), set()))
        flavors.add(pool.flavor)
        zones.update(pool.zones)
    for node in nodes:
        flavors, zones = found.setdefault(pool_of(node), (set(), set()))
        flavors.add(node.flavor)
        zones.add(node.label_map.get(known.ZONE, ""))
    return {
        name: (tuple(sorted(filter(None, flavors))), tuple(sorted(filter(None, zones))))
        for name, (flavors, zones) in found.items()
    }
