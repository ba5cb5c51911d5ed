"""Which nodes to order: the cheapest set of variants that can hold what is asked for, and the proof of how cheap.

The set is the solution of an integer program over the number of nodes of each variant. Pods are not placed in it. It
holds what any placing must keep, so its bound is true whatever is placed where:

- for pods that the same variants take, and for every union of such classes: room for all that they ask for;
- of the pods that are at least so large: no more on a node than fit by their least size;
- of the pods that keep each other apart by host: no more on a node than the rule allows;
- NodePool limits, nodes and pools per cluster, room in pools.

Ties go to fewer nodes, then to fewer new pools, then to the first by key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from planner.aims import Objective
from planner.asks import Ask, alike
from planner.choice import undominated, unions
from planner.levels import Zones
from planner.milp import LARGE, Program, Row
from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from planner.board import Flags, Ints
    from planner.candidates import Candidate
    from planner.ledger import Ledger
    from planner.market import Market

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: How many sizes are looked at for each class and resource.
SIZES = 10


@dataclass(frozen=True)
class Fleet:
    """Nodes to order, by variant, and what they cost per hour. Not ``complete``: limits let not all be served."""

    counts: tuple[int, ...]
    hourly: int
    complete: bool = True

    @property
    def nodes(self) -> int:
        return sum(self.counts)


@dataclass
class Proposer:
    """Proposes fleets from one market. ``supply`` is what existing nodes can still take, nodes × resources.

    Without ``exact`` a fleet is near enough to the cheapest, and ties are left as they fall.
    """

    market: Market
    ledger: Ledger
    objective: Objective = Objective.CHEAPEST
    supply: Ints | None = None
    exact: bool = True
    _slots_kept: dict[tuple[bytes, bytes, int | None], Ints] = field(default_factory=dict)

    def bound(self, asks: Sequence[Ask]) -> int:
        """What no set of nodes for these asks costs less than."""
        asks = [ask for ask in asks if ask.count and ask.options.any()]
        kept = self._kept(asks)
        if not len(kept):
            return 0
        program, cost = Program(len(kept), self.rows(asks, kept)), self.market.price[kept]
        found = program.minimise(cost) if len(kept) <= WHOLE else None
        return found.bound if found is not None else program.relaxed_bound(cost)

    def propose(self, asks: Sequence[Ask]) -> Fleet:
        """The best fleet for these asks. Where limits let not all be served, it serves the most important ones."""
        asks = [ask for ask in asks if ask.count and ask.options.any()]
        kept = self._kept(asks)
        if not asks or not len(kept):
            return Fleet((0,) * len(self.market.variants), 0)
        found = self._solve(kept, [*self.rows(asks, kept), *self.limits(kept)], asks)
        if found is not None:
            return found
        return self._served(asks, kept) if self.exact else self._nothing()

    def _near(self, kept: Ints, rows: list[Row], asks: Sequence[Ask]) -> Fleet | None:
        """A fleet near the cheapest, its nodes shared out among the zones as far as the rows allow."""
        near = Program(len(kept), rows).near(self.cost(kept))
        if near is None or not near.any():
            return None
        matrix, least = np.stack([row.factors for row in rows]), np.array([row.least for row in rows])
        return self._fleet(kept, Zones.of(self.market, kept, asks).levelled(near, matrix, least))

    def _nothing(self) -> Fleet:
        return Fleet((0,) * len(self.market.variants), 0, complete=False)

    def _solve(self, kept: Ints, rows: list[Row], asks: Sequence[Ask]) -> Fleet | None:
        cost = self.cost(kept)
        program = Program(len(kept), rows)
        if len(kept) <= WHOLE:
            return self._whole(kept, rows, program, asks)
        if not self.exact:
            return self._near(kept, rows, asks)
        counts = self._uniform(kept, rows) if len(kept) > LARGE else program.near(cost)
        return None if counts is None else self._fleet(kept, counts)

    def _whole(self, kept: Ints, rows: list[Row], program: Program, asks: Sequence[Ask]) -> Fleet | None:
        """The cheapest whole numbers, where few variants are to be had."""
        cost = self.cost(kept)
        if not self.exact:
            return self._near(kept, rows, asks)
        first = program.minimise(cost)
        if first is None:
            return None
        if self._new_pools(kept, first.counts) > max(0, self.ledger.pools_left):
            first = Program(
                len(kept), rows, pools=self._pools(kept), most_pools=max(0, self.ledger.pools_left)
            ).minimise(cost)  # fmt: skip
            return None if first is None else self._fleet(kept, first.counts)
        return self._fleet(kept, self._fewest(kept, rows, cost, first.counts))

    def _uniform(self, kept: Ints, rows: list[Row]) -> Ints:
        """As few nodes as can be, all of the smallest size that will do: what is too large is made smaller later."""
        sizes: dict[bytes, list[int]] = {}
        for position, one in enumerate(kept.tolist()):
            sizes.setdefault(self.market.free[one].tobytes(), []).append(position)
        matrix = np.stack([row.factors for row in rows])
        least = np.array([row.least for row in rows])
        wanted = matrix.max(axis=1) > 0
        found: list[tuple[int, int, list[int]]] = []
        begin = np.cumsum([0, *map(len, sizes.values())])[:-1]
        best = np.maximum.reduceat(matrix[:, [one for members in sizes.values() for one in members]], begin, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = np.where(wanted[:, None], least[:, None] / best, 0)
        possible: Flags = np.all(np.isfinite(needed), axis=0)
        most: Floats = np.max(needed, axis=0)
        for number, members in enumerate(sizes.values()):
            if possible[number]:
                nodes = ceil(most[number])
                found.append((nodes, nodes * int(self.market.price[kept[members]].min()), members))
        counts = np.zeros(len(kept), np.int64)
        if found:
            chosen = np.array(min(found)[2], np.int64)
            program = Program(len(chosen), [Row(row.factors[chosen], row.least) for row in rows])
            answer = program.minimise(self.market.price[kept[chosen]])
            counts[chosen] = answer.counts if answer is not None else 0
        return counts

    def _fleet(self, kept: Ints, counts: Ints, *, complete: bool = True) -> Fleet:
        whole = np.zeros(len(self.market.variants), np.int64)
        whole[kept] = counts
        return Fleet(tuple(whole.tolist()), int(self.market.price @ whole), complete)

    def cost(self, kept: Ints) -> Ints:
        """What is minimised first, by variant."""
        prices = self.market.price[kept]
        if self.objective is Objective.FEWEST_NODES:
            return np.full(len(kept), 10**6, np.int64)
        if self.objective is Objective.LEAST_WASTE:
            rows = [self.market.resources.index(name) for name in (CPU, MEMORY) if name in self.market.resources]
            free = self.market.free[kept][:, rows].astype(np.float64)
            waste: Ints = np.rint((free / free.max(axis=0)).mean(axis=1) * 10**8).astype(np.int64)
            return waste
        return prices

    def _fewest(self, kept: Ints, rows: list[Row], cost: Ints, counts: Ints) -> Ints:
        """Of the sets that cost no more, the one with the fewest nodes, then new pools; of large sets the given one."""
        if int(counts.sum()) > FEW:
            return counts
        second = NODE + np.arange(len(kept))
        if self.objective is not Objective.CHEAPEST:
            second = self.market.price[kept]
        left = max(0, self.ledger.pools_left)
        program = Program(
            len(kept), [*rows, _no_dearer(cost, counts)], pools=self._pools(kept), most_pools=left
        )  # fmt: skip
        best = program.minimise(second, pool_cost=POOL)
        return counts if best is None else best.counts

    # What is asked for

    def _kept(self, asks: Sequence[Ask]) -> Ints:
        """The variants worth looking at."""
        return self.undominated(asks, self.useful(asks)) if asks else np.zeros(0, np.int64)

    def useful(self, asks: Sequence[Ask]) -> Ints:
        """The variants that take some of these pods and may be ordered."""
        wanted = np.stack(list({id(ask.options): ask.options for ask in asks}.values()))
        to_be_had = [self.ledger.allows(one) for one in self.market.variants]
        return np.flatnonzero(wanted.any(axis=0) & np.array(to_be_had, np.bool_))

    def undominated(self, asks: Sequence[Ask], useful: Ints) -> Ints:
        """Of equal variants only the first, none that another replaces for less."""
        classes = np.stack(list({id(ask.open_to): ask.open_to for ask in asks}.values()))
        return undominated(self.market, self.ledger, useful, classes)

    def rows(self, asks: Sequence[Ask], kept: Ints) -> list[Row]:
        """What any nodes for these asks must hold, over the kept variants."""
        asks = alike(asks)
        request = np.stack([ask.request for ask in asks])
        count = np.array([ask.count for ask in asks], np.int64)
        rows: list[Row] = []
        for union, inside in _classes(asks, kept):
            rows += self._room(kept, union, request[inside], count[inside])
            rows += self._sizes(kept, union, request[inside], count[inside], None)
            rows += self._hosts(kept, union, [*compress(asks, inside)])
        return _different(rows)

    def host_rows(self, asks: Sequence[Ask], kept: Ints) -> list[Row]:
        """Of these rows, those about pods that keep apart by host."""
        asks = alike(asks)
        classes = ((union, [*compress(asks, inside)]) for union, inside in _classes(asks, kept))
        return _different(row for union, inside in classes for row in self._hosts(kept, union, inside))

    def _room(self, kept: Ints, union: Flags, request: Ints, count: Ints) -> list[Row]:
        total = (request * count[:, None]).sum(axis=0)
        if self.supply is not None:
            total = total - np.maximum(self.supply, 0).sum(axis=0)
        free = np.maximum(self.market.free[kept], 0) * union[:, None]
        return [
            Row(free[:, row] / int(total[row]), 1.0, elastic=True)
            for row in range(len(total))
            if total[row] > 0
        ]  # fmt: skip

    def _sizes(self, kept: Ints, union: Flags, request: Ints, count: Ints, most: int | None) -> list[Row]:
        """Of pods at least so large, by one resource: how many a node takes. ``most`` bounds it for pods kept apart."""
        rows = []
        for column in range(request.shape[1]):
            sizes = np.unique(request[:, column])[::-1]
            sizes = sizes[sizes > 0]
            for size in sizes[:SIZES].tolist():
                large = request[:, column] >= size
                rows += self._slots(kept, union, request[large].min(axis=0), int(count[large].sum()), most)
        if most is not None:
            rows += self._slots(kept, union, request.min(axis=0), int(count.sum()), most)
        return rows

    def _slots(self, kept: Ints, union: Flags, least: Ints, wanted: int, most: int | None) -> list[Row]:
        key = (kept.tobytes(), least.tobytes(), most)
        if key not in self._slots_kept:
            self._slots_kept[key] = _slots(self.market.free[kept], least, most)
        slots = self._slots_kept[key] * union
        if self.supply is not None and len(self.supply):
            wanted -= int(_slots(self.supply, least, most).sum())
        if wanted <= 0 or not slots.any():
            return []
        return [Row(np.minimum(slots, wanted).astype(np.float64) / wanted, 1.0, elastic=most is None)]

    def _hosts(self, kept: Ints, union: Flags, asks: Sequence[Ask]) -> list[Row]:
        """Pods that keep apart by host, term by term."""
        terms: dict[tuple[int, int], list[Ask]] = {}
        for ask in asks:
            for bound in ask.per_host:
                terms.setdefault(bound, []).append(ask)
        rows = []
        for (_, most), members in sorted(terms.items()):
            request = np.stack([ask.request for ask in members])
            count = np.array([ask.count for ask in members], np.int64)
            rows += self._sizes(kept, union, request, count, most)
        return rows

    # What may be ordered

    def limits(self, kept: Ints) -> list[Row]:
        """What limits allow of the kept variants."""
        variants = [self.market.variants[one] for one in kept.tolist()]
        rows = [Row(-np.ones(len(kept)), -float(self.ledger.nodes_left))]
        names = dict.fromkeys(one.node_pool.name for one in variants)
        for name in names:
            bounds: dict[str, tuple[int, Floats]] = {}
            for position, one in enumerate(variants):
                if one.node_pool.name != name:
                    continue
                for resource, left, cost in self.ledger.limits(one):
                    bounds.setdefault(resource, (left, np.zeros(len(kept))))[1][position] = -float(cost)
            rows += [Row(factors / max(1, abs(left)), -left / max(1, abs(left))) for left, factors in bounds.values()]
        return [*rows, *self._quotas(variants)]

    def _quotas(self, variants: Sequence[Candidate]) -> list[Row]:
        """What the project's quota allows of them all together."""
        asked = [self.ledger.quotas(one) for one in variants]
        rows = []
        for place in range(len(asked[0]) if asked else 0):
            left = asked[0][place][0]
            factors = np.array([-float(one[place][1]) for one in asked])
            rows.append(Row(factors / max(1, abs(left)), -left / max(1, abs(left))))
        return rows

    def _new_pools(self, kept: Ints, counts: Ints) -> int:
        """How many pools would have to be made for so many nodes of the kept variants."""
        pools = self._pools(kept)
        return sum(-(-max(0, int(counts[flags].sum()) - spare) // room) for flags, spare, room in pools)

    def _pools(self, kept: Ints) -> list[tuple[Flags, int, int]]:
        """The pools of the kept variants: (variants, nodes that fit into pools that are there, room of a new one)."""
        found: dict[tuple[object, ...], list[int]] = {}
        rooms: dict[tuple[object, ...], int] = {}
        for position, one in enumerate(kept.tolist()):
            identity, room = self.ledger.pool(self.market.variants[one])
            found.setdefault(identity, []).append(position)
            rooms[identity] = room
        pools: list[tuple[Flags, int, int]] = []
        for identity, positions in found.items():
            flags: Flags = np.zeros(len(kept), np.bool_)
            flags[positions] = True
            pools.append((flags, self.ledger.spare.get(identity, 0), rooms[identity]))
        return pools

    # Where not everything can be had

    def _served(self, asks: Sequence[Ask], kept: Ints) -> Fleet:
        """The fleet that serves most pods of the highest priority, then of the next, and so on; at the least cost."""
        size = len(kept)
        program = Program(size, [*self._supplied(asks, kept), *self.limits(kept)],
                          others=[float(ask.count) for ask in asks], pools=self._pools(kept),
                          most_pools=max(0, self.ledger.pools_left))  # fmt: skip
        priorities = [ask.kind.needs.priority for ask in asks]
        for priority in sorted(set(priorities), reverse=True):
            mine = np.concatenate((np.zeros(size), [-float(one == priority) for one in priorities]))
            found = program.minimise(mine)
            if found is None:
                return self._nothing()
            program.require(Row(-mine, float(np.floor(-mine[size:] @ found.others + 1e-6))))
        price = self.market.price[kept]
        found = program.minimise(price)
        if found is None:
            return self._nothing()
        program.require(_no_dearer(price, found.counts))
        best = program.minimise(NODE + np.arange(size), pool_cost=POOL) or found
        return self._fleet(kept, best.counts, complete=False)

    def _supplied(self, asks: Sequence[Ask], kept: Ints) -> list[Row]:
        """What is served must have room, on nodes that take it, of which each holds only so many."""
        needing = np.stack([ask.open_to[kept] for ask in asks])
        request = np.stack([ask.request for ask in asks])
        rows = []
        for union in unions(needing):
            inside = ~(needing & ~union).any(axis=1)
            free = np.maximum(self.market.free[kept], 0) * union[:, None]
            for column in range(request.shape[1]):
                scale = float(max(1, request[:, column].max()))
                if request[inside, column].any():
                    used = -(request[:, column] * inside) / scale
                    rows.append(Row(np.concatenate((free[:, column] / scale, used)), 0.0))
        for number, ask in enumerate(asks):
            most = min((bound for _, bound in ask.per_host), default=None)
            slots = _slots(self.market.free[kept], ask.request, most) * ask.options[kept]
            row = np.zeros(len(kept) + len(asks))
            row[: len(kept)] = np.minimum(slots, ask.count)
            row[len(kept) + number] = -1.0
            rows.append(Row(row, 0.0))
        return rows


#: Up to WHOLE variants, whole numbers are searched for, and up to FEW nodes ties are broken by a second program.
WHOLE, FEW = 40, 12
#: What a node and a new pool weigh among equals; the position of a variant weighs the rest.
NODE, POOL = 10**6, 10**3


def _classes(asks: Sequence[Ask], kept: Ints) -> Iterator[tuple[Flags, Flags]]:
    """Sets of the kept variants, and which asks go on no others."""
    needing = np.stack([ask.open_to[kept] for ask in asks])
    for union in unions(needing):
        inside: Flags = np.logical_not((needing & ~union).any(axis=1))
        yield union, inside


def _different(rows: Iterable[Row]) -> list[Row]:
    """Equal rows once."""
    return list({row.key: row for row in rows}.values())


def _no_dearer(cost: Ints, counts: Ints) -> Row:
    """A row that keeps the cost where it is. Costs are whole, so half a unit is nothing."""
    return Row(-cost.astype(np.float64) / max(1, int(cost @ counts)), -1.0 - 0.5 / max(1, int(cost @ counts)))


def _slots(free: Ints, least: Ints, most: int | None) -> Ints:
    """How many pods that ask for at least so much fit on each node."""
    asked = least > 0
    if not asked.any():
        return np.full(len(free), most if most is not None else 10**6, np.int64)
    slots: Ints = (np.maximum(free[:, asked], 0) // least[asked]).min(axis=1)
    return slots if most is None else np.minimum(slots, most)
