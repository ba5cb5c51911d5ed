"""From a solution to the desired pools: new nodes go into pools, victims leave theirs, an emptied pool goes away."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from planner import labels as known
from planner.naming import name_for, numbered
from planner.ownership import pool_of
from planner.plan import ExpectedNode, PlacedNode
from planner.pools import Pool, PoolName, PoolSet

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from planner.coming import Shortfall
    from planner.removal import Victim
    from planner.solve import Opened, Solution


@dataclass(frozen=True, kw_only=True)
class Desired:
    """The desired pools, and every placement with the name its node is expected to have."""

    pools: PoolSet
    placements: tuple[PlacedNode, ...]
    opened: tuple[tuple[PoolName, Opened], ...]
    victims: tuple[Victim, ...] = ()
    short: tuple[Shortfall, ...] = ()


@dataclass
class _Yard:
    """Pools while nodes are being put into them."""

    pools: dict[str, Pool]
    taken: set[str]
    full: frozenset[str] = frozenset()
    opened: list[tuple[PoolName, Opened]] = field(default_factory=list)

    def put(self, one: Opened) -> None:
        wanted = pool_of(one.candidate)
        pool = self._with_room(wanted) or self._new(wanted, one.candidate.zone)
        self.pools[pool.name] = pool.resized(pool.desired + 1)
        self.taken.add(pool.name)
        self.opened.append((pool.name, one))

    def _with_room(self, wanted: Pool) -> Pool | None:
        same = [pool for pool in self.pools.values() if not pool.autoscale and pool.identity == wanted.identity]
        fitting = [
            pool for pool in same if pool.desired < pool.room and not pool.failed and pool.name not in self.full
        ]
        return min(fitting, key=lambda pool: pool.name, default=None)

    def _new(self, wanted: Pool, zone: str) -> Pool:
        same = [pool.name for pool in self.pools.values() if not pool.autoscale and pool.identity == wanted.identity]
        first = min(same, key=lambda name: (len(name), name), default=None)
        name = numbered(first, self.taken) if first else name_for(wanted, zone, self.taken)
        return replace(wanted, name=name)


def desired_pools(
    declared: PoolSet,
    solution: Solution,
    *,
    victims: tuple[Victim, ...] = (),
    short: tuple[Shortfall, ...] = (),
    on_order: Mapping[str, PlacedNode] | None = None,
    taken: frozenset[str] = frozenset(),
) -> Desired:
    """The pools that run the solution. ``taken`` are the names of pools and nodes that are there.

    ``on_order`` are nodes that are on order already, by name. A pool that grows keeps its victims for now: a size that
    goes up and down at once would say nothing of either. ``short`` are pools that go back to what is there of them;
    they do not grow.
    """
    yard = _Yard({pool.name: pool for pool in declared}, {*taken, *declared.names()})
    for each in short:
        yard.pools[each.pool] = yard.pools[each.pool].resized(each.stays)
    yard.full = frozenset(each.pool for each in short)
    for one in sorted(solution.opened, key=_precedence):
        yard.put(one)
    growing = {name for name, _ in yard.opened}
    leaving = tuple(victim for victim in victims if victim.pool not in growing)
    for victim in leaving:
        pool = yard.pools[victim.pool]
        yard.pools[victim.pool] = pool.resized(pool.desired - 1)
    smaller = {*(victim.pool for victim in leaving), *yard.full}
    left = {name for name in smaller if yard.pools[name].desired <= 0}
    pools = PoolSet.of(pool for name, pool in yard.pools.items() if name not in left)
    placements = _placements(yard, solution, on_order or {}, taken)
    return Desired(pools=pools, placements=placements, opened=tuple(yard.opened), victims=leaving, short=short)


def _precedence(one: Opened) -> tuple[object, ...]:
    """Who gets a plain pool name first: the heaviest NodePool, then by name; then fullest nodes first."""
    return (-one.candidate.node_pool.weight, one.candidate.node_pool.name, one.candidate.key, -len(one.pods), one.pods)


def _placements(
    yard: _Yard, solution: Solution, on_order: Mapping[str, PlacedNode], nodes: frozenset[str]
) -> tuple[PlacedNode, ...]:
    names: dict[str, Iterator[str]] = {}
    onto = dict(solution.onto)
    placed = [replace(node, pods=onto.get(name, ())) for name, node in on_order.items()]
    placed += [PlacedNode(name=name, pool="", pods=pods) for name, pods in onto.items() if name not in on_order]
    for pool, one in yard.opened:
        free = names.setdefault(pool, free_names(pool, nodes.union(on_order)))
        placed.append(expected_node(yard.pools[pool], next(free), one))
    return tuple(sorted(placed, key=lambda node: node.name))


def expected_node(pool: Pool, name: str, one: Opened) -> PlacedNode:
    """What a new node of a pool will look like once it joins."""
    labels = {
        **one.candidate.labels, **dict(pool.labels), known.HOSTNAME: name, known.OVH_POOL: pool.name,
    }  # fmt: skip
    figures = one.candidate.figures
    return PlacedNode(
        name=name, pool=pool.name, pods=one.pods,
        expected=ExpectedNode(
            labels=tuple(sorted(labels.items())), annotations=pool.annotations, taints=one.candidate.taints,
            capacity=figures.capacity, allocatable=figures.allocatable, source=figures.source,
        ),
    )  # fmt: skip


def free_names(pool: str, taken: Container[str]) -> Iterator[str]:
    """OVHcloud names nodes ``<pool>-node-<6 hex>``; expected ones count from one, past the names that are taken."""
    names = (f"{pool}-node-{number:06x}" for number in count(1))
    return (name for name in names if name not in taken)
