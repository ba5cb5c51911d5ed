"""What pods ask of nodes, and which counts of other pods they look at, as tables for replays side by side.

A table has a row for each arrival and a column for each node that could be there: the existing ones, then one of each
variant. The nodes of a fleet are some of these columns, taken as often as it has such nodes.

Everything that is counted while pods are bound is a counter: pods by host or by domain, for scores and for filters. A
group says in which domain of a counter each column is. A slot is a counter that an arrival looks at.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner import scores
from planner.resources import CPU, MEMORY
from planner.scores import Whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.kinds import Kind
    from planner.replay import Stage
    from planner.scores import Flags, Floats, Ints
    from planner.wishes import Wishes

    Slot = tuple[int, ...]  # a counter, a group, and what else is said of it

#: What pods look at: spreads that score, weights that score, spreads that filter, counters that must be zero, and
#: counters that must not.
SPREADS, LEANS, EVEN, BARRED, BESIDE = range(5)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Arrivals × columns, or × resources, or × slots; see the module.

    ``asked``, ``coming`` and ``held`` are cpu and memory: what scores see of a pod's requests, of a pod that is being
    placed, and of one that was. ``need`` is by resource; where nothing is asked for, anything will do. ``groups`` are
    (by host, domain of each column or -1), ``starts`` what each counter counts at first, the last one nothing.
    ``ranges`` are, by counter of a spread that filters, the domains over which its least count is taken whatever the
    fleet, the group that says which of its nodes bring more, and of host names the nodes looked at, by kind.
    """

    existing: int
    amounts: Floats
    divisor: Floats
    both: Ints | None
    need: Floats
    taken: Floats
    hopeful: Flags
    admitted: Flags
    asked: Floats
    coming: Floats
    balanced: Flags
    by_default: Flags
    scored: Flags | None
    disliked: Ints | None
    preferred: Ints | None
    slots: tuple[tuple[tuple[Slot, ...], ...], ...]
    adds: tuple[tuple[Slot, ...], ...]
    groups: tuple[tuple[bool, Ints], ...]
    starts: tuple[Ints, ...]
    hosted: tuple[bool, ...]
    ranges: dict[int, Range]
    turns: Ints


@dataclass(frozen=True)
class Range:
    """See ``ranges`` of ``Tables``."""

    always: Ints
    group: int
    hosts: tuple[Flags, ...]


def make_tables(stage: Stage, existing: int, always: Sequence[Ints]) -> Tables:
    """The tables of a stage on which one node of each variant follows the existing ones.

    ``always`` are, by term, the domains over which spreads take their least count without any new node.
    """
    return _Maker(stage, existing, always).tables()


@dataclass
class _Maker:
    stage: Stage
    existing: int
    always: Sequence[Ints]
    groups: list[tuple[bool, Ints]] = field(default_factory=list)
    starts: list[Ints] = field(default_factory=list)
    hosted: list[bool] = field(default_factory=list)
    ranges: dict[int, Range] = field(default_factory=dict)
    _known: dict[object, int] = field(default_factory=dict)

    def tables(self) -> Tables:
        board, book = self.stage.board, self.stage.book
        rows = [board.row[CPU], board.row[MEMORY]]
        needs = [one.group.needs for one in self.stage.arrivals]
        asked = np.array([(one.requests.get(CPU), one.requests.get(MEMORY)) for one in needs], np.float64)
        kinds = [one.kind for one in self.stage.arrivals]
        wishes = book.wishes
        both = list(zip(kinds, wishes, strict=True))
        slots = tuple(tuple(tuple(self._slots(sort, *one)) for one in both) for sort in _SORTS)
        adds = tuple(tuple(self._adds(*one)) for one in both)  # of what is looked at, so these come last
        need, taken = self._need(kinds), asked + np.array([one.reckoned[1] for one in needs], np.float64)
        free, whole = board.free.astype(np.float64), Whole.of(board.allocatable[rows])
        left, used = (free[rows] - book.assumed) * scores.BEST, board.allocatable[rows] - free[rows]
        return Tables(
            existing=self.existing, amounts=_one_more(np.concatenate((left, used, free))),
            divisor=_one_more(whole.divisor, 1), both=None if whole.kinds is None else np.append(whole.kinds, 0),
            need=need, taken=np.concatenate((taken * scores.BEST, -asked, np.maximum(need, 0)), axis=1),
            hopeful=np.array([bool(one.spreads or one.affinity) for one in kinds], np.bool_),
            admitted=self._admitted(kinds), asked=asked,
            balanced=np.array([bool(one.any()) for one in asked], np.bool_),
            coming=(asked + np.array([one.reckoned[0] for one in needs], np.float64)) * scores.BEST,
            by_default=np.array([one.by_default for one in wishes], np.bool_), scored=self._scored(wishes),
            disliked=_figures([one.disliked for one in wishes], board.size),
            preferred=_figures([one.preferred for one in wishes], board.size),
            slots=slots, adds=adds, groups=tuple(self.groups), starts=tuple(self.starts), hosted=tuple(self.hosted),
            ranges=self.ranges, turns=self._turns(),
        )  # fmt: skip

    def _need(self, kinds: Sequence[Kind]) -> Floats:
        need = np.full((len(kinds), len(self.stage.board.resources)), -np.inf)
        for place, kind in enumerate(kinds):
            for row, amount in self.stage.board.requests_of(kind):
                need[place, row] = amount
        return need

    def _admitted(self, kinds: Sequence[Kind]) -> Flags:
        found: dict[int, Flags] = {}
        for kind in kinds:
            if kind.index not in found:
                found[kind.index] = self.stage.board.admitted(kind)
        return np.stack([found[kind.index] for kind in kinds])

    def _scored(self, wishes: Sequence[Wishes]) -> Flags | None:
        if all(one.scored is None for one in wishes):
            return None
        every = np.ones(self.stage.board.size, np.bool_)
        return np.stack([every if one.scored is None else one.scored for one in wishes])

    # Counters and groups

    def _group(self, codes: Ints, *, by_host: bool) -> int:
        """The number of a group. By host only its sign is looked at: -1 where a node does not count."""
        own = np.minimum(codes, 0) if by_host else codes
        key = (by_host, own.tobytes())
        if key not in self._known:
            self._known[key] = len(self.groups)
            self.groups.append((by_host, own))
        return self._known[key]

    def _counter(self, key: tuple[str, int], start: Ints, *, by_host: bool = False) -> int:
        if key not in self._known:
            self._known[key] = len(self.starts)
            self.starts.append(start)
            self.hosted.append(by_host)
        return self._known[key]

    def _tally(self, number: int) -> int:
        tally = self.stage.book.tallies[number]
        start = tally.start[: self.existing] if tally.by_host else tally.start[:-1]
        return self._counter(("tally", number), start, by_host=tally.by_host)

    def _looked(self, number: int, codes: Ints) -> int:
        """The group of a tally's codes, as they are in wishes."""
        tally = self.stage.book.tallies[number]
        return self._group(np.where(codes == len(tally.start) - 1, -1, codes), by_host=tally.by_host)

    def _term(self, name: str, term: int) -> int:
        """The counter of a term: pods that match it (counts), or keep others off by it (held)."""
        counts = self.stage.board.counts
        start = (counts.counts if name == "counts" else counts.held)[term]
        by_host = counts.by_host[term]
        size = self.existing if by_host else len(self.stage.board.shapes.values[term])
        return self._counter((name, term), start[:size], by_host=by_host)

    def _domains(self, term: int, *, counted: bool = False) -> int:
        """The group of a term; where pods are counted, or where they look."""
        board = self.stage.board
        by_host = board.counts.by_host[term]
        codes = np.arange(board.size) if by_host else board.shapes.domains[term][board.shape]
        return self._group(np.where(board.shapes.counted[term][board.shape], codes, -1) if counted else codes,
                           by_host=by_host)  # fmt: skip

    # What an arrival looks at

    def _slots(self, sort: int, kind: Kind, wishes: Wishes) -> list[Slot]:
        if sort == SPREADS:
            return [
                (self._tally(one.look.tally), self._looked(one.look.tally, one.look.codes), one.max_skew, one.by_host)
                for one in wishes.spreads
            ]  # fmt: skip
        if sort == LEANS:
            return [
                (self._tally(look.tally), self._looked(look.tally, look.codes), weight) for look, weight in wishes.leans
            ]  # fmt: skip
        if sort == EVEN:
            return [self._even(kind, number) for number in range(len(kind.spreads))]
        if sort == BARRED:
            held = [("held", term) for term in kind.matches if term in self._holding]
            return [
                (self._term(name, term), self._domains(term))
                for name, term in [*(("counts", term) for term in kind.anti), *held]
            ]  # fmt: skip
        return [
            (self._term("counts", term), self._domains(term), self._total(term), term in kind.matches)
            for term in kind.affinity
        ]  # fmt: skip

    def _even(self, kind: Kind, number: int) -> Slot:
        rule, board = kind.spreads[number], self.stage.board
        counter = self._term("counts", rule.term)
        by_host = board.counts.by_host[rule.term]
        if counter not in self.ranges:
            none = (np.zeros(board.size, np.bool_),)
            hosts = self.stage.hosts.get(rule.term, none) if by_host else ()
            always = np.zeros(0, np.int64) if by_host else self.always[rule.term]
            self.ranges[counter] = Range(always, self._domains(rule.term, counted=not by_host), hosts)
        alone = rule.counts_itself and rule.min_domains <= 1 and not by_host
        return (counter, self._domains(rule.term), rule.max_skew, rule.min_domains, rule.counts_itself, alone)

    @cached_property
    def _holding(self) -> frozenset[int]:
        """The terms by which some pod keeps others off, or one that comes will."""
        board = self.stage.board
        return frozenset(
            {term for term, count in enumerate(board.counts.holding) if count}
            | {term for kind in board.kinds.kinds for term in kind.anti}
        )  # fmt: skip

    def _turns(self) -> Ints:
        """The region and zone of each column, by number."""
        board, found = self.stage.board, dict[tuple[str, str], int]()
        for shape in board.shapes.all:
            found.setdefault((shape.labels.get(known.REGION, ""), shape.labels.get(known.ZONE, "")), len(found))
        names = [(shape.labels.get(known.REGION, ""), shape.labels.get(known.ZONE, "")) for shape in board.shapes.all]
        return np.array([found[one] for one in names], np.int64)[board.shape]

    def _total(self, term: int) -> int:
        """The counter that has all pods that match a term in its first domain."""
        return self._counter(("total", term), np.array([self.stage.board.counts.totals[term]], np.int64))

    def _adds(self, kind: Kind, wishes: Wishes) -> list[Slot]:
        """The counters in which one more pod counts, where, and how much."""
        found: Counter[tuple[int, int]] = Counter()
        for number, amount in wishes.adds:
            found[self._tally(number), self._looked(number, self.stage.book.tallies[number].codes)] += amount
        for term in kind.matches:
            group = self._domains(term, counted=True)
            if ("counts", term) in self._known:
                found[self._known["counts", term], group] += 1
            if ("total", term) in self._known:
                codes = np.minimum(self.groups[group][1], 0)
                found[self._known["total", term], self._group(codes, by_host=False)] += 1
        for term in kind.anti:
            if ("held", term) in self._known:
                found[self._known["held", term], self._domains(term)] += 1
        return [(*key, amount) for key, amount in found.items()]


_SORTS = (SPREADS, LEANS, EVEN, BARRED, BESIDE)


def _one_more(table: Floats, last: float = 0) -> Floats:
    """With a column for nodes that are missing."""
    return np.concatenate((table, np.full((len(table), 1), last)), axis=1)


def _figures(rows: Iterable[Ints | None], size: int) -> Ints | None:
    found = list(rows)
    if all(one is None for one in found):
        return None
    return np.stack([np.zeros(size, np.int64) if one is None else one for one in found])
