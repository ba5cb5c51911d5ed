"""The cluster as it is to be drawn: pools, their nodes now and after the plan, and the pods on them, in figures only.

Pods of one workload and one size on a node are a run. Of each pool some nodes are drawn, those that change first; the
others are added up, so a page of thousands of nodes stays small.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from planner.candidates import daemon_overhead
from planner.desired import free_names
from planner.onorder import awaited, joined
from planner.plan import Action
from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from planner.nodes import Node
    from planner.plan import Change, PlacedNode, Plan
    from planner.pods import Pod
    from planner.pools import PoolSet
    from planner.resources import Resources
    from planner.snapshot import Snapshot

NAMED: Final = 8
"""Workloads that have a colour and a letter of their own."""
DRAWN: Final = 360
"""Nodes that are drawn on a page, more or less."""
FEWEST, MOST = 3, 40
"""Nodes that are drawn of a pool of those that stay."""
MOST_CHANGED: Final = 40
"""And of those that come or go."""
SYSTEM: Final = "pods of daemon sets"


class Stage(Enum):
    """What becomes of a node, and how far that is; drawn in this order."""

    GOES = "goes"
    PLANNED = "planned"
    APPROVED = "approved"
    JOINING = "joining"
    STAYS = "stays"

    @property
    def comes(self) -> bool:
        return self in (Stage.PLANNED, Stage.APPROVED, Stage.JOINING)


class Run(NamedTuple):
    """``pods`` pods of a workload, of ``cpu`` millicores and ``memory`` bytes each. ``comes``: they wait for it."""

    comes: bool
    workload: str
    cpu: int
    memory: int
    pods: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBox:
    """A node, or ``alike`` nodes of which nothing but the names differs: millicores and bytes that pods can have.

    ``cpu`` 0: how large it will be is not known. ``notes`` are what else is to be said of it.
    """

    name: str
    stage: Stage
    cpu: int = 0
    memory: int = 0
    runs: tuple[Run, ...] = ()
    notes: tuple[str, ...] = ()
    alike: int = 1

    @property
    def asked(self) -> tuple[int, int]:
        """The cpu and memory that its pods request."""
        return sum(run.cpu * run.pods for run in self.runs), sum(run.memory * run.pods for run in self.runs)

    @property
    def pods(self) -> int:
        return sum(run.pods for run in self.runs)


@dataclass(frozen=True, slots=True)
class Load:
    """What nodes can give to pods and what those request: millicores, bytes."""

    nodes: int = 0
    cpu: int = 0
    memory: int = 0
    cpu_asked: int = 0
    memory_asked: int = 0
    pods: int = 0

    @classmethod
    def of(cls, boxes: Iterable[NodeBox]) -> Load:
        nodes = cpu = memory = cpu_asked = memory_asked = pods = 0
        for box in boxes:
            asked = box.asked
            nodes, pods = nodes + box.alike, pods + box.alike * box.pods
            cpu, memory = cpu + box.alike * box.cpu, memory + box.alike * box.memory
            cpu_asked, memory_asked = cpu_asked + box.alike * asked[0], memory_asked + box.alike * asked[1]
        return cls(nodes, cpu, memory, cpu_asked, memory_asked, pods)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBox:
    """A pool; without a name, the nodes of none. ``boxes`` are drawn, ``rest`` is the load of ``rest_nodes`` others.

    ``after`` holds what is planned to run there: pods that wait are in it, what goes is not. ``goes`` and ``comes``
    are numbers of nodes. ``change`` is what the plan does with the pool.
    """

    name: str
    flavors: tuple[str, ...]
    zones: tuple[str, ...]
    boxes: tuple[NodeBox, ...]
    rest: Load
    before: Load
    after: Load
    goes: int = 0
    comes: int = 0
    change: Change | None = None

    @property
    def changes(self) -> bool:
        return bool(self.change or self.goes or self.comes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All pools, those that change first. ``workloads`` have colours of their own, the first one the first.

    ``leaves`` is the load of the nodes that go; what ``waits`` requests is that of the pods that wait.
    """

    pools: tuple[PoolBox, ...] = ()
    workloads: tuple[str, ...] = ()
    before: Load = Load()
    after: Load = Load()
    leaves: Load = Load()
    waits: Load = Load()


def picture_of(snapshot: Snapshot, declared: PoolSet, observed: PoolSet, plan: Plan) -> Picture:
    """The cluster before and after a plan, drawn from what was read of it and how the plan places what waits."""
    changes = {str(change.pool): change for change in plan.changes}
    by_pool: dict[str, list[NodeBox]] = {}
    for pool, box in _boxes(snapshot, declared, observed, plan, changes):
        by_pool.setdefault(pool, []).append(box)
    share = max(FEWEST, min(MOST, DRAWN // max(1, len(by_pool))))
    facts = _facts(snapshot.nodes, plan)
    pools = [_pool(name, boxes, facts.get(name, (set(), set())), changes.get(name), share)
             for name, boxes in by_pool.items()]  # fmt: skip
    pools.sort(key=lambda one: (not one.changes, not one.name, one.name))
    return Picture(
        pools=tuple(pools), workloads=_named(by_pool),
        before=_sum(one.before for one in pools), after=_sum((*(one.after for one in pools), _moved(by_pool.values()))),
        leaves=Load.of(box for boxes in by_pool.values() for box in boxes if box.stage is Stage.GOES),
        waits=Load.of(_with(box, comes=True) for boxes in by_pool.values() for box in boxes),
    )  # fmt: skip


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


def _facts(nodes: Sequence[Node], plan: Plan) -> dict[str, tuple[set[str], set[str]]]:
    """The flavors and zones of each pool, by what is declared of it and by its nodes."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for pool in (*plan.pools_before, *plan.pools_after):
        flavors, zones = found.setdefault(pool.name, (set(), set()))
        flavors.add(pool.flavor)
        zones.update(pool.zones)
    for node in nodes:
        flavors, zones = found.setdefault(pool_of(node), (set(), set()))
        flavors.add(node.flavor)
        zones.add(node.label_map.get("topology.kubernetes.io/zone", ""))
    return found


def _pool(
    name: str, boxes: Sequence[NodeBox], facts: tuple[set[str], set[str]], change: Change | None, share: int
) -> PoolBox:  # fmt: skip
    shapes = sorted(_alike(boxes), key=_place)
    moving = [one for one in shapes if one.stage is not Stage.STAYS]
    staying = [one for one in shapes if one.stage is Stage.STAYS]
    drawn = (*moving[:MOST_CHANGED], *staying[:share])
    rest = (*moving[MOST_CHANGED:], *staying[share:])
    before = [one for one in boxes if not one.stage.comes]
    return PoolBox(
        name=name, flavors=tuple(sorted(filter(None, facts[0]))), zones=tuple(sorted(filter(None, facts[1]))),
        boxes=drawn, rest=Load.of(rest), change=change,
        before=Load.of(_with(one, comes=False) for one in before),
        after=Load.of(one for one in boxes if one.stage is not Stage.GOES),
        goes=sum(one.stage is Stage.GOES for one in boxes), comes=sum(one.stage.comes for one in boxes),
    )  # fmt: skip


def _place(box: NodeBox) -> tuple[int, bool, int, str]:
    """Nodes that go and come first, then those that get something, then what most others look like."""
    gets = any(run.comes for run in box.runs)
    return list(Stage).index(box.stage), not (gets or box.notes), -box.alike, box.name


def _with(box: NodeBox, *, comes: bool) -> NodeBox:
    """The box with only the pods that are there, or only those that come."""
    runs = tuple(run for run in box.runs if run.comes is comes)
    return NodeBox(name=box.name, stage=box.stage, cpu=box.cpu, memory=box.memory, runs=runs, alike=box.alike)


def _alike(boxes: Iterable[NodeBox]) -> Iterator[NodeBox]:
    """Nodes of which nothing but the name differs as one, with the first one's name."""
    found: dict[tuple[object, ...], list[NodeBox]] = {}
    for box in boxes:
        found.setdefault((box.stage, box.cpu, box.memory, box.runs, box.notes), []).append(box)
    for same in found.values():
        first = min(same, key=lambda one: one.name)
        yield NodeBox(
            name=first.name, stage=first.stage, cpu=first.cpu, memory=first.memory, runs=first.runs,
            notes=first.notes, alike=len(same),
        )  # fmt: skip


def _moved(pools: Iterable[Sequence[NodeBox]]) -> Load:
    """What the pods of nodes that go request: they run elsewhere then, but those of daemon sets."""
    gone = [box for boxes in pools for box in boxes if box.stage is Stage.GOES]
    runs = [run for box in gone for run in box.runs if run.workload != SYSTEM]
    return Load(
        cpu_asked=sum(run.cpu * run.pods for run in runs), memory_asked=sum(run.memory * run.pods for run in runs),
        pods=sum(run.pods for run in runs),
    )  # fmt: skip


def _named(by_pool: Mapping[str, Sequence[NodeBox]]) -> tuple[str, ...]:
    """Whose pods wait or move comes first, then who asks for most memory (a core counts as four Gi)."""
    asked: Counter[str] = Counter()
    urgent: Counter[str] = Counter()
    for boxes in by_pool.values():
        for box in boxes:
            for run in box.runs:
                amount = run.pods * (run.cpu * 4 * 1024**3 // 1000 + run.memory)
                asked[run.workload] += amount
                if run.comes or box.stage is Stage.GOES:
                    urgent[run.workload] += amount
    del asked[SYSTEM]
    first = sorted(asked, key=lambda one: (-urgent[one], -asked[one], one))
    return tuple(first[:NAMED])


def _sum(loads: Iterable[Load]) -> Load:
    total = Load()
    for one in loads:
        total = Load(
            total.nodes + one.nodes, total.cpu + one.cpu, total.memory + one.memory,
            total.cpu_asked + one.cpu_asked, total.memory_asked + one.memory_asked, total.pods + one.pods,
        )  # fmt: skip
    return total
