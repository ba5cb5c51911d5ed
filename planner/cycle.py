"""One scheduling cycle after the other: filter, score, choose, bind, as kube-scheduler does for one pod at a time.

Equal pods share what they have in common: which nodes have room for them, and what those nodes' resources score, is
worked out anew only where a pod was bound since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner import scoring
from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from planner.queue import Queue, Queued, Skew
    from planner.rows import Rows
    from planner.scoring import Flags, Ints

assert (CPU, MEMORY) == ("cpu", "memory")  # noqa: S101
EVERYONE, LEAST_PERCENT, FEWEST = 100, 5, 100  # numFeasibleNodesToFind: below 100 nodes all; never fewer than 100 or 5 %
FEW = 12  # so many changed nodes at most are worth looking at one by one
_MASK = 0xFFFFFFFF


@dataclass
class Cycle:
    """The state of a cluster while pods are bound one by one. ``run`` tells runs apart: it decides among equal nodes.

    ``used`` is cpu and memory as requested, ``scored`` the same with what is assumed for pods without requests.
    """

    rows: Rows
    queue: Queue
    run: int
    free: Ints = field(init=False)
    used: Ints = field(init=False)
    scored: Ints = field(init=False)
    counts: list[Ints] = field(init=False)
    bound: list[int] = field(default_factory=list)
    _standing: dict[int, tuple[int, Ints]] = field(default_factory=dict)
    _next: int = 0

    def __post_init__(self) -> None:
        self.free = self.rows.free.copy()
        self.used = self.rows.allocatable - self.free[:2]
        self.scored = self.used + self.rows.assumed
        self.counts = [tally.start.copy() for tally in self.queue.tallies.kept]

    def schedule(self, one: Queued) -> int | None:
        """Bind one more pod of a group: the node it goes to, or None where no node takes it."""
        nodes = self.feasible(one)
        if not len(nodes):
            return None
        node = int(nodes[0])
        if len(nodes) > 1:
            scores = self.scores(one, nodes)
            best = nodes[scores == scores.max()]
            node = int(best[self._dice() % len(best)])
        self.bind(one, node)
        return node

    def bind(self, one: Queued, node: int) -> None:
        """Put a pod of a group on a node."""
        for row, amount in one.requests:
            self.free[row, node] -= amount
        self.used[:, node] += one.asked
        self.scored[:, node] += one.scored
        for place, amount in self.queue.adds[one.index]:
            counts, domain = self.counts[place], self.queue.tallies.kept[place].codes[node]
            if domain < len(counts) - 1:
                counts[domain] += amount
        self.bound.append(node)

    def feasible(self, one: Queued) -> Ints:
        """The nodes that pass all filters, and of many only so many as the scheduler looks for."""
        standing = self._standing_of(one)
        if one.ruled:
            standing = np.where(self._ruled(one), standing, -1)
        return self._enough(standing >= 0)

    def scores(self, one: Queued, nodes: Ints) -> Ints:
        """The weighted sum of all scores, for nodes that passed."""
        total = self._standing[one.index][1][nodes]
        if one.disliked is not None:
            total = total + scoring.TAINTS * scoring.normalized(one.disliked[nodes], reverse=True)
        else:
            total = total + scoring.TAINTS * scoring.BEST
        if one.preferred is not None:
            total = total + scoring.NODE_AFFINITY * scoring.normalized(one.preferred[nodes])
        if one.wishes:
            total = total + scoring.SPREAD * self._spread(one, nodes)
        if one.leans:
            raw = np.zeros(len(nodes), dtype=np.int64)
            for look, weight in one.leans:
                raw += weight * self.counts[look.tally][look.codes[nodes]]
            total = total + scoring.POD_AFFINITY * scoring.affinity_score(raw)
        return total

    def _standing_of(self, one: Queued) -> Ints:
        """By node: what its resources score, or -1 where the pod has no room or may never be."""
        seen, standing = self._standing.get(one.index, (-1, np.zeros(0, dtype=np.int64)))
        changed = self.bound[max(seen, 0):]
        if seen < 0 or len(changed) > FEW:
            standing = self._resources(one, np.arange(len(self.rows)))
        elif changed:
            at = np.array(sorted(set(changed)), dtype=np.int64)
            standing[at] = self._resources(one, at)
        self._standing[one.index] = (len(self.bound), standing)
        return standing

    def _resources(self, one: Queued, at: Ints) -> Ints:
        """NodeResourcesFit, filter and score, and NodeResourcesBalancedAllocation, which best-effort pods are spared."""
        fits = one.admitted[at]
        for row, amount in one.requests:
            fits = fits & (self.free[row, at] >= amount)
        allocatable = self.rows.allocatable[:, at]
        score = scoring.least_allocated(allocatable, self.scored[:, at] + one.scored[:, None])
        if one.asked.any():
            score = score + scoring.balanced_allocation(allocatable, self.used[:, at] + one.asked[:, None])
        return np.where(fits, score, -1)

    def _ruled(self, one: Queued) -> Flags:
        """PodTopologySpread, InterPodAffinity and NodePorts: the nodes that other pods leave to this one."""
        allowed = np.ones(len(self.rows), dtype=np.bool_)
        for skew in one.skews:
            counts = self.counts[skew.look.tally]
            fine = counts + int(skew.own) - self._lowest(skew, counts) <= skew.max_skew
            allowed &= fine[skew.look.codes]
        for look in one.apart:
            allowed &= (self.counts[look.tally] == 0)[look.codes]
        if one.together and not (one.may_be_first and not any(self.counts[look.tally].any() for look in one.together)):
            for look in one.together:
                allowed &= (self.counts[look.tally] > 0)[look.codes]
        return allowed

    def _lowest(self, skew: Skew, counts: Ints) -> int:
        """The global minimum: over the domains of all nodes that count, zero where these are fewer than minDomains."""
        domains = np.unique(skew.counted[skew.counted < len(counts) - 1])
        if len(domains) < skew.min_domains or not len(domains):
            return 0
        return int(counts[domains].min())

    def _spread(self, one: Queued, nodes: Ints) -> Ints:
        scored = one.wished[nodes]
        parts = []
        for wish in one.wishes:
            codes = wish.look.codes[nodes]
            size = int(scored.sum()) if wish.by_host else len(np.unique(codes[scored]))
            parts.append((self.counts[wish.look.tally][codes], size, wish.max_skew, wish.labelled[nodes]))
        return scoring.spread_score(parts, scored)

    def _enough(self, passing: Flags) -> Ints:
        """``findNodesThatPassFilters``: from where the last search ended, as many as ``numFeasibleNodesToFind``."""
        every = len(passing)
        if every < EVERYONE:
            return np.flatnonzero(passing)
        percent = max(LEAST_PERCENT, 50 - every // 125)
        wanted = max(FEWEST, every * percent // 100)
        turned = np.concatenate((passing[self._next:], passing[:self._next]))
        found = np.flatnonzero(turned)[:wanted]
        looked_at = int(found[-1]) + 1 if len(found) == wanted else every
        start, self._next = self._next, (self._next + looked_at) % every
        return np.sort((found + start) % every)

    def _dice(self) -> int:
        """A number that looks like chance and is the same every time."""
        mixed = (len(self.bound) * 0x9E3779B1 + self.run * 0x85EBCA6B + 1) & _MASK
        mixed ^= mixed >> 15
        mixed = mixed * 0x2C1B3C6D & _MASK
        return mixed ^ mixed >> 12
