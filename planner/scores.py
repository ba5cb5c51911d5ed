"""kube-scheduler's scores with the default profile of 1.34, for many nodes at once.

Each function is one plugin's ``Score`` and ``NormalizeScore``: whole numbers from 0 to 100, rounded exactly where the
plugin rounds. Arrays of amounts are ``[2, nodes]``: cpu in millicores, then memory in bytes. Image locality and volumes
have no say: nodes that are to come hold neither.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from planner.resources import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.resources import Resources

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BEST = 100
#: The default profile's weights (``getDefaultPlugins``); those of NodeResourcesFit and BalancedAllocation are one.
TAINTS, NODE_AFFINITY, SPREAD, POD_AFFINITY = 3, 2, 2, 2
#: A pod that requests none of these is scored as if it asked for so much (``DefaultMilliCPURequest`` and ``…Memory…``).
ASSUMED_CPU, ASSUMED_MEMORY = 100, 200 * 1024**2
#: ``numFeasibleNodesToFind``: of fewer nodes than this all are looked at, of more never fewer than 100 or 5 %.
EVERYONE, FEWEST, LEAST_PERCENT = 100, 100, 5


def assumed(requests: Resources) -> tuple[int, int]:
    """The cpu and memory that ``GetNonzeroRequests`` adds where a pod asks for none."""
    return (0 if requests.get(CPU) else ASSUMED_CPU, 0 if requests.get(MEMORY) else ASSUMED_MEMORY)


def least_allocated(allocatable: Ints, requested: Ints) -> Ints:
    """NodeResourcesFit, LeastAllocated: the share left, as the mean over cpu and memory.

    ``requested`` is what the node holds and the pod asks, with what is assumed for pods that ask for nothing.
    """
    shares = np.maximum(allocatable - requested, 0) * BEST // np.maximum(allocatable, 1)
    cpu, memory = shares
    looked_at = np.maximum(np.count_nonzero(allocatable, axis=0), 1)
    mean: Ints = (cpu + memory) // looked_at
    return mean


def balanced_allocation(allocatable: Ints, requested: Ints) -> Ints:
    """NodeResourcesBalancedAllocation: how alike the used shares of cpu and memory are.

    ``requested`` is without what is assumed. A node that lacks one of the two has nothing to compare, which is best.
    """
    cpu, memory = np.minimum(requested / np.maximum(allocatable, 1), 1.0)
    apart = np.where(allocatable.all(axis=0), np.abs(cpu - memory) / 2, 0.0)
    balance: Ints = ((1 - apart) * BEST).astype(np.int64)
    return balance


def normalized(raw: Ints, *, reverse: bool = False) -> Ints:
    """``DefaultNormalizeScore``: the highest becomes 100; reversed, it becomes 0. ``raw`` is not empty."""
    highest = int(raw.max())
    if highest == 0:
        return np.full_like(raw, BEST) if reverse else raw
    scaled: Ints = raw * BEST // highest
    return BEST - scaled if reverse else scaled


def spread_score(parts: Iterable[tuple[Ints, int, int, Flags]], scored: Flags) -> Ints:
    """PodTopologySpread: fewer matching pods in a node's domains are better.

    ``parts`` are, for each constraint, the pods in each node's domain, the number of domains, maxSkew, and which nodes
    have the label at all. Nodes that are not ``scored`` lack a label that is asked for: they get nothing.
    """
    total = np.zeros(len(scored))
    for counts, size, max_skew, labelled in parts:
        total += (counts * math.log(size + 2) + (max_skew - 1)) * labelled
    raw = (total + 0.5).astype(np.int64)
    if scored.all():
        return _fewest_best(raw)
    found = np.zeros_like(raw)
    if scored.any():
        found[scored] = _fewest_best(raw[scored])
    return found


def _fewest_best(raw: Ints) -> Ints:
    lowest, highest = int(raw.min()), int(raw.max())
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
