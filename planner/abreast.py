"""Replays side by side: many fleets in one order of arrival, each in a lane of its own, a pod at a time in all of them.

What ``cycle`` does for one fleet, this does for many at once, number for number: the same filters, the same scores, the
same dice. What a step costs is mostly what it takes to ask numpy anything at all, so many lanes cost little more than
one. All lanes have as many nodes as the longest; nodes that are missing take no pod.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner import scores
from planner.cycle import mixed
from planner.lanes import FAR, Lanes
from planner.tables import BARRED, BESIDE, EVEN, LEANS, SPREADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from planner.replay import Replayed
    from planner.scores import Flags, Floats, Ints
    from planner.tables import Slot, Tables

    Small = NDArray[np.int32]

#: The rows of amounts: what is left in the eyes of scores, what is used, and what is free, by resource.
LEFT, USED, FREE = slice(0, 2), slice(2, 4), slice(4, None)


@dataclass(frozen=True)
class Outcome:
    """What a replay came to. ``nodes`` and ``places``, an arrival each, are by pod, in the order in which pods were
    bound; ``stranded`` is how many pods of which arrival found no node. ``steps`` is how often a pod was looked at, in
    any of those that were replayed beside it."""

    nodes: Small
    places: Small
    stranded: Mapping[int, int]
    steps: int = 0

    @classmethod
    def of(cls, one: Replayed) -> Outcome:
        """The same of a replay that was made by itself."""
        bound = np.array(one.bound, np.int32).reshape(-1, 2)
        return cls(bound[:, 0], bound[:, 1], one.stranded, one.steps)

    def placed(self) -> dict[tuple[int, int], int]:
        """(node, arrival) → how many pods."""
        return dict(sorted(Counter(zip(self.nodes.tolist(), self.places.tolist(), strict=True)).items()))


def replay_all(
    tables: Tables, fleets: Sequence[Ints], order: int, runs: Sequence[tuple[int, int]]
) -> list[Outcome]:  # fmt: skip
    """Replay each fleet, which is the columns of its nodes, in one order. ``runs`` are the pods as they come in it.

    Fleets of so many nodes that kube-scheduler does not look at all of them go by themselves.
    """
    found: dict[int, Outcome] = {}
    for some in (False, True):
        mine = [place for place, one in enumerate(fleets) if (len(one) >= scores.EVERYONE) == some]
        if mine:
            lanes = Lanes(tables, [fleets[one] for one in mine], order, some=some)
            found |= zip(mine, _Play(lanes).all(runs), strict=True)
    return [found[place] for place in range(len(fleets))]


class _Play:
    """One order, played in all lanes. ``went`` are the nodes of a step's pods by lane, -1 for none, ``came`` is each
    step's arrival."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.went: list[Ints] = []
        self.came: list[int] = []
        self.known: dict[int, _Run] = {}
        self.tries = 0

    def all(self, runs: Sequence[tuple[int, int]]) -> list[Outcome]:
        """All pods in every lane, then those again that other pods may have helped, until that helps no more."""
        lanes, tables = self.lanes, self.lanes.tables
        waiting = [(place, np.full(lanes.size, count)) for place, count in runs]
        stranded = np.zeros((len(tables.asked), lanes.size), np.int64)
        while waiting:
            before = lanes.bound.copy()
            again = [(place, count - self._bind(place, count)) for place, count in waiting]
            moved, waiting = lanes.bound != before, []
            for place, missing in again:
                hoping = missing * (moved & tables.hopeful[place])
                stranded[place] += missing - hoping
                if hoping.any():
                    waiting.append((place, hoping))
        came, went = np.array(self.came, np.int32), np.array(self.went, np.int32).reshape(-1, lanes.size)
        return [self._outcome(row, came, went[:, row], stranded[:, row]) for row in range(lanes.size)]

    def _bind(self, place: int, count: Ints) -> Ints:
        """Bind so many pods of an arrival in each lane, one after the other: how many found a node."""
        if place not in self.known:
            self.known[place] = _Run(self.lanes, place)
        nodes = self.known[place].bind(count)
        self.tries += 1
        self.went += nodes
        self.came += [place] * len(nodes)
        found: Ints = (np.array(nodes, np.int64).reshape(-1, len(count)) >= 0).sum(axis=0)
        return found

    def _outcome(self, row: int, came: Small, went: Small, stranded: Ints) -> Outcome:
        done = went >= 0
        left = {place: int(stranded[place]) for place in np.flatnonzero(stranded).tolist()}
        return Outcome(self.lanes.listed[row][went[done]].astype(np.int32), came[done], left, len(came) + self.tries)


class _Run:
    """Pods of one arrival that are bound one after the other, in every lane one at a time.

    ``fits`` are the nodes that admit one more and have room for it, ``worth`` is what each node's resources are worth
    to the next one.
    """

    def __init__(self, lanes: Lanes, place: int) -> None:
        self.lanes, self.place = lanes, place
        tables = self.tables = lanes.tables
        self.need, self.taken = tables.need[place][:, None], tables.taken[place][:, None]
        self.asked, self.coming = tables.asked[place][:, None], tables.coming[place][:, None]
        self.admits = tables.admitted[place][lanes.columns] & lanes.there
        self.fixed = self._fixed()
        self.scored = None if tables.scored is None else tables.scored[place][lanes.columns]
        spread = lanes.order.spreading or not tables.by_default[place]
        self.spreads = tables.slots[SPREADS][place] if spread else ()
        self.leans, self.even, self.barred, self.beside = (
            tables.slots[sort][place] for sort in (LEANS, EVEN, BARRED, BESIDE)
        )  # fmt: skip
        self.ruled = bool(self.even or self.barred or self.beside)
        self.weights: list[Floats] | None = None
        self.fits, self.worth = self.admits, np.zeros(0)

    def _fixed(self) -> tuple[tuple[int, Ints], ...]:
        """Figures of nodes that are made comparable among those that pass, with their weights."""
        figures = ((-scores.TAINTS, self.tables.disliked), (scores.NODE_AFFINITY, self.tables.preferred))
        found = ((weight, table[self.place]) for weight, table in figures if table is not None)
        return tuple((weight, row[self.lanes.columns]) for weight, row in found if row.any())

    def _worth(self, amounts: Floats, divisor: Floats, both: Ints | None) -> Floats:
        """NodeResourcesFit and NodeResourcesBalancedAllocation. Floats hold whole numbers."""
        shares = amounts[LEFT] - self.coming
        np.maximum(shares, 0, out=shares)
        shares /= divisor
        np.floor(shares, out=shares)
        worth: Floats = shares[0] + shares[1]
        worth /= 2 if both is None else np.maximum(both, 1)
        np.floor(worth, out=worth)
        if self.tables.balanced[self.place]:
            taken = amounts[USED] + self.asked
            taken /= divisor
            np.minimum(taken, 1, out=taken)
            balance = np.abs(taken[0] - taken[1])
            balance = np.floor((1 - balance / 2) * scores.BEST)
            worth += balance if both is None else np.where(both < len(divisor), scores.BEST, balance)
        return worth

    def bind(self, count: Ints) -> list[Ints]:
        """Bind so many pods in each lane, or fewer, up to the first that no node takes: by pod, the node in each lane,
        -1 where there is none."""
        lanes, most = self.lanes, int(count.max())
        went: list[Ints] = []
        room = (lanes.amounts[FREE] >= self.need).all(axis=0)
        self.fits = self.admits & room.reshape(self.admits.shape)
        self.worth = self._worth(lanes.amounts, lanes.divisor, lanes.both).reshape(self.admits.shape)
        self.weights = None
        alike = bool((count == most).all())
        for turn in range(most):
            fine = self._passing()
            if not alike:
                fine = fine & (turn < count)[:, None]
                self.weights = None
            rank = self._some(fine) if lanes.some else None
            found = fine.any(axis=1)
            if not found.any():
                break
            total = np.where(fine, self._scores(fine), -np.inf)
            best = total == total.max(axis=1)[:, None]
            node = self._thrown(best, rank)
            if found.all():
                self._put(lanes.rows, node)
            else:
                rows = np.flatnonzero(found)
                self._put(rows, node[rows])
                node = np.where(found, node, -1)
            went.append(node)
        return went

    def _put(self, rows: Ints, nodes: Ints) -> None:
        """Put one pod on a node of each of these lanes."""
        lanes = self.lanes
        at = rows * lanes.nodes + nodes
        amounts = lanes.amounts.take(at, axis=1)
        amounts -= self.taken
        lanes.amounts[:, at] = amounts
        full = (amounts[FREE] < self.need).any(axis=0)
        if full.any():
            self.fits[rows[full], nodes[full]] = False
            self.weights = None
        both = None if lanes.both is None else lanes.both[at]
        self.worth.reshape(-1)[at] = self._worth(amounts, lanes.divisor.take(at, axis=1), both)
        for counter, group, amount in self.tables.adds[self.place]:
            lanes.flat[counter * lanes.size * lanes.wide + lanes.places[group].take(at)] += amount
            if not lanes.labelled[group]:
                lanes.counts[counter, :, -1] = 0
        lanes.bound[rows] += 1

    def _thrown(self, best: Flags, rank: Ints | None) -> Ints:
        """Which of the best nodes is taken, in the order in which they were found."""
        lanes, equal = self.lanes, self.lanes.order.equal
        if rank is None and equal is not None:
            last: Ints = best.shape[1] - 1 - best[:, ::-1].argmax(axis=1) if equal else best.argmax(axis=1)
            return last
        ties = best.sum(axis=1)
        wanted: Ints = mixed(lanes.bound, lanes.numbers) % ties if equal is None else equal % ties
        if rank is None:
            chosen: Ints = best.argmax(axis=1)
            return chosen if ties.max() == 1 else (np.cumsum(best, axis=1) > wanted[:, None]).argmax(axis=1)
        order = np.sort(np.where(best, rank, FAR), axis=1)[lanes.rows, wanted]
        there: Ints = (np.where(best, rank, -1) == order[:, None]).argmax(axis=1)
        return there

    # Filters

    def _passing(self) -> Flags:
        """The nodes that pass all filters, see ``Board.limited``."""
        if not self.ruled:
            fits: Flags = self.fits.copy() if self.lanes.some else self.fits
            return fits
        lanes = self.lanes
        fine: Flags = self.fits.copy()
        for slot in self.even:
            fine &= self._evenly(slot)
        for counter, group in self.barred:
            fine &= self._seen(counter, group) == 0
        if self.beside:
            first = np.ones(lanes.size, np.bool_)
            for _, _, total, itself in self.beside:
                first &= (lanes.counts[total, :, 0] == 0) & bool(itself)
            for counter, group, _, _ in self.beside:
                fine &= (self._seen(counter, group) > 0) | (first[:, None] & (lanes.codes[group] < lanes.wide - 1))
        self.weights = None
        return fine

    def _seen(self, counter: int, group: int) -> Ints:
        """What a counter counts in the domain of each node."""
        lanes = self.lanes
        if self.tables.groups[group][0] and lanes.labelled[group]:
            hosts: Ints = lanes.counts[counter, :, : lanes.nodes]
            return hosts
        domains: Ints = lanes.counts[counter].take(lanes.places[group])
        return domains

    def _evenly(self, slot: Slot) -> Flags:
        lanes = self.lanes
        counter, group, skew, least, itself, alone = slot
        far, codes = lanes.far[counter], lanes.codes[group]
        size = (far == 0).sum(axis=1)
        low = (lanes.counts[counter] + far).min(axis=1)
        top = np.where((size == 0) | (size < least), 0, low) + (skew if itself else skew + 1)
        allowed: Flags = self._seen(counter, group) < top[:, None]
        if alone and (size == 1).any():
            # the only domain is never further from the emptiest than itself
            allowed[size == 1] = (far.take(lanes.places[group]) == 0)[size == 1]
        return allowed if lanes.labelled[group] else allowed & (codes < lanes.wide - 1)

    def _some(self, fine: Flags) -> Ints:
        """``findNodesThatPassFilters``, see ``cycle``: ``fine`` is lessened; how each node comes in the search."""
        lanes = self.lanes
        places = np.cumsum(fine, axis=1)
        total = places[:, -1]
        before = np.where(lanes.next > 0, places[lanes.rows, lanes.next - 1], 0)
        enough = total >= lanes.wanted
        turned = (places - 1 - before[:, None]) % np.maximum(total, 1)[:, None]
        rank: Ints = np.where(enough[:, None], turned, places - 1)
        last = ((rank == lanes.wanted[:, None] - 1) & fine).argmax(axis=1)
        lanes.next = np.where(enough, (last + 1) % lanes.sizes, lanes.next)
        fine &= rank < np.where(enough, lanes.wanted, FAR)[:, None]
        self.weights = None
        return rank

    # Scores

    def _scores(self, fine: Flags) -> Floats:
        """The weighted sum of all scores, less what is the same for all nodes, see ``Cycle.scores``. Only of nodes that
        are ``fine``."""
        total = self.worth
        for weight, raw in self.fixed:
            total = total + weight * _scaled(raw, fine)
        if self.spreads:
            total = total + self._spread(fine)
        if self.leans:
            raw = np.zeros(fine.shape, np.int64)
            for counter, group, weight in self.leans:
                raw += weight * self._seen(counter, group)
            total = total + scores.POD_AFFINITY * _leaning(raw, fine)
        return total

    def _spread(self, fine: Flags) -> Floats:
        """PodTopologySpread with its weight."""
        looked = fine if self.scored is None else fine & self.scored
        if self.weights is None:
            self.weights = [self._weight(slot, looked) for slot in self.spreads]
        parts: list[Floats] = []
        for (counter, group, skew, _), weight in zip(self.spreads, self.weights, strict=True):
            part = self._seen(counter, group) * weight
            part += skew - 1
            if not self.lanes.labelled[group]:
                part *= self.lanes.codes[group] < self.lanes.wide - 1
            parts.append(part)
        raw = parts[0]
        for part in parts[1:]:
            raw += part
        raw += 0.5
        np.floor(raw, out=raw)
        lowest = np.where(looked, raw, FAR).min(axis=1)[:, None]
        highest = np.where(looked, raw, -1).max(axis=1)[:, None]
        turned: Floats = highest + lowest - raw
        turned *= scores.BEST
        turned /= np.maximum(highest, 1)
        np.floor(turned, out=turned)
        turned *= scores.SPREAD
        if not highest.all() or highest.min() < 0:
            turned = np.where(highest <= 0, scores.BEST * scores.SPREAD, turned)
        return turned if self.scored is None else turned * self.scored

    def _weight(self, slot: Slot, looked: Flags) -> Floats:
        """What a pod weighs in a spread: the more, the more domains there are."""
        _, group, _, by_host = slot
        if by_host:
            size = looked.sum(axis=1)
        else:
            bits, codes = self.lanes.bits[group], self.lanes.codes[group]
            size = _distinct(codes, looked, self.lanes.wide) if bits is None else np.bitwise_count(
                np.bitwise_or.reduce(np.where(looked, bits, 0), axis=1)
            )  # fmt: skip
        weight: Floats = self.lanes.logs[size][:, None]
        return weight


def _scaled(raw: Ints, fine: Flags) -> Floats:
    """``DefaultNormalizeScore`` by lane, not reversed."""
    highest = np.where(fine, raw, 0).max(axis=1)[:, None]
    scaled: Floats = np.where(highest > 0, np.floor(raw * scores.BEST / np.maximum(highest, 1)), 0.0)
    return scaled


def _leaning(raw: Ints, fine: Flags) -> Floats:
    """``affinity_score`` by lane."""
    lowest, highest = np.where(fine, raw, FAR).min(axis=1)[:, None], np.where(fine, raw, -FAR).max(axis=1)[:, None]
    width = highest - lowest
    scaled: Floats = np.where(width > 0, np.trunc(scores.BEST * ((raw - lowest) / np.maximum(width, 1))), 0.0)
    return scaled


def _distinct(codes: Ints, looked: Flags, wide: int) -> Ints:
    """How many different codes each lane's nodes have, of those that are looked at."""
    seen = np.zeros((len(codes), wide), np.bool_)
    rows, nodes = np.nonzero(looked)
    seen[rows, codes[rows, nodes]] = True
    count: Ints = seen.sum(axis=1)
    return count
