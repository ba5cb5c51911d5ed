"""One scheduling cycle after the other: filter, score, choose, bind, as kube-scheduler does for one pod at a time.

What the resources of each node are worth to each shape of pod is kept, and worked out anew only for the node to which
a pod was bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner import scoring

if TYPE_CHECKING:
    from planner.arrays import Rows
    from planner.queue import Queue, Queued, Skew
    from planner.scoring import Flags, Ints

#: ``numFeasibleNodesToFind``: of fewer nodes than this all are looked at, of more never fewer than 100 or 5 %.
EVERYONE, FEWEST, LEAST_PERCENT = 100, 100, 5
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
    standing: Ints = field(init=False)
    counts: list[Ints] = field(init=False)
    bound: int = 0
    _next: int = 0

    def __post_init__(self) -> None:
        self.free = self.rows.free.copy()
        self.used = self.rows.allocatable - self.free[:, :2]
        self.scored = self.used + self.rows.assumed
        self.counts = [tally.start.copy() for tally in self.queue.tallies.kept]
        shapes = range(len(self.queue.shapes.requests))
        self.standing = np.zeros((len(shapes), len(self.rows)), dtype=np.int64)
        for shape in shapes:
            self.standing[shape] = self._resources(shape, slice(None))

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
        """Put a pod of a group on a node, and see anew what the node is to each shape."""
        shapes = self.queue.shapes
        self.free[node] -= shapes.requests[one.shape]
        self.used[node] += shapes.asked[one.shape]
        self.scored[node] += shapes.scored[one.shape]
        self.standing[:, node] = self._resources(slice(None), node)
        for place, amount in self.queue.adds[one.index]:
            counts, domain = self.counts[place], self.queue.tallies.kept[place].codes[node]
            if domain < len(counts) - 1:
                counts[domain] += amount
        self.bound += 1

    def feasible(self, one: Queued) -> Ints:
        """The nodes that pass all filters, and of many only so many as the scheduler looks for."""
        passing = self.standing[one.shape] >= 0
        if one.ruled:
            passing &= self._ruled(one)
        return self._enough(passing)

    def scores(self, one: Queued, nodes: Ints) -> Ints:
        """The weighted sum of all scores, for nodes that passed."""
        total: Ints = self.standing[one.shape, nodes]
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

    def _resources(self, shape: int | slice, node: int | slice) -> Ints:
        """What the resources of one node are worth to all shapes, or those of all nodes to one; -1: no room there.

        NodeResourcesFit, filter and score, and NodeResourcesBalancedAllocation, which best-effort pods are spared.
        """
        shapes = self.queue.shapes
        requests, asked = shapes.requests[shape], shapes.asked[shape]
        fits = ((requests <= self.free[node]) | (requests == 0)).all(axis=-1) & shapes.admitted[shape, node]
        allocatable = self.rows.allocatable[node]
        score = scoring.least_allocated(allocatable, self.scored[node] + shapes.scored[shape])
        balance = scoring.balanced_allocation(allocatable, self.used[node] + asked)
        standing: Ints = np.where(fits, score + balance * asked.any(axis=-1), -1)
        return standing

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
            size = int(scored.sum()) if wish.by_host else int(np.count_nonzero(np.bincount(codes[scored])))
            parts.append((self.counts[wish.look.tally][codes], size, wish.max_skew, wish.labelled[nodes]))
        return scoring.spread_score(parts, scored)

    def _enough(self, passing: Flags) -> Ints:
        """``findNodesThatPassFilters``: from where the last search ended, as many as ``numFeasibleNodesToFind``."""
        nodes, every = np.flatnonzero(passing), len(passing)
        wanted = max(FEWEST, every * max(LEAST_PERCENT, 50 - every // 125) // 100)
        if every < EVERYONE or len(nodes) < wanted:
            return nodes
        first = int(np.searchsorted(nodes, self._next))
        found = np.concatenate((nodes[first:], nodes[:first]))[:wanted]
        self._next = (int(found[-1]) + 1) % every
        return found

    def _dice(self) -> int:
        """A number that looks like chance and is the same every time."""
        mixed = (self.bound * 0x9E3779B1 + self.run * 0x85EBCA6B + 1) & _MASK
        mixed ^= mixed >> 15
        mixed = mixed * 0x2C1B3C6D & _MASK
        return mixed ^ mixed >> 12
