"""The cluster as it is to be drawn: pools, their nodes now and after the plan, and the pods on them, in figures only.

Pods of one workload and one size on a node are a run. Of each pool some nodes are drawn, those that change first; the
others are added up, so a page of thousands of nodes stays small.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from planner.plan import Change

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


def picture_of(
    by_pool: Mapping[str, Sequence[NodeBox]], kinds: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]],
    changes: Mapping[str, Change],
) -> Picture:  # fmt: skip
    """The picture of all nodes, those that go and those that come among them, by the names of their pools.

    ``kinds`` are the flavors and zones of each pool, ``changes`` what the plan does with some of them.
    """
    share = max(FEWEST, min(MOST, DRAWN // max(1, len(by_pool))))
    pools = [_pool(name, boxes, kinds.get(name, ((), ())), changes.get(name), share)
             for name, boxes in by_pool.items()]  # fmt: skip
    pools.sort(key=lambda one: (not one.changes, not one.name, one.name))
    return Picture(
        pools=tuple(pools), workloads=_named(by_pool),
        before=_sum(one.before for one in pools), after=_sum((*(one.after for one in pools), _moved(by_pool.values()))),
        leaves=Load.of(box for boxes in by_pool.values() for box in boxes if box.stage is Stage.GOES),
        waits=Load.of(_with(box, comes=True) for boxes in by_pool.values() for box in boxes),
    )  # fmt: skip


def _pool(
    name: str, boxes: Sequence[NodeBox], kind: tuple[tuple[str, ...], tuple[str, ...]], change: Change | None,
    share: int,
) -> PoolBox:  # fmt: skip
    shapes = sorted(_alike(boxes), key=_place)
    moving = [one for one in shapes if one.stage is not Stage.STAYS]
    staying = [one for one in shapes if one.stage is Stage.STAYS]
    drawn = (*moving[:MOST_CHANGED], *staying[:share])
    rest = (*moving[MOST_CHANGED:], *staying[share:])
    before = [one for one in boxes if not one.stage.comes]
    return PoolBox(
        name=name, flavors=kind[0], zones=kind[1], boxes=drawn, rest=Load.of(rest), change=change,
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
