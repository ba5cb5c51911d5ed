"""kube-scheduler's scores with the default profile of 1.34, for many nodes at once.

Each function is one plugin's ``Score`` and ``NormalizeScore``: whole numbers from 0 to 100, rounded exactly where the
plugin rounds. Arrays of amounts are ``[2, nodes]``: cpu in millicores, then memory in bytes. Image locality and volumes
have no say: nodes that are to come hold neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BEST = 100
#: The default profile's weights (``getDefaultPlugins``); those of NodeResourcesFit and BalancedAllocation are one.
TAINTS, NODE_AFFINITY, SPREAD, POD_AFFINITY = 3, 2, 2, 2
#: ``numFeasibleNodesToFind``: of fewer nodes than this all are looked at, of more never fewer than 100 or 5 %.
EVERYONE, FEWEST, LEAST_PERCENT = 100, 100, 5


@dataclass(frozen=True)
class Whole:
    """What nodes can give, cpu and memory along the first axis, with what scores need of it again and again.

    ``kinds`` is how many of both a node has at all; None where every node has both. Amounts are floats: they are exact,
    and so is what is rounded down below, as long as no node has 2⁴⁴ bytes of memory.
    """

    divisor: Floats
    kinds: Ints | None

    @classmethod
    def of(cls, amounts: Ints) -> Whole:
        counted = np.count_nonzero(amounts, axis=0)
        return cls(np.maximum(amounts, 1).astype(np.float64), None if (counted == len(amounts)).all() else counted)

    def only(self, node: int) -> Whole:
        """The same of one node."""
        at = slice(node, node + 1)
        return Whole(self.divisor[..., at], None if self.kinds is None else self.kinds[..., at])


def least_allocated(whole: Whole, left: Floats) -> Ints:
    """NodeResourcesFit, LeastAllocated: the share left, as the mean over cpu and memory.

    ``left`` is what a node can give less what it holds, the pod asks, and is assumed for pods that ask for nothing.
    """
    shares = (np.maximum(left, 0) * BEST / whole.divisor).astype(np.int64)
    total: Ints = shares[0] + shares[1]
    return total >> 1 if whole.kinds is None else total // np.maximum(whole.kinds, 1)


def balanced_allocation(whole: Whole, requested: Floats) -> Ints:
    """NodeResourcesBalancedAllocation: how alike the used shares of cpu and memory are.

    ``requested`` is without what is assumed. A node that lacks one of the two has nothing to compare, which is best.
    """
    shares = np.minimum(requested / whole.divisor, 1)
    balance: Ints = ((1 - np.abs(shares[0] - shares[1]) / 2) * BEST).astype(np.int64)
    return balance if whole.kinds is None else np.where(whole.kinds < len(whole.divisor), BEST, balance)


def normalized(raw: Ints, *, reverse: bool = False) -> Ints:
    """``DefaultNormalizeScore``: the highest becomes 100; reversed, it becomes 0. ``raw`` is not empty."""
    highest = int(raw.max())
    if highest == 0:
        return np.full_like(raw, BEST) if reverse else raw
    scaled: Ints = raw * BEST // highest
    return BEST - scaled if reverse else scaled


def spread_score(parts: Iterable[tuple[Ints, Ints, int, int]], scored: Flags | None = None) -> Ints:
    """PodTopologySpread: fewer matching pods in a node's domains are better.

    ``parts`` are, for each constraint, the pods in each domain (the last one: nodes without the label), each node's
    domain, the number of domains, and maxSkew. Nodes that are not ``scored`` lack a label that is asked for: they get
    nothing.
    """
    total = np.zeros(1)
    for counts, domains, size, max_skew in parts:
        weights = counts * np.float64(math.log(size + 2)) + (max_skew - 1)
        weights[-1] = 0.0
        total = total + weights[domains]
    raw: Ints = (total + 0.5).astype(np.int64)
    if scored is None:
        return _fewest_best(raw)
    found = np.zeros_like(raw)
    if scored.any():
        found[scored] = _fewest_best(raw[scored])
    return found


def _fewest_best(raw: Ints) -> Ints:
    lowest, highest = raw.item(raw.argmin()), raw.item(raw.argmax())
    if highest == 0:
        return np.full_like(raw, BEST)
    turned: Ints = BEST * (highest + lowest - raw) // highest
    return turned


def affinity_score(raw: Ints) -> Ints:
    """InterPodAffinity: the node with the highest sum of weights gets 100, the one with the lowest 0."""
    lowest, highest = int(raw.min()), int(raw.max())
    if highest == lowest:
        return np.zeros_like(raw)
    scaled: Ints = (BEST * ((raw - lowest) / (highest - lowest))).astype(np.int64)
    return scaled


def nodes_to_find(nodes: int) -> int:
    """``numFeasibleNodesToFind``: after how many nodes that pass the scheduler stops looking, of so many."""
    if nodes < EVERYONE:
        return nodes
    return max(FEWEST, nodes * max(LEAST_PERCENT, 50 - nodes // 125) // 100)
