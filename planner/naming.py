"""Names of pools: ``karpenter-{flavor}-{zone}``, a suffix from the template where that name is taken, ``-2`` when full.

OVHcloud takes lower-case letters, digits and dashes; 51 characters leave room for ``-node-`` and six more in a node's
63-character host name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from planner.canonical import short_hash
from planner.ownership import PREFIX
from planner.pools import PoolName

if TYPE_CHECKING:
    from collections.abc import Container

    from planner.pools import Pool

LONGEST = 51
_VALID = re.compile(r"[a-z]([a-z0-9-]{0,49}[a-z0-9])?")


def is_valid(name: str) -> bool:
    """Whether OVHcloud takes the name for a node pool."""
    return _VALID.fullmatch(name) is not None


def name_for(pool: Pool, zone: str, taken: Container[str]) -> PoolName:
    """A free name for a new pool. The suffix is a hash of the pool's identity, so it is the same on every run."""
    stem = _clean(f"{PREFIX}{pool.flavor}-{zone}")
    if stem not in taken:
        return PoolName(stem)
    marked = f"{stem[: LONGEST - 9]}-{short_hash(_identity(pool))}"
    if marked not in taken:
        return PoolName(marked)
    return numbered(marked, taken)


def numbered(name: str, taken: Container[str]) -> PoolName:
    """The next free ``name-2``, ``name-3`` …, for pools that continue a full one."""
    number = 2
    while (candidate := f"{name[: LONGEST - 1 - len(str(number))]}-{number}") in taken:
        number += 1
    return PoolName(candidate)


def _clean(text: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", text.lower())[:LONGEST].rstrip("-")


def _identity(pool: Pool) -> dict[str, object]:
    return {
        "flavor": pool.flavor, "zones": list(pool.zones), "monthlyBilled": pool.monthly_billed,
        "antiAffinity": pool.anti_affinity, "labels": dict(pool.labels), "annotations": dict(pool.annotations),
        "taints": [str(taint) for taint in pool.taints],
    }  # fmt: skip
