"""kube-scheduler's scores with the default profile of 1.34, for many nodes at once.

Each function is one plugin's ``Score`` and ``NormalizeScore``. All are whole numbers from 0 to 100, rounded exactly
where the plugin rounds. Ports, volumes and image locality have no say: nodes that are to come hold no images.
"""

from __future__ import annotations

import math
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
#: A pod that requests none of these is scored as if it asked for so much (``DefaultMilliCPURequest`` and ``…Memory…``).
ASSUMED_CPU, ASSUMED_MEMORY = 100, 200 * 1024**2


def least_allocated(allocatable: Ints, requested: Ints) -> Ints:
    """NodeResourcesFit, LeastAllocated: the share left, as the mean over cpu and memory (the last axis)."""
    shares = np.maximum(allocatable - requested, 0) * BEST // np.maximum(allocatable, 1)
    total: Ints = shares.sum(axis=-1) // np.maximum((allocatable != 0).sum(axis=-1), 1)
    return total


def balanced_allocation(allocatable: Ints, requested: Ints) -> Ints:
    """NodeResourcesBalancedAllocation: how alike the used shares of cpu and memory (the last axis) are."""
    shares = np.minimum(requested / np.maximum(allocatable, 1), 1.0)
    apart = np.abs(shares[..., 0] - shares[..., 1]) / 2
    result: Ints = ((1 - np.where((allocatable == 0).any(axis=-1), 0.0, apart)) * BEST).astype(np.int64)
    return result


def normalized(raw: Ints, *, reverse: bool = False) -> Ints:
    """``DefaultNormalizeScore``: the highest becomes 100; reversed, it becomes 0."""
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
        total += np.where(labelled, counts * math.log(size + 2) + (max_skew - 1), 0.0)
    raw = np.floor(total + 0.5).astype(np.int64)
    if not scored.any():
        return np.zeros_like(raw)
    highest, lowest = int(raw[scored].max()), int(raw[scored].min())
    result = np.full_like(raw, BEST) if highest == 0 else BEST * (highest + lowest - raw) // highest
    return np.where(scored, result, 0)


def affinity_score(raw: Ints) -> Ints:
    """InterPodAffinity: the node with the highest sum of weights gets 100, the one with the lowest 0."""
    lowest, highest = int(raw.min()), int(raw.max())
    if highest == lowest:
        return np.zeros_like(raw)
    scaled: Ints = (BEST * ((raw - lowest) / (highest - lowest))).astype(np.int64)
    return scaled
