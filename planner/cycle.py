"""One scheduling cycle after the other: filter, score, choose, bind, as kube-scheduler does for one pod at a time.

The board filters. Pods of one workload that follow each other are one run: what each node's resources are worth to the
first, the second and the third of them is worked out at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from planner import labels as known
from planner import scores
from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.board import Board
    from planner.demand import PodGroup
    from planner.kinds import Kind
    from planner.pods import Needs
    from planner.scores import Flags, Floats, Ints
    from planner.wishes import Wishbook, Wishes

_MASK = 0xFFFFFFFF
_Whole = TypeVar("_Whole", int, "Ints")
#: For so many pods of a run on one node is worked out at once what the node is worth to them.
AHEAD = 4


@dataclass(frozen=True)
class Arrival:
    """Pods of one workload that come to be scheduled: ``group`` holds these pods and no others."""

    kind: Kind
    group: PodGroup


@dataclass(frozen=True)
class _Size:
    """What ``[2, n, 1]`` of cpu and memory 1, 2 … ``AHEAD`` pods of one size ask, and ask in the eyes of scores: of
    these pods, the last one is being placed. ``held[2, 1]`` is what scores see of one once it is on a node."""

    asked: Floats
    scored: Floats
    held: Floats
    best_effort: bool

    @classmethod
    def of(cls, needs: Needs) -> _Size:
        asked = np.array((needs.requests.get(CPU), needs.requests.get(MEMORY)), np.float64)[:, None, None]
        coming, held = (asked + np.array(more, np.float64)[:, None, None] for more in needs.reckoned)
        times = np.arange(1, AHEAD + 1)[:, None]
        return cls(asked * times, held * (times - 1) + coming, held[:, 0], not asked.any())


@dataclass
class Run:
    """Pods of one arrival that are scheduled one after the other.

    ``fits`` are the nodes that admit one more and have room for it, ``left`` is how many are still to come.
    ``ahead[n]`` is what each node's resources are worth once ``n`` more of these pods are on it, ``worth`` what they
    are worth now, and ``more`` how many more there are by now. Nothing is worked out before it is asked for.
    """

    kind: Kind
    size: _Size
    wishes: Wishes
    fits: Flags
    left: int
    ahead: Ints | None = None
    worth: Ints | None = None
    more: dict[int, int] = field(default_factory=dict)


@dataclass
class Cycle:
    """The state of a cluster while pods are bound one by one. ``board`` is changed; give it a copy.

    ``number`` tells replays apart: it decides among equal nodes, where ``equal`` does not say which of them is taken
    (0: the first, -1: the last). ``spreading``: whether pods are spread that ask for none. ``present`` are the nodes
    that have joined, None: all.
    """

    board: Board
    arrivals: Sequence[Arrival]
    book: Wishbook
    number: int
    equal: int | None = None
    spreading: bool = True
    present: Flags | None = None
    bound: int = 0
    _counts: list[Ints] = field(init=False)
    _used: Floats = field(init=False)
    _left: Floats = field(init=False)
    _whole: scores.Whole = field(init=False)
    _listed: Ints = field(init=False)
    _admitted: dict[int, Flags] = field(default_factory=dict)
    _sizes: dict[int, _Size] = field(default_factory=dict)
    _next: int = 0

    def __post_init__(self) -> None:
        board = self.board
        rows = [board.row[CPU], board.row[MEMORY]]
        self._counts = [tally.start.copy() for tally in self.book.tallies]
        self._used = (board.allocatable[rows] - board.free[rows]).astype(np.float64)[:, None]
        self._left = (board.free[rows] - self.book.assumed).astype(np.float64)[:, None]
        self._whole = scores.Whole.of(board.allocatable[rows][:, None])
        self._listed = listed(board)

    def schedule(self, place: int, count: int) -> list[int]:
        """Bind so many more pods of an arrival, or fewer, up to the first that no node takes: the nodes they go to."""
        run, found = self.start(place, count), list[int]()
        for _ in range(count):
            nodes = self.feasible(run)
            if not len(nodes):
                break
            node = int(nodes[0])
            if len(nodes) > 1:
                sums = self.scores(run, nodes)
                best = (sums == sums.item(sums.argmax())).nonzero()[0]
                node = int(nodes[best[self._dice() % len(best) if self.equal is None else self.equal]])
            self.bind(run, node)
            found.append(node)
        return found

    def start(self, place: int, count: int = 1) -> Run:
        """Get ready for a run of so many pods."""
        arrival, board = self.arrivals[place], self.board
        kind = arrival.kind
        if kind.index not in self._admitted:
            self._admitted[kind.index] = board.admitted(kind)
        if place not in self._sizes:
            self._sizes[place] = _Size.of(arrival.group.needs)
        fits = self._admitted[kind.index] & board.fitting(kind)
        return Run(kind, self._sizes[place], self.book.wishes[place], fits, count)

    def bind(self, run: Run, node: int) -> None:
        """Put one pod of a run on a node."""
        self.board.bind(run.kind, node)
        self._used[:, 0, node] += run.size.asked[:, 0, 0]
        self._left[:, 0, node] -= run.size.held[:, 0]
        for tally, amount in run.wishes.adds:
            domain = self.book.tallies[tally].codes[node]
            if domain < len(self._counts[tally]) - 1:
                self._counts[tally][domain] += amount
        self.bound += 1
        run.left -= 1
        if run.left > 0:
            self._follow(run, node)

    def _follow(self, run: Run, node: int) -> None:
        """See anew what a node is to the next pod of a run."""
        board = self.board
        run.fits[node] = all(board.free[row, node] >= amount for row, amount in board.requests_of(run.kind))
        if run.ahead is None or run.worth is None:
            return
        more = run.more[node] = run.more.get(node, 0) + 1
        if more == len(run.ahead):
            run.ahead[:, node] = self._worths(run, more, node)[:, 0]
            more = run.more[node] = 0
        run.worth[node] = run.ahead[more, node]

    def feasible(self, run: Run) -> Ints:
        """The nodes that pass all filters, and of many only so many as the scheduler looks for."""
        passing = self.passing(run)
        every = self.board.size if self.present is None else int(np.count_nonzero(self.present))
        if every < scores.EVERYONE:
            return passing.nonzero()[0]
        return self._enough(passing, scores.nodes_to_find(every))

    def passing(self, run: Run) -> Flags:
        """Whether each node passes all filters."""
        passing = run.fits
        if self.board.is_limited(run.kind):
            passing = self.board.limited(run.kind, passing.astype(np.int64)) > 0
        return passing if self.present is None else passing & self.present

    def scores(self, run: Run, nodes: Ints) -> Ints:
        """The weighted sum of all scores, for nodes that passed."""
        wishes = run.wishes
        if run.worth is None:
            run.ahead = self._worths(run, min(run.left, AHEAD))
            run.worth = run.ahead[0].copy()
        total: Ints = run.worth[nodes]
        if wishes.disliked is not None:
            total = total + scores.TAINTS * scores.normalized(wishes.disliked[nodes], reverse=True)
        if wishes.preferred is not None:
            total = total + scores.NODE_AFFINITY * scores.normalized(wishes.preferred[nodes])
        if wishes.spreads and (self.spreading or not wishes.by_default):
            total = total + scores.SPREAD * self._spread(wishes, nodes)
        if wishes.leans:
            raw = np.zeros(len(nodes), dtype=np.int64)
            for look, weight in wishes.leans:
                raw += weight * self._counts[look.tally][look.codes[nodes]]
            total = total + scores.POD_AFFINITY * scores.affinity_score(raw)
        return total

    def _worths(self, run: Run, count: int, node: int | None = None) -> Ints:
        """What does not depend on other nodes: ``[count, nodes]``, or of one node.

        NodeResourcesFit, NodeResourcesBalancedAllocation, which best-effort pods are spared, and TaintToleration where
        no taint is disliked. The line ``n`` is for a pod that finds ``n`` others like it on the node.
        """
        whole, used, left = self._whole, self._used, self._left
        if node is not None:
            whole, used, left = whole.only(node), used[:, :, node : node + 1], left[:, :, node : node + 1]
        worth = scores.least_allocated(whole, left - run.size.scored[:, :count])
        if not run.size.best_effort:
            worth += scores.balanced_allocation(whole, used + run.size.asked[:, :count])
        if run.wishes.disliked is None:
            worth += scores.TAINTS * scores.BEST
        return worth

    def _spread(self, wishes: Wishes, nodes: Ints) -> Ints:
        scored = None if wishes.scored is None else wishes.scored[nodes]
        parts = []
        for wish in wishes.spreads:
            domains = nodes if wish.by_host else wish.look.codes[nodes]
            some = domains if scored is None else domains[scored]
            size = len(some) if wish.by_host else int(np.count_nonzero(np.bincount(some)))
            parts.append((self._counts[wish.look.tally], domains, size, wish.max_skew))
        return scores.spread_score(parts, scored)

    def _enough(self, passing: Flags, wanted: int) -> Ints:
        """``findNodesThatPassFilters``: from where the last search ended, as many as are wanted."""
        places = passing[self._listed].nonzero()[0]
        if len(places) >= wanted:
            first = int(places.searchsorted(self._next))
            if first + wanted <= len(places):
                places = places[first : first + wanted]
            else:
                places = np.concatenate((places[first:], places[:first]))[:wanted]
            self._next = (int(places[-1]) + 1) % self.board.size
        return self._listed[places]

    def _dice(self) -> int:
        """A number that looks like chance and is the same every time."""
        return mixed(self.bound, self.number)


def mixed(bound: _Whole, number: _Whole) -> _Whole:
    """A number that looks like chance, of how many pods are bound and of the replay's own number."""
    found = (bound * 0x9E3779B1 + number * 0x85EBCA6B + 1) & _MASK
    found ^= found >> 15
    found = found * 0x2C1B3C6D & _MASK
    return found ^ found >> 12


def listed(board: Board) -> Ints:
    """All nodes, one of each zone after the other, as the scheduler's node tree lists them."""
    places = [board.shapes.all[shape].labels for shape in board.shape]
    found: dict[tuple[str, str], list[int]] = {}
    for node, labels in enumerate(places):
        found.setdefault((labels.get(known.REGION, ""), labels.get(known.ZONE, "")), []).append(node)
    turns = [node for turn in zip_longest(*found.values()) for node in turn if node is not None]
    return np.array(turns, np.int64)
