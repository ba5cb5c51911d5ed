"""Whether nodes are enough for kube-scheduler: pods replayed onto a board, in several orders of arrival.

The scheduler places pods by its own scores, which spread them; nodes that suffice on paper may leave pods pending. Pods
that find no node are tried again once others were bound, or nodes joined, that could help.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.cycle import Arrival, Cycle, listed
from planner.hosts import hosts_of
from planner.orders import ORDERS, runs
from planner.wishes import make_wishbook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from planner.board import Board
    from planner.kinds import Kind
    from planner.orders import Run
    from planner.scores import Flags, Ints
    from planner.snapshot import Snapshot
    from planner.wishes import Wishbook

__all__ = ["ORDERS", "Arrival", "Replayed", "Stage", "make_stage", "replay"]

#: Nodes join one by one, but where there are many in so many waves.
WAVES = 24


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """One replay: ``bound`` are (node, arrival) by position, in the order in which pods were bound.

    ``stranded`` is how many pods of which arrival found no node, ``steps`` how often a pod was looked at.
    """

    bound: tuple[tuple[int, int], ...]
    stranded: dict[int, int]
    steps: int = field(default=0, compare=False)

    def placed(self) -> dict[tuple[int, int], int]:
        """(node, arrival) → how many pods."""
        return dict(sorted(Counter(self.bound).items()))


@dataclass(frozen=True)
class Stage:
    """Nodes and pods that can be replayed in any order. The first ``there`` nodes need not join, they are there.

    ``hosts`` are, by term, the nodes over which spreads over host names take their least count (see ``hosts_of``); of
    terms that are not there it is zero.
    """

    board: Board
    arrivals: tuple[Arrival, ...]
    book: Wishbook
    there: int
    hosts: Mapping[int, tuple[Flags, ...]]


def make_stage(
    board: Board, arrivals: Sequence[Arrival], snapshot: Snapshot, *, there: int = 0, whole: bool = False
) -> Stage:  # fmt: skip
    """Resolve what the pods would rather have. The snapshot's running pods are on the board, with all they take.

    The first ``there`` nodes are there from the beginning. On a ``whole`` board are all nodes of the cluster: then
    spreads over host names are as lenient as the scheduler is, else no host is to hold more than maxSkew of them.
    """
    book = make_wishbook(board, [one.group for one in arrivals], snapshot)
    own = board.copy()
    hosts = hosts_of(board, snapshot) if whole else {}
    for term, flags in hosts.items():
        if len(flags) == 1:  # where kinds look at different nodes, it is as if an empty one were there
            own.counts.domains[term] = flags[0].nonzero()[0]
    return Stage(own, tuple(arrivals), book, there, hosts)


def replay(stage: Stage, order: int) -> Replayed:
    """One replay. ``order`` is a position in ``ORDERS``."""
    how = ORDERS[order]
    cycle = Cycle(
        stage.board.copy(), stage.arrivals, stage.book, order, equal=how.equal, spreading=how.spreading
    )  # fmt: skip
    run = _Run(stage, cycle)
    waiting = runs([one.group for one in stage.arrivals], order)
    for present in _waves(stage, joining=how.joining):
        run.join(present)
        waiting = run.settle(waiting)
    stranded: Counter[int] = Counter()
    for place, count in waiting:
        stranded[place] += count
    return Replayed(
        bound=tuple(run.bound), stranded=dict(sorted(stranded.items())), steps=len(run.bound) + run.tries
    )  # fmt: skip


def _waves(stage: Stage, *, joining: bool) -> Iterator[Flags | None]:
    """Which nodes are present as time goes by; None: all. New nodes come one of each zone after the other."""
    new = [int(node) for node in listed(stage.board) if node >= stage.there] if joining else []
    present = np.arange(stage.board.size) < stage.there
    if new and stage.there:
        yield present
    step = max(1, -(-len(new) // WAVES))
    for first in range(step, len(new), step):
        present = present.copy()
        present[new[first - step : first]] = True
        yield present
    yield None


@dataclass
class _Run:
    """One replay under way. ``_helped`` counts, by term, the pods bound that it counts; ``_refused`` is, by kind, what
    these counts were when it was last refused: until they change it is refused again."""

    stage: Stage
    cycle: Cycle
    bound: list[tuple[int, int]] = field(default_factory=list)
    tries: int = 0
    _helped: Counter[int] = field(default_factory=Counter)
    _refused: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _joined: int = 0

    def join(self, present: Flags | None) -> None:
        """Let nodes join. Only the domains of present nodes count for the least count of a spread."""
        self.cycle.present = present
        self._joined += 1
        for term, domains in enumerate(self.stage.board.counts.domains):
            there = domains if present is None or not len(domains) else self._there(term, domains, present)
            self.cycle.board.counts.domains[term] = there

    def _there(self, term: int, domains: Ints, present: Flags) -> Ints:
        """The domains of a term that have a node that is present, or none at all on the board."""
        board = self.cycle.board
        if board.counts.by_host[term]:
            return domains[present[domains]]
        shapes = board.shapes.domains[term]
        came = {*shapes[list({*board.shape[present].tolist()})].tolist()}
        absent = {*shapes[list({*board.shape[~present].tolist()})].tolist()} - came
        return np.array([domain for domain in domains.tolist() if domain not in absent], np.int64)

    def settle(self, waiting: list[Run]) -> list[Run]:
        """Try the pods that wait until that helps no more: those that are left."""
        before = -1
        while waiting and self.cycle.bound != before:
            before = self.cycle.bound
            waiting = [(place, left) for place, count in waiting if (left := count - self._try(place, count))]
        return waiting

    def _try(self, place: int, count: int) -> int:
        """Bind pods of one arrival, one after the other: how many found a node."""
        kind = self.stage.arrivals[place].kind
        if self._refused.get(kind.index) == self._hopes(kind):
            return 0
        nodes = self.cycle.schedule(place, count)
        self.tries += 1
        self.bound += [(node, place) for node in nodes]
        for term in kind.matches if nodes else ():
            self._helped[term] += len(nodes)
        if len(nodes) < count:
            self._refused[kind.index] = self._hopes(kind)
        return len(nodes)

    def _hopes(self, kind: Kind) -> tuple[int, ...]:
        """What could help a kind: nodes that joined, and other pods that its spreads and affinity look at."""
        terms = (*(rule.term for rule in kind.spreads), *kind.affinity)
        return (self._joined, *(self._helped[term] for term in terms))
