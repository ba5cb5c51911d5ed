"""What the pods of some new nodes would cost on nodes of other flavors: an estimate for people, made without solving.

Zone by zone, each other flavor takes what it can of the pods, largest first; the rest goes on whatever holds it; then
each node is made as cheap as what is on it allows. It is a way that works as far as labels, taints, amounts and limits
go, and not always the cheapest one. Whoever has a better estimate gives it to ``why`` in its place.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from planner import labels as known
from planner.filters import Sieve
from planner.ledger import ENOUGH, Ledger
from planner.resources import CPU, MEMORY, Resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.candidates import Candidate
    from planner.demand import PodGroup
    from planner.filters import Mask
    from planner.problem import Opened, Problem

MAINS = 4  # flavors that are tried for most of a zone's pods, by the least they could cost
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Nodes by candidate, in order of the candidates' keys."""

    nodes: tuple[tuple[Candidate, int], ...]

    @property
    def hourly(self) -> int:
        return sum(one.hourly * count for one, count in self.nodes)

    @property
    def flavors(self) -> tuple[tuple[str, int], ...]:
        """How many nodes of each flavor, by name."""
        counts: Counter[str] = Counter()
        for one, number in self.nodes:
            counts[one.flavor.name] += number
        return tuple(sorted(counts.items()))


@dataclass
class _Item:
    """Pods of equal needs: how many, how many go on one node at most, and which candidates could hold one."""

    requests: Resources
    count: int
    most: int
    options: frozenset[int]


@dataclass
class _Node:
    option: int
    free: dict[str, int]
    contents: Counter[int] = field(default_factory=Counter)


def next_best(opened: Sequence[Opened], problem: Problem) -> Estimate | None:
    """The same pods without the flavor that they are on; None where some of them fit on no other."""
    sieve = _sieve(_Same(problem.candidates))
    flavor, pods = opened[0].candidate.flavor.name, frozenset(pod for one in opened for pod in one.pods)
    groups = {pod: group for group in problem.demand.groups for pod in group.pods if pod in pods}
    total: Counter[int] = Counter()
    for zone in sorted({one.candidate.zone for one in opened}):
        mine = [one for one in opened if one.candidate.zone == zone]
        found = _zone(_items(mine, groups, sieve, sieve.in_zone(zone) & ~sieve.of_flavor(flavor)), sieve.candidates)
        if found is None:
            return None
        total.update(found)
    nodes = [(sieve.candidates[place], count) for place, count in total.items()]
    if not Ledger(ENOUGH, ENOUGH).allow(nodes):  # the limits of the NodePools alone
        return None
    return Estimate(tuple(sorted(nodes, key=lambda node: node[0].key)))


class _Same:
    """A key that is equal for the very same candidates only: all pools of a plan are asked for with them."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = candidates

    def __hash__(self) -> int:
        return id(self.candidates)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.candidates is other.candidates


@lru_cache(maxsize=1)
def _sieve(same: _Same) -> Sieve:
    return Sieve(same.candidates, Ledger(ENOUGH, ENOUGH))


def _items(opened: Sequence[Opened], groups: dict[str, PodGroup], sieve: Sieve, here: Mask) -> list[_Item]:
    """The pods of some nodes as items, largest first. Groups of one kind that no host rule keeps apart are one item."""
    per_node = [Counter(groups[pod].key for pod in one.pods if pod in groups) for one in opened]
    by_key = {groups[pod].key: groups[pod] for one in opened for pod in one.pods if pod in groups}
    kinds: dict[_Key, _Item] = {}
    for key, group in sorted(by_key.items()):
        count = sum(node[key] for node in per_node)
        most = max(node[key] for node in per_node) if _by_host(group) else ENOUGH
        most = ENOUGH if most >= count else most
        needs = group.needs
        alike = (needs.requests, needs.alternatives, needs.tolerations, needs.ports, key if most < ENOUGH else "")
        if alike in kinds:
            kinds[alike].count += count
            continue
        options = sieve.members(here & sieve.admitting(needs) & sieve.fits(needs.requests))
        kinds[alike] = _Item(needs.requests, count, most, frozenset(place for place, _ in options))
    return sorted(kinds.values(), key=lambda item: (item.requests.get(MEMORY), item.requests.get(CPU)), reverse=True)


def _by_host(group: PodGroup) -> bool:
    """Whether some rule bounds how many of a group are on one node."""
    needs = group.needs
    keys = [one.topology_key for one in needs.spreads if one.required]
    keys += [one.topology_key for one in needs.anti_affinity if not one.weight]
    return known.HOSTNAME in keys or bool(needs.ports)


def _zone(items: Sequence[_Item], others: Sequence[Candidate]) -> Counter[int] | None:
    """The cheapest way found for one zone, NodePools of the greatest weight first; None where a pod fits nowhere."""
    if any(not item.options for item in items):
        return None
    here = sorted(frozenset[int]().union(*(item.options for item in items)))
    for weight in sorted({others[place].node_pool.weight for place in here}, reverse=True):
        tier = [place for place in here if others[place].node_pool.weight >= weight]
        if all(item.options.intersection(tier) for item in items):
            ways = [_pack(items, others, tier, main) for main in _mains(items, others, tier)]
            return min(ways, key=lambda way: (_price(way, others), way.total(), sorted(way.items())), default=None)
    return None


def _mains(items: Sequence[_Item], others: Sequence[Candidate], tier: Sequence[int]) -> list[int]:
    """The candidates that could take all they can hold for the least, the rest at the price of its own best."""
    alone = [min(_share(item, others[place]) for place in item.options.intersection(tier)) for item in items]

    def least(place: int) -> tuple[float, int]:
        pairs = zip(items, alone, strict=True)
        return sum(_share(item, others[place]) if place in item.options else rest for item, rest in pairs), place

    return sorted(tier, key=least)[:MAINS]


def _share(item: _Item, one: Candidate) -> float:
    """The price of the part of a node that an item takes, its scarcest resource counted."""
    free = dict(one.free.items)
    return one.hourly * item.count * max((amount / free[name] for name, amount in item.requests), default=0.0)


def _pack(items: Sequence[_Item], others: Sequence[Candidate], tier: Sequence[int], main: int) -> Counter[int]:
    """First fit on nodes of the main candidate, or of an item's cheapest one; then every node as cheap as it can be."""
    nodes: list[_Node] = []
    for number, item in enumerate(items):
        cheapest = min(item.options.intersection(tier), key=lambda place: (others[place].hourly, place))
        option = main if main in item.options else cheapest
        left = item.count
        for node in nodes:
            if left and node.option in item.options:
                left -= _put(node, number, item, left)
        while left:
            node = _Node(option, dict(others[option].free.items))
            nodes.append(node)
            left -= _put(node, number, item, left)
    return Counter(_smallest(node, items, others, tier) for node in nodes)


def _put(node: _Node, number: int, item: _Item, left: int) -> int:
    """Put as many pods of an item on a node as it takes, at most ``left``."""
    room = (node.free.get(name, 0) // amount for name, amount in item.requests if amount > 0)
    count = max(0, min(left, item.most - node.contents[number], min(room, default=left)))
    for name, amount in item.requests if count else ():
        node.free[name] -= amount * count
    node.contents[number] += count
    return count


def _smallest(node: _Node, items: Sequence[_Item], others: Sequence[Candidate], tier: Sequence[int]) -> int:
    """The cheapest candidate that holds all that is on a node."""
    held = [(items[number], count) for number, count in node.contents.items() if count]
    options = frozenset(tier).intersection(*(item.options for item, _ in held))
    whole = Resources.total(item.requests.times(count) for item, count in held)
    fitting = (place for place in options if whole.fits_in(others[place].free))
    return min(fitting, key=lambda place: (others[place].hourly, place), default=node.option)


def _price(way: Counter[int], others: Sequence[Candidate]) -> int:
    return sum(others[place].hourly * count for place, count in way.items())
