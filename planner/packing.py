"""The cheapest new nodes for what existing nodes cannot take.

Several greedy packings are made and the cheapest is kept: each opens, again and again, the node whose pods are worth
most for its price. They differ in what a pod is worth (by the dual prices, by cpu, by memory) and in which flavors
they may use (all, or one). Each is then improved: nodes are emptied into others, and swapped for cheaper ones.
Everything is counted and ordered by unique keys, so the result is the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING

from planner.bins import Bin, new_bin
from planner.bound import DualPrices, dual_prices
from planner.labels import HOSTNAME
from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from planner.candidates import Candidate
    from planner.ledger import Ledger
    from planner.topology import Subject, Topology

#: (minus worth per price, minus price, position of the candidate, pods by item): the least is the best.
Offer = tuple[Fraction, int, int, dict[int, int]]
_SCALE = 10**18
NEW = "new/"  # begins the host names of nodes that are still without one
ALL = 10**9
#: How many of the packings are improved, how many nodes of each may be
#: emptied, and how many strategies are tried again for a flavor taken out: these bound the work.
IMPROVED, EMPTIED, RETRIED = 4, 40, 40


@dataclass(frozen=True, kw_only=True)
class Item:
    """Pods of one kind that want new nodes: how many, and which candidates (by position) may hold them."""

    index: int
    subject: Subject
    count: int
    requests: dict[str, int]
    options: frozenset[int]

    @cached_property
    def ruleless(self) -> bool:
        """Whether topology has nothing to say of these pods."""
        return not self.subject.matches and not self.subject.terms()

    @cached_property
    def zoneless(self) -> bool:
        """Whether no rule looks at anything but host names."""
        return all(term.key == HOSTNAME for term in (*self.subject.matches, *self.subject.terms()))

    @cached_property
    def size(self) -> tuple[int, int]:
        return (self.requests.get(CPU, 0), self.requests.get(MEMORY, 0))


@dataclass
class Packing:
    """New nodes and what is left over. ``left`` counts pods by item."""

    topology: Topology
    ledger: Ledger
    bins: list[Bin] = field(default_factory=list)
    left: dict[int, int] = field(default_factory=dict)
    series: str = ""
    made: int = 0

    def next_name(self) -> str:
        """A host name that no other new node has, and that no node could have."""
        self.made += 1
        return f"{NEW}{self.series}/{self.made}"

    @property
    def hourly(self) -> int:
        return sum(one.candidate.hourly for one in self.bins if one.candidate)

    def rank(self) -> tuple[object, ...]:
        """Fewest pods left over, then cheapest, then fewest nodes, then fewest pools, then names."""
        kinds = sorted(one.candidate.key for one in self.bins if one.candidate)
        return (sum(self.left.values()), self.hourly, len(self.bins), len(set(kinds)), kinds)


@dataclass(frozen=True)
class Packer:
    """One packing problem; ``pack`` solves it. Candidates are in key order; an item's ``index`` is its position."""

    candidates: Sequence[Candidate]
    items: Sequence[Item]
    topology: Topology
    ledger: Ledger
    effort: int = ALL
    series: str = ""

    def pack(self) -> Packing:
        """The best of all packings tried."""
        tried = [self._greedy(self._empty_packing(), *one) for one in islice(self._strategies(), self.effort)]
        best = sorted(tried, key=Packing.rank)[:IMPROVED]
        found = min((self._improved(packing) for packing in best), key=Packing.rank)
        return self._repacked(found) if self.effort == ALL else found

    def _strategies(self) -> Iterable[tuple[Callable[[Item], int], frozenset[int]]]:
        cpu = max(1, sum(item.size[0] * item.count for item in self.items))
        memory = max(1, sum(item.size[1] * item.count for item in self.items))
        dual = self.prices
        everything = frozenset(range(len(self.candidates)))
        yield lambda item: int(dual.value(*item.size) * _SCALE) + 1, everything
        yield lambda item: item.size[0] * _SCALE // cpu + item.size[1] * _SCALE // memory + 1, everything
        yield lambda item: item.size[0] * _SCALE // cpu + 1, everything
        yield lambda item: item.size[1] * _SCALE // memory + 1, everything
        for name in sorted({one.flavor.name for one in self.candidates}):
            one_flavor = frozenset(i for i in everything if self.candidates[i].flavor.name == name)
            if all(item.options & one_flavor for item in self.items if item.count):
                yield lambda item: int(dual.value(*item.size) * _SCALE) + 1, one_flavor

    @cached_property
    def prices(self) -> DualPrices:
        """What cpu and memory are worth at the candidates' prices, for this demand."""
        cpu, memory = (sum(item.size[k] * item.count for item in self.items) for k in (0, 1))
        return dual_prices(self.candidates, cpu, memory)

    def _empty_packing(self, made: int = 0) -> Packing:
        left = {item.index: item.count for item in self.items}
        return Packing(self.topology.copy(), self.ledger.copy(), left=left, series=self.series, made=made)

    def _greedy(self, packing: Packing, worth: Callable[[Item], int], allowed: frozenset[int]) -> Packing:
        """Open the node whose filling is worth most for its price, until nothing is left or nothing may be opened.

        While pods of every kind are left, what a candidate's filling is worth only falls. So candidates wait in a heap
        with what they were worth when last looked at, and only the one on top is looked at again; when a kind of pod is
        used up, all are, because smaller pods may then fill a node better.
        """
        worths = {item.index: worth(item) for item in self.items}
        by_size = sorted(self.items, key=lambda item: (-worths[item.index], item.index))
        heap = self._offers(packing, [i for i in self.open if i in allowed], by_size, worths)
        while heap and any(packing.left.values()):
            position = heappop(heap)[2]
            now = self._offer(packing, position, by_size, worths)
            if now is None:
                continue
            if heap and now[:3] > heap[0][:3]:
                heappush(heap, now)
                continue
            if not self._commit(packing, position, now[3]):
                continue
            heappush(heap, now)
            if any(not packing.left[i] for i in now[3]):
                heap = self._offers(packing, [one[2] for one in heap], by_size, worths)
        return packing

    def _offers(
        self, packing: Packing, positions: Iterable[int], items: list[Item], worths: dict[int, int]
    ) -> list[Offer]:
        """A heap of what each candidate would take now."""
        heap = [entry for i in positions if (entry := self._offer(packing, i, items, worths))]
        heapify(heap)
        return heap

    def _offer(
        self, packing: Packing, position: int, items: list[Item], worths: dict[int, int]
    ) -> Offer | None:
        """A heap entry: most worth per price first; at the same ratio the dearer node, so that there are fewer."""
        candidate = self.candidates[position]
        pattern = self._fill(packing, position, items) if packing.ledger.affordable(candidate) else {}
        if not pattern:
            return None
        price = max(1, candidate.hourly)
        return (-Fraction(sum(worths[i] * n for i, n in pattern.items()), price), -price, position, pattern)

    @cached_property
    def open(self) -> tuple[int, ...]:
        """The candidates worth opening: for every other one, one of these holds as much, of as many, for no more."""
        held = [frozenset(item.index for item in self.items if i in item.options) for i in range(len(self.candidates))]
        order = sorted(range(len(self.candidates)), key=lambda i: (self.candidates[i].hourly, -len(held[i]), i))
        kept: list[int] = []
        for i in order:
            if held[i] and not any(self._replaces(k, i, held[k] >= held[i]) for k in kept):
                kept.append(i)
        return tuple(sorted(kept))

    def _replaces(self, one: int, other: int, holds_all: bool) -> bool:
        first, second = self.candidates[one], self.candidates[other]
        if not holds_all or second.node_pool.limited or not second.free.fits_in(first.free):
            return False
        return first.zone == second.zone or all(item.zoneless for item in self.items if other in item.options)

    def _fill(self, packing: Packing, position: int, items: list[Item]) -> dict[int, int]:
        """What one new node of a candidate would take, largest first."""
        trial = new_bin(self.candidates[position], NEW)
        ruled: dict[int, int] = {}
        followers = [item for item in items if item.subject.affinity]  # once more, when those they follow are there
        for item in (*items, *followers):
            left = packing.left[item.index] - trial.contents.get(item.index, 0)
            if not left or position not in item.options:
                continue
            count = min(left, trial.fits(item.requests))
            if count and not item.ruleless:
                count = min(count, packing.topology.room(item.subject, trial.labels))
            if count:
                trial.put(item.index, item.requests, count)
                if not item.ruleless:
                    ruled[item.index] = ruled.get(item.index, 0) + count
                    packing.topology.place(item.subject, trial.labels, count, taints=trial.taints)
        for i, count in ruled.items():
            packing.topology.place(self.items[i].subject, trial.labels, -count, taints=trial.taints)
        return trial.contents

    def _commit(self, packing: Packing, position: int, pattern: dict[int, int]) -> bool:
        """Open as many nodes with this filling as there are pods for, and as may be ordered; whether there was one."""
        candidate = self.candidates[position]
        times = min(packing.left[i] // n for i, n in pattern.items())
        opened = 0
        while opened < times and packing.ledger.affordable(candidate):
            one = new_bin(candidate, packing.next_name(), position=position)
            if opened and self._fill(packing, position, [self.items[i] for i in pattern]) != pattern:
                break
            packing.ledger.order(candidate, 1)
            packing.bins.append(one)
            self._put(packing, one, pattern)
            for i, count in pattern.items():
                packing.left[i] -= count
            opened += 1
        return bool(opened)

    def _put(self, packing: Packing, one: Bin, pattern: dict[int, int], sign: int = 1) -> None:
        for i, count in pattern.items():
            item = self.items[i]
            one.put(i, item.requests, sign * count)
            if not item.ruleless:
                packing.topology.place(item.subject, one.labels, sign * count, taints=one.taints)

    def _improved(self, packing: Packing) -> Packing:
        """Empty small nodes into others and swap every node for the cheapest that holds the same."""
        self._cheapen(packing)
        self._empty(packing)
        self._cheapen(packing)
        return packing

    def _repacked(self, packing: Packing) -> Packing:
        """Take the nodes of one flavor after the other out and pack their pods onto others, where that is cheaper."""
        for name in sorted({one.candidate.flavor.name for one in packing.bins if one.candidate}):
            packing = min(packing, self._without(packing, name), key=Packing.rank)
        return packing

    def _without(self, packing: Packing, flavor: str) -> Packing:
        kept = [one for one in packing.bins if self.candidates[one.position].flavor.name != flavor]
        gone = [one for one in packing.bins if self.candidates[one.position].flavor.name == flavor]
        topology, ledger, left = packing.topology.copy(), packing.ledger.copy(), dict(packing.left)
        for one in gone:
            ledger.order(self.candidates[one.position], -1)
            for i, count in one.contents.items():
                if not self.items[i].ruleless:
                    topology.place(self.items[i].subject, one.labels, -count, taints=one.taints)
                left[i] += count
        usable = frozenset(i for i, each in enumerate(self.candidates) if each.flavor.name != flavor)
        items = [replace(item, count=left[item.index], options=item.options & usable) for item in self.items]
        again = Packer(self.candidates, items, topology, ledger, series=self.series)
        some = islice(again._strategies(), RETRIED)
        tried = [again._greedy(again._empty_packing(packing.made), *one) for one in some]
        best = min(tried, key=Packing.rank)
        best.bins = [*(one.copy() for one in kept), *best.bins]
        self._cheapen(best)
        return best

    def _cheapen(self, packing: Packing) -> None:
        for slot, one in enumerate(packing.bins):
            best = min(self._swaps(packing, one), key=lambda i: (self.candidates[i].hourly, i), default=None)
            if best is None:
                continue
            pattern, swapped = dict(one.contents), new_bin(self.candidates[best], one.name, position=best)
            self._put(packing, one, pattern, -1)
            if any(packing.topology.room(self.items[i].subject, swapped.labels) < n for i, n in pattern.items()):
                self._put(packing, one, pattern)
                continue
            packing.ledger.order(self.candidates[one.position], -1)
            packing.ledger.order(self.candidates[best], 1)
            packing.bins[slot] = swapped
            self._put(packing, swapped, pattern)

    def _swaps(self, packing: Packing, one: Bin) -> list[int]:
        """Cheaper candidates in the same zone that hold everything on this node and may be ordered."""
        here = self.candidates[one.position]
        used = {name: here.free.get(name) - left for name, left in one.free.items()}
        return [
            i for i, other in enumerate(self.candidates)
            if other.hourly < here.hourly and other.zone == here.zone
            and all(i in self.items[k].options for k in one.contents)
            and all(amount <= other.free.get(name) for name, amount in used.items() if amount > 0)
            and packing.ledger.affordable(other)
        ]  # fmt: skip

    def _empty(self, packing: Packing) -> None:
        """Try to move all pods of a node, the emptiest first, onto the other new nodes."""
        kept = list(packing.bins)
        by_use = sorted(packing.bins, key=lambda one: (sum(one.contents.values()), one.name))
        for one in by_use[:EMPTIED]:
            others = [other for other in kept if other is not one]
            if self._moved(packing, one, others):
                kept = others
                packing.ledger.order(self.candidates[one.position], -1)
        packing.bins = kept

    def _moved(self, packing: Packing, one: Bin, others: list[Bin]) -> bool:
        """Move everything on a node elsewhere, or nothing."""
        before = dict(one.contents)
        self._put(packing, one, before, -1)
        done: list[tuple[Bin, dict[int, int]]] = []
        for i in sorted(before, key=lambda k: (tuple(-x for x in self.items[k].size), k)):
            missing = before[i]
            for other in others:
                if count := self._takes(packing, other, self.items[i], missing):
                    self._put(packing, other, {i: count})
                    done.append((other, {i: count}))
                    missing -= count
            if missing:
                for other, pattern in done:
                    self._put(packing, other, pattern, -1)
                self._put(packing, one, before)
                return False
        return True

    def _takes(self, packing: Packing, other: Bin, item: Item, wanted: int) -> int:
        if not wanted or other.position not in item.options:
            return 0
        room = wanted if item.ruleless else packing.topology.room(item.subject, other.labels)
        return min(wanted, other.fits(item.requests), room)

